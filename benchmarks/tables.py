"""The results as tables."""

from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console
from rich.table import Table


def show(console: Console, results: dict[str, Any]) -> None:
    """Print what was measured, without parts that have no results."""
    for name, table in TABLES.items():
        if name in results:
            for one in table(results[name]):
                console.print(one)


def _table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _old_loader(found: dict[str, Any]) -> list[Table]:
    row = (
        f"{found['rows']:,}",
        f"{found['ours_rows_per_s']:,.0f}",
        f"{found['old_rows_per_s']:.1f}",
        f"{found['times_faster']:.0f} x",
    )
    columns = ("rows", "ours, rows/s", "old loader, rows/s", "faster")
    return [_table("First build at 70 ms a model call", columns, [row])]


def _floor(found: dict[str, Any]) -> list[Table]:
    rows = []
    for name, bare in (("backfill", "backfill_s"), ("no_change", "no_change_s")):
        one = found[name]
        rows.append(
            (
                name,
                f"{one['functions_s']:.2f} s",
                f"{one['moto_s']:.2f} s",
                f"{found['floor'][bare]:.2f} s",
                f"{one['times_the_floor']:.1f} x",
            )
        )
    columns = ("run", "functions", "moto apart", "bare loops", "times the floor")
    return [_table(f"Beside bare loops, {found['rows']:,} rows", columns, rows)]


def _profile(found: dict[str, Any]) -> list[Table]:
    return [
        _table(
            f"Seconds of each state: {name}",
            ("state", "s"),
            [(state, f"{seconds:.2f}") for state, seconds in states.items()],
        )
        for name, states in found.items()
    ]


def _scale(found: list[dict[str, Any]]) -> list[Table]:
    columns = ("", *(f"{one['rows']:,} rows" for one in found))
    rows: list[tuple[str, ...]] = []

    def add(name: str, form: str, *path: str) -> None:
        rows.append((name, *(format(_at(one, path), form) for one in found)))

    for run in ("backfill", "no_change"):
        add(f"{run}: functions, s", ",.1f", run, "functions_s")
        add(f"{run}: moto apart, s", ",.1f", run, "moto_s")
        add(f"{run}: MySQL rows read", ",", run, "mysql_rows_read")
        add(f"{run}: S3 bytes", ",", run, "s3_bytes")
    add("distinct texts, by SQL", ",", "distinct_texts_by_sql")
    add("texts embedded", ",", "texts_embedded")
    add("texts embedded by two more runs", ",", "texts_embedded_again")
    add("Redis bytes a document", ",.0f", "redis_bytes_per_document")
    states = found[-1]["peak_memory_mb"]
    for state in states:
        add(f"peak memory of {state}, MB", ".1f", "peak_memory_mb", state)
    counted = [
        (
            f"{one['rows']:,} rows, {run}",
            *(f"{of[0]:,} / {of[1]:,}" for of in one[run]["estimated_and_counted"].values()),
        )
        for one in found
        for run in ("backfill", "no_change")
    ]
    kinds = found[-1]["backfill"]["estimated_and_counted"]
    return [
        _table("At scale", columns, rows),
        _table("Estimated / counted", ("run", *kinds), counted),
    ]


def _at(found: Any, path: Iterable[str]) -> Any:
    for name in path:
        found = found[name]
    return found


def _quota(found: dict[str, Any]) -> list[Table]:
    columns = ("tokens a minute", "functions x threads", "share of the quota", "calls", "refused")
    rows = [
        (
            f"{one['tokens_per_minute']:,}",
            f"{one['functions']} x {one['threads']}",
            f"{one['share_of_quota']:.0%}",
            f"{one['calls']:,}",
            f"{one['throttled']}",
        )
        for one in found["quota"]
    ]
    limits = [
        (f"{one['limit']}", f"{one['most_connections']}", f"{one['pages']}")
        for one in found["mysql"]
    ]
    return [
        _table("Throughput against the quota", columns, rows),
        _table("Connections to MySQL", ("limit", "most at once", "pages"), limits),
    ]


def _index(found: list[dict[str, Any]]) -> list[Table]:
    return [_index_of(one) for one in found]


def _index_of(found: dict[str, Any]) -> Table:
    filters = ("all", "50 %", "10 %", "1 %")
    columns = ("index", "texts/s", "bytes", "no filter", *filters[1:])
    rows: list[tuple[str, ...]] = []
    for name, one in found.items():
        if not isinstance(one, dict):
            continue
        if "refused" in one:
            rows.append((name, "not offered"))
        elif "search" in one:
            searched = (one["search"][each] for each in filters)
            rows.append(
                (
                    name,
                    f"{one['texts_per_s']:,.0f}",
                    f"{one['bytes_per_text']:,.0f}",
                    *(_searched(each) for each in searched),
                )
            )
        elif "recall_at_10" in one:
            size = f"{one['bytes_per_document']:,.0f}"
            rows.append((name, f"{one['documents_per_s']:,.0f}", size, _searched(one)))
        else:
            rows.append((name, f"{one['texts_per_s']:,.0f}"))
    title = (
        f"{found['texts']:,} texts; {found['documents']:,} documents at "
        f"{found['documents_per_s']:,.0f}/s, {found['bytes_per_document']:,.0f} bytes each; "
        "searches: p50/p99 ms, recall@10"
    )
    return _table(title, columns, rows)


def _searched(one: dict[str, float]) -> str:
    return f"{one['p50_ms']:.1f}/{one['p99_ms']:.0f} {one['recall_at_10']:.2f}"


def _cold_start(found: list[dict[str, Any]]) -> list[Table]:
    columns = ("function", "zip, MB", "import, ms", "compiled before, ms")
    rows = [
        (
            one["function"],
            f"{one['zip_mb']:.2f}",
            f"{one['import_ms']:.0f}",
            f"{one['compiled_ms']:.0f}",
        )
        for one in found
    ]
    return [_table("Cold starts", columns, rows)]


def _waits(found: dict[str, Any]) -> list[Table]:
    rows = [
        (
            name,
            *(f"{ways[way][of]:.2f}" for way in ("imports", "standby") for of in _OF),
        )
        for name, ways in found["commands"].items()
    ]
    columns = ("command", "alone, least s", "median", "by the standby, least s", "median")
    return [_table(f"What a user waits for, {found['rows']:,} drugs", columns, rows)]


_OF = ("least_s", "median_s")


TABLES: dict[str, Callable[[Any], list[Table]]] = {
    "old-loader": _old_loader,
    "floor": _floor,
    "profile": _profile,
    "scale": _scale,
    "quota": _quota,
    "indexes": _index,
    "cold-start": _cold_start,
    "waits": _waits,
}
