"""Writes what was measured into docs/performance.md, between the marks of each part."""

import re
from pathlib import Path
from typing import Any

from benchmarks.short import short
from benchmarks.tables import TABLES, markdown

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PART = re.compile(r"(<!-- bench: ([a-z-]+) -->\n).*?(<!-- end of bench -->\n)", re.DOTALL)
SHORT = "short"
ROW = re.compile(r"^\| (?!what|---)(.*?) \|.*$", re.MULTILINE)
SAID = "Measured {date} on {cores} cores ({cpu}) with Python {python}, load {load:.0f}."


def write(results: dict[str, Any]) -> None:
    """Parts that have marks on the page and results; the others stay as they are."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(PART.sub(lambda found: _part(found, results), page), encoding="utf-8")


def _part(found: re.Match[str], results: dict[str, Any]) -> str:
    begin, name, end = found.groups()
    if name == SHORT:
        return f"{begin}\n{_merged(found[0], markdown(short(results)))}\n\n{end}"
    if name not in results:
        return found[0]
    one = results[name]
    said = SAID.format(date=one["measured_at"][:10], load=one["load"], **one["machine"])
    tables = [f"**{table.title}**\n\n{markdown(table)}" for table in TABLES[name](one["found"])]
    return "\n".join([begin, *tables, f"{said}\n", end])


def _merged(before: str, measured: str) -> str:
    """The measured rows; those of parts that were not measured stay as they are on the page."""
    head = measured.split("\n")[:2]
    rows = {_name(row[1]): row[0] for text in (before, measured) for row in ROW.finditer(text)}
    return "\n".join([*head, *rows.values()])


def _name(what: str) -> str:
    """A row's first cell, whatever numbers it has."""
    return re.sub(r"[\d,]+", "N", what)
