"""A row that DiffPage reads wrongly is never published."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab import Lab, Payload, cause_of
from tests.rows import ndc


def misread(lab: Lab, **columns: str) -> Callable[[str, Payload, Callable[[], Payload]], Payload]:
    """Drug 3 has another value while DiffPage reads, and only then."""
    right = lab.catalog.rows()[ndc(3)]

    def intercept(state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if state == "DiffPage":
            lab.catalog.update(ndc(3), **columns)
            try:
                return call()
            finally:
                lab.catalog.update(ndc(3), **{name: right[name] for name in columns})
        return call()

    return intercept


@pytest.fixture
def five(lab: Lab) -> Lab:
    """Drug 3 has 5 mg."""
    lab.catalog.update(ndc(3), strength="5 mg")
    lab.settings["diff_concurrency"] = "1"
    return lab


def test_in_a_sync_the_old_document_stays_and_the_row_is_named(five: Lab) -> None:
    five.succeed()
    five.catalog.update(ndc(7), manufacturer="Another, Ltd.")
    report = five.succeed(intercept=misread(five, strength="500 mg"))
    assert report.drifted == (ndc(3),)
    five.assert_in_step()


def test_in_a_sync_of_a_changed_row_neither_reading_is_published_before_they_agree(
    five: Lab,
) -> None:
    five.succeed()
    five.catalog.update(ndc(3), strength="6 mg")
    five.succeed(intercept=misread(five, strength="600 mg"))
    assert five.index.documents()[ndc(3)]["strength"] == "5 mg"
    five.succeed()
    assert five.index.documents()[ndc(3)]["strength"] == "6 mg"
    five.assert_in_step()


def test_in_a_sync_a_new_drug_that_was_misread_is_left_for_the_next(five: Lab) -> None:
    five.catalog.delete(ndc(3))
    five.succeed()
    row = {"ndc": ndc(3), "drug_name": "Aspirin", "strength": "5 mg"}
    five.catalog.insert(row)
    report = five.succeed(intercept=misread(five, strength="500 mg"))
    assert report.drifted == (ndc(3),)
    assert ndc(3) not in five.index.key_set()
    five.succeed()
    five.assert_in_step()


def test_in_a_backfill_over_a_live_index_it_is_a_failed_verification(five: Lab) -> None:
    five.succeed()
    live, documents = five.index.live(), five.index.documents()
    report = five.run("backfill", intercept=misread(five, strength="500 mg"))
    assert ndc(3) in cause_of(report, "VerificationFailed")
    assert (five.index.live(), five.index.documents()) == (live, documents)
    five.succeed("backfill")
    five.assert_in_step()


def test_in_a_first_build_the_drug_is_left_out_and_the_next_sync_adds_it(five: Lab) -> None:
    report = five.succeed(intercept=misread(five, strength="500 mg"))
    assert report.drifted == (ndc(3),)
    assert ndc(3) not in five.index.key_set()
    assert ndc(3) not in five.index.documents()
    assert five.succeed().added == 1
    five.assert_in_step()
