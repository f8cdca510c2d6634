"""What VerifyPage, VerifyIndex and the checks after the switch find; what the next sync repairs."""

from __future__ import annotations

import json
from collections.abc import Callable

import boto3
import pytest

from local.servers.stack import BUCKET
from local.standin.bedrock_process import control, counters
from tests.lab import NO_MODEL_CHECK, Failing, Lab, before, cause_of
from tests.rows import fields_of, make_row, ndc, text_hash_of, text_of, vector_of
from workflow.contract.documents import Renderer, record_of
from workflow.contract.errors import IndexUnavailable
from workflow.contract.settings import DEFAULT_TEMPLATE


def document_key(lab: Lab, number: int) -> str:
    return f"drug:{lab.index.live()[0]}:{ndc(number)}"


def text_key(lab: Lab, number: int) -> str:
    return f"text:{lab.index.live()[1]}:{text_hash_of(make_row(number))}"


def edit_field(lab: Lab) -> None:
    lab.index.redis.hset(document_key(lab, 3), "strength", "by hand")


def add_field(lab: Lab) -> None:
    lab.index.redis.hset(document_key(lab, 3), "colour", "red")


def delete_document(lab: Lab) -> None:
    lab.index.redis.delete(document_key(lab, 3))


def plant_document(lab: Lab) -> None:
    fields = lab.index.redis.hgetall(document_key(lab, 3))
    lab.index.redis.hset(document_key(lab, 77), mapping=fields)


def swap_documents(lab: Lab) -> None:
    """One missing and one extra document: the count is right."""
    plant_document(lab)
    delete_document(lab)


def forget_key(lab: Lab) -> None:
    lab.index.redis.zrem(f"drugs:keys:{lab.index.live()[0]}", ndc(3))


def delete_text(lab: Lab) -> None:
    lab.index.redis.delete(text_key(lab, 8))


def edit_text(lab: Lab) -> None:
    lab.index.redis.hset(text_key(lab, 8), "text", "by hand")


def edit_column(lab: Lab) -> None:
    """What a search by name looks at."""
    lab.index.redis.hset(text_key(lab, 8), "generic_name", "by hand")


def swap_vectors(lab: Lab) -> None:
    one, two = text_key(lab, 8), text_key(lab, 10)
    first = lab.index.redis.hget(one, "embedding")
    second = lab.index.redis.hget(two, "embedding")
    lab.index.redis.hset(one, "embedding", second)
    lab.index.redis.hset(two, "embedding", first)


def zero_vectors(lab: Lab) -> None:
    for number in range(0, 40, 2):
        lab.index.redis.hset(text_key(lab, number), "embedding", bytes(4 * 256))


def cut_vectors(lab: Lab) -> None:
    for number in range(0, 40, 2):
        lab.index.redis.hset(text_key(lab, number), "embedding", bytes(10))


def another_models_vectors(lab: Lab) -> None:
    """Records that agree with their own hash: only asking the model again shows the defect."""
    renderer = Renderer(DEFAULT_TEMPLATE, 8000, "")
    for number in range(0, 40, 2):
        text = renderer.text(fields_of(make_row(number)))
        record = record_of(text, vector_of(f"other model {number}"))
        fields = {"embedding": record.vector, "record_hash": record.record_hash}
        lab.index.redis.hset(text_key(lab, number), mapping=fields)  # type: ignore[arg-type]


def drop_texts_index(lab: Lab) -> None:
    lab.index.redis.execute_command("FT.DROPINDEX", f"texts:{lab.index.live()[1]}")


def drop_drugs_index(lab: Lab) -> None:
    lab.index.redis.execute_command("FT.DROPINDEX", f"drugs:{lab.index.live()[0]}")


DEFECTS: dict[Callable[[Lab], None], str] = {
    edit_field: "documents equal the catalog",
    add_field: "documents equal the catalog",
    delete_document: "documents equal the catalog",
    plant_document: "documents indexed",
    swap_documents: "documents equal the catalog",
    delete_text: "texts have their vectors",
    edit_text: "texts have their vectors",
    edit_column: "texts have their vectors",
    swap_vectors: "texts have their vectors",
    zero_vectors: "texts have their vectors",
    cut_vectors: "texts have their vectors",
    drop_texts_index: "texts index exists",
    drop_drugs_index: "documents index exists",
}


