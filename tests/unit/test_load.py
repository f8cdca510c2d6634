"""LoadPage: whole documents, rejected rows, the arithmetic of the checksum."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW, FakeIndex, FakeRunStore, clock
from tests.payloads import GENERATION, RUN, SPACE, load_task, settings
from tests.rows import Row, make_row, make_rows, ndc, text_hash_of
from workflow.contract.documents import checksum, writer_of
from workflow.contract.errors import RunSuperseded, TextMissing
from workflow.contract.events.files import PageLoaded, RejectedText
from workflow.contract.ports.documents import Batch, Document
from workflow.contract.ports.generations import Generation
from workflow.contract.ports.model import Vector
from workflow.contract.runs import RunFiles
from workflow.steps.load_page import BATCH, load_page

WRITER = writer_of(settings(), SPACE)
HASH_RANGE = 1 << 128


def document(row: Row) -> Document:
    return WRITER.document(row)


class Page:
    """One page of changes over an index that the run may write."""

    def __init__(self) -> None:
        self.index, self.runs = FakeIndex(), FakeRunStore()
        self.files = RunFiles(self.runs, RUN)
        self.index.take_fence(RUN)
        self.index.create_generation(
            Generation(GENERATION, SPACE, "0", "schema", "live", RUN, "2026")
        )

    def changes(
        self,
        rows: Sequence[Row],
        removals: Sequence[str] = (),
        *,
        old: dict[str, str] | None = None,
    ) -> None:
        lines: list[dict[str, object]] = [
            {"fields": document(row).fields, "old": (old or {}).get(str(row["ndc"]))}
            for row in rows
        ]
        lines += [{"remove": key} for key in removals]
        self.files.write_lines("diff/00000.jsonl.gz", lines)

    def embed(self, rows: Sequence[Row]) -> None:
        for row in rows:
            text = WRITER.text(document(row).fields)
            self.index.write_texts(SPACE, RUN, [(text, Vector(b"v", 1), "hash")])

    def reject(self, *rows: Row, page: str = "00007") -> None:
        found = [RejectedText(text_hash=text_hash_of(row), reason="bad words") for row in rows]
        self.files.write_manifest(f"embed/{page}.rejected.json", found)

    def load(self, *, new_generation: bool = False) -> PageLoaded:
        return load_page(
            load_task(new_generation=new_generation),
            index=self.index,  # type: ignore[arg-type] # the part of the port that it uses
            runs=self.runs,
            clock=clock,
        )


@pytest.fixture
def page() -> Page:
    return Page()


def test_documents_are_written_whole_with_run_and_time(page: Page) -> None:
    page.changes(make_rows(3))
    page.embed(make_rows(3))
    assert page.load().upserted == 3
    stamp = {"run_id": RUN, "indexed_at": NOW.isoformat(timespec="seconds")}
    assert page.index.stored == {
        (GENERATION, ndc(n)): document(make_row(n)).fields | stamp for n in range(3)
    }


def test_a_field_of_the_old_document_does_not_stay(page: Page) -> None:
    old = Document(ndc(0), {"ndc": ndc(0), "route": "ORAL"})
    page.index.load(GENERATION, RUN, Batch([old], ()), suspect=False)
    page.changes([make_row(0, route=None)])
    page.embed([make_row(0, route=None)])
    page.load()
    assert "route" not in page.index.stored[GENERATION, ndc(0)]


def test_vanished_drugs_are_removed(page: Page) -> None:
    page.index.load(GENERATION, RUN, Batch([document(make_row(5))], ()), suspect=False)
    page.changes([], [ndc(5)])
    assert page.load().removed == 1
    assert page.index.stored == {}
    assert page.index.key_sets[GENERATION] == set()


def test_twice_is_the_same_as_once(page: Page) -> None:
    page.changes(make_rows(3), [ndc(9)])
    page.embed(make_rows(3))
    once = page.load()
    held = dict(page.index.stored)
    assert page.load() == once
    assert page.index.stored == held


@pytest.mark.parametrize(("new_generation", "state"), [(False, "suspect"), (True, "live")])
def test_only_a_generation_that_searches_see_becomes_suspect(
    page: Page, new_generation: bool, state: str
) -> None:
    page.changes(make_rows(1))
    page.embed(make_rows(1))
    page.load(new_generation=new_generation)
    assert page.index.built[GENERATION].state == state


def test_a_superseded_run_writes_nothing(page: Page) -> None:
    page.changes(make_rows(1))
    page.embed(make_rows(1))
    page.index.take_fence("newer")
    with pytest.raises(RunSuperseded):
        page.load()
    assert page.index.stored == {}


def test_a_page_of_many_documents_is_written_in_batches(page: Page) -> None:
    batches: list[Batch] = []
    load = page.index.load

    def count(generation: str, run_id: str, batch: Batch, *, suspect: bool) -> None:
        batches.append(batch)
        load(generation, run_id, batch, suspect=suspect)

    page.index.load = count  # type: ignore[method-assign]
    rows = [make_row(0, ndc=f"{number:05}") for number in range(BATCH + 1)]
    page.changes(rows, [f"x{number}" for number in range(BATCH + 1)])
    page.embed(rows[:1])
    page.load()
    assert [(len(one.upserts), len(one.removals)) for one in batches] == [
        (BATCH, 0),
        (1, 0),
        (0, BATCH),
        (0, 1),
    ]


def test_a_text_without_record_and_reason_is_missing_by_key(page: Page) -> None:
    page.changes(make_rows(4))
    page.embed(make_rows(2))
    with pytest.raises(TextMissing, match=f"1 texts .*{ndc(2)}"):
        page.load()
    assert page.index.stored == {}


def test_rows_of_a_refused_text_are_rejected_with_the_models_words(page: Page) -> None:
    page.changes(make_rows(4), old={ndc(3): "0" * 31 + "1"})
    page.embed(make_rows(2))
    page.reject(make_row(2))
    done = page.load()
    assert done.upserted == 2
    assert [(row.ndc, row.new, row.reason) for row in done.rejected] == [
        (ndc(2), True, "bad words"),
        (ndc(3), False, "bad words"),
    ]


def test_a_text_that_was_refused_first_and_taken_later_is_loaded(page: Page) -> None:
    page.changes(make_rows(2))
    page.embed(make_rows(2))
    page.reject(make_row(0))
    done = page.load()
    assert (done.upserted, done.rejected) == (2, ())


@given(st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)))
def test_the_correction_makes_the_sum_that_of_what_is_stored(
    stored: set[int], refused: set[int]
) -> None:
    """`stored` drugs had other documents before; the texts of `refused` ones are not taken."""
    page = Page()
    # Twenty apart, so that no two share a text.
    rows = [make_row(20 * n) for n in range(10)]
    before = [document(make_row(20 * n, route="OLD")) for n in stored]
    page.index.load(GENERATION, RUN, Batch(before, ()), suspect=False)
    page.changes(rows, old={one.ndc: one.content_hash for one in before})
    page.embed([row for n, row in enumerate(rows) if n not in refused])
    page.reject(*(rows[n] for n in refused))
    done = page.load()
    expected = checksum(document(row).content_hash for row in rows) - done.correction
    found = checksum(fields["content_hash"] for fields in page.index.stored.values())
    assert expected % HASH_RANGE == found
    assert len(done.rejected) == len(refused)
