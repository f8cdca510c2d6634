"""What stops a plan before anything is written to the index."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from workflow.contract.errors import (
    BudgetExceeded,
    CatalogDegraded,
    DeleteGuardTripped,
    GuardTripped,
    RunTooLong,
    SwitchTooLarge,
    TooManyRejected,
)
from workflow.contract.events.base import Guard
from workflow.contract.events.files import (
    Baseline,
    ColumnProfile,
    Estimate,
    GuardResult,
    RejectedRow,
)
from workflow.contract.events.payloads import RunInput
from workflow.contract.limits import MACHINE_MINUTES
from workflow.contract.settings import Settings

PROFILE_ROWS = 20
"""With fewer rows, the shares of a column's values mean nothing."""

TIME_SHARE = 0.9
"""Share of that time that an estimate may use. The rest is for cold starts and retries."""

ERRORS: dict[Guard, type[GuardTripped]] = {
    "deletes": DeleteGuardTripped,
    "profile": CatalogDegraded,
    "budget": BudgetExceeded,
    "rejects": TooManyRejected,
    "switch": SwitchTooLarge,
    "time": RunTooLong,
}


class Rejected(NamedTuple):
    """Rejected rows: their number, and some examples, because a catalog may consist of them."""

    number: int = 0
    first: tuple[RejectedRow, ...] = ()

    def add(self, rows: Sequence[RejectedRow], most: int) -> "Rejected":
        return Rejected(self.number + len(rows), (*self.first, *rows)[:most])


def review_guards(
    run_input: RunInput,
    settings: Settings,
    *,
    rows: int,
    live: int,
    vanished: int,
    profile: dict[str, ColumnProfile],
    baseline: Baseline,
    estimate: Estimate,
    rejected: Rejected,
    changes: int,
) -> tuple[GuardResult, ...]:
    """Every guard that applies, tripped or not. A key range has no profile."""
    reasons: list[tuple[Guard, list[str], str]] = [
        ("deletes", removals(vanished, live, settings), f"{vanished:,} of {live:,} drugs vanish"),
        ("budget", budget(estimate, settings), f"about ${estimate.usd:,.4f}"),
        (
            "rejects",
            rejects(rejected, rows + rejected.number, settings),
            f"{rejected.number:,} rows rejected",
        ),
        ("switch", too_large(changes, settings), f"{changes:,} changes in one switch"),
        ("time", too_long(estimate, settings), f"about {estimate.minutes:,.0f} minutes"),
    ]
    if not run_input.partial:
        reasons[0][1].extend(shrinkage(rows, baseline, settings))
        reasons.append(
            ("profile", degraded(profile, rows, baseline, settings), "no column lost its values")
        )
    return tuple(
        GuardResult(
            guard=guard,
            tripped=bool(tripped),
            accepted=guard in run_input.accept,
            message=_message(guard, tripped) if tripped else fine,
        )
        for guard, tripped, fine in reasons
    )


def _message(guard: Guard, reasons: list[str]) -> str:
    if guard == "switch":
        return "; ".join(reasons)
    return f'{"; ".join(reasons)}; if that is correct, start with "accept": ["{guard}"]'


def stop(guards: Iterable[GuardResult]) -> None:
    """Raise the first tripped guard that is not accepted; its message carries them all."""
    stopping = [one for one in guards if one.tripped and not one.accepted]
    if stopping:
        raise ERRORS[stopping[0].guard](" | ".join(one.message for one in stopping))


def removals(vanished: int, live: int, settings: Settings) -> list[str]:
    """Removals above the share *and* above the number."""
    share, rows = settings.delete_guard_share, settings.delete_guard_rows
    if not too_many(vanished, live, share, rows):
        return []
    return [
        f"{vanished:,} of {live:,} drugs ({vanished / live:.1%}) would vanish; the limit is "
        f"{share:.1%} and {rows} drugs"
    ]


