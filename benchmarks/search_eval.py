"""How well searches find: hit@1, hit@10, MRR and nDCG@10 by kind of query.

    python -m benchmarks.search_eval            (make eval; with --blind, the blind set alone)

For vectors alone, words alone and both fused, over the 101,447 prescription packages of the FDA's
directory, with 95 % bootstrap intervals. The first time it embeds 13,077 texts (about 4 minutes).
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import NamedTuple

from redis import Redis

from benchmarks.fda_index import (
    ALL_PRESCRIPTIONS,
    Catalog,
    LocalEmbedder,
    embedded,
    load_index,
    read_catalog,
)
from benchmarks.search_queries import EvalQuery, make_blind_queries, make_queries
from local.places import home
from local.servers.servers import start_redis, stop_redis
from local.servers.stack import DIMENSIONS
from tests.fakes import FakeQuota
from workflow.adapters.redis.index import RedisIndex
from workflow.adapters.redis.queries import RedisSearch
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.model import Embedder
from workflow.embedding.caller import Caller
from workflow.search.floor import Meaning
from workflow.search.parts import Answer
from workflow.search.query_cache import CachedQueries
from workflow.search.search import search
from workflow.verify.floor import measured_floor

FIRST = 10
RESAMPLES = 1000
NAMES = LiveNames("eval", "eval")


class Scores(NamedTuple):
    hit1: float
    hit10: float
    mrr: float
    ndcg: float


def score(query: EvalQuery, found: Sequence[str]) -> Scores:
    """Of the first ten texts, each of which is relevant or not."""
    right = [one in query.relevant for one in found[:FIRST]]
    first = next((1 / rank for rank, hit in enumerate(right, 1) if hit), 0.0)
    gain = sum(hit / math.log2(rank + 1) for rank, hit in enumerate(right, 1))
    most = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(query.relevant), FIRST) + 1))
    return Scores(float(right[:1] == [True]), float(any(right)), first, gain / most if most else 0)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Holds 95 % of the means of resampled queries (bootstrap)."""
    draw = random.Random(6)  # the same intervals each time
    means = sorted(
        math.fsum(draw.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES)
    )
    return means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES) - 1]


def show(title: str, scored: Sequence[tuple[EvalQuery, Scores]]) -> None:
    print(f"\n{title}\n{'':14}{'n':>4}  {'hit@1':18}{'hit@10':18}{'MRR':18}{'nDCG@10':18}")
    kinds = list(dict.fromkeys(query.kind for query, _ in scored))
    for kind in [*kinds, "all"]:
        rows = [scores for query, scores in scored if kind in (query.kind, "all")]
        cells = []
        for values in zip(*rows, strict=True):
            low, high = interval(values)
            cells.append(f"{sum(values) / len(values):.3f} [{low:.2f}, {high:.2f}]  ")
        print(f"{kind:14}{len(rows):4}  {''.join(cells)}")


def evaluate(
    queries: Sequence[EvalQuery], ask: Callable[[str], Sequence[str]], *, verbose: bool = False
) -> list[tuple[EvalQuery, Scores]]:
    scored = []
    for query in queries:
        found = list(ask(query.query))
        scored.append((query, score(query, found)))
        if verbose and scored[-1][1].hit1 < 1:
            print(f"  {query.kind:12} {query.query!r} {scored[-1][1]}")
    return scored


def swapped(queries: Sequence[EvalQuery], ask: Callable[[str], Sequence[str]]) -> list[str]:
    """Look-alike queries whose first text belongs to the other drug."""
    return [
        query.query
        for query in queries
        if query.swapped
        and any(one in query.swapped - query.relevant for one in list(ask(query.query))[:1])
    ]


def prepare(index: RedisIndex) -> Catalog:
    catalog = read_catalog(ALL_PRESCRIPTIONS, NAMES.space)
    vectors = embedded(catalog.texts, home() / "eval" / "minilm")
    load_index(index, catalog, vectors, NAMES, DIMENSIONS)
    return catalog


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--verbose", action="store_true", help="show the tuned queries that fail")
    parser.add_argument("--blind", action="store_true", help="ask the blind set: not for tuning")
    arguments = parser.parse_args()
    with served() as (index, catalog, _):
        make = make_blind_queries if arguments.blind else make_queries
        report(make(catalog), index, blind=arguments.blind, verbose=arguments.verbose)


class Served(NamedTuple):
    """A live generation, and where its Redis is."""

    searched: RedisSearch
    catalog: Catalog
    url: str


def search_at(url: str) -> RedisIndex:
    client = Redis.from_url(url, protocol=3)
    return RedisIndex(client, dimensions=DIMENSIONS, algorithm="FLAT", options={})


@contextmanager
def served() -> Iterator[Served]:
    """The FDA's prescriptions as the live generation of a Redis of the evaluation's own."""
    root = home() / "eval"
    server = start_redis(root, extra_args=("--appendonly", "no"))
    try:
        with Redis.from_url(server.url, protocol=3) as client:
            client.flushall()
        index = search_at(server.url)
        yield Served(index.search, prepare(index), server.url)
    finally:
        stop_redis(root)


def meaning_of(index: RedisSearch) -> Meaning:
    """MiniLM, with the floor that a verification of this generation would measure."""
    embedder = CachedQueries(LocalEmbedder(DIMENSIONS))
    with closing(Caller(embedder, FakeQuota(), DIMENSIONS)) as caller:
        floor = measured_floor(caller, index, NAMES.space, threads=2)
    assert floor is not None
    print(f"floor of this space: {floor}")
    return Meaning(embedder, floor)


def ask_of(index: RedisSearch, meaning: Meaning | None) -> Callable[[str], Answer]:
    return partial(search, names=NAMES, meaning=meaning, index=index, limit=FIRST, packages=1)


def report(queries: Sequence[EvalQuery], index: RedisSearch, *, blind: bool, verbose: bool) -> None:
    meaning = meaning_of(index)
    parts = (
        {"blind": queries}
        if blind
        else {
            "tuned": [one for one in queries if not one.unseen],
            "unseen": [one for one in queries if one.unseen],
        }
    )
    lenses: dict[str, Callable[[str], list[str]]] = {
        "vector only": partial(by_vector, index, meaning.embedder),
        "words only": partial(by_search, index, None),
        "hybrid": partial(by_search, index, meaning),
    }
    print(", ".join(f"{len(part)} queries {title}" for title, part in parts.items()))
    for name, ask in lenses.items():
        for title, part in parts.items():
            shown = verbose and name == "hybrid" and title == "tuned"
            show(f"{name}, {title}", evaluate(part, ask, verbose=shown))
        print(f"look-alikes swapped: {swapped(queries, ask) or 'none'}")


def by_vector(index: RedisSearch, embedder: Embedder, text: str) -> list[str]:
    """The nearest texts by vector alone."""
    vector = embedder.embed([text], "query")[0].data
    return [hit.name for hit in index.nearest_texts(NAMES.space, vector, FIRST)]


def by_search(index: RedisSearch, meaning: Meaning | None, text: str) -> list[str]:
    """The text of each card's first strength, in the order of the parts."""
    found = ask_of(index, meaning)(text)
    return [product.packages[0]["text_hash"] for product in found.products]


if __name__ == "__main__":
    main()
