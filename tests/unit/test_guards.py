"""Guards at their edges, on tiny and on partial catalogs."""

from __future__ import annotations

import pytest

from tests.machine import MACHINE
from tests.payloads import estimate, profile, settings
from workflow.contract.errors import (
    BudgetExceeded,
    CatalogDegraded,
    DeleteGuardTripped,
    SwitchTooLarge,
    TooManyRejected,
)
from workflow.contract.events.base import Guard
from workflow.contract.events.files import Baseline, ColumnProfile, GuardResult, RejectedRow
from workflow.contract.events.payloads import RunInput
from workflow.contract.limits import MACHINE_MINUTES
from workflow.steps.guards import (
    Rejected,
    budget,
    constant_columns,
    degraded,
    rejects,
    removals,
    review_guards,
    shrinkage,
    stop,
    too_large,
    too_long,
)


@pytest.mark.parametrize(
    ("vanished", "live", "tripped"),
    [
        (0, 0, False),
        (20, 20, False),
        (21, 21, True),
        (20, 900, False),
        (21, 1049, True),
        (21, 1050, False),
        (2000, 100_000, False),
        (2001, 100_000, True),
    ],
)
def test_removals_trip_above_two_percent_and_above_twenty(
    vanished: int, live: int, tripped: bool
) -> None:
    assert bool(removals(vanished, live, settings())) == tripped


@pytest.mark.parametrize(
    ("before", "now", "tripped"),
    [
        (0, 0, False),
        (0, 1000, False),
        (20, 0, False),
        (21, 0, True),
        (1000, 951, False),
        (1000, 950, True),
        (400, 380, False),
        (400, 379, True),
        (1000, 2000, False),
    ],
)
def test_a_catalog_trips_when_five_percent_and_more_than_twenty_rows_are_gone(
    before: int, now: int, tripped: bool
) -> None:
    assert bool(shrinkage(now, Baseline(rows=before), settings())) == tripped


def test_a_column_trips_at_a_gain_of_exactly_the_limit() -> None:
    before = Baseline(rows=100, profile={"route": profile(0)})
    limit = settings().profile_guard_share
    assert degraded({"route": profile(round(100 * limit))}, 100, before, settings())
    assert not degraded({"route": profile(round(100 * limit) - 1)}, 100, before, settings())


@pytest.mark.parametrize(("blanks", "tripped"), [(39, False), (40, True), (100, True)])
def test_a_column_trips_when_thirty_points_more_of_it_are_blank(blanks: int, tripped: bool) -> None:
    before = Baseline(rows=100, profile={"route": profile(10)})
    assert bool(degraded({"route": profile(blanks)}, 100, before, settings())) == tripped


@pytest.mark.parametrize(("top", "tripped"), [(49, False), (50, True), (100, True)])
def test_a_column_trips_when_one_value_gains_thirty_points(top: int, tripped: bool) -> None:
    before = Baseline(rows=100, profile={"route": profile(0, ORAL=20, DERMAL=20)})
    found = degraded({"route": profile(0, TOPICAL=top)}, 100, before, settings())
    assert bool(found) == tripped
    if tripped:
        assert "'TOPICAL'" in found[0]


@pytest.mark.parametrize(("top", "tripped"), [(29, False), (30, True)])
def test_a_column_that_had_no_value_at_all_counts_from_nothing(top: int, tripped: bool) -> None:
    before = Baseline(rows=100, profile={"route": profile(100)})
    assert bool(degraded({"route": profile(0, ORAL=top)}, 100, before, settings())) == tripped


@pytest.mark.parametrize(("before", "now"), [(19, 100), (100, 19), (0, 100)])
def test_shares_of_less_than_twenty_rows_say_nothing(before: int, now: int) -> None:
    baseline = Baseline(rows=before, profile={"route": profile(0, ORAL=1)})
    assert degraded({"route": profile(now)}, now, baseline, settings()) == []


def test_shares_and_not_counts_are_compared() -> None:
    before = Baseline(rows=100, profile={"route": profile(10, ORAL=50)})
    assert degraded({"route": profile(100, ORAL=500)}, 1000, before, settings()) == []


def test_a_column_that_is_new_to_the_catalog_has_nothing_to_compare_with() -> None:
    assert degraded({"route": profile(100)}, 100, Baseline(rows=100), settings()) == []


@pytest.mark.parametrize(("usd", "tripped"), [(5.0, False), (5.01, True)])
def test_an_estimate_trips_above_the_budget(usd: float, tripped: bool) -> None:
    assert bool(budget(estimate(usd), settings())) == tripped


def test_dollars_have_cents_and_less_than_one_has_more_digits() -> None:
    (said,) = budget(estimate(1.0), settings(budget_usd=0.05))
    assert "would cost about $1.00; budget_usd is $0.0500" in said


