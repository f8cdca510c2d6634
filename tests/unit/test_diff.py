"""DiffPage: one range of the catalog against the same range of the index."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FakeCatalog, FakeIndex, FakeRunStore, clock
from tests.payloads import GENERATION, HOLDER, SPACE, diff_task, settings, whole_page
from tests.rows import Row, make_row, make_rows, ndc, vector_of
from workflow.contract.documents import record_of, renderer_of
from workflow.contract.errors import CatalogMoved, DuplicateKey, KeyBlank, KeyOrderMismatch
from workflow.contract.events.files import PageDiff
from workflow.contract.events.payloads import PageRange
from workflow.contract.ports.documents import Document
from workflow.contract.ports.texts import NewRecord, Text
from workflow.contract.read_page import check_keys
from workflow.contract.runs import PageChanges, RunFiles
from workflow.steps.diff_page import diff_page, profile

WHOLE = whole_page()
TEXTS = "diff/00000.texts.jsonl.gz"


def documents_of(rows: Sequence[Row]) -> list[Document]:
    renderer = renderer_of(settings(), SPACE)
    return [renderer.document(row) for row in rows]


def texts_of(rows: Sequence[Row]) -> list[Text]:
    renderer = renderer_of(settings(), SPACE)
    return [renderer.text(one.fields) for one in documents_of(rows)]


def index_with(rows: Sequence[Row], *, texts: bool = True) -> FakeIndex:
    """An index that holds these rows, with the records of their texts."""
    index = FakeIndex()
    index.generations.take_fence(HOLDER)
    index.documents.write(GENERATION, HOLDER, documents_of(rows))
    if texts:
        for text in texts_of(rows):
            record = record_of(text, vector_of(text.text))
            index.texts.write(SPACE, HOLDER, [NewRecord(text.hash, record, 1)])
    return index


def diff(
    rows: Sequence[Row], index: FakeIndex, page: PageRange = WHOLE, **planned: object
) -> tuple[PageDiff, RunFiles]:
    runs = FakeRunStore()
    summary = diff_page(
        diff_task(page, **planned),
        catalog=FakeCatalog(rows),
        documents=index.documents,
        texts=index.texts,
        runs=runs,
        settings=settings(),
        clock=clock,
    )
    return summary, RunFiles.of(runs, HOLDER)


def changes(files: RunFiles) -> PageChanges:
    return files.read_changes("00000")


def counts(summary: PageDiff) -> tuple[int, int, int, int]:
    return summary.added, summary.changed, summary.removed, summary.unchanged


# Keys


@pytest.mark.parametrize(
    ("keys", "error", "named"),
    [
        (["1", "1"], DuplicateKey, ["'1'"]),
        (["1", "3", "2"], KeyOrderMismatch, ["'3'", "'2'"]),
        (["a", "B"], KeyOrderMismatch, ["'a'", "'B'"]),
        (["", "1"], KeyBlank, ["''"]),
        (["1", "  "], KeyBlank, ["'  '"]),
        (["\uff5e", "\U0001f600"], None, []),
        (["\U0001f600", "\uff5e"], KeyOrderMismatch, ["'\U0001f600'"]),
        (["a", "a "], None, []),
        (["a\t", "a"], KeyOrderMismatch, ["'a\\\\t'", "'a'"]),
        ([], None, []),
    ],
)
def test_keys_must_rise_strictly_as_bytes(
    keys: list[str], error: type[Exception] | None, named: list[str]
) -> None:
    if error is None:
        check_keys(keys, WHOLE)
        return
    with pytest.raises(error) as caught:
        check_keys(keys, WHOLE)
    for one in named:
        assert one.replace("\\\\", "\\") in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        (["b", "c"], None),
        (["c"], None),
        (["a"], DuplicateKey),
        (["A", "b"], KeyOrderMismatch),
        (["b", "d"], KeyOrderMismatch),
    ],
)
def test_keys_must_lie_within_their_page(keys: list[str], error: type[Exception] | None) -> None:
    page = PageRange(page="00001", after="a", through="c")
    if error is None:
        check_keys(keys, page)
        return
    with pytest.raises(error):
        check_keys(keys, page)


@given(st.sets(st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip)))
def test_any_keys_in_the_order_of_their_bytes_are_right(keys: set[str]) -> None:
    check_keys(sorted(keys, key=str.encode), WHOLE)


# A catalog that is being loaded


@pytest.mark.parametrize(
    ("planned", "there", "moved"),
    [(24, 4, False), (25, 4, True), (2000, 1960, False), (2000, 1959, True), (4, 40, False)],
)
def test_a_page_that_lost_more_rows_than_the_guard_allows_is_asked_again(
    planned: int, there: int, moved: bool
) -> None:
    rows = [{"ndc": f"{number:05}", "drug_name": "x"} for number in range(there)]
    if not moved:
        assert diff(rows, FakeIndex(), whole_page(planned))[0].rows == there
        return
    with pytest.raises(CatalogMoved, match=f"{planned - there} of the {planned:,} rows"):
        diff(rows, FakeIndex(), whole_page(planned))


@pytest.mark.parametrize(("page_size", "most"), [(5, 20), (15, 25)], ids=["doubled", "as asked"])
def test_a_page_that_grew_by_more_than_a_page_is_not_read(page_size: int, most: int) -> None:
    page = whole_page(10)
    assert diff(make_rows(most), FakeIndex(), page, page_size=page_size)[0].rows == most
    with pytest.raises(CatalogMoved, match=f"more than {most} rows and had 10"):
        diff(make_rows(most + 1), FakeIndex(), page, page_size=page_size)


# Rows that cannot be carried

BAD = make_row(1, is_active="perhaps")


def test_a_rejected_row_is_named_with_its_column_and_value() -> None:
    summary, _ = diff([make_row(0), BAD], FakeIndex())
    row = summary.rejected[0]
    assert (row.ndc, row.column, row.value, row.new) == (ndc(1), "is_active", "perhaps", True)
    assert (summary.rows, counts(summary)) == (1, (1, 0, 0, 0))


def test_the_drug_of_a_rejected_row_is_no_removal() -> None:
    summary, files = diff([make_row(0), BAD], index_with(make_rows(3)))
    assert [(row.ndc, row.new) for row in summary.rejected] == [(ndc(1), False)]
    assert (summary.removed, summary.vanished) == (1, 1)
    assert changes(files).removals == [ndc(2)]
    assert changes(files).rejected == [ndc(1)]


def test_in_a_new_generation_a_rejected_row_stands_as_it_was_last_published() -> None:
    index = index_with([])
    index.documents.write("live", HOLDER, documents_of(make_rows(2)))
    summary, files = diff([make_row(0), BAD], index, new_generation=True, live="live")
    assert [one.document for one in changes(files).upserts] == documents_of(make_rows(2))
    assert [(row.ndc, row.new) for row in summary.rejected] == [(ndc(1), False)]
    assert files.read_texts(TEXTS) == texts_of(make_rows(2))[:1]  # of both


def test_an_edited_document_of_a_rejected_row_is_not_taken_over() -> None:
    """Its new hash would say that it is right."""
    index = index_with([])
    index.documents.write("live", HOLDER, documents_of(make_rows(2)))
    index.memory.stored["live", ndc(1)]["strength"] = "500 mg"
    _, files = diff([make_row(0), BAD], index, new_generation=True, live="live")
    assert [one.document.ndc for one in changes(files).upserts] == [ndc(0)]


@pytest.mark.parametrize("live", [[], [make_row(0)]], ids=["no document", "of another drug"])
def test_a_rejected_row_that_was_not_published_has_no_document(live: list[Row]) -> None:
    index = index_with([])
    for one in documents_of(live):
        index.documents.write("live", HOLDER, [one._replace(ndc=ndc(1))])
    _, files = diff([make_row(0), BAD], index, new_generation=True, live="live")
    assert [one.document.ndc for one in changes(files).upserts] == [ndc(0)]


def test_rejected_rows_are_there_and_the_catalog_did_not_move() -> None:
    rows = [make_row(number, is_active="perhaps") for number in range(30)]
    assert len(diff(rows, FakeIndex(), whole_page(30))[0].rejected) == 30


# What differs


def test_rows_of_an_empty_index_are_all_added() -> None:
    summary, _ = diff(make_rows(4), FakeIndex())
    assert counts(summary) == (4, 0, 0, 0)
    assert summary.new_texts == 2


def test_rows_that_are_stored_are_unchanged_and_noted_with_their_hashes() -> None:
    summary, files = diff(make_rows(4), index_with(make_rows(4)))
    assert counts(summary) == (0, 0, 0, 4)
    hashes = {one.ndc: one.content_hash for one in documents_of(make_rows(4))}
    assert changes(files) == PageChanges([], [], hashes, [])
    assert summary.new_texts == 0


def test_each_kind_of_change_is_told_from_the_others() -> None:
    index = index_with(make_rows(4))
    rows = [make_row(0), make_row(1, route="NASAL"), make_row(2), make_row(9)]
    summary, files = diff(rows, index)
    assert counts(summary) == (1, 1, 1, 2)
    assert summary.samples == {"added": (ndc(9),), "changed": (ndc(1),), "removed": (ndc(3),)}
    found = changes(files)
    assert [one.document.ndc for one in found.upserts] == [ndc(9), ndc(1)]
    assert found.removals == [ndc(3)]
    assert sorted(found.unchanged) == [ndc(0), ndc(2)]


def test_a_change_carries_the_content_hash_that_is_stored_now() -> None:
    index = index_with(make_rows(2))
    _, files = diff([make_row(0, route="NASAL"), make_row(1), make_row(2)], index)
    old = {one.document.ndc: one.old for one in changes(files).upserts}
    assert old == {ndc(0): documents_of(make_rows(1))[0].content_hash, ndc(2): None}


def test_a_key_to_repair_counts_as_changed() -> None:
    index = index_with(make_rows(4))
    index.documents.report_damage(GENERATION, HOLDER, [ndc(2)])
    summary, _ = diff(make_rows(4), index)
    assert counts(summary) == (0, 1, 0, 3)


def test_a_document_outside_the_key_set_is_written_again() -> None:
    index = index_with(make_rows(4))
    index.memory.key_sets[GENERATION].discard(ndc(2))
    summary, _ = diff(make_rows(4), index)
    assert counts(summary) == (1, 0, 0, 3)


def test_a_key_without_its_document_is_changed() -> None:
    index = index_with(make_rows(4))
    del index.memory.stored[GENERATION, ndc(2)]
    summary, _ = diff(make_rows(4), index)
    assert counts(summary) == (0, 1, 0, 3)


def test_only_the_pages_own_range_is_compared() -> None:
    page = PageRange(page="00001", after=ndc(1), through=ndc(3))
    summary, _ = diff([], index_with(make_rows(6)), page)
    assert (summary.removed, summary.samples["removed"]) == (2, (ndc(2), ndc(3)))


def test_a_new_generation_counts_the_live_drugs_that_vanish() -> None:
    index = index_with(make_rows(4))
    index.memory.key_sets["live"] = index.memory.key_sets.pop(GENERATION)
    summary, _ = diff(make_rows(3), index, new_generation=True, live="live", mode="backfill")
    assert counts(summary) == (3, 0, 0, 0)
    assert (summary.live, summary.vanished) == (4, 1)


# Texts


def test_new_texts_are_named_once_and_only_where_no_record_is() -> None:
    summary, files = diff(make_rows(6), index_with(make_rows(2)))
    found = files.read_texts(TEXTS)
    assert summary.new_texts == len(found) == 2
    assert found == [texts_of([make_row(2)])[0], texts_of([make_row(4)])[0]]


def test_an_unchanged_row_needs_no_text() -> None:
    summary, _ = diff(make_rows(4), index_with(make_rows(4), texts=False))
    assert summary.new_texts == 0


@pytest.mark.parametrize(("new_generation", "again"), [(False, 1), (True, 0)])
def test_a_sync_embeds_the_text_of_a_faulty_record_again_and_a_backfill_does_not(
    new_generation: bool, again: int
) -> None:
    """A backfill writes over nothing that the live generation reads."""
    index, text = index_with(make_rows(2)), texts_of(make_rows(1))[0]
    record, origin = index.memory.kept[SPACE, text.hash]
    index.memory.kept[SPACE, text.hash] = (record._replace(vector=vector_of("other")), origin)
    index.memory.key_sets[GENERATION].clear()
    summary, files = diff(make_rows(2), index, new_generation=new_generation)
    assert summary.new_texts == again
    assert (files.read_texts(TEXTS) if again else []) == [text] * again
    assert summary.text_parts == (0,) * again


def test_a_text_that_was_refused_has_a_record() -> None:
    index, text = FakeIndex(), texts_of(make_rows(1))[0]
    index.generations.take_fence(HOLDER)
    refused = NewRecord(text.hash, record_of(text, b"", "not to my taste"), 0)
    index.texts.write(SPACE, HOLDER, [refused])
    assert diff(make_rows(2), index)[0].new_texts == 0


# Profiles


def test_a_profile_counts_blanks_and_the_commonest_values() -> None:
    rows = [make_row(n, route=route) for n, route in enumerate(["A", "A", "B", None, " "])]
    found = profile(documents_of(rows))["route"]
    assert (found.blanks, found.commonest) == (2, {"A": 2, "B": 1})
    assert "ndc" not in profile(documents_of(rows))


def test_a_profile_keeps_few_and_short_values() -> None:
    rows = [make_row(n, drug_class="x" * 100 + str(n), route=str(n)) for n in range(20)]
    found = profile(documents_of(rows))
    assert len(found["route"].commonest) == 8
    assert found["drug_class"].commonest == {"x" * 80: 8}
