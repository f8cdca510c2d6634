"""The table of `docs/performance.md` about any size: fitted lines, and what they predict."""

from math import ceil
from pathlib import Path
from typing import Any

from benchmarks.any_size_files import pages_of
from workflow.contract.limits import MOST_PAGES
from workflow.contract.runs import parts_of
from workflow.contract.sizes import MEMORY_MB
from workflow.steps.review_changes import PIECE

RESULTS = Path(__file__).parent / "results" / "any_size.json"
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- written by make bench-scale -->\n", "<!-- end of bench-scale -->\n"
GOAL = 50_000_000
GOAL_S, GOAL_MB = 300, 512
LAMBDA_S = 900
BASE_MB = 55
"""Python and libraries, which every function has."""

ONE_PART = 500_000
"""Up to so many rows, ReviewChanges holds more with each; beyond, one part of the texts."""


def fit(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Least squares: value at 0, and slope."""
    count = len(points)
    mean_x, mean_y = (sum(one[axis] for one in points) / count for axis in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
    return mean_y - slope * mean_x, slope


def show(results: dict[str, Any]) -> str:
    """The table, in Markdown."""
    states: dict[str, dict[str, dict[str, float]]] = results["states"]
    sizes = sorted({int(size) for found in states.values() for size in found})
    heads = [f"{size:,} rows" for size in sizes]
    read_s = results["s3_read_s"]
    lines = [
        "| state | " + " | ".join(heads) + f" | {GOAL:,} | ends at |",
        "|---|" + "---|" * (len(sizes) + 2),
    ]
    for state, found in states.items():
        measured = {int(size): one for size, one in found.items()}
        lines.append(_line(state, measured, sizes, read_s))
    return "\n".join(lines) + "\n"


def _line(state: str, found: dict[int, dict[str, float]], sizes: list[int], read_s: float) -> str:
    """A size that was not measured has a dash."""
    found = {rows: one | {"work_s": one["cpu_s"] + one["server_s"]} for rows, one in found.items()}
    seconds = {rows: one["work_s"] + one["reads"] * read_s for rows, one in found.items()}
    cells = [
        f"{seconds[rows]:.1f} s, {found[rows]['mb']:.0f} MB" if rows in found else "-"
        for rows in sizes
    ]
    if state == "PruneIndex":
        most = max(seconds.values()), max(one["mb"] for one in found.values())
        return _row(state, [*cells, f"{most[0]:.1f} s, {most[1]:.0f} MB a piece", "no size"])
    at_goal = (at(GOAL, found, read_s, state), memory_at(GOAL, found, state))
    held = at_goal[0] <= GOAL_S and at_goal[1] + BASE_MB <= GOAL_MB
    goal = f"{at_goal[0]:.0f} s, {at_goal[1]:.0f} MB" + ("" if held else ": missed")
    return _row(state, [*cells, goal, _end(state, found, read_s)])


def _row(state: str, cells: list[str]) -> str:
    return f"| `{state}` | " + " | ".join(cells) + " |"


def at(rows: int, found: dict[int, dict[str, float]], read_s: float, state: str) -> float:
    """Seconds of one call: work by rows, requests by pages."""
    base, slope = fit([(size, one["work_s"]) for size, one in found.items()])
    first, each = fit([(pages_of(size)[0], one["reads"]) for size, one in found.items()])
    pages = pages_of(rows)[0]
    if state == "ReviewChanges":
        files = parts_of(rows) * pages
        calls = max(1, ceil(files / PIECE))
        return (base + slope * rows) / calls + (pages + min(files, PIECE)) * read_s
    return base + slope * rows + (first + each * pages) * read_s


def memory_at(rows: int, found: dict[int, dict[str, float]], state: str) -> float:
    least = ONE_PART if state == "ReviewChanges" else 0
    points: list[tuple[float, float]] = [
        (pages_of(size)[0], one["mb"]) for size, one in found.items() if size > least
    ]
    base, slope = fit(points)
    return max(base + slope * pages_of(rows)[0], *(one["mb"] for one in found.values()))


def _end(state: str, found: dict[int, dict[str, float]], read_s: float) -> str:
    """The smallest size, in steps of 1 %, that exceeds 15 minutes or the function's memory."""
    rows = 1_000_000
    while pages_of(rows)[0] <= MOST_PAGES:
        if at(rows, found, read_s, state) > LAMBDA_S:
            return f"{rows / 1e6:,.0f} million rows, by time"
        if memory_at(rows, found, state) + BASE_MB > MEMORY_MB[state]:
            return f"{rows / 1e6:,.0f} million rows, by memory"
        rows = int(rows * 1.01)
    return f"no size that is planned ({rows / 1e6:,.0f} million rows)"


def record(results: dict[str, Any]) -> None:
    """Write the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    note = (
        f"\nOne read of S3 took {results['s3_read_s'] * 1000:.1f} ms of a function, sixteen at "
        f"once (Python {results['machine']['python']}, {results['machine']['cpu']}).\n"
    )
    PAGE.write_text(f"{before}{BEGIN}\n{show(results)}{note}\n{END}{after}", encoding="utf-8")
