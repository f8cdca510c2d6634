"""A switch, ready to be made: of a sync and of a backfill.

Test files import its fixtures.
"""

from __future__ import annotations

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
from workflow.contract.runs import PageChanges, RunFiles
from workflow.steps.publish_index import publish_index
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
