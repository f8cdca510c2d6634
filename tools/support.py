"""The table of docs/support.md, made from the results of `tools.places`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).with_name("support.json")
PAGE = Path(__file__).parents[1] / "docs/support.md"
HEADS = (
    *("place", "Python", "catalog server", "Redis", "install", "demo", "disk", "words"),
    *("tests", "tried"),
)
FIRST, LAST = "<!-- tools/support.json -->\n\n", "\n\n<!-- end -->"


@dataclass(frozen=True)
class Result:
    """One attempt in one place. ``failed`` is the step that did, ``given`` a part of the tests.

    ``processor`` has seconds of both cores together, which a busy machine does not change much.
    ``words`` are what a newcomer is shown until the demo ended, ``megabytes`` what is on the disk.
    """

    place: str
    servers: dict[str, str]
    seconds: dict[str, int]
    processor: dict[str, int]
    words: int
    megabytes: int
    tests: dict[str, int]
    given: str
    failed: str
    tried: str


def read_results() -> dict[str, Result]:
    if not RESULTS.exists():
        return {}
    return {one["place"]: Result(**one) for one in json.loads(RESULTS.read_text("utf-8"))}


def write_page(results: dict[str, Result]) -> None:
    ordered = [results[place] for place in sorted(results)]
    RESULTS.write_text(json.dumps([asdict(one) for one in ordered], indent=1) + "\n", "utf-8")
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")


def page(text: str) -> str:
    """The page with the table of the results that are there."""
    before, _, rest = text.partition(FIRST)
    _, _, after = rest.partition(LAST)
    return before + FIRST + "\n".join(table(read_results().values())) + LAST + after


def table(results: Iterable[Result]) -> list[str]:
    """Lines of Markdown."""
    lines = [f"| {' | '.join(HEADS)} |", f"|{'---|' * len(HEADS)}"]
    return lines + [_line(one) for one in results]


def _line(one: Result) -> str:
    cells = [
        one.place,
        *(one.servers.get(name, "") for name in ("python", "mysql", "redis")),
        *(_seconds(one, step) for step in ("install", "demo")),
        f"{one.megabytes:,} MB" if one.megabytes else "-",
        f"{one.words:,}" if one.words else "-",
        _tests(one),
        one.tried,
    ]
    return f"| {' | '.join(cells)} |"


def _seconds(one: Result, step: str) -> str:
    spent = f"{one.seconds[step]} s" if step in one.seconds else "-"
    if one.processor.get(step):
        spent += f" ({one.processor[step]} s of processor)"
    return f"{spent}, **failed**" if one.failed == step else spent


def _tests(one: Result) -> str:
    if not one.tests:
        return "-"
    counts = ", ".join(f"{count:,} {word}" for word, count in one.tests.items())
    return f"{counts} in {_seconds(one, 'tests')}{part_of(one.given)}"


def part_of(given: str) -> str:
    """How many folders and files of tests were given; empty where all tests ran."""
    files = sum(path.endswith(".py") for path in given.split())
    counts = {"folder": len(given.split()) - files, "file": files}
    said = [f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts.items() if count]
    return f" (only {' and '.join(said)} of tests)" if said else ""
