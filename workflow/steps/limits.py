"""Checks at planning, before anything is written, whether a run would exceed a Step Functions
limit.
"""

from math import ceil
from typing import Final, NamedTuple

from workflow.contract.errors import LimitExceeded
from workflow.contract.limits import EVENTS, MOST_PAGES, PAYLOAD_BYTES, READER_BYTES
from workflow.steps.prune import SWEPT

EVENTS_OF_STATES: Final = 6_000
"""Every state once, ten retries of each Task, and 720 waits of VerifyIndex and of PublishIndex at
three events each."""

EVENTS_A_PIECE: Final = 7
"""A Task and the Choice after it."""

KEYS_A_DRUG: Final = 2
"""A document and at most one text of its own."""

BESIDE_THE_PLAN: Final = 4_096
"""Bytes of a payload besides the plan and a page."""


class Planned(NamedTuple):
    """The size of a run. `drugs` counts all generations, including the new one."""

    pages: int
    page_size: int
    plan_bytes: int
    manifest_bytes: int
    drugs: int


def check_limits(planned: Planned) -> None:
    """Raise LimitExceeded with each figure, its limit, and what to do."""
    exceeded = [
        f"{what} would be {figure:,}, and the limit is {most:,}; {advice}"
        for what, figure, most, advice in _figures(planned)
        if figure > most
    ]
    if exceeded:
        raise LimitExceeded(f"{' | '.join(exceeded)} (docs/limits.md)")


def _figures(planned: Planned) -> tuple[tuple[str, int, int, str], ...]:
    largest = planned.manifest_bytes // max(1, planned.pages)
    pieces = ceil(planned.drugs * KEYS_A_DRUG / SWEPT)
    return (
        (
            f"the number of pages of {planned.page_size:,} rows",
            planned.pages,
            MOST_PAGES,
            'raise "page_size" (up to 20000), or give each part of the catalog its own stage',
        ),
        (
            "the payload of a state in bytes",
            planned.plan_bytes + largest + BESIDE_THE_PLAN,
            PAYLOAD_BYTES,
            "shorten the keys (ndc) of the catalog",
        ),
        (
            "the pages' manifest in bytes",
            planned.manifest_bytes,
            READER_BYTES,
            'shorten the keys (ndc) of the catalog, or raise "page_size"',
        ),
        (
            "the execution's history in events",
            EVENTS_OF_STATES + EVENTS_A_PIECE * pieces,
            EVENTS,
            f"{planned.drugs:,} drugs of all generations are too many to sweep in one run: give "
            f"each part of the catalog its own stage",
        ),
    )
