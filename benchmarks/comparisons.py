"""Runs compared with the loader that they replace, and with the floor."""

from collections.abc import Callable
from typing import Any

from benchmarks import floor, old_loader
from benchmarks.lab import (
    FAST,
    LATENCY_MS,
    Timed,
    empty_redis,
    load_catalog,
    median_of,
    stand_in,
    timed_run,
)
from handlers.wiring import wiring
from local.servers.stack import Stack

OLD_ROWS = 500
IN_FLIGHT = {"embedding_threads": "32", "embed_concurrency": "2"}
BACKFILL = {"mode": "backfill"}
VERIFICATION = ("VerifyPage", "VerifyIndex")


def against_old_loader(stack: Stack, rows: int) -> dict[str, Any]:
    """A first build of `rows` drugs, and the old loader over 500 of them, by its constant speed."""
    load_catalog(stack, rows)
    stand_in(stack, latency_ms=LATENCY_MS)
    settings = {**FAST, **IN_FLIGHT}
    old = median_of(lambda: old_loader.rows_per_second(stack, OLD_ROWS, settings), 1)

    def ours() -> float:
        empty_redis(stack)
        return timed_run(stack, BACKFILL, settings).wall_s

    seconds = median_of(ours)
    return {
        "rows": rows,
        "old_rows_per_s": old,
        "ours_rows_per_s": rows / seconds,
        "times_faster": rows / seconds / old,
    }


def against_floor(stack: Stack, rows: int | None) -> dict[str, Any]:
    """A first build and a no-change sync, the engine's time apart, an embedder of no cost."""
    count = load_catalog(stack, rows)
    stand_in(stack)
    backfill = _median_run(lambda: _from_nothing(stack), 3)
    bare = _median_floor(stack, 3)
    empty_redis(stack)
    _from_nothing(stack)
    same = _median_run(lambda: timed_run(stack, {}, FAST, intercept=no_cost), 3)
    return {
        "rows": count,
        "floor": vars(bare)
        | {
            "backfill_s": bare.backfill_s,
            "no_change_s": bare.no_change_s,
            "verify_s": bare.verify_s,
        },
        "backfill": _beside(backfill, bare.backfill_s),
        "no_change": _beside(same, bare.no_change_s),
    }


def _from_nothing(stack: Stack) -> Timed:
    empty_redis(stack)
    return timed_run(stack, BACKFILL, FAST, intercept=no_cost)


def no_cost(state: str, _event: dict[str, Any], call: Callable[[], dict[str, Any]]) -> Any:
    """EmbedPage and VerifyIndex meet an embedder of no cost in place of Bedrock."""
    if state in ("EmbedPage", "VerifyIndex"):
        dimensions = wiring().settings.embedding_dimensions
        vars(wiring())["embedder"] = floor.NoCostEmbedder(dimensions)
    return call()


def _beside(timed: Timed, floor_s: float) -> dict[str, Any]:
    return {
        "wall_s": timed.wall_s,
        "moto_s": timed.wall_s - timed.functions_s,
        "functions_s": timed.functions_s,
        "verification_s": sum(timed.spans_s.get(state, 0.0) for state in VERIFICATION),
        "times_the_floor": timed.functions_s / floor_s,
        "busy_s": timed.busy_s,
    }


def _median_run(measure: Callable[[], Timed], times: int) -> Timed:
    return sorted((measure() for _ in range(times)), key=lambda one: one.functions_s)[times // 2]


def _median_floor(stack: Stack, times: int) -> floor.Floor:
    measured = [floor.measure(stack, FAST) for _ in range(times)]
    return sorted(measured, key=lambda one: one.backfill_s)[times // 2]
