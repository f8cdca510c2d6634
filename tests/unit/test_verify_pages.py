"""VerifyPage: one page of what would be searched, against the catalog read again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.fakes import NOW, FakeCatalog, FakeIndex, FakeRunStore
from tests.payloads import GENERATION, HOLDER, PAGE, SPACE, plan, sealed, settings, whole_page
from tests.rows import DIMENSIONS, Row, make_row, make_rows, ndc, vector_of
from workflow.contract.documents import record_of, renderer_of
from workflow.contract.errors import IndexStillBuilding
from workflow.contract.events.files import VerifiedPage
from workflow.contract.events.payloads import VerifyPageTask
from workflow.contract.ports.documents import Change, Document
from workflow.contract.ports.texts import NewRecord
from workflow.contract.read_page import read_page
from workflow.contract.runs import PAGES, PageChanges, RunFiles
from workflow.steps.verify_page import verify_page
from workflow.verify.pages import PageComparison, PageFindings
from workflow.verify.removals import digest

RENDERER = renderer_of(settings(), SPACE)
LIVE = "live"
BAD = {"is_active": "perhaps"}
"""What no document can carry."""


def document(row: Row) -> Document:
    return RENDERER.document(row)


def keys(*numbers: int) -> list[str]:
    return [ndc(number) for number in numbers]


class Page:
    """Four rows that DiffPage saw, with what a run made of them; each test changes something."""

    def __init__(self, *, new_generation: bool, live: bool = True) -> None:
        self.index = FakeIndex()
        self.memory = self.index.memory
        self.index.generations.take_fence(HOLDER)
        self.new = new_generation
        self.beside = live
        self.changes = PageChanges([], [], {}, [])
        self.planned = 4
        """Rows of the page when the run was planned."""
        self.rows = make_rows(4)
        """The catalog as VerifyPage reads it."""

    def stores(self, rows: Iterable[Row], generation: str = GENERATION) -> None:
        """Documents of a generation, with their text records."""
        rows = list(rows)
        self.index.documents.write(generation, HOLDER, [document(row) for row in rows])
        self.embeds(rows)

    def stages(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self.index.documents.stage(HOLDER, [document(row) for row in rows])
        self.embeds(rows)

    def embeds(self, rows: Iterable[Row], refused: str = "") -> None:
        for row in rows:
            text = RENDERER.text(document(row).fields)
            record = record_of(text, b"" if refused else vector_of(text.text), refused)
            self.index.texts.write(SPACE, HOLDER, [NewRecord(text.hash, record, 1)])

    def upserts(self, rows: Iterable[Row]) -> None:
        self.changes.upserts.extend(Change(document(row), None) for row in rows)

    def keeps(self, rows: Iterable[Row]) -> None:
        self.changes.unchanged.update({str(row["ndc"]): document(row).content_hash for row in rows})

    def compare(self) -> PageFindings:
        live = LIVE if self.beside else None
        planned = plan(new_generation=self.new, live=live)
        page = whole_page(self.planned)
        rows = read_page(FakeCatalog(self.rows), page, RENDERER, most=100)
        comparison = PageComparison(planned, page, self.changes, dimensions=DIMENSIONS)
        return comparison.run(rows, documents=self.index.documents, texts=self.index.texts)


@pytest.fixture
def sync() -> Page:
    """Of four drugs the first is unchanged, the second changes, the third is new, one left."""
    page = Page(new_generation=False)
    page.planned, page.rows = 3, [make_row(0), make_row(1, route="NEW"), make_row(2)]
    page.stores([make_row(0), make_row(1), make_row(3)])
    page.keeps([make_row(0)])
    page.upserts(page.rows[1:])
    page.stages(page.rows[1:])
    page.changes.removals.append(ndc(3))
    return page


@pytest.fixture
def backfill() -> Page:
    """A new generation of four drugs beside the live one of the same."""
    page = Page(new_generation=True)
    page.stores(page.rows)
    page.stores(page.rows, LIVE)
    page.upserts(page.rows)
    return page


@pytest.fixture
def first() -> Page:
    """The first generation of all."""
    page = Page(new_generation=True, live=False)
    page.stores(page.rows)
    page.upserts(page.rows)
    return page


@pytest.fixture(params=["sync", "backfill", "first"])
def page(request: pytest.FixtureRequest) -> Page:
    found: Page = request.getfixturevalue(request.param)
    return found


def written(page: Page, number: int) -> dict[str, str]:
    """The document of a changed row, where the run wrote it."""
    if page.new:
        return page.memory.stored[GENERATION, ndc(number)]
    return page.memory.staged[HOLDER.identity, ndc(number)]


def assert_nothing_but(found: PageFindings, **wrong: Any) -> None:
    for name in ("damaged", "bad_texts", "drifted", "vanishing", "kept", "refused"):
        assert getattr(found, name) == wrong.get(name, type(getattr(found, name))()), name


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


# Removals


def test_a_removed_drug_is_not_looked_for(sync: Page) -> None:
    found = sync.compare()
    assert (found.documents, found.gone) == (3, keys(3))


@pytest.mark.parametrize("came", [make_row(3), make_row(3, **BAD)], ids=["whole", "unreadable"])
@pytest.mark.parametrize("left", [False, True])
def test_a_drug_that_came_back_is_kept(sync: Page, came: Row, left: bool) -> None:
    """Also where the number of rows is the planned one, because another row left."""
    sync.rows.append(came)
    if left:
        del sync.rows[0]
    found = sync.compare()
    assert_nothing_but(found, kept=keys(3), drifted=keys(0) if left else [])
    assert found.gone == []
    assert found.documents == found.rows + len(found.kept)


@pytest.mark.parametrize("planned", [2, 4])
def test_removals_of_a_page_whose_rows_are_not_as_many_as_planned_wait(
    sync: Page, planned: int
) -> None:
    sync.planned = planned
    found = sync.compare()
    assert_nothing_but(found, kept=keys(3))
    assert found.documents == found.rows + len(found.kept)


def test_removals_of_a_page_of_which_diff_page_saw_a_part_wait(sync: Page) -> None:
    """All of its rows are there again, but for one that is not yet."""
    del sync.changes.upserts[1]
    del sync.memory.staged[HOLDER.identity, ndc(2)]
    assert_nothing_but(sync.compare(), kept=keys(3), drifted=keys(2))


@pytest.mark.parametrize("now", [2, 4])
def test_removals_of_a_page_whose_rows_came_or_went_since_wait(sync: Page, now: int) -> None:
    sync.rows = [*sync.rows, make_row(9)][:now]
    assert sync.compare().kept == keys(3)


def test_removals_of_a_page_that_lost_a_row_and_gained_one_wait(sync: Page) -> None:
    """A table that is loaded may lack another row each time, and have as many as were planned."""
    sync.rows[0] = make_row(9)
    found = sync.compare()
    assert_nothing_but(found, kept=keys(3), drifted=keys(0, 9))
    assert (found.gone, found.keys) == ([], "")


def test_a_page_that_loses_drugs_says_which_keys_it_had(sync: Page) -> None:
    assert sync.compare().keys == digest(reversed(keys(0, 1, 2)))


# Rejected rows


def rejects(page: Page, number: int) -> None:
    page.planned += 1
    page.rows.append(make_row(number, **BAD))
    page.changes.rejected.append(ndc(number))


def test_a_rejected_row_that_is_new_has_no_document(page: Page) -> None:
    rejects(page, 9)
    found = page.compare()
    assert_nothing_but(found)
    assert found.rows == found.documents


def test_a_rejected_row_keeps_its_old_document(sync: Page) -> None:
    sync.stores([make_row(9)])
    rejects(sync, 9)
    found = sync.compare()
    assert_nothing_but(found)
    assert found.rows == found.documents == 4


def test_a_rejected_row_stands_in_a_new_generation_as_it_was_published(backfill: Page) -> None:
    backfill.stores([make_row(9)], LIVE)
    backfill.stores([make_row(9)])
    backfill.upserts([make_row(9)])
    rejects(backfill, 9)
    found = backfill.compare()
    assert_nothing_but(found)
    assert found.rows == found.documents == 5
    backfill.memory.stored[GENERATION, ndc(9)]["route"] = "EDITED"
    assert list(backfill.compare().damaged) == keys(9)


@pytest.mark.parametrize("now", [[make_row(9)], []], ids=["mended", "gone"])
@pytest.mark.parametrize("old", [True, False])
def test_a_rejected_row_that_changed_since_is_drift(sync: Page, now: list[Row], old: bool) -> None:
    if old:
        sync.stores([make_row(9)])
    sync.changes.rejected.append(ndc(9))
    sync.changes.removals.clear()
    sync.index.documents.leave_out(GENERATION, HOLDER, keys(3))
    sync.rows.extend(now)
    assert_nothing_but(sync.compare(), drifted=keys(9) if old or now else [])


# What only the live generation can tell


def test_a_drug_that_is_live_and_in_the_catalog_must_not_vanish(backfill: Page) -> None:
    """DiffPage missed it, as if it read the page at a bad moment."""
    backfill.stores([make_row(4)], LIVE)
    backfill.rows.append(make_row(4))
    assert_nothing_but(backfill.compare(), vanishing=keys(4), drifted=keys(4))


def test_a_drug_that_left_the_live_generation_and_the_catalog_may_vanish(backfill: Page) -> None:
    backfill.stores([make_row(4)], LIVE)
    found = backfill.compare()
    assert_nothing_but(found)
    assert found.gone == keys(4)


def test_a_live_drug_may_not_vanish_where_the_catalog_is_being_loaded(backfill: Page) -> None:
    backfill.stores([make_row(4)], LIVE)
    backfill.planned = 5
    found = backfill.compare()
    assert_nothing_but(found, vanishing=keys(4))
    assert found.gone == []


@pytest.mark.parametrize("seen", [True, False])
def test_a_live_drug_whose_row_cannot_be_carried_is_named_as_rejected(
    backfill: Page, seen: bool
) -> None:
    """Unless DiffPage did not see that row: then the drug would vanish unnamed."""
    backfill.stores([make_row(4)], LIVE)
    rejects(backfill, 4)
    if not seen:
        backfill.changes.rejected.clear()
    assert backfill.compare().vanishing == ([] if seen else keys(4))


def test_a_row_that_is_as_it_was_at_the_last_publish_was_read_wrongly(backfill: Page) -> None:
    wrong = make_row(2, drug_class="ACE inhibitor")
    backfill.stores([wrong])
    backfill.changes.upserts[2] = Change(document(wrong), None)
    found = backfill.compare()
    assert found.drifted == []
    assert found.damaged == {ndc(2): "was read wrongly: its row did not change during the run"}


def test_a_row_that_changed_since_and_was_another_before_is_drift(backfill: Page) -> None:
    backfill.rows[2] = make_row(2, route="LATER")
    assert_nothing_but(backfill.compare(), drifted=keys(2))


def test_the_live_generation_may_be_of_another_space(backfill: Page) -> None:
    other = renderer_of(settings(), "other space")
    backfill.index.documents.write(LIVE, HOLDER, [other.document(row) for row in make_rows(4)])
    assert_nothing_but(backfill.compare())


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
