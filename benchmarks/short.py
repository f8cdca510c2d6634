"""The goals, and what was measured beside each: the first table of docs/performance.md."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from rich.table import Table

OLD_LOADER_TIMES, BACKFILL_TIMES, SYNC_TIMES = 50, 2.5, 3
QUOTA_SHARE = 0.9
ASKED = 100
ZIP_MB, IMPORT_MS, SEARCH_MS = 3, 300, 200
SEARCH = "SearchApi"


class Goal(NamedTuple):
    what: str
    measured: str
    goal: str
    met: bool


def short(results: dict[str, Any]) -> Table:
    """`results` are those of every part, by its name."""
    table = Table("what", "measured", "goal", title="Measured and wanted", title_justify="left")
    for one in _goals(results):
        table.add_row(one.what, one.measured if one.met else f"{one.measured}: missed", one.goal)
    return table


def _goals(results: dict[str, Any]) -> Iterator[Goal]:
    for part, goals in (
        ("old-loader", _old_loader),
        ("floor", _floor),
        ("quota", _quota),
        ("scale", _calls),
        ("cold-start", _cold_start),
    ):
        if part in results:
            yield from goals(results[part]["found"])


def _old_loader(found: dict[str, Any]) -> Iterator[Goal]:
    times = found["times_faster"]
    yield Goal(
        f"first build of {found['rows']:,} drugs at 70 ms per model call, beside the old loader",
        f"{times:.0f} times faster",
        f"{OLD_LOADER_TIMES}",
        times >= OLD_LOADER_TIMES,
    )


def _floor(found: dict[str, Any]) -> Iterator[Goal]:
    """Each beside bare loops that do the same work."""
    rows, floor = found["rows"], found["floor"]
    first, same = found["backfill"], found["no_change"]
    again = floor["verify_s"]
    backfill = first["functions_s"] / (floor["backfill_s"] + again)
    alone = (same["functions_s"] - same["verification_s"]) / floor["no_change_s"]
    reading = same["verification_s"] / again
    limit = f"{BACKFILL_TIMES} times"
    yield Goal(f"backfill of {rows:,} drugs", _times(backfill), limit, backfill <= BACKFILL_TIMES)
    yield Goal(
        f"sync without changes, {rows:,} drugs, without its verification",
        _times(alone),
        f"{SYNC_TIMES} times",
        alone <= SYNC_TIMES,
    )
    yield Goal("that verification", _times(reading), limit, reading <= BACKFILL_TIMES)


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times bare loops"


def _quota(found: dict[str, Any]) -> Iterator[Goal]:
    """Where threads suffice: each threads' share of a smaller quota is not the limiter's doing."""
    most = max(one["functions"] * one["threads"] for one in found["quota"])
    tried = [one for one in found["quota"] if one["functions"] * one["threads"] == most]
    least = min(one["share_of_quota"] for one in tried)
    refused = sum(one["throttled"] for one in tried)
    yield Goal(
        "throughput beside the model's quota",
        f"{least:.0%} and more, {refused or 'no'} calls refused",
        f"{QUOTA_SHARE:.0%}",
        least >= QUOTA_SHARE and not refused,
    )


def _calls(found: list[dict[str, Any]]) -> Iterator[Goal]:
    """Beyond the distinct texts, planning asks one text and verification its samples."""
    one = found[-1]
    distinct, calls = one["distinct_texts_by_sql"], one["model"]["calls"]
    again = one["model"]["all_runs"] - calls
    yield Goal(
        f"model calls of a first build, {one['rows']:,} drugs",
        f"{calls:,} for {distinct:,} distinct texts; {again:,} in two more runs",
        f"one a text, and {ASKED} a run for its own checks",
        calls <= distinct + ASKED and again <= 2 * ASKED,
    )


def _cold_start(found: list[dict[str, Any]]) -> Iterator[Goal]:
    largest = max(one["zip_mb"] for one in found)
    yield Goal("largest bundle, zipped", f"{largest:.2f} MB", f"{ZIP_MB} MB", largest <= ZIP_MB)
    for name, kind, limit in (
        ("import of a function's modules", "import_ms", IMPORT_MS),
        ("... compiled before", "compiled_ms", IMPORT_MS),
    ):
        longest = max(one[kind] for one in found)
        yield Goal(name, f"at most {longest:.0f} ms", f"{limit} ms", longest <= limit)
    search = next(one["compiled_ms"] for one in found if one["function"] == SEARCH)
    measured = f"{search:.0f} ms"
    yield Goal(
        "... of the search, compiled before", measured, f"{SEARCH_MS} ms", search <= SEARCH_MS
    )
