"""PruneIndex: what no kept generation uses goes, a piece at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOW, FakeIndex, FakeRunStore
from tests.payloads import GENERATION, HOLDER, SPACE, generation, reviewed_task
from workflow.contract.documents import record_of
from workflow.contract.errors import RunSuperseded, SwitchLost
from workflow.contract.events.files import Switched
from workflow.contract.events.payloads import PruneTask, Pruning
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Document
from workflow.contract.ports.generations import Live, LiveNames
from workflow.contract.ports.texts import NewRecord, Text
from workflow.contract.runs import PUBLISH, RunFiles
from workflow.steps import prune_index as module
from workflow.steps.prune import kept_by, sweep_leftovers
from workflow.steps.prune_index import prune_index

OLDER = Holder("older", NOW - timedelta(days=1))


def fill(index: FakeIndex, name: str, space: str) -> None:
    index.generations.create(generation(name, space=space), HOLDER)
    document = Document("1", {"ndc": "1", "text_hash": f"of {name}", "content_hash": "c"})
    index.documents.write(name, HOLDER, [document])
    text = Text(f"of {name}", "words", {})
    index.texts.write(space, HOLDER, [NewRecord(text.hash, record_of(text, b"v"), 1)])
    index.server.create_indexes(LiveNames(name, space))


@pytest.fixture
def index() -> FakeIndex:
    """Live, the one before, and an old one in a space of its own; leftovers of other runs."""
    index = FakeIndex()
    index.generations.take_fence(HOLDER)
    for name, space in ((GENERATION, SPACE), ("previous", SPACE), ("old", "old space")):
        fill(index, name, space)
    names = LiveNames(GENERATION, SPACE, HOLDER.identity)
    index.memory.live = Live(names, "previous", undo=HOLDER.identity)
    for holder in (HOLDER, OLDER):
        index.memory.staged[holder.identity, "2"] = {"ndc": "2"}
        index.memory.undo[holder.identity, "3"] = {"ndc": "3", "text_hash": "undone"}
    unused = Text("unused", "words", {})
    index.texts.write(SPACE, HOLDER, [NewRecord("unused", record_of(unused, b"v"), 1)])
    return index


def prune(index: FakeIndex, at: Pruning | None = None, runs: FakeRunStore | None = None) -> Pruning:
    task = PruneTask(**dict(reviewed_task()), prune=at or Pruning())
    return prune_index(task, generations=index.generations, runs=runs or FakeRunStore())


def held(index: FakeIndex) -> dict[str, set[Any]]:
    memory = index.memory
    return {
        "generations": {name for name, _ in memory.stored},
        "records": set(memory.records),
        "texts": {name for _, name in memory.kept},
        "staged": {owner for owner, _ in memory.staged},
        "undo": {owner for owner, _ in memory.undo},
        "indexes": {f"{kind}:{name}" for kind, name in memory.indexes},
    }


KEPT = {
    "generations": {GENERATION, "previous"},
    "records": {GENERATION, "previous"},
    "texts": {f"of {GENERATION}", "of previous"},
    "staged": set(),
    "undo": {HOLDER.identity},
    "indexes": {f"drugs:{GENERATION}", "drugs:previous", f"texts:{SPACE}"},
}


def test_what_is_live_what_was_before_and_what_can_be_undone_stay(index: FakeIndex) -> None:
    done = prune(index)
    assert held(index) == KEPT
    assert (done.done, done.removed) == (True, 6)
    assert index.memory.live
    assert index.memory.live.finished == HOLDER.token


def test_a_piece_at_a_time_leads_to_the_same_end(
    index: FakeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SWEPT", 1)
    pruning, pieces = Pruning(), 0
    while not pruning.done:
        assert index.memory.live
        assert index.memory.live.finished == ""
        assert "old" in index.memory.records
        pruning, pieces = prune(index, pruning), pieces + 1
    assert held(index) == KEPT
    assert (pieces, pruning.removed) == (6, 6)


def test_what_was_to_be_embedded_again_goes_with_its_record(index: FakeIndex) -> None:
    index.texts.doubt(SPACE, HOLDER, ["unused", "of previous"])
    prune(index)
    assert index.texts.to_embed_again(SPACE) == ["of previous"]


def test_twice_is_the_same_as_once(index: FakeIndex) -> None:
    prune(index)
    assert prune(index) == Pruning(done=True)
    assert held(index) == KEPT


def test_texts_that_only_an_undone_document_names_stay(index: FakeIndex) -> None:
    text = Text("undone", "words", {})
    index.texts.write(SPACE, HOLDER, [NewRecord("undone", record_of(text, b"v"), 1)])
    prune(index)
    assert "undone" in held(index)["texts"]


@pytest.mark.parametrize("name", [GENERATION, "previous"])
@pytest.mark.parametrize("fault", [{"documents": 0}, {"building": True}, None])
def test_where_a_kept_index_lacks_drugs_every_text_of_its_space_stays(
    index: FakeIndex, name: str, fault: dict[str, Any] | None
) -> None:
    """Which texts are used is asked of that index."""
    if fault is None:
        index.memory.indexes.discard(("drugs", name))
    else:
        index.memory.said["drugs", name] = fault
    assert prune(index).done
    assert held(index)["texts"] == KEPT["texts"] | {"unused"}


def test_a_superseded_run_removes_nothing(index: FakeIndex) -> None:
    before = held(index)
    index.generations.take_fence(Holder("newer", NOW + timedelta(seconds=1)))
    with pytest.raises(RunSuperseded):
        prune(index)
    assert held(index) == before


@pytest.mark.parametrize("live", [None, Live(LiveNames(GENERATION, SPACE, OLDER.identity))])
def test_a_switch_that_redis_forgot_is_no_success(index: FakeIndex, live: Live | None) -> None:
    """A replica that took over had not got it: everything is as before it."""
    index.memory.live = live
    before, runs = held(index), FakeRunStore()
    with pytest.raises(SwitchLost, match="searches answer as before; start a new run"):
        prune(index, runs=runs)
    assert held(index) == before
    note = RunFiles.of(runs, HOLDER).read(PUBLISH, Switched)
    assert (note.done, note.lost) == (False, True)


# Before a run begins


def test_a_run_that_begins_keeps_what_it_writes_itself(index: FakeIndex) -> None:
    target = generation("mine", space="new space", state="building")
    fill(index, "mine", "new space")
    kept = kept_by(index.generations.live(), index.generations, HOLDER, target)
    assert sweep_leftovers(index.generations, kept, HOLDER) == 4
    after = held(index)
    assert after["records"] == {GENERATION, "previous", "mine"}
    assert after["staged"] == {HOLDER.identity}
    assert after["texts"] == {f"of {GENERATION}", "of previous", "of mine", "unused"}


def test_without_a_live_generation_only_the_runs_own_is_kept(index: FakeIndex) -> None:
    kept = kept_by(None, index.generations, HOLDER, replace(generation("mine")))
    assert (kept.generations, kept.undo) == (["mine"], "")
