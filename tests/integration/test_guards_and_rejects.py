"""Guards before anything is written, rows that cannot be carried, texts that the model refuses."""

from __future__ import annotations

import pytest

from tests.lab import NO_MODEL_CHECK, Lab, before, cause_of
from tests.rows import DIMENSIONS, make_row, make_rows, ndc, text_hash_of, text_of
from workflow.adapters.redis.index import RedisIndex
from workflow.search.search import search

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


def asked(lab: Lab, query: str) -> list[str]:
    """The drugs that the product's own search finds, by name and NDC only."""
    index = RedisIndex(lab.resp3(), dimensions=DIMENSIONS, algorithm="HNSW", options={}).search
    names = index.live()
    assert names is not None
    found = search(query, names, meaning=None, index=index)
    return [one["ndc"] for product in found.products for one in product.packages]


def test_a_drug_whose_text_the_model_refuses_is_found_by_ndc_and_by_name(lab: Lab) -> None:
    refuse(lab, 8)
    report = lab.succeed()
    assert (report.added, report.rejected, report.texts_embedded) == (40, 0, 19)
    assert report.texts_refused == 1
    assert report.refused_drugs == (ndc(8), ndc(9))
    assert "ValidationException" in report.refused_texts[0].reason
    assert len(lab.index.documents()) == 40
    assert asked(lab, ndc(8)) == [ndc(8)]
    name = make_row(8)["generic_name"]
    assert name is not None
    assert {ndc(8), ndc(9)} <= set(asked(lab, name))
    record = lab.index.texts()[text_hash_of(make_row(8))]
    assert b"embedding" not in record
    assert b"ValidationException" in record[b"refused"]


def test_a_drug_whose_new_text_is_refused_has_its_new_document(synced: Lab) -> None:
    synced.catalog.update(ndc(3), strength="1 poison")
    synced.control_model(
        faults=[{"kind": "ValidationException", "times": None, "match": "1 poison"}]
    )
    report = synced.succeed()
    assert (report.changed, report.refused_drugs) == (1, (ndc(3),))
    assert synced.index.documents()[ndc(3)]["strength"] == "1 poison"


def test_a_refused_text_is_embedded_by_the_next_run_once_the_model_takes_it(lab: Lab) -> None:
    refuse(lab, 8)
    lab.succeed()
    lab.control_model(reset=True)
    report = lab.succeed(settings=NO_MODEL_CHECK)
    assert (report.changed, report.texts_embedded, report.refused_drugs) == (0, 1, ())
    assert lab.embedded() == 1
    lab.assert_in_step()
    assert [drug["ndc"] for drug in lab.index.nearest(text_of(make_row(8)))] == [ndc(8), ndc(9)]
    assert lab.succeed(settings=NO_MODEL_CHECK).texts_to_embed == 0


def test_a_refused_text_is_asked_for_in_each_run_and_stays_refused(lab: Lab) -> None:
    refuse(lab, 8)
    lab.succeed()
    report = lab.succeed()
    assert (report.texts_to_embed, report.texts_embedded) == (1, 0)
    assert report.refused_drugs == (ndc(8), ndc(9))


def test_a_backfill_embeds_what_the_run_before_it_was_refused(lab: Lab) -> None:
    refuse(lab, 8)
    lab.succeed()
    lab.control_model(reset=True)
    assert lab.succeed("backfill", settings=NO_MODEL_CHECK).texts_embedded == 1
    lab.assert_in_step()


@pytest.mark.parametrize("kind", ["ModelErrorException", "nan"])
def test_a_text_that_fails_every_time_is_rejected_after_its_tries_and_the_rest_goes_on(
    lab: Lab, kind: str
) -> None:
    lab.control_model(faults=[{"kind": kind, "times": None, "match": text_of(make_row(8))}])
    report = lab.succeed(settings=NO_MODEL_CHECK)
    assert (report.texts_embedded, report.texts_refused) == (19, 1)
    assert report.refused_drugs == (ndc(8), ndc(9))
    assert "failed 3 times" in report.refused_texts[0].reason
    assert sorted(lab.tries("EmbedPage").values()) == [1, 3]
    assert len(lab.index.documents()) == 40
    lab.control_model(reset=True)
    lab.succeed()
    lab.assert_in_step()


@pytest.mark.parametrize("template", [None, "{drug_name} {route}"])
def test_a_backfill_keeps_the_drug_of_a_row_that_cannot_be_carried_any_more(
    synced: Lab, template: str | None
) -> None:
    """As it was last published, also where its text is another one now."""
    synced.catalog.update(ndc(3), is_active="perhaps")
    settings = {"embedding_template": template} if template else {}
    report = synced.succeed("backfill", settings=settings)
    assert [(row.ndc, row.new) for row in report.rejected_rows] == [(ndc(3), False)]
    synced.catalog.update(ndc(3), is_active="1")
    assert synced.succeed(settings=settings).changed == 0
    assert len(synced.index.documents()) == 40


def test_a_model_that_fails_for_every_text_fails_the_run_by_name(lab: Lab) -> None:
    lab.control_model(faults=[{"kind": "ModelErrorException", "times": None}])
    cause_of(lab.run(), "ModelFailed")
    assert lab.index.redis.exists("drugs:live") == 0
    lab.control_model(reset=True)
    lab.succeed()
    lab.assert_in_step()


def test_too_many_refused_drugs_stop_the_run_unless_accepted(lab: Lab) -> None:
    refuse(lab, 8, 10)
    strict = {"reject_guard_rows": "3", "reject_guard_share": "0"}
    cause = cause_of(lab.run(settings=strict), "TooManyRejected")
    assert '"accept": ["rejects"]' in cause
    assert lab.index.redis.exists("drugs:live") == 0
    assert len(lab.succeed(settings=strict, accept=["rejects"]).refused_drugs) == 4


def test_more_changes_than_one_switch_makes_are_for_a_backfill(synced: Lab) -> None:
    held = synced.index.documents()
    for number in range(6):
        synced.catalog.update(ndc(number), manufacturer="Another, Ltd.")
    few = {"switch_limit": "5"}
    cause = cause_of(synced.run(settings=few), "SwitchTooLarge")
    assert '{"mode": "backfill"}' in cause
    assert synced.index.documents() == held
    assert synced.succeed("backfill", settings=few | NO_MODEL_CHECK).texts_embedded == 0
    synced.assert_in_step()


# A wrong request


def test_a_model_that_refuses_every_text_fails_the_run_as_a_wrong_request(lab: Lab) -> None:
    lab.control_model(faults=[{"kind": "ValidationException", "times": None}])
    cause = cause_of(lab.run(), "RequestRejected")
    assert "embedding_model" in cause
    assert lab.index.redis.exists("drugs:live") == 0


def test_an_index_without_any_document_is_never_published(empty_lab: Lab) -> None:
    empty_lab.catalog.insert(*make_rows(4))
    rows = empty_lab.catalog.rows().values()
    empty_lab.catalog.update(ndc(3), is_active="perhaps")

    def empty() -> None:
        for row in rows:
            empty_lab.catalog.update(str(row["ndc"]), is_active="perhaps")

    cause = cause_of(
        empty_lab.run(intercept=before("DiffPage", empty), accept=["rejects"]), "VerificationFailed"
    )
    assert "not empty" in cause
    assert empty_lab.index.redis.exists("drugs:live") == 0
