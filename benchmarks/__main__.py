"""`make bench`: what docs/performance.md says, measured.

Writes benchmarks/results/latest.json, prints tables, and writes them into the page. Seconds are
this machine's; the ratios are of things that ran side by side.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from os import getloadavg
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from benchmarks import page
from benchmarks.comparisons import against_floor, against_old_loader
from benchmarks.index_choices import index_choices
from benchmarks.lab import machine, start
from benchmarks.profile import profile
from benchmarks.quota import against_quota, connections
from benchmarks.scale import at_scale
from benchmarks.tables import show
from benchmarks.waits import waits
from local.places import home
from local.servers.stack import Stack, down

RESULTS = Path(__file__).parent / "results" / "latest.json"
PICTURE = Path(__file__).parents[1] / "docs" / "profile.svg"
OLD_LOADER_ROWS = 5_000
FLOOR_ROWS = 10_000
WAITS_ROWS, FULL_WAITS_ROWS = (2_000, 10_000), (2_000, 10_000, 100_000)
SIZES: tuple[int, ...] = (10_000, 50_000)
INDEX_TEXTS: tuple[int, ...] = (10_000,)
FULL_SIZES: tuple[int | None, ...] = (10_000, 50_000, None)
FULL_INDEX_TEXTS = (10_000, 50_000, 100_000)
"""The directory has fewer texts than the last."""


class Part(StrEnum):
    """What can be measured alone."""

    old_loader = "old-loader"
    floor = "floor"
    profile = "profile"
    scale = "scale"
    quota = "quota"
    indexes = "indexes"
    cold_start = "cold-start"
    waits = "waits"


def main(
    full: Annotated[bool, typer.Option("--full", help="Also the whole catalog.")] = False,
    only: Annotated[list[Part] | None, typer.Option(help="This part; may be repeated.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Into docs/performance.md.")] = False,
) -> None:
    """Measure, write the results, show them. Parts that are left out keep their last results."""
    console = Console()
    announce: Callable[[str], None] = lambda words: console.print(f"[dim]{words}[/]")  # noqa: E731
    results = orjson.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    stack = start(lambda part: announce(f"starting {part}"))
    try:
        for part in only or tuple(Part):
            announce(f"measuring {part.value}")
            results[part.value] = {
                "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "load": getloadavg()[1],
                "machine": machine(),
                "found": _measure(part, stack, full, announce),
            }
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    finally:
        down(stack.root)
    show(console, {name: one["found"] for name, one in results.items()})
    if write:
        page.write(results)


def _cold_starts() -> Any:
    # Here, because aws-cdk-lib takes seconds to import, and no other part needs it.
    from benchmarks.cold_start import cold_starts

    return cold_starts()


def _measure(part: Part, stack: Stack, full: bool, announce: Callable[[str], None]) -> Any:
    sizes: Sequence[int | None] = FULL_SIZES if full else SIZES
    texts = FULL_INDEX_TEXTS if full else INDEX_TEXTS
    waiting = FULL_WAITS_ROWS if full else WAITS_ROWS
    measures: dict[Part, Callable[[], Any]] = {
        Part.old_loader: lambda: against_old_loader(stack, OLD_LOADER_ROWS),
        Part.floor: lambda: against_floor(stack, FLOOR_ROWS),
        Part.profile: lambda: profile(stack, FLOOR_ROWS, PICTURE),
        Part.scale: lambda: [at_scale(stack, rows, announce) for rows in sizes],
        Part.quota: lambda: {"quota": against_quota(stack), "mysql": connections(stack)},
        Part.indexes: lambda: [index_choices(home() / "bench", one, announce) for one in texts],
        Part.cold_start: _cold_starts,
        Part.waits: lambda: [waits(stack, rows) for rows in waiting],
    }
    return measures[part]()


if __name__ == "__main__":
    typer.run(main)
