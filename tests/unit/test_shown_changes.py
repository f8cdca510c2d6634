"""What a run changes, a piece at a time."""

from __future__ import annotations

import pytest

from tests.fakes import FakeIndex, FakeRunStore
from tests.payloads import HOLDER, plan, review
from workflow.contract.events.payloads import ChangesPage
from workflow.contract.ports.documents import Change, Document
from workflow.contract.runs import LOAD_MANIFEST, PLAN, REVIEW, PageChanges, RunFiles
from workflow.operate.changes import changes_of

LIVE = "generation"


@pytest.fixture
def world() -> tuple[FakeRunStore, FakeIndex]:
    """Three pages: two added and one removed, one that is live as it is, two added."""
    store, index = FakeRunStore(), FakeIndex()
    files = RunFiles.of(store, HOLDER)
    files.write(PLAN, plan())
    files.write(REVIEW, review(load_pages=3))
    index.generations.take_fence(HOLDER)
    index.documents.write(LIVE, HOLDER, [document("b"), document("d")])
    pages = {"00000": (["a", "c"], ["b"]), "00001": (["d"], []), "00002": (["e", "f"], [])}
    for name, (written, removed) in pages.items():
        upserts = [Change(document(key), None) for key in written]
        files.write_changes(name, PageChanges(upserts, removed, {}, []))
    files.write_manifest(
        LOAD_MANIFEST,
        [
            ChangesPage(page=name, upserts=len(written), removals=len(removed))
            for name, (written, removed) in pages.items()
        ],
    )
    return store, index


def document(ndc: str) -> Document:
    return Document(ndc, {"ndc": ndc, "drug_name": f"Drug {ndc}"})


@pytest.mark.parametrize("piece", [1, 2, 3, 4, 5, 6, 100])
def test_pieces_of_any_size_are_the_whole(
    world: tuple[FakeRunStore, FakeIndex], piece: int
) -> None:
    store, index = world
    found: list[tuple[str, str]] = []
    start: int | None = 0
    calls = 0
    while start is not None:
        some = changes_of(plan().run, start, runs=store, documents=index.documents, piece=piece)
        assert len(some.drugs) <= piece
        found += [(one.ndc, one.kind) for one in some.drugs]
        start, calls = some.following, calls + 1
    assert found == [
        *(("a", "added"), ("b", "removed"), ("c", "added")),
        *(("e", "added"), ("f", "added")),
    ]
    assert calls == -(-6 // piece)