@pytest.mark.parametrize(
    ("rejected", "rows", "tripped"),
    [(0, 0, False), (20, 20, False), (21, 21, True), (21, 20_999, True), (21, 21_000, False)],
)
def test_rejected_rows_trip_above_a_thousandth_and_above_twenty(
    rejected: int, rows: int, tripped: bool
) -> None:
    one = RejectedRow(ndc="1", column="route", value="?", reason="is no text", new=True)
    found = rejects(Rejected(rejected, (one,)), rows, settings())
    assert bool(found) == tripped
    if tripped:
        assert "ndc '1': route is no text" in found[0]


@pytest.mark.parametrize(("changes", "tripped"), [(5, False), (6, True)])
def test_more_changes_than_one_switch_may_make_are_a_backfills_work(
    changes: int, tripped: bool
) -> None:
    found = too_large(changes, settings(switch_limit=5))
    assert bool(found) == tripped
    if tripped:
        assert '{"mode": "backfill"}' in found[0]


def test_a_switch_that_is_too_large_cannot_be_accepted() -> None:
    message = review(RunInput(), changes=settings().switch_limit + 1)["switch"].message
    assert "accept" not in message


def test_a_first_run_warns_of_a_constant_column() -> None:
    columns = {
        "route": profile(0, ORAL=20),
        "strength": profile(1, x=19),
        "dea_schedule": profile(20),
    }
    assert constant_columns(columns, 20) == ["route is 'ORAL' in every row"]
    assert constant_columns({"route": profile(0, ORAL=19)}, 19) == []


def review(run_input: RunInput, **changed: int) -> dict[Guard, GuardResult]:
    """All guards over a catalog of a hundred rows that lost thirty and whose routes are gone."""
    values = {"rows": 70, "live": 100, "vanished": 30} | changed
    columns: dict[str, ColumnProfile] = {"route": profile(values["rows"])}
    found = review_guards(
        run_input,
        settings(),
        rows=values["rows"],
        live=values["live"],
        vanished=values["vanished"],
        profile=columns,
        baseline=Baseline(rows=100, profile={"route": profile(0)}),
        estimate=estimate(),
        rejected=Rejected(),
        changes=values.get("changes", 0),
    )
    return {one.guard: one for one in found}


def test_a_guard_says_figures_limit_and_how_to_override() -> None:
    message = review(RunInput())["deletes"].message
    for words in ("30 of 100 drugs (30.0%)", "2.0% and 20 drugs", '"accept": ["deletes"]'):
        assert words in message


def test_guards_that_hold_are_reported_too() -> None:
    found = review(RunInput())
    assert {guard: one.tripped for guard, one in found.items()} == {
        "deletes": True,
        "budget": False,
        "rejects": False,
        "switch": False,
        "time": False,
        "profile": True,
    }


def test_a_partial_run_knows_neither_shrinkage_nor_profile() -> None:
    found = review(RunInput(after_key="5"), rows=3, live=3, vanished=0)
    assert "profile" not in found
    assert not found["deletes"].tripped


def test_a_partial_run_still_guards_its_removals() -> None:
    assert review(RunInput(after_key="5"), rows=0, live=30, vanished=30)["deletes"].tripped


def result(guard: Guard, *, accepted: bool = False) -> GuardResult:
    return GuardResult(guard=guard, tripped=True, accepted=accepted, message=f"{guard} tripped")


@pytest.mark.parametrize(
    ("guard", "error"),
    [
        ("deletes", DeleteGuardTripped),
        ("profile", CatalogDegraded),
        ("budget", BudgetExceeded),
        ("rejects", TooManyRejected),
        ("switch", SwitchTooLarge),
    ],
)
def test_each_guard_stops_by_its_own_error(guard: Guard, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{guard} tripped"):
        stop([result(guard)])


def test_the_message_carries_every_guard_that_stops() -> None:
    with pytest.raises(DeleteGuardTripped, match=r"deletes tripped \| profile tripped"):
        stop([result("deletes"), result("budget", accepted=True), result("profile")])


def test_accepted_guards_do_not_stop() -> None:
    stop([result("deletes", accepted=True), result("profile", accepted=True)])


# Time


def test_a_run_that_would_time_out_is_stopped_by_its_minutes() -> None:
    assert MACHINE["TimeoutSeconds"] == MACHINE_MINUTES * 60
    [message] = too_long(estimate().model_copy(update={"minutes": 370.0}), settings())
    assert "370 minutes" in message
    assert "tokens_per_minute" in message
    assert too_long(estimate().model_copy(update={"minutes": 324.0}), settings()) == []