@pytest.mark.parametrize("plant", DEFECTS, ids=lambda plant: plant.__name__)
def test_a_defect_planted_by_hand_stops_the_run_and_the_next_sync_mends_it(
    synced: Lab, plant: Callable[[Lab], None]
) -> None:
    report = synced.run(intercept=before("VerifyPage", lambda: plant(synced)))
    assert DEFECTS[plant] in cause_of(report, "VerificationFailed")
    assert not report.published
    assert "PublishIndex" not in synced.states()
    synced.succeed()
    synced.assert_in_step()
    assert synced.index.repair() == set()
    assert synced.index.nearest(text_of(make_row(8)))


@pytest.mark.parametrize("plant", [swap_documents, cut_vectors], ids=lambda plant: plant.__name__)
def test_a_defect_planted_between_runs_is_gone_after_two_syncs(
    synced: Lab, plant: Callable[[Lab], None]
) -> None:
    plant(synced)
    synced.run()
    synced.succeed()
    synced.assert_in_step()


def test_a_key_that_the_key_set_forgot_is_put_back_by_the_verification(synced: Lab) -> None:
    forget_key(synced)
    assert "documents indexed" in cause_of(synced.run(), "VerificationFailed")
    assert ndc(3) in synced.index.key_set()
    assert synced.succeed().unchanged == 40
    synced.assert_in_step()


def test_the_failed_verification_is_in_the_report_with_its_figures(synced: Lab) -> None:
    report = synced.run(intercept=before("VerifyPage", lambda: edit_field(synced)))
    bad = [check for check in report.verification if not check.passed]
    assert [check.check for check in bad] == ["documents equal the catalog"]
    assert ndc(3) in bad[0].found
    assert synced.index.repair() == {ndc(3)}


def test_vectors_of_another_model_do_not_agree_with_todays(synced: Lab) -> None:
    synced.catalog.insert(make_row(100))
    plant = before("VerifyPage", lambda: another_models_vectors(synced))
    cause_of(report := synced.run(intercept=plant), "VerificationFailed")
    bad = [check.check for check in report.verification if not check.passed]
    assert bad == ["model agrees today"]


def test_a_search_index_that_was_dropped_before_the_switch_switches_nothing(synced: Lab) -> None:
    documents = synced.index.documents()
    synced.catalog.update(ndc(3), strength="999 mg/1")
    report = synced.run(intercept=before("PublishIndex", lambda: drop_drugs_index(synced)))
    assert "disappeared" in cause_of(report, "VerificationFailed")
    assert synced.index.documents() == documents
    synced.succeed()
    synced.assert_in_step()
    assert synced.index.nearest(text_of(make_row(8)))


def test_an_alias_that_was_moved_is_mended_by_the_next_sync(synced: Lab) -> None:
    first = synced.index.live()[0]
    synced.succeed("backfill", run_id="second")
    second = synced.index.live()[0]
    synced.index.redis.execute_command("FT.ALIASUPDATE", "drugs", f"drugs:{first}")
    synced.succeed()
    assert synced.index.alias("drugs") == f"drugs:{second}"


def test_a_backfill_with_a_defect_is_not_published(synced: Lab) -> None:
    first = synced.index.live()[0]

    def plant() -> None:
        second = synced.index.built_by("second")
        synced.index.redis.hset(f"drug:{second}:{ndc(3)}", "strength", "by hand")

    report = synced.run("backfill", run_id="second", intercept=before("VerifyPage", plant))
    cause_of(report, "VerificationFailed")
    assert synced.index.live()[0] == first
    assert synced.index.generation()["state"] == "live"


def test_a_staged_document_with_a_defect_is_never_switched_in(synced: Lab) -> None:
    held = _searched(synced)
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.insert(make_row(100))
    synced.catalog.delete(ndc(4))

    def plant() -> None:
        (key,) = synced.index.redis.keys(f"staged:*:{ndc(3)}")
        synced.index.redis.hset(key, "strength", "99 mg/1")

    report = synced.run(intercept=before("VerifyPage", plant))
    assert ndc(3) in cause_of(report, "VerificationFailed")
    assert _searched(synced) == held
    synced.succeed()
    synced.assert_in_step()


