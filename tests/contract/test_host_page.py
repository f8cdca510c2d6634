"""The table of what the Redis host was put through is that of the command which does it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tools.host import PAGE, scenes, with_seconds

NOBODY: Any = None
EVENTS = [name for name, _ in scenes(NOBODY)]


def test_the_table_has_what_is_tried_in_its_order() -> None:
    table = (
        PAGE.read_text(encoding="utf-8").partition("| event | seconds |")[2].partition("\n\n")[0]
    )
    assert re.findall(r"^\| ([^|]+) \| \d+ \|", table, re.MULTILINE) == EVENTS


def test_the_seconds_are_written_into_the_rows() -> None:
    page = PAGE.read_text(encoding="utf-8")
    written = with_seconds(page, {name: 1000.4 + number for number, name in enumerate(EVENTS)})
    assert re.findall(r"\| (1\d{3}) \|", written) == [str(1000 + n) for n in range(len(EVENTS))]
    assert len(written.splitlines()) == len(page.splitlines())


def test_a_new_event_needs_its_row() -> None:
    with pytest.raises(ValueError, match=r"deploy\.md has 0 rows of 'a flood'"):
        with_seconds(PAGE.read_text(encoding="utf-8"), {"a flood": 1})
