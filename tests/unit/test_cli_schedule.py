"""When scheduled syncs begin on one machine."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pytest
import typer

from cli.commands.schedule import interval, starts
from cli.show.terminal import Out

FIRST = datetime(2026, 11, 28, 3)
HOUR = timedelta(hours=1)


class Clock:
    """Time passes while it sleeps, and by what a run takes."""

    def __init__(self) -> None:
        self.now = FIRST

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def begun(times: int, takes: timedelta) -> tuple[list[datetime], str]:
    clock, file = Clock(), io.StringIO()
    found = []
    out = Out(file=file, width=100)
    for start in starts(HOUR, times, lambda: clock.now, clock.sleep, out):
        assert clock.now >= start
        found.append(start)
        clock.now += takes
    return found, file.getvalue()


def test_runs_begin_at_an_interval_from_the_first() -> None:
    found, said = begun(3, takes=timedelta(minutes=7))
    assert found == [FIRST, FIRST + HOUR, FIRST + 2 * HOUR]
    assert said.count("next sync at") == 2
    assert "next sync at 2026-11-28 04:00:00" in said


def test_a_run_that_takes_longer_is_followed_at_the_next_mark() -> None:
    found, _ = begun(2, takes=timedelta(minutes=130))
    assert found == [FIRST, FIRST + 3 * HOUR]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("1d", 86400)]
)
def test_an_interval_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert interval(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "0h", "-1h", "1 hour", "999999d"])
def test_what_is_no_interval_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 15m, 1h or 1d"):
        interval(text)