def test_a_staged_document_that_vanishes_before_the_switch_switches_nothing(synced: Lab) -> None:
    held = _searched(synced)
    for number in range(10):
        synced.catalog.update(ndc(number), manufacturer="Another, Ltd.")

    def plant() -> None:
        synced.index.redis.delete(*synced.index.redis.keys(f"staged:*:{ndc(7)}"))

    report = synced.run(intercept=before("PublishIndex", plant))
    assert ndc(7) in cause_of(report, "IndexCommandFailed")
    assert _searched(synced) == held
    synced.succeed()
    synced.assert_in_step()


def _searched(lab: Lab) -> object:
    """What searches are answered from, but the names of switches."""
    live = lab.index.redis.hgetall("drugs:live")
    return lab.index.documents(), lab.index.key_set(), live


def test_a_partial_sync_verifies_its_own_range_only(synced: Lab) -> None:
    edit_field(synced)
    synced.succeed(after_key=ndc(9), through_key=ndc(19))
    assert synced.run(through_key=ndc(9)).error == "VerificationFailed"
    assert synced.succeed(through_key=ndc(9)).changed == 1
    synced.assert_in_step()


# Rows that change while a run reads them


@pytest.mark.parametrize("mode", ["sync", "backfill"])
def test_a_row_that_changes_after_it_was_read_is_left_for_the_next_sync(
    synced: Lab, mode: str
) -> None:
    def edit() -> None:
        synced.catalog.update(ndc(3), strength="999 mg/1")
        synced.catalog.insert(make_row(100))
        synced.catalog.delete(ndc(20))

    report = synced.succeed(mode, intercept=before("VerifyPage", edit))
    drift = [one for one in report.verification if one.check == "rows that changed during the run"]
    assert [one.found for one in drift] == [f"3, such as {ndc(3)!r}"]
    assert sorted(report.drifted) == [ndc(3), ndc(20), ndc(100)]
    synced.succeed()
    synced.assert_in_step()


def test_a_changed_row_that_changes_again_waits_for_the_next_sync(synced: Lab) -> None:
    old = synced.index.documents()[ndc(3)]
    synced.catalog.update(ndc(3), manufacturer="Another, Ltd.")
    synced.catalog.update(ndc(5), manufacturer="Another, Ltd.")

    def edit() -> None:
        synced.catalog.update(ndc(3), manufacturer="A third, Ltd.")

    synced.succeed(intercept=before("VerifyPage", edit))
    assert synced.index.documents()[ndc(3)] == old
    assert synced.index.documents()[ndc(5)]["manufacturer"] == "Another, Ltd."
    synced.succeed()
    synced.assert_in_step()


def test_more_drift_than_its_guard_allows_publishes_nothing(synced: Lab) -> None:
    held = _searched(synced)
    synced.catalog.update(ndc(3), strength="999 mg/1")

    def edit() -> None:
        synced.catalog.update_all(manufacturer="Another, Ltd.")

    report = synced.run(
        intercept=before("VerifyPage", edit),
        settings={"drift_guard_rows": "20", "drift_guard_share": "0"},
    )
    assert "at most 20, found 40" in cause_of(report, "CatalogMoved")
    assert _searched(synced) == held
    synced.succeed(accept=["profile"])
    synced.assert_in_step()


# Golden queries


@pytest.mark.parametrize(
    ("queries", "error"),
    [
        ([{"query": text_of(make_row(8)), "expect": ["generic 4"]}], None),
        ([{"query": text_of(make_row(8)), "expect": ["insulin"]}], "VerificationFailed"),
        ([{"question": "what"}], "SettingsInvalid"),
    ],
)
def test_golden_queries_are_asked_of_the_generation_that_was_built(
    lab: Lab, queries: list[dict[str, object]], error: str | None
) -> None:
    def put() -> None:
        body = json.dumps(queries).encode()
        boto3.client("s3").put_object(Bucket=BUCKET, Key="golden.json", Body=body)

    report = lab.run(
        intercept=before("PlanPages", put), settings={"golden_queries_key": "golden.json"}
    )
    assert report.error == error


