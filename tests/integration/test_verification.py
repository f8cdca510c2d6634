"""What VerifyIndex sees, and what the next sync mends."""

from __future__ import annotations

import json
from collections.abc import Callable

import boto3
import pytest

from local.servers.stack import BUCKET
from tests.lab import Lab, before
from tests.rows import make_row, ndc, text_hash_of, text_of, vector_of
from workflow.contract.documents import vector_hash


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
    """One missing, one that is not the catalog's: their numbers do not tell."""
    plant_document(lab)
    delete_document(lab)


def forget_key(lab: Lab) -> None:
    lab.index.redis.zrem(f"drugs:keys:{lab.index.live()[0]}", ndc(3))


def delete_text(lab: Lab) -> None:
    lab.index.redis.delete(text_key(lab, 8))


def edit_text(lab: Lab) -> None:
    lab.index.redis.hset(text_key(lab, 8), "text", "by hand")


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


def another_models_vector(lab: Lab) -> None:
    """A record that agrees with itself: only the model of today can tell."""
    for number in range(0, 40, 2):
        key = text_key(lab, number)
        hash_, vector = text_hash_of(make_row(number)), vector_of(f"other model {number}")
        record = {"embedding": vector, "vector_hash": vector_hash(hash_, vector)}
        lab.index.redis.hset(key, mapping=record)  # type: ignore[arg-type]


DEFECTS: dict[Callable[[Lab], None], str] = {
    edit_field: "documents equal the catalog",
    add_field: "documents equal the catalog",
    delete_document: "documents equal the catalog",
    plant_document: "documents indexed",
    swap_documents: "documents equal the catalog",
    delete_text: "texts have their vectors",
    edit_text: "texts have their vectors",
    swap_vectors: "texts have their vectors",
    zero_vectors: "texts have their vectors",
    cut_vectors: "texts have their vectors",
}


@pytest.mark.parametrize("plant", DEFECTS, ids=lambda plant: plant.__name__)
def test_a_defect_planted_by_hand_stops_the_run_and_the_next_sync_mends_it(
    synced: Lab, plant: Callable[[Lab], None]
) -> None:
    report = synced.run(intercept=before("VerifyIndex", lambda: plant(synced)))
    assert report.error == "VerificationFailed"
    assert report.cause is not None
    assert DEFECTS[plant] in report.cause
    assert not report.published
    assert "PublishIndex" not in synced.states()
    assert synced.index.generation()["state"] == "suspect"
    synced.succeed()
    synced.assert_in_step()
    assert synced.index.repair() == set()


@pytest.mark.parametrize("plant", [swap_documents, cut_vectors], ids=lambda plant: plant.__name__)
def test_a_defect_planted_between_runs_is_gone_after_two_syncs(
    synced: Lab, plant: Callable[[Lab], None]
) -> None:
    plant(synced)
    synced.run()
    synced.succeed()
    synced.assert_in_step()


def test_a_key_that_the_key_set_forgot_is_found_by_the_next_sync(synced: Lab) -> None:
    forget_key(synced)
    assert synced.succeed().added == 1
    synced.assert_in_step()


def test_the_failed_verification_is_in_the_report_with_its_figures(synced: Lab) -> None:
    report = synced.run(intercept=before("VerifyIndex", lambda: edit_field(synced)))
    bad = [check for check in report.verification if not check.passed]
    assert [check.check for check in bad] == ["documents equal the catalog"]
    assert ndc(3) in bad[0].found
    assert synced.index.repair() == {ndc(3)}


def test_vectors_of_another_model_do_not_agree_with_todays(synced: Lab) -> None:
    report = synced.run(intercept=before("VerifyIndex", lambda: another_models_vector(synced)))
    assert report.error == "VerificationFailed"
    bad = [check.check for check in report.verification if not check.passed]
    assert len(bad) == 1
    assert bad[0].startswith("model agrees")


def test_a_search_index_that_was_dropped_under_the_run_is_named(synced: Lab) -> None:
    def drop() -> None:
        synced.index.redis.execute_command("FT.DROPINDEX", f"drugs:{synced.index.live()[0]}")

    report = synced.run(intercept=before("VerifyIndex", drop))
    assert report.error == "VerificationFailed"
    assert report.cause is not None
    assert "documents index exists" in report.cause
    synced.succeed()
    assert synced.index.nearest(text_of(make_row(8)))


def test_an_alias_that_was_moved_under_the_run_is_named_and_mended(synced: Lab) -> None:
    synced.succeed("backfill", run_id="second")

    def move() -> None:
        synced.index.redis.execute_command("FT.ALIASUPDATE", "drugs", "drugs:first")

    report = synced.run(intercept=before("VerifyIndex", move))
    assert report.cause is not None
    assert "aliases" in report.cause
    synced.succeed()
    assert synced.index.alias("drugs") == "drugs:second"


def test_a_backfill_with_a_defect_is_not_published(synced: Lab) -> None:
    def plant() -> None:
        synced.index.redis.hset(f"drug:second:{ndc(3)}", "strength", "by hand")

    report = synced.run("backfill", run_id="second", intercept=before("VerifyIndex", plant))
    assert report.error == "VerificationFailed"
    assert synced.index.live()[0] == "first"
    assert synced.index.generation()["state"] == "live"


def test_a_partial_sync_verifies_its_own_range_only(synced: Lab) -> None:
    edit_field(synced)
    synced.succeed(after_key=ndc(9), through_key=ndc(19))
    assert synced.run(through_key=ndc(9)).error == "VerificationFailed"
    assert synced.succeed(through_key=ndc(9)).changed == 1
    synced.assert_in_step()


def test_a_row_that_changes_after_it_was_read_is_drift_and_no_failure(synced: Lab) -> None:
    def edit() -> None:
        synced.catalog.update(ndc(3), strength="999 mg/1")

    report = synced.succeed(intercept=before("VerifyIndex", edit))
    drift = [one for one in report.verification if one.check == "documents read again"]
    assert [one.found for one in drift] == ["39 equal, 1 changed since"]
    assert synced.succeed().changed == 1


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
