"""A dry run is a plan: a run that names it makes its changes, and is refused where they moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import typer

from cli.options import planned_input
from cli.sites.local_site import LocalSite
from cli.sites.site import SiteError
from tests.lab import Lab, cause_of
from workflow.contract.events.payloads import RunInput


@pytest.fixture
def planned(lab: Lab) -> str:
    """The plan of one change, of a catalog whose index is live."""
    lab.succeed(run_id="first")
    first, second, *_ = lab.catalog.rows()
    lab.catalog.update(first, strength="7 mg")
    lab.catalog.delete(second)
    assert lab.succeed(dry_run=True, run_id="plan").changed == 1
    return "plan"


def test_a_plan_is_run_as_planned_also_in_other_pages(lab: Lab, planned: str) -> None:
    done = lab.succeed(plan=planned, page_size=7)
    assert (done.added, done.changed, done.removed) == (0, 1, 1)
    lab.assert_in_step()


def more(lab: Lab) -> None:
    lab.catalog.update(list(lab.catalog.rows())[5], strength="8 mg")


def others(lab: Lab) -> None:
    lab.catalog.update(next(iter(lab.catalog.rows())), strength="9 mg")


def done_already(lab: Lab) -> None:
    lab.succeed()


def another_live(lab: Lab) -> None:
    lab.succeed("backfill")


MOVED: dict[str, tuple[Callable[[Lab], None], str]] = {
    "more": (more, "now there are 0 added, 2 changed, 1 removed"),
    "others": (others, "now there are as many, but others"),
    "done already": (done_already, "now there are 0 added, 0 changed, 0 removed"),
    "another generation": (another_live, "now there are 0 added, 0 changed, 0 removed"),
}


@pytest.mark.parametrize("moved", MOVED)
def test_a_plan_that_is_stale_writes_nothing(lab: Lab, planned: str, moved: str) -> None:
    change, words = MOVED[moved]
    change(lab)
    before = lab.stamps()
    cause = cause_of(lab.run(plan=planned), "PlanStale")
    assert "since plan: it showed 0 added, 1 changed, 1 removed" in cause
    assert words in cause
    assert lab.stamps() == before


def test_the_plan_of_another_mode_is_another_plan(lab: Lab, planned: str) -> None:
    cause_of(lab.run("backfill", plan=planned), "PlanStale")


def test_a_backfill_is_run_as_planned_with_a_space_of_its_own(lab: Lab, planned: str) -> None:
    lab.succeed("backfill", reembed=True, dry_run=True, run_id="anew")
    lab.succeed("backfill", reembed=True, plan="anew")


@pytest.mark.parametrize(
    ("name", "words"), [("nowhere", "there is no plan"), ("first", "not a dry")]
)
def test_what_is_no_plan_is_said(lab: Lab, planned: str, name: str, words: str) -> None:
    assert words in cause_of(lab.run(plan=name), "PlanStale")


def test_a_guard_still_stops_a_planned_run(lab: Lab) -> None:
    lab.succeed()
    for key in list(lab.catalog.rows())[:25]:
        lab.catalog.delete(key)
    lab.succeed(dry_run=True, run_id="plan")
    cause_of(lab.run(plan="plan"), "DeleteGuardTripped")
    lab.succeed(plan="plan", accept=["deletes"])


def given(lab: Lab, plan: str, **more: Any) -> dict[str, Any]:
    return planned_input(LocalSite(lab.stack.root), plan, **more)


def test_the_command_takes_the_input_of_the_plan(lab: Lab) -> None:
    lab.run(after_key="00000", dry_run=True, accept=["budget"], run_id="plan")
    found = RunInput(**given(lab, "plan", accept=["deletes"], page_size=None))
    assert found == RunInput(
        after_key="00000", page_size=10, accept=("budget", "deletes"), plan="plan"
    )


def test_the_command_refuses_what_would_change_a_plan(lab: Lab) -> None:
    lab.succeed(run_id="real")
    with pytest.raises(typer.BadParameter) as refused:
        given(lab, "real", page_size=5, dry_run=True)
    assert "--page-size, --dry-run: a plan runs exactly as it was made" in str(refused.value)
    with pytest.raises(SiteError, match="real is not a dry run; make a plan with"):
        given(lab, "real")
