"""`make bench`: beside the loader that this replaces, and beside the floor.

Writes benchmarks/results/latest.json and prints a table. Seconds are this machine's; the ratios are
of things that ran side by side.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.comparisons import against_floor, against_old_loader
from benchmarks.lab import machine, start
from local.stack import down

RESULTS = Path(__file__).parent / "results" / "latest.json"
OLD_LOADER_ROWS = 5_000
FLOOR_ROWS = 10_000


def main(
    full: Annotated[bool, typer.Option("--full", help="The whole catalog: 243,941 rows.")] = False,
) -> None:
    """Measure, write the results, show them."""
    console = Console()
    stack = start(lambda part: console.print(f"starting {part}"))
    try:
        results = {
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "against_old_loader": against_old_loader(stack, OLD_LOADER_ROWS),
            "against_floor": against_floor(stack, None if full else FLOOR_ROWS),
        }
    finally:
        down(stack.root)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    _show(console, results)


def _show(console: Console, results: dict[str, Any]) -> None:
    old, floor = results["against_old_loader"], results["against_floor"]
    table = Table(title="medians of three", title_justify="left")
    for column in ("what", "rows", "ours", "beside", "ratio"):
        table.add_column(column)
    table.add_row(
        "first build, 70 ms a call, against the old loader",
        f"{old['rows']:,}",
        f"{old['ours_rows_per_s']:,.0f} rows/s",
        f"{old['old_rows_per_s']:,.1f} rows/s",
        f"{old['times_faster']:.0f} x faster",
    )
    for name, bare in (("backfill", "backfill_s"), ("no_change", "no_change_s")):
        one = floor[name]
        table.add_row(
            f"{name}, functions alone, against bare loops",
            f"{floor['rows']:,}",
            f"{one['functions_s']:.2f} s (and {one['engine_s']:.2f} s of the engine)",
            f"{floor['floor'][bare]:.2f} s",
            f"{one['times_the_floor']:.1f} x the floor",
        )
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
