"""A dry run is a saved plan: a run that names it makes the changes that it showed, or none."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import orjson

from workflow.contract.documents import NOT_CATALOG
from workflow.contract.errors import PlanStale, RunFileMissing
from workflow.contract.events.files import PageDiff, Review
from workflow.contract.events.payloads import Plan
from workflow.contract.ports.documents import Change
from workflow.contract.ports.run_store import RunStore
from workflow.contract.runs import REVIEW, RunFiles

BITS: Final = 128
LEFT_OUT: Final = frozenset(NOT_CATALOG)
"""Fields that two runs over the same rows need not agree in: each space has its own hashes."""


def digest_of_page(changes: Iterable[Change], removed: Iterable[str]) -> str:
    """Digest of documents, old and new, and of removals: a sum mod 2^128 in hex, in any order."""
    total = sum(_number([one.document.ndc, one.old, _content(one)]) for one in changes)
    total += sum(_number([key]) for key in removed)
    return f"{total % 2**BITS:032x}"


def _content(change: Change) -> dict[str, str]:
    fields = change.document.fields
    return {name: value for name, value in fields.items() if name not in LEFT_OUT}


def digest_of_run(plan: Plan, pages: Sequence[PageDiff]) -> str:
    """Digest of all pages, however they were cut, and of the generation they are compared with."""
    total = sum(int(page.digest, 16) for page in pages) % 2**BITS
    asked = plan.run.input
    what = [asked.mode, asked.reembed, asked.after_key, asked.through_key, plan.live_generation]
    return f"{_number([*what, f'{total:032x}']):032x}"


def _number(what: list[object]) -> int:
    body = orjson.dumps(what, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(body, digest_size=BITS // 8).digest())


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