def test_a_sync_that_breaks_a_golden_query_is_taken_back(lab: Lab) -> None:
    queries = [{"query": text_of(make_row(8)), "expect": ["generic 4"]}]

    def put() -> None:
        body = json.dumps(queries).encode()
        boto3.client("s3").put_object(Bucket=BUCKET, Key="golden.json", Body=body)

    golden = {"golden_queries_key": "golden.json"}
    lab.succeed(settings=golden, intercept=before("PlanPages", put))
    lab.catalog.update(ndc(3), strength="999 mg/1")
    lab.succeed(settings=golden, intercept=before("PlanPages", put))
    undo, held = lab.index.redis.hget("drugs:live", "undo"), lab.index.documents()
    keys, record = lab.index.key_set(), lab.index.generation()
    for number in (8, 9):
        lab.catalog.update(ndc(number), generic_name="Another", drug_name="Another")
    lab.catalog.insert(make_row(100))
    lab.catalog.delete(ndc(20))
    report = lab.run(settings=golden, intercept=before("PlanPages", put))
    cause = cause_of(report, "VerificationFailed")
    assert "golden queries" in cause
    assert "the switch was undone" in cause
    assert report.published is False
    assert [one.check for one in report.verification if not one.passed] == ["golden queries"]
    assert (lab.index.documents(), lab.index.key_set()) == (held, keys)
    assert lab.index.generation() == record
    # A rollback still undoes the last sync that people got, not the one that they never did.
    assert lab.index.redis.hget("drugs:live", "undo") == undo


def test_a_golden_query_that_the_model_refuses_is_a_failed_check(lab: Lab) -> None:
    def put() -> None:
        body = json.dumps([{"query": "Forbidden words", "expect": ["x"]}]).encode()
        boto3.client("s3").put_object(Bucket=BUCKET, Key="golden.json", Body=body)

    fault = {"kind": "ValidationException", "times": None, "match": "forbidden words"}
    lab.control_model(faults=[fault])
    report = lab.run(
        intercept=before("PlanPages", put), settings={"golden_queries_key": "golden.json"}
    )
    assert report.error == "VerificationFailed"
    assert report.cause is not None
    assert "golden queries" in report.cause


def test_a_damaged_text_that_a_backfill_finds_is_repaired_by_one_sync(synced: Lab) -> None:
    (key, *_) = synced.index.redis.keys(f"text:{synced.index.live()[1]}:*")
    synced.index.redis.hset(key, "text", "by hand")
    assert "start a sync, which repairs it" in cause_of(
        synced.run("backfill"), "VerificationFailed"
    )
    synced.succeed()
    synced.assert_in_step()


def test_another_algorithm_waits_for_the_next_backfill(synced: Lab) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    flat = {"index_algorithm": "FLAT"}
    assert "start a backfill" in cause_of(synced.run(settings=flat), "GenerationMismatch")
    synced.succeed("backfill", settings=flat)
    synced.succeed(settings=flat)
    synced.assert_in_step()


@pytest.mark.parametrize(
    ("option", "said"),
    [({"index_algorithm": "FLAT"}, b"FLAT"), ({"index_m": "32"}, 32)],
)
def test_after_a_first_build_that_failed_the_index_has_the_options_of_the_next_run(
    lab: Lab, option: dict[str, str], said: bytes | int
) -> None:
    """Its texts are kept, and so was their index with the old options."""
    lab.run(intercept=Failing("LoadPage", IndexUnavailable("away")))
    texts = len(lab.index.redis.keys("text:*"))
    assert texts
    control(lab.stack.bedrock, reset=True)
    lab.succeed(settings=option | NO_MODEL_CHECK)
    lab.assert_in_step()
    assert len(lab.index.redis.keys("text:*")) == texts
    assert counters(lab.stack.bedrock)["texts"] == 0
    info = lab.index.redis.execute_command("FT.INFO", f"texts:{lab.index.live()[1]}")
    assert any(said in field for field in info[info.index(b"attributes") + 1])
