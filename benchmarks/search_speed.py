"""How long a search takes without its embedding, compared with a bare FT.SEARCH.

    python -m benchmarks.search_speed --rows 10000 --clients 8

Each client is a process of its own with one connection. All clients ask the same kind of call at a
time, and change it every 20 queries, so that whatever else the machine does slows all kinds alike.
`bare 150` is the vector query alone, for as many texts as a search asks for; `bare 10` is for as
many as it shows. No query is asked twice of a client as the same kind, so that of what a function
keeps, the embeddings are there before, and columns of texts that another query met. Vectors are
made from hashes: fast to make, and as hard for HNSW as can be. `--rows all` is the whole
directory, 243,941 packages.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple

import numpy as np
from redis import Redis

from benchmarks.fda_index import batched, load_index, read_catalog, words_hash
from benchmarks.search_queries import EvalQuery, make_queries
from local.places import home
from local.servers.servers import start_redis, stop_redis
from local.servers.stack import DIMENSIONS
from local.standin.embedders import HashEmbedder
from workflow.adapters.redis.client import CommandPacker
from workflow.adapters.redis.index import RedisIndex
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.model import Purpose, Vector
from workflow.contract.vectors import to_bytes, to_floats
from workflow.search.asked import HEAD
from workflow.search.floor import Meaning
from workflow.search.query_cache import CachedQueries
from workflow.search.search import search

HNSW = {"M": 16, "EF_CONSTRUCTION": 400, "EF_RUNTIME": 800}
NAMES = LiveNames("speed", "speed")
FILTER = {"route": ("ORAL",)}
BARE = f"bare {HEAD}"
NAMED = ("brand", "misspelling", "exact", "look-alike")
LONGEST_S = 120
"""A batch of vectors into HNSW takes this long at most, on a busy machine."""

BLOCK = 20
"""Queries that all clients ask in one kind before all go on to the next kind."""

together: Barrier


class Took(NamedTuple):
    """One call. `named`: a query for a drug by its name, and not for what it is for."""

    kind: str
    named: bool
    seconds: float


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
    embedder = Hashed()
    vectors = {
        words_hash(text.text): np.array(to_floats(embedder.embed([text.text])[0].data))
        for text in catalog.texts.values()
    }
    started = time.monotonic()
    load_index(index, catalog, vectors, NAMES, DIMENSIONS)
    counts = f"{len(catalog.documents):,} documents and {len(catalog.texts):,} texts"
    print(f"{counts} in {time.monotonic() - started:.1f} s")


def index_of(url: str) -> RedisIndex:
    """As a function makes it: hiredis packs the commands."""
    packer = CommandPacker()
    client = Redis.from_url(url, protocol=3, socket_timeout=LONGEST_S, command_packer=packer)
    return RedisIndex(client, dimensions=DIMENSIONS, algorithm="HNSW", options=HNSW)


def client(queries: list[EvalQuery], number: int, url: str) -> list[Took]:
    """Sends each query once, in an order of its own; the first block is a warm-up."""
    index, embedder = index_of(url).search, CachedQueries(Hashed())
    ordered = random.Random(number).sample(queries, len(queries))
    vectors = {one.query: embedder.embed([one.query], "query")[0].data for one in queries}

    def ask(one: EvalQuery, **options: Any) -> object:
        return search(one.query, NAMES, meaning=Meaning(embedder), index=index, **options)

    def bare(one: EvalQuery, count: int) -> object:
        return index.nearest_texts(NAMES.space, vectors[one.query], count)

    kinds: dict[str, Callable[[EvalQuery], object]] = {
        BARE: partial(bare, count=HEAD),
        "bare 10": partial(bare, count=10),
        "search": ask,
        "search, filtered": partial(ask, filters=FILTER),
    }
    took = []
    for place, block in enumerate(batched(ordered, BLOCK)):
        for kind, call in kinds.items():
            together.wait()
            for one in block:
                started = time.perf_counter()
                call(one)
                seconds = time.perf_counter() - started
                if place:
                    took.append(Took(kind, one.kind in NAMED, seconds))
    return took


def meet(barrier: Barrier) -> None:
    """Called once in each process of the pool."""
    global together
    together = barrier


def report(url: str, queries: list[EvalQuery], clients: int) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(clients, meet, (context.Barrier(clients),)) as pool:
        answers = pool.map(partial(client, queries, url=url), range(clients), 1)
    took = [one for answer in answers for one in answer]
    print(f"\n{clients} clients, {len(queries) - BLOCK} queries each")
    for title, named in (("all queries", None), ("names", True), ("descriptions", False)):
        part = [one for one in took if named in (None, one.named)]
        print(f"  {title}")
        base: list[float] = []
        for kind in dict.fromkeys((BARE, *(one.kind for one in part))):
            seconds = sorted(one.seconds for one in part if one.kind == kind)
            cells = [statistics.median(seconds), seconds[int(0.99 * len(seconds))]]
            cells.append(statistics.mean(seconds))
            base = base or cells
            shown = "".join(
                f"  {name} {cell * 1e3:7.2f} ms ({cell / bare:4.2f} x)"
                for name, cell, bare in zip(("p50", "p99", "mean"), cells, base, strict=True)
            )
            print(f"    {kind:17}{shown}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="10000", help="packages, or all")
    parser.add_argument("--clients", type=int, default=8)
    arguments = parser.parse_args()
    rows = None if arguments.rows == "all" else int(arguments.rows)
    root = home() / "speed"
    server = start_redis(root)
    try:
        with Redis.from_url(server.url, protocol=2) as redis:
            redis.config_set("appendonly", "no")
            redis.flushall()
        load(index_of(server.url), rows)
        queries = make_queries(read_catalog(10_000, NAMES.space))
        for clients in sorted({1, arguments.clients}):
            report(server.url, queries, clients)
    finally:
        stop_redis(root)


if __name__ == "__main__":
    main()
