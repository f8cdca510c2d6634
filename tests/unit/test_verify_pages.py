"""What VerifyPage says of a page: damage, and drift."""

from __future__ import annotations

import pytest

from tests.fakes import NOW, FakeCatalog, FakeRunStore
from tests.payloads import GENERATION, HOLDER, PAGE, SPACE, plan, sealed, settings, whole_page
from tests.rows import DIMENSIONS, make_row, ndc, vector_of
from tests.verified_page import (
    BAD,
    RENDERER,
    Page,
    assert_nothing_but,
    backfill,
    document,
    first,
    keys,
    page,
    sync,
    written,
)
from workflow.contract.errors import IndexStillBuilding
from workflow.contract.events.files import VerifiedPage
from workflow.contract.events.payloads import VerifyPageTask
from workflow.contract.read_page import read_page
from workflow.contract.runs import PAGES, RunFiles
from workflow.steps.verify_page import verify_page
from workflow.verify.pages import PageComparison

# As it must be


def test_what_the_run_wrote_is_what_the_catalog_says(page: Page) -> None:
    found = page.compare()
    assert_nothing_but(found)
    assert found.rows == found.documents == len(page.rows)
    assert found.texts == len(found.records)


def test_a_sync_is_judged_by_what_is_staged_over_what_is_live(sync: Page) -> None:
    found = sync.compare()
    texts = {RENDERER.text(document(row).fields).hash for row in sync.rows}
    assert set(found.records) == texts
    del sync.memory.staged[HOLDER.identity, ndc(1)]
    assert sync.compare().damaged == {ndc(1): "has no document"}


def test_only_the_pages_own_range_is_judged(first: Page) -> None:
    first.stores([make_row(9)])
    planned, page = plan(new_generation=True), whole_page(4).model_copy(update={"through": ndc(3)})
    rows = read_page(FakeCatalog(first.rows), page, RENDERER, most=100)
    comparison = PageComparison(planned, page, first.changes, dimensions=DIMENSIONS)
    found = comparison.run(rows, documents=first.index.documents, texts=first.index.texts)
    assert_nothing_but(found)


# Damage


def test_a_document_that_is_gone_is_damage(page: Page) -> None:
    written(page, 2).clear()
    found = page.compare()
    what = {ndc(2): "has no document"}
    assert found.damaged == what
    assert not found.drifted


def test_a_key_that_is_gone_is_damage(first: Page) -> None:
    first.memory.key_sets[GENERATION].discard(ndc(2))
    found = first.compare()
    assert found.damaged == {ndc(2): "has no document"}
    assert found.documents == 3


def test_a_document_that_was_edited_is_damage(page: Page) -> None:
    written(page, 2)["route"] = "EDITED"
    found = page.compare()
    assert_nothing_but(found, damaged={ndc(2): "has a document that does not match its own hash"})


def test_the_document_of_another_drug_is_damage(page: Page) -> None:
    other = dict(written(page, 1))
    written(page, 2).clear()
    written(page, 2).update(other)
    assert page.compare().damaged == {ndc(2): f"holds the document of ndc {ndc(1)!r}"}


def test_a_document_that_is_right_in_itself_and_not_the_one_that_was_written_is_damage(
    page: Page,
) -> None:
    written(page, 2).clear()
    written(page, 2).update(document(make_row(2, manufacturer="Other")).fields)
    assert page.compare().damaged == {
        ndc(2): "has a different document from the one that was written"
    }


def test_a_document_that_nothing_asked_for_is_damage(first: Page) -> None:
    first.stores([make_row(9)])
    found = first.compare()
    assert found.damaged == {ndc(9): "has a document, and DiffPage saw no row"}


def test_a_key_that_nothing_asked_for_is_damage(first: Page) -> None:
    first.memory.key_sets[GENERATION].add(ndc(9))
    assert first.compare().damaged == {ndc(9): "is in the key set, and DiffPage saw no row"}


