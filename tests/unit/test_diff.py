"""DiffPage: one range of the catalog against the same range of the index."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FakeCatalog, FakeIndex, FakeRunStore, clock
from tests.payloads import GENERATION, RUN, SPACE, diff_task, settings
from tests.rows import Row, make_row, make_rows, ndc
from workflow.contract.documents import checksum, writer_of
from workflow.contract.errors import DuplicateKey, KeyBlank, KeyOrderMismatch
from workflow.contract.events.files import PageDiff
from workflow.contract.events.payloads import PageRange
from workflow.contract.ports.documents import Batch, Document
from workflow.contract.ports.model import Vector
from workflow.contract.ports.texts import Text
from workflow.contract.runs import RunFiles
from workflow.steps.diff_page import check_keys, diff_page, profile

WHOLE = PageRange(page="00000", after=None, through=None)


def documents_of(rows: Sequence[Row]) -> list[Document]:
    writer = writer_of(settings(), SPACE)
    return [writer.document(row) for row in rows]


def index_with(rows: Sequence[Row], *, texts: bool = True) -> FakeIndex:
    """An index that holds these rows, with the records of their texts."""
    index, writer = FakeIndex(), writer_of(settings(), SPACE)
    index.take_fence("before")
    index.load(GENERATION, "before", Batch(documents_of(rows), ()), suspect=False)
    if texts:
        for document in documents_of(rows):
            record = (writer.text(document.fields), Vector(b"v", 1), "hash")
            index.write_texts(SPACE, "before", [record])
    return index


def diff(
    rows: Sequence[Row], index: FakeIndex, page: PageRange = WHOLE, *, new_generation: bool = False
) -> tuple[PageDiff, RunFiles]:
    runs = FakeRunStore()
    summary = diff_page(
        diff_task(page, new_generation=new_generation),
        catalog=FakeCatalog(rows),
        index=index,  # type: ignore[arg-type] # the part of the port that this step uses
        runs=runs,
        settings=settings(),
        clock=clock,
    )
    return summary, RunFiles(runs, RUN)


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


# What differs


def test_rows_of_an_empty_index_are_all_added() -> None:
    summary, _ = diff(make_rows(4), FakeIndex())
    assert counts(summary) == (4, 0, 0, 0)
    assert summary.new_texts == 2


def test_rows_that_are_stored_are_unchanged() -> None:
    summary, files = diff(make_rows(4), index_with(make_rows(4)))
    assert counts(summary) == (0, 0, 0, 4)
    assert list(files.read_lines("diff/00000.jsonl.gz")) == []
    assert summary.new_texts == 0


def test_each_kind_of_change_is_told_from_the_others() -> None:
    index = index_with(make_rows(4))
    rows = [make_row(0), make_row(1, route="NASAL"), make_row(2), make_row(9)]
    summary, files = diff(rows, index)
    assert counts(summary) == (1, 1, 1, 2)
    assert summary.samples == {"added": (ndc(9),), "changed": (ndc(1),), "removed": (ndc(3),)}
    lines = list(files.read_lines("diff/00000.jsonl.gz"))
    assert [line["fields"]["ndc"] for line in lines if "fields" in line] == [ndc(9), ndc(1)]
    assert [line["remove"] for line in lines if "remove" in line] == [ndc(3)]


def test_a_change_carries_the_content_hash_that_is_stored_now() -> None:
    index = index_with(make_rows(2))
    _, files = diff([make_row(0, route="NASAL"), make_row(1), make_row(2)], index)
    old = {line["fields"]["ndc"]: line["old"] for line in files.read_lines("diff/00000.jsonl.gz")}
    assert old == {ndc(0): documents_of(make_rows(1))[0].content_hash, ndc(2): None}


def test_a_key_to_repair_counts_as_changed() -> None:
    index = index_with(make_rows(4))
    index.report_damage(GENERATION, "before", [ndc(2)], suspect=False)
    summary, _ = diff(make_rows(4), index)
    assert counts(summary) == (0, 1, 0, 3)


def test_a_document_outside_the_key_set_is_written_again() -> None:
    index = index_with(make_rows(4))
    index.key_sets[GENERATION].discard(ndc(2))
    summary, _ = diff(make_rows(4), index)
    assert counts(summary) == (1, 0, 0, 3)


def test_a_key_without_its_document_is_changed() -> None:
    index = index_with(make_rows(4))
    del index.stored[GENERATION, ndc(2)]
    summary, _ = diff(make_rows(4), index)
    assert counts(summary) == (0, 1, 0, 3)


def test_only_the_pages_own_range_is_compared() -> None:
    page = PageRange(page="00001", after=ndc(1), through=ndc(3))
    summary, _ = diff([], index_with(make_rows(6)), page)
    assert (summary.removed, summary.samples["removed"]) == (2, (ndc(2), ndc(3)))


def test_new_texts_are_named_once_and_only_where_no_record_is() -> None:
    index = index_with(make_rows(2))
    summary, files = diff(make_rows(6), index)
    texts = list(files.read_lines("diff/00000.texts.jsonl.gz"))
    assert summary.new_texts == len(texts) == 2
    assert Text(**texts[0]).hash == documents_of([make_row(2)])[0].text_hash


def test_an_unchanged_row_needs_no_text() -> None:
    summary, _ = diff(make_rows(4), index_with(make_rows(4), texts=False))
    assert summary.new_texts == 0


def test_a_new_generation_counts_the_live_drugs_that_vanish() -> None:
    index = index_with(make_rows(4))
    task = diff_task(WHOLE, new_generation=True, mode="backfill")
    live = task.plan.model_copy(update={"live_generation": GENERATION, "generation": "new"})
    summary = diff_page(
        task.model_copy(update={"plan": live}),
        catalog=FakeCatalog(make_rows(3)),
        index=index,  # type: ignore[arg-type] # the part of the port that this step uses
        runs=FakeRunStore(),
        settings=settings(),
        clock=clock,
    )
    assert counts(summary) == (3, 0, 0, 0)
    assert (summary.live, summary.vanished) == (4, 1)


# Sums and profiles


@given(st.lists(st.integers(0, (1 << 128) - 1)), st.integers(0, 10))
def test_checksums_of_pages_add_up_in_any_order(values: list[int], cut: int) -> None:
    hashes = [f"{value:032x}" for value in values]
    parts = checksum(hashes[:cut]) + checksum(reversed(hashes[cut:]))
    assert parts % (1 << 128) == checksum(hashes)


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
