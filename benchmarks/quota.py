"""Throughput against the model's quota, and connections against the limit of DiffPages."""

import time
from threading import Event, Thread
from typing import Any

from benchmarks.comparisons import BACKFILL
from benchmarks.lab import (
    FAST,
    LATENCY_MS,
    empty_redis,
    load_catalog,
    stand_in,
    timed_run,
)
from local.servers.servers import connect
from local.servers.stack import Stack
from local.standin.bedrock_process import counters
from workflow.adapters.redis.quota import BURST_S

ROWS = 2_000
QUOTAS = ((120_000, 1_000), (480_000, 3_000), (960_000, 6_000))
"""Tokens per minute, and drugs whose texts keep it busy for ten seconds."""

SHAPES = ((1, 16), (2, 16), (4, 32))
"""EmbedPage functions at once, and threads in each."""

BUCKET_S = 2
"""The stand-in's. The limiter uses an idle quota BURST_S ahead; what goes beyond is refused."""

DIFF_PAGE_ROWS, DIFF_LIMITS = 50, (2, 10)
LOOK_S = 0.002


def against_quota(stack: Stack) -> list[dict[str, Any]]:
    """The share of the quota that was used, and the calls that were refused.

    16 threads at 70 ms send 228 texts a second, which have about 520,000 tokens a minute.
    """
    found = []
    for quota, rows in QUOTAS:
        load_catalog(stack, rows)
        shapes = SHAPES if quota == QUOTAS[-1][0] else SHAPES[-1:]
        found += [_embed(stack, quota, functions, threads) for functions, threads in shapes]
    return found


def _embed(stack: Stack, quota: int, functions: int, threads: int) -> dict[str, Any]:
    settings = {
        **FAST,
        "tokens_per_minute": str(quota),
        "embed_concurrency": str(functions),
        "embedding_threads": str(threads),
        "embed_page_size": "200",
        "verify_texts": "0",
    }
    empty_redis(stack)
    stand_in(stack, latency_ms=LATENCY_MS, tokens_per_minute=quota, bucket_s=BUCKET_S)
    began: list[float] = []
    ended: list[float] = []

    def timed(state: str, _event: dict[str, Any], call: Any) -> Any:
        if state != "EmbedPage":
            return call()
        began.append(time.monotonic())
        try:
            return call()
        finally:
            ended.append(time.monotonic())

    before = counters(stack.bedrock)
    timed_run(stack, BACKFILL, settings, intercept=timed)
    after = counters(stack.bedrock)
    seconds = max(ended) - min(began)
    # What the idle quota had saved up is no throughput.
    tokens = after["tokens"] - before["tokens"] - quota / 60 * BURST_S
    return {
        "tokens_per_minute": quota,
        "functions": functions,
        "threads": threads,
        "seconds": seconds,
        "share_of_quota": 60 * tokens / seconds / quota,
        "calls": after["calls"] - before["calls"],
        "throttled": after["throttled"] - before["throttled"],
    }


def connections(stack: Stack) -> list[dict[str, int]]:
    """The most connections that MySQL had during a run, sampled every 2 ms."""
    load_catalog(stack, ROWS)
    stand_in(stack)
    return [_connections(stack, limit) for limit in DIFF_LIMITS]


def _connections(stack: Stack, limit: int) -> dict[str, int]:
    empty_redis(stack)
    settings = {**FAST, "diff_concurrency": str(limit), "verify_concurrency": str(limit)}
    with Watch(stack) as watch:
        timed_run(stack, {**BACKFILL, "page_size": DIFF_PAGE_ROWS}, settings)
    return {"limit": limit, "most_connections": watch.most, "pages": ROWS // DIFF_PAGE_ROWS}


class Watch:
    """Counts MySQL's connections, without its own, until the block ends."""

    def __init__(self, stack: Stack) -> None:
        self.most = 0
        self._connection = connect(stack.mysql)
        self._stop = Event()
        self._thread = Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._connection.close()

    def _look(self) -> None:
        cursor = self._connection.cursor()
        while not self._stop.wait(LOOK_S):
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
            self.most = max(self.most, int(cursor.fetchall()[0][1]) - 1)
