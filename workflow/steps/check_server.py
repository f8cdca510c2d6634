"""Checks a Redis server before anything is written to it."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from workflow.contract.errors import IndexFeatureMissing, MemoryShort
from workflow.contract.ports.server import Engine, ServerFacts
from workflow.contract.redis_versions import refusal_of
from workflow.contract.settings import Settings
from workflow.steps.costs import bytes_of_generation
from workflow.steps.target import Target


class Limit(NamedTuple):
    """The required value of an engine setting, and what happens to searches otherwise."""

    least: int
    most: int
    otherwise: str


ANY = 2**63
SEARCH_LIMITS: Final[Mapping[str, Limit]] = {
    "MAXSEARCHRESULTS": Limit(10_000, ANY, "searches and their verification are refused"),
    "MAXAGGREGATERESULTS": Limit(10_000, ANY, "searches with filters are refused"),
    "MAXPREFIXEXPANSIONS": Limit(200, ANY, "half a name finds only some of its drugs"),
    "MINPREFIX": Limit(0, 2, "half a name finds nothing"),
}
"""Of FT.CONFIG. Everything else that it has was tried at its ends, and changes no answer."""


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
    for name, limit in SEARCH_LIMITS.items():
        figure = server.limits.get(name, limit.least)
        if not limit.least <= figure <= limit.most:
            right = limit.least if figure < limit.least else limit.most
            raise IndexFeatureMissing(
                f"{name} is {figure}, so that {limit.otherwise}; set it: FT.CONFIG SET {name} "
                f"{right}, and in the server's configuration, so that it survives a restart"
            )


def check_engine(engine: Engine, version: str) -> None:
    """Raise IndexFeatureMissing if the engine answers one of our test queries wrongly.

    Versions do not tell what an engine can do, and a proxy may hide it, so the answers decide.
    """
    if wrong := engine.misreadings():
        raise IndexFeatureMissing(
            f"the query engine of {version} gives wrong answers to {len(wrong)} of the test "
            f"queries ({'; '.join(wrong)}); use Redis 8 with its query engine, Redis Cloud or "
            "Redis Enterprise with one shard"
        )


def check_memory(
    facts: ServerFacts, settings: Settings, target: Target, rows: int, held: int
) -> None:
    """Raise MemoryShort if there is no room for a new generation. A sync replaces documents.

    Without maxmemory, the node's own memory is the limit. `held` is the number of drugs in all
    generations, from which the memory of each is estimated.
    """
    most = facts.max_memory or facts.machine_memory
    if not (target.new and most):
        return
    needed = bytes_of_generation(
        rows,
        settings,
        new_space=not target.space_exists,
        used_per_row=facts.used_memory / held if held else 0.0,
    )
    free = most - facts.used_memory
    if needed > free:
        name = "maxmemory" if facts.max_memory else "the node's memory"
        raise MemoryShort(
            f"a generation of {rows:,} drugs needs about {needed / 1e6:,.0f} MB, and of {name} "
            f"{most / 1e6:,.0f} MB only {free / 1e6:,.0f} MB are free; raise maxmemory, or take a "
            "larger node, and redrive the run"
        )