def test_one_missing_and_one_extra_do_not_cancel_out(first: Page) -> None:
    first.memory.key_sets[GENERATION].discard(ndc(2))
    first.stores([make_row(9)])
    found = first.compare()
    assert found.rows == found.documents
    assert set(found.damaged) == {ndc(2), ndc(9)}


# Drift


def test_a_row_that_changed_since_is_drift(page: Page) -> None:
    page.rows[2] = make_row(2, route="LATER")
    found = page.compare()
    assert_nothing_but(found, drifted=keys(2))


def test_a_row_that_left_since_is_drift(page: Page) -> None:
    del page.rows[2]
    assert page.compare().drifted == keys(2)


def test_a_row_that_came_since_is_drift(page: Page) -> None:
    page.rows.append(make_row(9))
    assert page.compare().drifted == keys(9)


def test_a_row_that_cannot_be_carried_any_more_is_drift(page: Page) -> None:
    page.rows[2] = make_row(2, **BAD)
    assert_nothing_but(page.compare(), drifted=keys(2))


def test_damage_of_a_row_that_changed_since_is_still_damage(page: Page) -> None:
    page.rows[2] = make_row(2, route="LATER")
    written(page, 2)["route"] = "EDITED"
    found = page.compare()
    assert list(found.damaged) == keys(2)
    assert found.drifted == []


def test_the_drift_of_a_first_generation_is_not_counted_as_its_documents(first: Page) -> None:
    first.rows = [make_row(0), make_row(1, route="LATER"), make_row(3), make_row(9)]
    found = first.compare()
    assert found.drifted == keys(1, 2, 9)
    assert found.rows == found.documents == 2


# Text records


def text_of(number: int) -> str:
    return document(make_row(number)).text_hash


def test_a_text_without_a_record_is_named_for_each_of_its_drugs(page: Page) -> None:
    del page.memory.kept[SPACE, text_of(2)]
    found = page.compare()
    drugs = [str(row["ndc"]) for row in page.rows if document(row).text_hash == text_of(2)]
    assert_nothing_but(
        found, bad_texts=dict.fromkeys(drugs, "its text record is wrong: it is missing")
    )
    assert text_of(2) not in found.records


def test_a_record_with_another_texts_vector_is_named(page: Page) -> None:
    record, origin = page.memory.kept[SPACE, text_of(2)]
    page.memory.kept[SPACE, text_of(2)] = (record._replace(vector=vector_of("other")), origin)
    assert "it does not match its own hash" in page.compare().bad_texts[ndc(2)]


def test_the_drugs_of_a_refused_text_are_named_and_right(page: Page) -> None:
    page.embeds([make_row(2)], refused="not to the model's taste")
    found = page.compare()
    drugs = [str(row["ndc"]) for row in page.rows if document(row).text_hash == text_of(2)]
    assert_nothing_but(found, refused=drugs)
    assert text_of(2) not in found.records


def test_a_page_waits_while_the_texts_index_is_being_built() -> None:
    """It would count texts as not indexed."""
    page = Page(new_generation=True, live=False)
    page.stores(page.rows)
    page.memory.indexes.add(("texts", SPACE))
    runs = FakeRunStore()
    files = RunFiles.of(runs, HOLDER)
    page.upserts(page.rows)
    files.write_changes(PAGE, page.changes)

    def verify() -> VerifiedPage:
        planned = plan(new_generation=True, live=None)
        task = VerifyPageTask(plan=planned, page=sealed(PAGES, whole_page(4)))
        return verify_page(
            task,
            catalog=FakeCatalog(page.rows),
            documents=page.index.documents,
            texts=page.index.texts,
            server=page.index.server,
            runs=runs,
            settings=settings(),
            clock=lambda: NOW,
        )

    page.memory.said["texts", SPACE] = {"building": True, "percent": 0.5, "documents": 1}
    with pytest.raises(IndexStillBuilding, match="is 50% built"):
        verify()
    page.memory.said.clear()
    assert verify().unindexed == 0
