"""The switch: what it changes, at once and only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes import NOW, FakeCatalog
from tests.payloads import (
    GENERATION,
    HOLDER,
    SPACE,
)
from tests.switched import AS_BEFORE, ASKED, BEFORE, Switch, backfill, everything, switch, sync
from workflow.contract.errors import (
    CatalogMoved,
)
from workflow.contract.events.files import (
    ModelAsked,
    Switched,
    Verification,
)
from workflow.contract.ports.generations import Live, LiveNames

# The switch


def test_a_sync_switches_changes_and_removals_at_once(sync: Switch) -> None:
    assert sync.publish().documents == 3
    assert sync.searched() == {"a": "old", "b": "new", "d": "new"}
    assert sync.memory.staged == {}
    assert {ndc for _, ndc in sync.memory.undo} == {"b", "c"}


def test_a_backfill_switches_to_the_new_generation_and_keeps_the_one_before(
    backfill: Switch,
) -> None:
    assert backfill.publish().generation == GENERATION
    assert backfill.searched() == {"a": "new", "b": "new", "d": "new"}
    assert backfill.memory.live == Live(LiveNames(GENERATION, SPACE, HOLDER.identity), "old")
    states = {one.name: one.state for one in backfill.index.generations.every()}
    assert states == {GENERATION: "live", "old": "previous"}


def test_searches_can_see_that_a_switch_was_made(switch: Switch) -> None:
    switch.publish()
    assert switch.memory.live
    assert switch.memory.live.names.switch == HOLDER.identity


def test_the_record_has_the_figures_that_the_next_run_is_compared_with(switch: Switch) -> None:
    switch.publish()
    record = switch.memory.records[GENERATION]
    assert (record.baseline.rows, record.baseline.profile["route"].blanks) == (4, 1)
    assert record.baseline.last
    assert record.published_at == NOW.isoformat(timespec="seconds")


@pytest.mark.parametrize("planned", [{}, {"after_key": "a"}], ids=["whole", "key range"])
@pytest.mark.parametrize("now", [None, ASKED.model_copy(update={"at": NOW})])
def test_the_record_says_when_the_model_was_asked_last(
    sync: Switch, planned: dict[str, Any], now: ModelAsked | None
) -> None:
    sync.files.write("baseline.json", BEFORE.model_copy(update={"asked": ASKED}))
    sync.files.write("verification.json", Verification(checks=(), bad_keys=(), asked=now))
    sync.publish(**planned)
    assert sync.memory.records[GENERATION].baseline.asked == (now or ASKED)


def test_a_sync_remembers_the_figures_before_it(sync: Switch) -> None:
    sync.publish()
    record = sync.memory.records[GENERATION]
    assert (record.before, record.published_before) == (BEFORE, "then")


def test_a_key_range_leaves_the_figures_of_the_whole(sync: Switch) -> None:
    sync.publish(after_key="a")
    assert sync.memory.records[GENERATION].baseline == BEFORE


def test_rows_that_changed_meanwhile_are_left_for_the_next_sync(sync: Switch) -> None:
    sync.verified(drifted=("d", "e"), kept=("c",), gone=())
    sync.publish()
    assert sync.searched() == {"a": "old", "b": "new", "c": "old"}
    assert sync.memory.repair[GENERATION] == {"a", "d", "e"}


def test_the_intent_is_written_before_the_switch(
    switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Switched] = []
    for name in ("switch", "publish"):
        make = getattr(switch.index.generations, name)

        def look(*given: Any, make: Callable[..., None] = make, **named: Any) -> None:
            seen.append(switch.note())
            make(*given, **named)

        monkeypatch.setattr(switch.index.generations, name, look)
    switch.publish()
    assert [(one.generation, one.done) for one in seen] == [(GENERATION, False)]
    assert (switch.note().done, switch.note().switched_at) == (True, NOW)


def test_the_note_says_how_much_was_switched(sync: Switch) -> None:
    sync.publish()
    assert (sync.note().written, sync.note().removed) == (2, 1)
    assert all(one.passed for one in sync.note().checks)


# What the catalog says at the last moment

AGAIN = ["abcd", "bcd", "abdef", "ab", "abe", ""]
"""The drug is back (also with as many rows as were planned); rows came; some went; all went.

`abe`: one went and one came, so a load may be going on that had the drug's row neither time.
"""


@pytest.mark.parametrize("rows", AGAIN)
def test_a_drug_that_the_catalog_may_have_again_is_not_removed(sync: Switch, rows: str) -> None:
    sync.rows = rows
    sync.publish()
    assert sync.searched() == {"a": "old", "b": "new", "c": "old", "d": "new"}
    assert (sync.note().removed, sync.note().kept) == (0, ("c",))


@pytest.mark.parametrize("rows", AGAIN)
def test_a_generation_without_a_drug_that_the_catalog_may_have_again_does_not_go_live(
    backfill: Switch, rows: str
) -> None:
    backfill.rows = rows
    with pytest.raises(CatalogMoved, match=r"1 live drugs are not .* such as 'c'"):
        backfill.publish()
    assert backfill.searched() == AS_BEFORE


class BackAtTheEnd(FakeCatalog):
    """A row comes back while the pages' keys are read."""

    def keys(self, after: str | None, through: str | None) -> list[str]:
        found = super().keys(after, through)
        self._rows["c"] = {"ndc": "c"}
        return found


def test_a_drug_that_is_back_once_its_page_was_read_is_not_removed(sync: Switch) -> None:
    sync.catalog = BackAtTheEnd([{"ndc": key} for key in "abd"])
    sync.publish()
    assert (sync.note().removed, sync.note().kept) == (0, ("c",))


def test_the_catalog_is_asked_only_where_drugs_go(switch: Switch) -> None:
    switch.verified(gone=())
    switch.rows = ""
    switch.publish()
    assert switch.note().done


# Twice


def test_twice_is_the_same_as_once(switch: Switch) -> None:
    once = switch.publish()
    held = everything(switch)
    assert switch.publish() == once
    assert everything(switch) == held


def test_a_try_that_ended_behind_the_switch_is_ended_by_the_next(
    switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(switch.index.documents, "count", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            switch.publish()
    assert not switch.note().done
    held = everything(switch)
    switch.publish()
    assert switch.note().done
    assert everything(switch) == held
