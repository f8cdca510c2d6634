"""What a Redis server must be like before anything is written to it."""

from urllib.parse import urlsplit

from workflow.contract.errors import IndexFeatureMissing
from workflow.contract.ports.server import Engine, ServerFacts
from workflow.contract.redis_versions import refusal_of

LEAST_RESULTS = 10_000
"""What searches and their verification ask of one query at most."""


LOOPBACK = (None, "localhost", "127.0.0.1", "::1")


def check_server(server: ServerFacts, redis_url: str) -> None:
    """Raise IndexFeatureMissing, with what to change. Advisories are about servers of a network."""
    refusal = refusal_of(server.version)
    if refusal and urlsplit(redis_url).hostname not in LOOPBACK:
        raise IndexFeatureMissing(refusal)
    if server.cluster:
        raise IndexFeatureMissing(
            f"Redis {server.version} runs in cluster mode, where one transaction cannot hold a "
            "generation; use one primary with replicas"
        )
    if server.eviction_policy.startswith("allkeys"):
        raise IndexFeatureMissing(
            f"maxmemory-policy is {server.eviction_policy}, which deletes documents when memory is "
            "full; set it to noeviction"
        )
    if server.most_results < LEAST_RESULTS:
        raise IndexFeatureMissing(
            f"MAXSEARCHRESULTS is {server.most_results}, and searches need {LEAST_RESULTS:,}; "
            f"raise it: FT.CONFIG SET MAXSEARCHRESULTS {LEAST_RESULTS}"
        )


def check_engine(engine: Engine, version: str) -> None:
    """Raise IndexFeatureMissing where the engine takes one of our queries for another one.

    By what it answers: no version says it, and a proxy may hide which engine there is.
    """
    if wrong := engine.misreadings():
        raise IndexFeatureMissing(
            f"the query engine of {version} does not answer as searches mean it ({len(wrong)} of "
            f"the probes: {'; '.join(wrong)}); use Redis 8 with its query engine, Redis Cloud or "
            "Redis Enterprise with one shard"
        )
