"""When each state of a run, and each of its pages, was worked on."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from workflow.contract.events.files import PageDiff, Review
from workflow.contract.events.payloads import Plan, Timing
from workflow.contract.events.report import RunReport
from workflow.contract.runs import DIFF_SUMMARY, PLAN, REVIEW, RunFiles
from workflow.report.summaries import Summaries


class Bar(NamedTuple):
    """One page's work, in seconds since the run began."""

    page: str
    entered: float
    started: float
    ended: float
    retries: int


class StateTimes(NamedTuple):
    """One state. `pages` is how many it has; those without a bar ended without a result."""

    state: str
    bars: tuple[Bar, ...]
    pages: int

    @property
    def seconds(self) -> float:
        """From the first page's first try to the last page's end."""
        if not self.bars:
            return 0.0
        return max(bar.ended for bar in self.bars) - min(bar.entered for bar in self.bars)

    @property
    def retries(self) -> int:
        return sum(bar.retries for bar in self.bars)


def read_timeline(files: RunFiles, report: RunReport, of: Summaries) -> list[StateTimes]:
    """The states that left a trace, in the order of the state machine."""
    start = report.started_at
    plan = files.read_if_there(PLAN, Plan)
    if plan is None:
        return []
    review = files.read_if_there(REVIEW, Review)
    diffs = files.read_pages_there(DIFF_SUMMARY, PageDiff)
    planned = _seconds(start, plan.planned_at)
    diff = StateTimes("DiffPages", _bars(start, diffs), plan.pages)
    reviewed = _seconds(start, review.reviewed_at if review else None)
    embed = StateTimes("EmbedPages", _bars(start, of.embedded), review.embed_pages if review else 0)
    load = StateTimes("LoadPages", _bars(start, of.loaded), review.load_pages if review else 0)
    verify = StateTimes("VerifyPages", _bars(start, of.verified), plan.pages if of.verified else 0)
    pages = (embed, load, verify)
    worked = max([planned, reviewed, *(bar.ended for one in pages for bar in one.bars)])
    states = [
        _single("PlanPages", 0.0, planned),
        diff,
        _single("ReviewChanges", max((bar.ended for bar in diff.bars), default=0.0), reviewed),
        embed,
        load,
        verify,
    ]
    if report.verification:
        end = "VerifyIndex to ReportRun" if report.published else "VerifyIndex"
        states.append(_single(end, worked, report.duration_s))
    return [one for one in states if one.bars or (one.pages and not report.dry_run)]


class Timed(Protocol):
    """The summary of a page."""

    @property
    def page(self) -> str: ...
    @property
    def timing(self) -> Timing | None: ...


def _bars(start: datetime, pages: Sequence[Timed]) -> tuple[Bar, ...]:
    return tuple(_bar(start, page.page, page.timing) for page in pages if page.timing)


def _bar(start: datetime, page: str, timing: Timing) -> Bar:
    entered, started, ended = (
        _seconds(start, one) for one in (timing.entered_at, timing.started_at, timing.ended_at)
    )
    # Two clocks, Step Functions' and the function's, may differ by some milliseconds.
    return Bar(page, min(entered, started), started, max(started, ended), timing.retries)


def _single(state: str, started: float, ended: float) -> StateTimes:
    """A state without pages; without a bar if it did not end."""
    bars = (Bar("", started, started, ended, 0),) if ended > started else ()
    return StateTimes(state, bars, 0)


def _seconds(start: datetime, at: datetime | None) -> float:
    return max(0.0, (at - start).total_seconds()) if at else 0.0
