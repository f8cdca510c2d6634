"""Rollback: the last switch undone, and what cannot be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOW, FakeIndex
from tests.fakes.generations import FakeGenerations
from tests.payloads import GENERATION, HOLDER, SPACE, generation
from workflow.contract.errors import NothingToRollBack, RunSuperseded
from workflow.contract.events.files import Baseline
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Document
from workflow.contract.ports.generations import Live, LiveNames, Swap, Undone
from workflow.operate.rollback import roll_back

PERSON = Holder("rollback", NOW + timedelta(hours=1))
LATER = Holder("later", NOW + timedelta(minutes=1))
AGAIN = Holder("rollback", NOW + timedelta(hours=2))
LAST = Holder("rollback", NOW + timedelta(hours=3))
BEFORE, AFTER = Baseline(rows=2), Baseline(rows=3)


def document(ndc: str, version: str, run_id: str = "") -> Document:
    return Document(ndc, {"ndc": ndc, "version": version, "run_id": run_id})


@pytest.fixture
def synced() -> FakeIndex:
    """A backfill went live beside `older`; then a sync changed b, removed c and added d."""
    index = FakeIndex()
    index.generations.take_fence(HOLDER)
    for name in ("older", GENERATION):
        index.generations.create(generation(name, published_at="then"), HOLDER)
        index.documents.write(name, HOLDER, [document(ndc, "old") for ndc in "abc"])
        index.server.create_indexes(LiveNames(name, SPACE))
    built = generation(baseline=BEFORE, published_at="then")
    index.generations.publish(built, "older", HOLDER)
    index.documents.stage(HOLDER, [document(ndc, "new", HOLDER.run_id) for ndc in "bd"])
    record = replace(
        built, baseline=AFTER, before=BEFORE, published_at="now", published_before="then"
    )
    index.generations.switch(record, Swap(["b", "d"], ["c"]), HOLDER)
    return index


def searched(index: FakeIndex) -> dict[str, str]:
    keys = index.documents.keys_between(GENERATION, None, None)
    return {ndc: index.memory.stored[GENERATION, ndc]["version"] for ndc in keys}


def undo(index: FakeIndex, holder: Holder = PERSON, to: str = "") -> str:
    return roll_back(index.generations, index.server, holder, generation=to).generation.name


SYNCED = {"a": "old", "b": "new", "d": "new"}


def test_the_last_sync_is_undone_with_its_figures(synced: FakeIndex) -> None:
    assert undo(synced) == GENERATION
    assert searched(synced) == {"a": "old", "b": "old", "c": "old"}
    record = synced.memory.records[GENERATION]
    assert (record.baseline, record.published_at) == (BEFORE, "then")


def test_undone_twice_it_is_as_before(synced: FakeIndex) -> None:
    undo(synced)
    undo(synced, AGAIN)
    assert searched(synced) == SYNCED
    assert synced.memory.records[GENERATION].baseline == AFTER


def test_what_was_undone_is_counted_and_so_is_what_is_made_again(synced: FakeIndex) -> None:
    done = roll_back(synced.generations, synced.server, PERSON)
    assert (done.run, done.undone) == (HOLDER.run_id, Undone(changed=1, added=1, removed=1))
    done = roll_back(synced.generations, synced.server, AGAIN)
    assert done.undone == Undone(changed=1, added=1, removed=1, again=True)
    to_older = roll_back(synced.generations, synced.server, LAST, generation="older")
    assert (to_older.run, to_older.undone) == ("", None)


def test_the_generation_before_the_last_backfill_can_be_named(synced: FakeIndex) -> None:
    assert undo(synced, to="older") == "older"
    assert synced.memory.live
    assert synced.memory.live.names.generation == "older"


def test_a_run_that_is_under_way_may_no_longer_write(synced: FakeIndex) -> None:
    undo(synced)
    with pytest.raises(RunSuperseded):
        synced.documents.stage(HOLDER, [])


def test_a_switch_that_the_run_itself_took_back_is_not_made_again(synced: FakeIndex) -> None:
    """What it wrote was wrong. The sync before it can still be undone."""
    synced.generations.take_fence(LATER)
    synced.documents.stage(LATER, [document("a", "wrong")])
    synced.generations.switch(synced.memory.records[GENERATION], Swap(["a"]), LATER)
    record = synced.memory.records[GENERATION]
    synced.generations.take_back(
        record, LATER.identity, "taken back", LATER, way_back=HOLDER.identity
    )
    assert searched(synced) == SYNCED
    undo(synced)
    assert searched(synced) == {"a": "old", "b": "old", "c": "old"}


def test_what_is_not_known_cannot_be_gone_back_to(synced: FakeIndex) -> None:
    with pytest.raises(NothingToRollBack, match="'other'"):
        undo(synced, to="other")
    with pytest.raises(NothingToRollBack, match="no live index"):
        undo(FakeIndex())


class AnotherPublishes(FakeGenerations):
    """Between the first look and the fence, another run goes live."""

    def take_fence(self, holder: Holder) -> str:
        names = LiveNames("newest", SPACE, "newest")
        self._memory.live = Live(names, GENERATION)
        return super().take_fence(holder)


@pytest.mark.parametrize("to", ["", "older"])
def test_what_was_published_in_this_moment_is_not_undone_unseen(synced: FakeIndex, to: str) -> None:
    """Its pruning may have removed what was seen before, or a part of it."""
    generations = AnotherPublishes(synced.memory)
    before = dict(synced.memory.stored)
    with pytest.raises(NothingToRollBack, match="another run published generation newest"):
        roll_back(generations, synced.server, PERSON, generation=to)
    assert synced.memory.stored == before
    assert synced.memory.live
    assert synced.memory.live.names.generation == "newest"


def test_a_generation_without_its_index_cannot_be_gone_back_to(synced: FakeIndex) -> None:
    synced.memory.indexes.discard(("drugs", "older"))
    with pytest.raises(NothingToRollBack, match="index drugs:older is gone"):
        undo(synced, to="older")
    assert searched(synced) == SYNCED
