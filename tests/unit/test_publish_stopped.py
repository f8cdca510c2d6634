"""What stops the switch, and what takes it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOW
from tests.payloads import (
    GENERATION,
    HOLDER,
    PAGE,
    SPACE,
    generation,
    review,
)
from tests.switched import AS_BEFORE, BEFORE, OLD, Switch, backfill, everything, switch, sync
from workflow.contract.errors import (
    CatalogMoved,
    IndexCommandFailed,
    IndexStillBuilding,
    RunFileCorrupt,
    RunSuperseded,
    VerificationFailed,
)
from workflow.contract.events.files import (
    Baseline,
    Verification,
)
from workflow.contract.events.payloads import ChangesPage
from workflow.contract.holder import Holder
from workflow.contract.ports.server import IndexKind
from workflow.contract.runs import PageChanges
from workflow.steps.publish_index import TAKEN_BACK

# What must not be


def test_a_superseded_run_switches_nothing(switch: Switch) -> None:
    switch.index.generations.take_fence(Holder("newer", NOW + timedelta(seconds=1)))
    with pytest.raises(RunSuperseded):
        switch.publish()
    assert switch.searched() == AS_BEFORE
    assert not switch.note().done


def test_a_generation_that_a_newer_run_dropped_cannot_be_published(switch: Switch) -> None:
    del switch.memory.records[GENERATION]
    with pytest.raises(RunSuperseded, match="is gone"):
        switch.publish()


@pytest.mark.parametrize("kind", ["drugs", "texts"])
def test_an_index_that_vanished_stops_the_switch(switch: Switch, kind: Any) -> None:
    switch.memory.indexes.discard((kind, GENERATION if kind == "drugs" else SPACE))
    with pytest.raises(VerificationFailed, match=f"index {kind}:.* disappeared"):
        switch.publish()
    assert switch.searched() == AS_BEFORE


@pytest.mark.parametrize("kind", ["texts", "drugs"])
def test_a_switch_waits_while_an_index_is_being_built(switch: Switch, kind: IndexKind) -> None:
    """A server that restarted since the verification has not lost what it does not find yet."""
    before = everything(switch)
    name = SPACE if kind == "texts" else GENERATION
    switch.memory.said[kind, name] = {"building": True, "percent": 0.5, "documents": 0}
    with pytest.raises(IndexStillBuilding):
        switch.publish()
    assert everything(switch) == before
    switch.memory.said.clear()
    switch.publish()
    assert set(switch.searched()) == {"a", "b", "d"}


def test_a_switch_is_not_taken_back_while_its_index_is_being_built(sync: Switch) -> None:
    sync.publish()
    sync.index_says(building=True, percent=0.5, documents=1)
    with pytest.raises(IndexStillBuilding):
        sync.publish()
    assert sync.searched() == {"a": "old", "b": "new", "d": "new"}


@pytest.mark.parametrize(
    ("said", "words"),
    [({"unlike": ("embedding",)}, "was changed"), ({"documents": 2}, "has 2 records and had 3")],
)
def test_texts_that_are_not_those_verified_stop_the_switch(
    switch: Switch, said: dict[str, Any], words: str
) -> None:
    before = everything(switch)
    switch.memory.said["texts", SPACE] = {"documents": 3}
    switch.files.write("verification.json", Verification(checks=(), bad_keys=(), texts=3))
    switch.memory.said["texts", SPACE] |= said
    with pytest.raises(VerificationFailed, match=f"{words} after the verification; nothing was"):
        switch.publish()
    switch.memory.said.clear()
    assert everything(switch) == before


def test_more_removals_than_the_review_counted_stop_the_switch(switch: Switch) -> None:
    switch.files.write("review.json", review(rows=4, vanished=0))
    with pytest.raises(CatalogMoved, match="1 live drugs would vanish, and the review counted 0"):
        switch.publish()


def test_changes_that_were_written_again_after_the_review_are_not_switched_in(
    sync: Switch,
) -> None:
    item = ChangesPage(page=PAGE, upserts=2, removals=1, changes="of another file")
    sync.files.write_manifest("load.json", [item])
    with pytest.raises(RunFileCorrupt, match="written again after the review"):
        sync.publish()
    assert sync.searched() == AS_BEFORE


def test_a_staged_document_that_is_gone_stops_the_whole_switch(sync: Switch) -> None:
    del sync.memory.staged[HOLDER.identity, "d"]
    with pytest.raises(IndexCommandFailed, match="'d'"):
        sync.publish()
    assert sync.searched() == AS_BEFORE


# The way back


@pytest.mark.parametrize(
    ("facts", "check"),
    [({"documents": 2}, "documents indexed"), ({"failures": 1}, "documents refused")],
)
def test_a_switch_behind_which_searches_are_wrong_is_taken_back(
    sync: Switch, facts: dict[str, int], check: str
) -> None:
    record = sync.memory.records[GENERATION]
    sync.index_says(**facts)
    with pytest.raises(VerificationFailed, match=f"{check} .* the switch was undone"):
        sync.publish()
    assert sync.searched() == AS_BEFORE
    assert sync.memory.records[GENERATION] == record
    assert (sync.note().done, sync.note().taken_back) == (False, True)
    assert [one.passed for one in sync.note().checks].count(False) == 1


def test_the_try_after_the_switch_takes_it_back_to_the_figures_before(
    sync: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sync.index.documents, "count", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sync.publish()
    sync.index_says(documents=2)
    with pytest.raises(VerificationFailed, match="the switch was undone"):
        sync.publish()
    assert sync.searched() == AS_BEFORE
    record = sync.memory.records[GENERATION]
    assert (record.baseline, record.published_at) == (BEFORE, "then")


def test_a_switch_that_was_taken_back_is_not_made_again(sync: Switch) -> None:
    sync.index_says(documents=2)
    with pytest.raises(VerificationFailed):
        sync.publish()
    assert sync.memory.live
    assert sync.memory.live.names.switch == f"{HOLDER.identity}{TAKEN_BACK}"
    sync.memory.said.clear()
    with pytest.raises(IndexCommandFailed, match="is not where it should be"):
        sync.publish()
    assert sync.searched() == AS_BEFORE


@pytest.mark.parametrize("tries", [1, 2])
def test_behind_a_switch_that_was_taken_back_the_one_before_can_be_undone(
    sync: Switch, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if tries == 2:
        with monkeypatch.context() as patch:
            patch.setattr(sync.index.documents, "count", lambda _: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                sync.publish()
    sync.index_says(documents=2)
    with pytest.raises(VerificationFailed):
        sync.publish()
    assert sync.memory.live
    assert sync.memory.live.undo == OLD.identity


@pytest.mark.parametrize("new_generation", [False, True])
def test_what_no_switch_of_documents_brought_about_is_said_and_stays(new_generation: bool) -> None:
    switch = Switch(new_generation=new_generation)
    if not new_generation:
        switch.files.write_changes(PAGE, PageChanges([], [], {}, []))
        switch.verified(gone=())
    switch.index_says(documents=2)
    with pytest.raises(VerificationFailed, match=f"generation {GENERATION} is live"):
        switch.publish()
    assert switch.note().done
    assert [one.passed for one in switch.note().checks] == [False, True]


def test_a_record_undone_twice_is_as_it_was() -> None:
    record = replace(
        generation(),
        baseline=Baseline(rows=2),
        before=BEFORE,
        published_at="b",
        published_before="a",
    )
    assert (record.undone().baseline, record.undone().published_at) == (BEFORE, "a")
    assert record.undone().undone() == record
