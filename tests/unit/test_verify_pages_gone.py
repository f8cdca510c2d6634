"""What VerifyPage says of drugs that left, came back, or could not be carried."""

from __future__ import annotations

import pytest

from tests.payloads import GENERATION, HOLDER, settings
from tests.rows import Row, make_row, make_rows, ndc
from tests.verified_page import (
    BAD,
    LIVE,
    Page,
    assert_nothing_but,
    backfill,
    document,
    first,
    keys,
    page,
    sync,
)
from workflow.contract.documents import renderer_of
from workflow.contract.ports.documents import Change
from workflow.verify.removals import digest

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
