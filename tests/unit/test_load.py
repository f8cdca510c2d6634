"""LoadPage: whole documents, into a new generation or staged for the switch of a sync."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.fakes import NOW, FakeIndex, FakeRunStore, clock
from tests.payloads import GENERATION, HOLDER, PAGE, RUN, SPACE, load_task, sealed, settings
from tests.rows import Row, make_row, make_rows, ndc, vector_of
from workflow.contract.documents import record_of, renderer_of
from workflow.contract.errors import RunFileCorrupt, RunSuperseded, TextMissing
from workflow.contract.events.files import PageLoaded
from workflow.contract.events.payloads import ChangesPage, LoadPageTask
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Change, Document, Fields
from workflow.contract.ports.texts import NewRecord
from workflow.contract.runs import LOAD_MANIFEST, PageChanges, RunFiles
from workflow.steps.load_page import BATCH, load_page

RENDERER = renderer_of(settings(), SPACE)
STAMP = {"run_id": RUN, "indexed_at": NOW.isoformat(timespec="seconds")}


def document(row: Row) -> Document:
    return RENDERER.document(row)


def stamped(rows: Sequence[Row], owner: str) -> dict[tuple[str, str], Fields]:
    return {(owner, str(row["ndc"])): document(row).fields | STAMP for row in rows}


class Page:
    """One page of changes over an index that the run may write."""

    def __init__(self) -> None:
        self.index, self.runs = FakeIndex(), FakeRunStore()
        self.memory = self.index.memory
        self.files = RunFiles.of(self.runs, HOLDER)
        self.index.generations.take_fence(HOLDER)

    def changes(self, rows: Sequence[Row], removals: Sequence[str] = ()) -> None:
        upserts = [Change(document(row), None) for row in rows]
        self.files.write_changes(PAGE, PageChanges(upserts, list(removals), {}, []))

    def embed(self, rows: Sequence[Row], refused: str = "") -> None:
        for row in rows:
            text = RENDERER.text(document(row).fields)
            vector = b"" if refused else vector_of(text.text)
            record = NewRecord(text.hash, record_of(text, vector, refused), 1)
            self.index.texts.write(SPACE, HOLDER, [record])

    def load(self, task: LoadPageTask | None = None, *, new_generation: bool = False) -> PageLoaded:
        return load_page(
            task or load_task(new_generation=new_generation),
            documents=self.index.documents,
            texts=self.index.texts,
            runs=self.runs,
            clock=clock,
        )


@pytest.fixture
def page() -> Page:
    return Page()


def test_a_sync_stages_outside_of_what_is_searched(page: Page) -> None:
    page.index.documents.write(GENERATION, HOLDER, [document(make_row(0, route="OLD"))])
    before = dict(page.memory.stored)
    page.changes(make_rows(3))
    page.embed(make_rows(3))
    assert page.load().upserted == 3
    assert page.memory.staged == stamped(make_rows(3), HOLDER.identity)
    assert page.memory.stored == before
    assert page.memory.key_sets[GENERATION] == {ndc(0)}


def test_a_new_generation_is_written_with_its_keys(page: Page) -> None:
    page.changes(make_rows(3))
    page.embed(make_rows(3))
    assert page.load(new_generation=True).upserted == 3
    assert page.memory.stored == stamped(make_rows(3), GENERATION)
    assert page.memory.key_sets[GENERATION] == {ndc(number) for number in range(3)}
    assert page.memory.staged == {}


@pytest.mark.parametrize("new_generation", [False, True])
def test_a_field_of_the_old_document_does_not_stay(page: Page, new_generation: bool) -> None:
    old = Document(ndc(0), {"ndc": ndc(0), "route": "ORAL"})
    page.index.documents.write(GENERATION, HOLDER, [old])
    page.index.documents.stage(HOLDER, [old])
    page.changes([make_row(0, route=None)])
    page.embed([make_row(0, route=None)])
    page.load(new_generation=new_generation)
    written = page.memory.stored if new_generation else page.memory.staged
    owner = GENERATION if new_generation else HOLDER.identity
    assert "route" not in written[owner, ndc(0)]


def test_removals_are_only_noted(page: Page) -> None:
    page.index.documents.write(GENERATION, HOLDER, [document(make_row(5))])
    page.changes([], [ndc(5)])
    assert page.load().removed == 1
    assert page.memory.key_sets[GENERATION] == {ndc(5)}
    assert (GENERATION, ndc(5)) in page.memory.stored


@pytest.mark.parametrize("new_generation", [False, True])
def test_twice_is_the_same_as_once(page: Page, new_generation: bool) -> None:
    page.changes(make_rows(3), [ndc(9)])
    page.embed(make_rows(3))
    once = page.load(new_generation=new_generation)
    held = dict(page.memory.stored), dict(page.memory.staged)
    assert page.load(new_generation=new_generation) == once
    assert (page.memory.stored, page.memory.staged) == held


@pytest.mark.parametrize("new_generation", [False, True])
@pytest.mark.parametrize("run_id", ["newer", RUN])
def test_a_superseded_run_writes_nothing(page: Page, new_generation: bool, run_id: str) -> None:
    """Also where the newer execution has the older one's name."""
    page.changes(make_rows(1))
    page.embed(make_rows(1))
    page.index.generations.take_fence(Holder(run_id, NOW + timedelta(seconds=1)))
    with pytest.raises(RunSuperseded):
        page.load(new_generation=new_generation)
    assert page.memory.stored == page.memory.staged == {}


@pytest.mark.parametrize("new_generation", [False, True])
def test_a_page_of_many_documents_is_written_in_batches(
    page: Page, new_generation: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    name = "write" if new_generation else "stage"
    monkeypatch.setattr(page.index.documents, name, lambda *given: sizes.append(len(given[-1])))
    rows = [make_row(0, ndc=f"{number:05}") for number in range(BATCH + 1)]
    page.changes(rows)
    page.embed(rows[:1])
    page.load(new_generation=new_generation)
    assert sizes == [BATCH, 1]


def test_a_text_without_a_record_is_missing_by_key(page: Page) -> None:
    page.changes(make_rows(3))
    page.embed(make_rows(2))
    with pytest.raises(TextMissing, match=f"1 texts .*{ndc(2)}"):
        page.load()
    assert page.memory.staged == {}


def test_the_drug_of_a_refused_text_is_loaded(page: Page) -> None:
    """It is found by NDC and name."""
    page.changes(make_rows(2))
    page.embed(make_rows(2), refused="not to the model's taste")
    assert page.load().upserted == 2


def test_only_the_changes_that_were_reviewed_are_loaded(page: Page) -> None:
    """A function of this run that was aborted may have written its page again."""
    rows = make_rows(2)
    page.embed(rows)
    upserts = [Change(document(row), None) for row in rows]
    reviewed = page.files.write_changes(PAGE, PageChanges(upserts, [], {}, []))
    task = load_task()
    item = ChangesPage(page=PAGE, upserts=2, removals=0, changes=reviewed)
    task = task.model_copy(update={"page": sealed(LOAD_MANIFEST, item)})
    assert page.load(task).upserted == 2
    page.changes(rows[:1])
    with pytest.raises(RunFileCorrupt, match="written again after the review"):
        page.load(task)
