"""Checks a Redis server before anything is written to it."""

from urllib.parse import urlsplit

from workflow.contract.errors import IndexFeatureMissing
from workflow.contract.ports.server import Engine, ServerFacts
from workflow.contract.redis_versions import refusal_of

LEAST_RESULTS = 10_000
"""How many results searches and their verification ask of one query."""


LOOPBACK = (None, "localhost", "127.0.0.1", "::1")


def check_server(server: ServerFacts, redis_url: str) -> None:
    """Raise IndexFeatureMissing, with what to change. Advisories count on a network only."""
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
    """Raise IndexFeatureMissing if the engine misreads one of our queries.

    Judged by its answers: versions do not tell, and a proxy may hide the engine.
    """
    if wrong := engine.misreadings():
        raise IndexFeatureMissing(
            f"the query engine of {version} does not answer as searches mean it ({len(wrong)} of "
            f"the probes: {'; '.join(wrong)}); use Redis 8 with its query engine, Redis Cloud or "
            "Redis Enterprise with one shard"
        )
