"""A dry run is a saved plan: a run that names it makes the changes that it showed, or none."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from workflow.contract.documents import NOT_CATALOG
from workflow.contract.errors import PlanStale, RunFileMissing
from workflow.contract.events.files import PageDiff, Review
from workflow.contract.events.payloads import Plan
from workflow.contract.ports.documents import Change
from workflow.contract.ports.run_store import RunStore
from workflow.contract.runs import REVIEW, RunFiles

LEFT_OUT: Final = frozenset(NOT_CATALOG)
"""Fields that two runs over the same rows need not agree in: each space has its own hashes."""


def digest_of_page(changes: Iterable[Change], removed: Iterable[str]) -> str:
    """Of what is written over what, and of what is removed, in the order of the keys."""
    written = sorted(changes, key=lambda one: one.document.ndc)
    rows = [[one.document.ndc, one.old, _content(one)] for one in written]
    return _digest([*rows, *([key] for key in sorted(removed))])


def _content(change: Change) -> dict[str, str]:
    fields = change.document.fields
    return {name: value for name, value in fields.items() if name not in LEFT_OUT}


def digest_of_run(plan: Plan, pages: Sequence[PageDiff]) -> str:
    """Of all pages in their order, and of what they are compared with.

    A row more or less moves the edges of pages, so that the plan is stale: the catalog moved on.
    """
    asked = plan.run.input
    what = [asked.mode, asked.reembed, asked.after_key, asked.through_key, plan.live_generation]
    return _digest([what, *([page.digest] for page in pages)])


def _digest(lines: Iterable[list[Any]]) -> str:
    """BLAKE2b-256 of a line of JSON each. A sum of hashes would fall to a birthday attack."""
    digest = hashlib.blake2b(digest_size=32)
    for line in lines:
        digest.update(orjson.dumps(line, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    return digest.hexdigest()


def check_planned(name: str, now: Review, *, runs: RunStore) -> None:
    """Raise PlanStale unless the run would do exactly what the dry run of this name showed."""
    try:
        planned = RunFiles(runs, name).read(REVIEW, Review)
    except RunFileMissing as error:
        raise PlanStale(
            f"the plan {name} is not there: no dry run of that name is kept; start a new dry run"
        ) from error
    if not planned.dry_run:
        raise PlanStale(f"{name} is not a dry run, so it planned nothing; start one and name it")
    if planned.digest != now.digest:
        raise PlanStale(
            f"catalog or index changed since {name}: it showed {_figures(planned)}; now there "
            f"{_difference(planned, now)}. Nothing was written; start a new dry run"
        )


def _difference(planned: Review, now: Review) -> str:
    same = _figures(planned) == _figures(now)
    return "are as many, but others" if same else f"are {_figures(now)}"


def _figures(review: Review) -> str:
    return f"{review.added:,} added, {review.changed:,} changed, {review.removed:,} removed"
