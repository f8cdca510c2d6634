"""PublishIndex: the switch, the check after it, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from tests.fakes import NOW, FakeCatalog, FakeIndex, FakeRunStore, clock
from tests.payloads import (
    GENERATION,
    HOLDER,
    PAGE,
    SPACE,
    generation,
    review,
    reviewed_task,
    settings,
    verified_page,
    whole_page,
)
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
    ColumnProfile,
    ModelAsked,
    PageLoaded,
    Switched,
    Verification,
)
from workflow.contract.events.payloads import ChangesPage, PublishedIndex
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Change, Document
from workflow.contract.ports.generations import Live, LiveNames
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.server import IndexKind
from workflow.contract.runs import PageChanges, RunFiles
from workflow.steps.publish_index import TAKEN_BACK, publish_index
from workflow.verify.removals import digest

OLD = Holder("before", NOW - timedelta(days=1))
BEFORE = Baseline(rows=3)
ASKED = ModelAsked(at=NOW - timedelta(days=3), space=SPACE, questions="q")


def document(ndc: str, version: str) -> Document:
    return Document(ndc, {"ndc": ndc, "version": version, "text_hash": ndc, "content_hash": ndc})


class Switch:
    """A verified run: of drugs a, b, c that are live, b changes, c goes; d is new."""

    def __init__(self, *, new_generation: bool) -> None:
        self.index, self.runs = FakeIndex(), FakeRunStore()
        self.memory = self.index.memory
        self.new = new_generation
        self.rows = "abd"
        """The keys that the catalog has when it is asked a last time."""
        self.catalog: FakeCatalog | None = None
        self.files = RunFiles.of(self.runs, HOLDER)
        self.index.generations.take_fence(HOLDER)
        self._live("old" if new_generation else GENERATION)
        if new_generation:
            self.index.generations.create(generation(state="building"), HOLDER)
            new = [document(ndc, "new") for ndc in "abd"]
            self.index.documents.write(GENERATION, HOLDER, new)
        else:
            self.index.documents.stage(HOLDER, [document(ndc, "new") for ndc in "bd"])
        self.index.server.create_indexes(LiveNames(GENERATION, SPACE))
        self._write_files()

    def _live(self, name: str) -> None:
        record = generation(name, baseline=BEFORE, published_at="then")
        self.index.generations.create(record, HOLDER)
        self.index.documents.write(name, HOLDER, [document(ndc, "old") for ndc in "abc"])
        self.memory.live = Live(LiveNames(name, SPACE, OLD.identity), "older", OLD.identity)
        self.memory.repair[name] = {"a", "b"}

    def _write_files(self) -> None:
        self.files.write_manifest("pages.json", [whole_page(3)])
        self.files.write("baseline.json", BEFORE)
        self.files.write("verification.json", Verification(checks=(), bad_keys=()))
        profile = {"route": ColumnProfile(blanks=1, commonest={})}
        self.files.write("review.json", review(rows=4, vanished=1, profile=profile))
        upserts = [Change(document(ndc, "new"), None) for ndc in "bd"]
        self.files.write_changes(PAGE, PageChanges(upserts, ["c"], {}, []))
        self.files.write_manifest("load.json", [ChangesPage(page=PAGE, upserts=2, removals=1)])
        self.files.write(f"load/{PAGE}.json", PageLoaded(page=PAGE, upserted=2, removed=1))
        self.verified()

    def verified(self, **found: Any) -> None:
        found = {"gone": ("c",), "keys": digest("abd"), **found}
        self.files.write(f"verify/{PAGE}.json", verified_page(**found))

    def publish(self, **planned: Any) -> PublishedIndex:
        live = "old" if self.new else None
        return publish_index(
            reviewed_task(new_generation=self.new, live=live, **planned),
            catalog=self.catalog or FakeCatalog([{"ndc": key} for key in self.rows]),
            generations=self.index.generations,
            documents=self.index.documents,
            server=self.index.server,
            search=cast(SearchIndex, self.index.search),
            runs=self.runs,
            settings=settings(),
            clock=clock,
        )

    def searched(self) -> dict[str, str]:
        """Which version of each drug searches find."""
        assert self.memory.live
        live = self.memory.live.names.generation
        keys = self.index.documents.keys_between(live, None, None)
        assert {ndc for owner, ndc in self.memory.stored if owner == live} == set(keys)
        return {ndc: self.memory.stored[live, ndc]["version"] for ndc in keys}

    def note(self) -> Switched:
        return self.files.read("publish.json", Switched)

    def index_says(self, **facts: Any) -> None:
        self.memory.said["drugs", GENERATION] = facts


AS_BEFORE = {"a": "old", "b": "old", "c": "old"}


@pytest.fixture
def sync() -> Switch:
    return Switch(new_generation=False)


@pytest.fixture
def backfill() -> Switch:
    return Switch(new_generation=True)


@pytest.fixture(params=["sync", "backfill"])
def switch(request: pytest.FixtureRequest) -> Switch:
    found: Switch = request.getfixturevalue(request.param)
    return found


def everything(switch: Switch) -> tuple[Any, ...]:
    memory = switch.memory
    return memory.live, dict(memory.stored), dict(memory.undo), dict(memory.records)


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
