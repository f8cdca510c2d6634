"""What a Redis server must be like before anything is written to it."""

from urllib.parse import urlsplit

from workflow.contract.errors import IndexFeatureMissing
from workflow.contract.ports.server import ServerFacts
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
