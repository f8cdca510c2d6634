"""Catalogs of rising size: time, memory, requests and bytes, beside the cost model's estimates."""

import tracemalloc
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from redis import Redis

from benchmarks.comparisons import BACKFILL, no_cost
from benchmarks.lab import (
    FAST,
    ONE_BY_ONE,
    empty_redis,
    load_catalog,
    stand_in,
    timed_run,
)
from local.servers.servers import connect
from local.servers.stack import Stack
from local.standin.bedrock_process import counters

TRACED_PAGES = 2
"""Pages of each Map whose memory is measured: tracing takes twice the time."""

SETTINGS = {**FAST, "verify_recall": "0"}
"""The stand-in's vectors are random: of 68,000 such, HNSW finds only .66 of the nearest ten."""

TEXT_COLUMNS = ("generic_name", "brand_name", "strength", "dosage_form", "route", "drug_class")


def at_scale(stack: Stack, rows: int | None, announce: Callable[[str], None]) -> dict[str, Any]:
    """A first build and a no-change sync over `rows` drugs, or all, with every model call made."""
    count = load_catalog(stack, rows)
    stand_in(stack)
    empty_redis(stack)
    before = used_memory(stack)
    announce(f"{count:,} rows: backfill")
    backfill = _measured(stack, BACKFILL)
    redis_bytes = used_memory(stack) - before
    asked = counters(stack.bedrock)
    announce(f"{count:,} rows: backfill again, sync")
    second, same = _measured(stack, BACKFILL), _measured(stack, {})
    texts = distinct_texts(stack)
    announce(f"{count:,} rows: memory")
    empty_redis(stack)
    return {
        "rows": count,
        "distinct_texts_by_sql": texts,
        "texts_embedded": backfill["texts_embedded"],
        "texts_embedded_again": second["texts_embedded"] + same["texts_embedded"],
        "model": {**asked, "all_runs": counters(stack.bedrock)["calls"]},
        "backfill": backfill,
        "no_change": same,
        "redis_bytes_per_document": redis_bytes / count,
        "peak_memory_mb": _peak_memory(stack),
    }


def used_memory(stack: Stack) -> int:
    with Redis.from_url(stack.redis.url) as client:
        return int(client.info("memory")["used_memory"])


def distinct_texts(stack: Stack) -> int:
    """Counted by SQL as far as SQL can: columns folded, control characters and cuts aside."""
    folded = ", ".join(
        f"LOWER(REGEXP_REPLACE(TRIM(COALESCE(`{column}`, '')), '[[:space:]]+', ' '))"
        for column in TEXT_COLUMNS
    )
    sql = f"SELECT COUNT(DISTINCT CAST(CONCAT_WS('|', {folded}) AS BINARY)) FROM drugs"
    return _number(stack, sql)


def _number(stack: Stack, sql: str) -> int:
    connection = connect(stack.mysql)
    try:
        cursor = connection.cursor()
        cursor.execute(sql)
        return int(cursor.fetchall()[0][-1])
    finally:
        connection.close()


def _rows_read(stack: Stack) -> int:
    names = ("first", "key", "next", "rnd", "rnd_next")
    return sum(_number(stack, f"SHOW GLOBAL STATUS LIKE 'Handler_read_{name}'") for name in names)


def _measured(stack: Stack, run_input: dict[str, Any]) -> dict[str, Any]:
    before = _rows_read(stack)
    timed = timed_run(stack, run_input, SETTINGS)
    rows_read = _rows_read(stack) - before
    return {
        "wall_s": timed.wall_s,
        "functions_s": timed.functions_s,
        "moto_s": timed.wall_s - timed.functions_s,
        "busy_s": timed.busy_s,
        "texts_embedded": timed.report.texts_embedded,
        "mysql_rows_read": rows_read,
        "s3_bytes": timed.runs.bytes_written,
    }


def _peak_memory(stack: Stack) -> dict[str, float]:
    """Peak of what each function allocates, in MB, what moto keeps of its files included."""
    peaks: dict[str, float] = defaultdict(float)
    seen: dict[str, int] = defaultdict(int)

    def traced(state: str, event: dict[str, Any], call: Callable[[], dict[str, Any]]) -> Any:
        seen[state] += 1
        if seen[state] > TRACED_PAGES:
            return no_cost(state, event, call)
        tracemalloc.start()
        try:
            return no_cost(state, event, call)
        finally:
            peaks[state] = max(peaks[state], tracemalloc.get_traced_memory()[1] / 1e6)
            tracemalloc.stop()

    timed_run(stack, BACKFILL, {**SETTINGS, **ONE_BY_ONE}, intercept=traced)
    return dict(peaks)