def shrinkage(rows: int, baseline: Baseline, settings: Settings) -> list[str]:
    """A catalog smaller than at the last publish, by the share and the number of removals."""
    missing = baseline.rows - rows
    if missing <= settings.delete_guard_rows or missing < settings.shrink_guard_share * (
        baseline.rows
    ):
        return []
    return [
        f"the catalog has {rows:,} rows, {missing / baseline.rows:.1%} fewer than the "
        f"{baseline.rows:,} at the last publish; the limit is {settings.shrink_guard_share:.1%}"
    ]


def degraded(
    profile: dict[str, ColumnProfile], rows: int, baseline: Baseline, settings: Settings
) -> list[str]:
    """Columns whose blanks or whose commonest value gained too much share."""
    if min(rows, baseline.rows) < PROFILE_ROWS:
        return []
    limit = settings.profile_guard_share
    found = []
    for column, now in profile.items():
        then = baseline.profile.get(column)
        if then is None:
            continue
        blank_before, blank_now = then.blanks / baseline.rows, now.blanks / rows
        top_before, top_now = _top(then) / baseline.rows, _top(now) / rows
        if blank_now - blank_before >= limit:
            found.append(
                f"{column} is blank in {blank_now:.1%} of the rows, {blank_before:.1%} at the last "
                f"publish; the limit is a gain of {limit:.0%}"
            )
        if top_now - top_before >= limit:
            value = max(now.commonest, key=lambda one: now.commonest[one])
            found.append(
                f"{column} is {value!r} in {top_now:.1%} of the rows, the commonest value had "
                f"{top_before:.1%} at the last publish; the limit is a gain of {limit:.0%}"
            )
    return found


def rejects(rejected: Rejected, rows: int, settings: Settings) -> list[str]:
    """Rejected rows, above the share *and* above the number."""
    if not too_many(rejected.number, rows, settings.reject_guard_share, settings.reject_guard_rows):
        return []
    first = rejected.first[0]
    return [
        f"{rejected.number:,} of {rows:,} rows are rejected, such as ndc {first.ndc!r}: "
        f"{first.column} {first.reason}; the limit is {settings.reject_guard_share:.1%} and "
        f"{settings.reject_guard_rows} rows"
    ]


def too_many(count: int, of: int, share: float, number: int) -> bool:
    """Above the share *and* above the number."""
    return count > number and count > share * of


def too_large(changes: int, settings: Settings) -> list[str]:
    """More changes than one switch may make: Redis serves no other client during it."""
    if changes <= settings.switch_limit:
        return []
    return [
        f"{changes:,} drugs change, and one switch of a sync makes {settings.switch_limit:,} "
        '(switch_limit); start a backfill, which embeds nothing again: {"mode": "backfill"}'
    ]


def too_long(estimate: Estimate, settings: Settings) -> list[str]:
    """A run that cannot end before the state machine's timeout."""
    if estimate.minutes <= MACHINE_MINUTES * TIME_SHARE:
        return []
    return [
        f"{estimate.texts:,} texts need about {estimate.minutes:,.0f} minutes at "
        f"{settings.tokens_per_minute:,} tokens a minute (tokens_per_minute), and the state "
        f"machine stops after {MACHINE_MINUTES:,}; raise the quota, or accept that the run times "
        "out and is redriven"
    ]


def budget(estimate: Estimate, settings: Settings) -> list[str]:
    """An estimate above the budget."""
    if estimate.usd <= settings.budget_usd:
        return []
    return [
        f"embedding {estimate.texts:,} texts ({estimate.tokens:,} tokens) would cost about "
        f"{_dollars(estimate.usd)}; budget_usd is {_dollars(settings.budget_usd)}"
    ]


def _dollars(value: float) -> str:
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def constant_columns(profile: dict[str, ColumnProfile], rows: int) -> list[str]:
    """Warnings of a first run, which has nothing to compare with."""
    if rows < PROFILE_ROWS:
        return []
    return [
        f"{column} is {next(iter(now.commonest))!r} in every row"
        for column, now in profile.items()
        if _top(now) == rows
    ]


def _top(column: ColumnProfile) -> int:
    return max(column.commonest.values(), default=0)
