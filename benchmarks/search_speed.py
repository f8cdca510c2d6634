"""How long a search takes apart from the embedding, beside the bare FT.SEARCH.

    python -m benchmarks.search_speed --rows 10000 --clients 8

Each client is a process of its own with one connection. `bare` is the vector query alone, for as
many texts as a search asks for. Vectors are made from hashes: fast to make, and as hard for HNSW as
can be. `--rows all` is the whole directory, 243,941 packages.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from redis import Redis

from benchmarks.fda_index import batched, read_catalog
from benchmarks.search_queries import make_queries
from local.embedders import HashEmbedder
from local.servers import start_redis, stop_redis
from local.stack import DIMENSIONS, home
from workflow.adapters.redis_search import RedisIndex
from workflow.documents import vector_hash
from workflow.ports import Batch, Generation, LiveNames, Purpose, Text, Vector
from workflow.query_cache import CachedQueries
from workflow.search import HEAD, search
from workflow.vectors import to_bytes

HNSW = {"M": 16, "EF_CONSTRUCTION": 200, "EF_RUNTIME": 100}
NAMES = LiveNames("speed", "speed")
FILTER = {"route": "ORAL"}
KINDS = ("bare FT.SEARCH", "search", "search, filtered")


class Hashed:
    """The stand-in's fast embedder, in this process."""

    texts_per_call = 1

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        made = HashEmbedder()
        return [
            Vector(to_bytes([float(one) for one in made.embed(text, DIMENSIONS, 1.0)]), 1)
            for text in texts
        ]


def load(index: RedisIndex, rows: int | None) -> None:
    catalog = read_catalog(rows, NAMES.space)
    generation = Generation(*NAMES, "0", index.schema_digest(), "live", "speed", "", "")
    index.take_fence("speed")
    index.create_generation(generation)
    index.create_indexes(NAMES)
    started = time.monotonic()
    for texts in batched(catalog.texts.values(), 500):
        index.write_texts(NAMES.space, "speed", [_record(text) for text in texts])
    written = time.monotonic()
    for documents in batched(catalog.documents, 500):
        index.load(NAMES.generation, "speed", Batch(documents, ()), suspect=False)
    index.publish(generation, None, "speed")
    print(
        f"{len(catalog.documents):,} documents in {time.monotonic() - written:.1f} s, "
        f"{len(catalog.texts):,} texts in {written - started:.1f} s"
    )


def _record(text: Text) -> tuple[Text, Vector, str]:
    vector = Hashed().embed([text.text])[0]
    return text, vector, vector_hash(text.hash, vector.data)


def index_of(url: str) -> RedisIndex:
    client = Redis.from_url(url, protocol=2)
    return RedisIndex(client, dimensions=DIMENSIONS, algorithm="HNSW", options=HNSW)


def client(arguments: tuple[str, list[str], int]) -> dict[str, list[float]]:
    """Seconds of each call; the embeddings are cached before."""
    url, queries, rounds = arguments
    index, embedder = index_of(url), CachedQueries(Hashed())
    vectors = [embedder.embed([query], "query")[0].data for query in queries]

    def asked(**options: Any) -> list[Callable[[], object]]:
        return [
            lambda query=query: search(query, NAMES, embedder=embedder, index=index, **options)
            for query in queries
        ]

    bare = [lambda v=vector: index.nearest_texts(NAMES.space, v, HEAD) for vector in vectors]
    calls = dict(zip(KINDS, (bare, asked(), asked(filters=FILTER)), strict=True))
    for kind in calls.values():
        for call in kind:
            call()
    return {kind: _timed(of * rounds) for kind, of in calls.items()}


def _timed(calls: Sequence[Callable[[], object]]) -> list[float]:
    took = []
    for call in calls:
        started = time.perf_counter()
        call()
        took.append(time.perf_counter() - started)
    return took


def report(url: str, queries: list[str], clients: int, rounds: int) -> None:
    with multiprocessing.get_context("spawn").Pool(clients) as pool:
        answers = pool.map(client, [(url, queries, rounds)] * clients)
    print(f"\n{clients} clients, {len(queries)} queries, {rounds} rounds")
    base = 0.0
    for kind in KINDS:
        took = sorted(one for answer in answers for one in answer[kind])
        middle, last = statistics.median(took) * 1e3, took[int(0.99 * len(took))] * 1e3
        base = base or middle
        print(f"  {kind:18} p50 {middle:7.2f} ms   p99 {last:7.2f} ms   {middle / base:.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="10000", help="packages, or all")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rows = None if arguments.rows == "all" else int(arguments.rows)
    root = home() / "speed"
    server = start_redis(root)
    try:
        with Redis.from_url(server.url, protocol=2) as redis:
            redis.config_set("appendonly", "no")
            redis.flushall()
        load(index_of(server.url), rows)
        made = [one.query for one in make_queries(read_catalog(10_000, NAMES.space))]
        step = max(1, len(made) // arguments.queries)
        for clients in sorted({1, arguments.clients}):
            report(server.url, made[::step][: arguments.queries], clients, arguments.rounds)
    finally:
        stop_redis(root)


if __name__ == "__main__":
    main()
