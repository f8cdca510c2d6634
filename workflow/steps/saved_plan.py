"""A dry run is a saved plan: a run that names it makes the changes that it showed, or none."""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import orjson

from workflow.contract.documents import NOT_CATALOG
from workflow.contract.errors import PlanStale, RunFileMissing
from workflow.contract.events.files import Review
from workflow.contract.events.payloads import Plan, RunInput
from workflow.contract.ports.documents import Change
from workflow.contract.ports.run_store import RunStore
from workflow.contract.runs import REVIEW, RunFiles

ROW_BYTES: Final = 16

LEFT_OUT: Final = frozenset(NOT_CATALOG)
"""Fields that two runs over the same rows need not agree in: each space has its own hashes."""


def is_asked(run_input: RunInput) -> bool:
    """Whether the run is a plan or applies one: only then is a digest of each row computed."""
    return run_input.dry_run or run_input.plan is not None


def digests_of_page(changes: Iterable[Change], removed: Iterable[str]) -> str:
    """A BLAKE2b-128 in hex of each row that is written or removed, in the order of the keys."""
    rows: dict[str, list[Any]] = {key: [key] for key in removed}
    for one in changes:
        rows[one.document.ndc] = [one.document.ndc, one.old, _content(one)]
    return "".join(_digest(rows[key], ROW_BYTES).hexdigest() for key in sorted(rows))


def _content(change: Change) -> dict[str, str]:
    fields = change.document.fields
    return {name: value for name, value in fields.items() if name not in LEFT_OUT}


class RunDigest:
    """Of all rows in the order of their keys, however pages were cut, and of what was asked.

    A sum of the rows' digests would fall to a birthday attack.
    """

    def __init__(self, plan: Plan) -> None:
        asked = plan.run.input
        what = [asked.mode, asked.reembed, asked.after_key, asked.through_key, plan.live_generation]
        self._digest = _digest(what, 32)

    def add(self, digests: str) -> None:
        """Of the next page."""
        self._digest.update(digests.encode())

    @property
    def value(self) -> str:
        return self._digest.hexdigest()


def _digest(what: list[Any], size: int) -> hashlib.blake2b:
    return hashlib.blake2b(orjson.dumps(what, option=orjson.OPT_SORT_KEYS), digest_size=size)


def check_planned(name: str, now: Review, *, runs: RunStore) -> None:
    """Raise PlanStale unless the run would do exactly what the dry run of this name showed."""
    try:
        planned = RunFiles(runs, name).read(REVIEW, Review)
    except RunFileMissing as error:
        raise PlanStale(
            f"there is no plan {name}: no dry run of that name is kept; start a new dry run"
        ) from error
    if not planned.dry_run:
        raise PlanStale(
            f"{name} is not a dry run, so it has no plan; start a dry run and use its name"
        )
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
