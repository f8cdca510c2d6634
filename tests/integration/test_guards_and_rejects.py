"""Guards before anything is written, and texts that the model refuses."""

from __future__ import annotations

from tests.lab import NO_MODEL_CHECK, Lab, cause_of
from tests.rows import make_row, ndc, text_of

# Guards, before anything is written


def test_too_many_removals_stop_the_run_before_anything_is_written(synced: Lab) -> None:
    documents = synced.index.documents()
    synced.catalog.delete(*(ndc(number) for number in range(21)))
    cause = cause_of(synced.run(), "DeleteGuardTripped")
    assert "21 of 40 drugs" in cause
    assert '"accept": ["deletes"]' in cause
    assert synced.index.documents() == documents


def test_accepted_removals_are_made(synced: Lab) -> None:
    synced.catalog.delete(*(ndc(number) for number in range(21)))
    assert synced.succeed(accept=["deletes"]).removed == 21
    synced.assert_in_step()


def test_a_backfill_counts_the_live_drugs_that_the_catalog_lacks(synced: Lab) -> None:
    synced.catalog.delete(*(ndc(number) for number in range(21)))
    cause_of(synced.run("backfill"), "DeleteGuardTripped")
    assert synced.succeed("backfill", accept=["deletes"]).catalog_rows == 19


def test_a_column_that_becomes_constant_stops_the_run_unless_accepted(synced: Lab) -> None:
    for number in range(40):
        synced.catalog.update(ndc(number), drug_class="ACE inhibitor")
    cause = cause_of(synced.run(), "CatalogDegraded")
    assert "drug_class is 'ace inhibitor'" in cause.lower()
    assert synced.succeed(accept=["profile"]).changed == 40


def test_a_budget_stops_the_run_before_the_model_is_called(lab: Lab) -> None:
    tight = {"budget_usd": "0.00001"}
    cause = cause_of(lab.run(settings=tight), "BudgetExceeded")
    assert "budget_usd" in cause
    assert lab.embedded() == 0
    lab.succeed(settings=tight, accept=["budget"])


# Texts that the model refuses


def refuse(lab: Lab, *rows: int) -> None:
    """Let the stand-in refuse the texts of these rows for good."""
    lab.control_model(
        faults=[
            {"kind": "ValidationException", "times": None, "match": text_of(make_row(row))}
            for row in rows
        ]
    )


def test_a_text_that_the_model_refuses_ends_as_rejected_rows_in_the_report(lab: Lab) -> None:
    refuse(lab, 8)
    report = lab.succeed()
    assert (report.rejected, report.added, report.texts_embedded) == (2, 38, 19)
    assert [(row.ndc, row.new) for row in report.rejected_rows] == [(ndc(8), True), (ndc(9), True)]
    assert "ValidationException" in report.rejected_rows[0].reason
    assert len(lab.index.documents()) == 38


def test_a_rejected_change_keeps_the_old_document(synced: Lab) -> None:
    old = synced.index.documents()[ndc(3)]
    synced.catalog.update(ndc(3), strength="1 poison")
    synced.control_model(
        faults=[{"kind": "ValidationException", "times": None, "match": "1 poison"}]
    )
    report = synced.succeed()
    assert (report.rejected, report.changed) == (1, 0)
    assert [row.new for row in report.rejected_rows] == [False]
    assert synced.index.documents()[ndc(3)] == old


def test_a_rejected_row_is_written_once_the_model_takes_its_text(lab: Lab) -> None:
    refuse(lab, 8)
    lab.succeed()
    lab.control_model(reset=True)
    assert lab.succeed(settings=NO_MODEL_CHECK).texts_embedded == 1
    lab.assert_in_step()


def test_too_many_rejected_rows_stop_the_run_unless_accepted(lab: Lab) -> None:
    refuse(lab, 8, 10)
    strict = {"reject_guard_rows": "3", "reject_guard_share": "0"}
    cause = cause_of(lab.run(settings=strict), "TooManyRejected")
    assert '"accept": ["rejects"]' in cause
    assert lab.succeed(settings=strict, accept=["rejects"]).rejected == 4


def test_a_model_that_refuses_every_text_fails_the_run_as_a_wrong_request(lab: Lab) -> None:
    lab.control_model(faults=[{"kind": "ValidationException", "times": None}])
    cause = cause_of(lab.run(), "RequestRejected")
    assert "embedding_model" in cause
    assert lab.index.redis.exists("drugs:live") == 0


def test_an_index_without_any_document_is_never_published(empty_lab: Lab) -> None:
    empty_lab.catalog.insert(make_row(8), make_row(9))
    refuse(empty_lab, 8)
    cause = cause_of(empty_lab.run(accept=["rejects"]), "VerificationFailed")
    assert "not empty" in cause
    assert empty_lab.index.redis.exists("drugs:live") == 0
