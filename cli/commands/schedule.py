"""`drugsync schedule`: syncs at an interval, by the input that the Scheduler sends on AWS."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Annotated

import typer

from cli.failures import sentence
from cli.options import PageSize, run_input
from cli.show.show import show_report
from cli.show.terminal import Out, console
from cli.sites.local_site import LocalSite
from local.places import home

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=366)
UNTIL_CTRL_C = 0
FORM = re.compile(r"(\d{1,6})([smhd])")


def interval(text: str) -> timedelta:
    """`90s`, `15m`, `1h`, `1d`."""
    found = FORM.fullmatch(text.strip())
    given = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < given <= LONGEST:
        raise typer.BadParameter(
            f"{text!r} is not an interval; write 15m, 1h or 1d", param_hint="--every"
        )
    return given


def schedule(
    every: Annotated[str, typer.Option(help="Time between starts: 15m, 1h, 1d.")] = "1h",
    times: Annotated[
        int, typer.Option(min=0, help="Stop after this many syncs; 0 runs until Ctrl-C.")
    ] = UNTIL_CTRL_C,
    page_size: PageSize = None,
) -> None:
    """Run syncs at an interval on this machine, like a stage's schedule on AWS.

    The first sync starts immediately. If one fails, the next one is started nevertheless.
    """
    step = interval(every)
    out = console()
    site = LocalSite(home())
    for start in starts(step, times, datetime.now, time.sleep, out):
        out.say("[bold]{:%Y-%m-%d %H:%M:%S}[/] scheduled sync", start)
        _try(site, run_input(page_size=page_size), out)


def _try(site: LocalSite, given: dict[str, object], out: Out) -> None:
    """One run. A failure that a user can correct is printed, and the schedule continues."""
    try:
        report = site.run(given, out)
        show_report(out, *site.report(report.run_id))
    except Exception as error:
        said = sentence(error)
        if not said:
            raise
        out.say("[bold red]no run[/]: {}", said)


def starts(
    every: timedelta,
    times: int,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    out: Out,
) -> Iterator[datetime]:
    """When each run begins. After one that took longer than the interval, the next starts at the
    next multiple."""
    first = now()
    mark = 0
    for done in count(1):
        yield first + mark * every
        if done == times:
            return
        mark = max(mark + 1, -((first - now()) // every))
        following = first + mark * every
        out.say("next sync at {:%Y-%m-%d %H:%M:%S}  (Ctrl-C ends the schedule)", following)
        sleep(max(0.0, (following - now()).total_seconds()))
