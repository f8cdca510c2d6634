"""Backfills, dry runs and partial syncs: the state machine over real servers."""

from __future__ import annotations

import json

import pytest

from tests.lab import NO_MODEL_CHECK, Lab, before
from tests.rows import make_row, ndc, text_hash_of, text_of

# A backfill


def test_a_backfill_builds_a_second_generation_and_switches_to_it(synced: Lab) -> None:
    synced.catalog.update(ndc(3), drug_name="Renamed")
    report = synced.succeed("backfill", run_id="second")
    second = synced.index.built_by("second")
    assert report.generation == synced.index.live()[0] == second
    assert synced.index.alias("drugs") == f"drugs:{second}"
    assert synced.index.states() == {"first": "previous", "second": "live"}
    synced.assert_in_step()


def test_a_backfill_writes_every_document_and_embeds_nothing_again(synced: Lab) -> None:
    report = synced.succeed("backfill", settings=NO_MODEL_CHECK)
    assert (report.added, report.unchanged, report.texts_embedded) == (40, 0, 0)
    assert (report.texts_reused, synced.embedded()) == (40, 0)


@pytest.mark.parametrize("state", ["LoadPage", "VerifyIndex", "PublishIndex"])
def test_during_a_backfill_searches_are_answered_by_the_old_generation(
    synced: Lab, state: str
) -> None:
    row = make_row(8)
    synced.catalog.update(ndc(8), manufacturer="Another, Ltd.")
    found: list[list[str]] = []

    def ask() -> None:
        found.append([drug["manufacturer"] for drug in synced.index.nearest(text_of(row))])

    synced.succeed("backfill", intercept=before(state, ask))
    assert found == [[row["manufacturer"], make_row(9)["manufacturer"]]]
    assert synced.index.nearest(text_of(row))[0]["manufacturer"] == "Another, Ltd."


def test_a_second_backfill_keeps_one_previous_generation_only(synced: Lab) -> None:
    first = synced.index.live()[0]
    synced.succeed("backfill", run_id="second")
    synced.succeed("backfill", run_id="third")
    assert synced.index.states() == {"second": "previous", "third": "live"}
    assert f"drugs:{first}" not in synced.index.indexes()
    assert synced.index.redis.keys("*first*") == []


def test_the_texts_of_the_previous_generation_stay_for_a_rollback(synced: Lab) -> None:
    gone = text_hash_of(make_row(20))
    synced.catalog.delete(ndc(20), ndc(21))
    synced.succeed("backfill")
    assert gone in synced.index.texts()


def test_reembedding_embeds_every_text_afresh_and_touches_no_live_one(synced: Lab) -> None:
    _, space = synced.index.live()
    texts = synced.index.texts(space)
    report = synced.succeed("backfill", reembed=True, settings=NO_MODEL_CHECK)
    assert report.texts_embedded == synced.embedded() == 20
    assert synced.index.live()[1] != space
    assert synced.index.texts(space) == texts
    synced.assert_in_step()


def test_a_sync_after_reembedding_keeps_the_new_revision(synced: Lab) -> None:
    space = synced.succeed("backfill", reembed=True).space
    report = synced.succeed(settings=NO_MODEL_CHECK)
    assert (report.space, report.texts_embedded, report.changed) == (space, 0, 0)


# A dry run


def test_a_dry_run_of_a_first_sync_leaves_redis_empty(lab: Lab) -> None:
    report = lab.succeed(dry_run=True)
    assert lab.index.dump() == {"keys": {}, "indexes": set()}
    assert (report.added, report.texts_to_embed, report.texts_embedded) == (40, 20, 0)
    assert not report.published
    assert lab.embedded() == 0


@pytest.mark.parametrize("mode", ["sync", "backfill"])
def test_a_dry_run_writes_nothing_to_redis(synced: Lab, mode: str) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.delete(ndc(4))
    held = synced.index.dump()
    synced.succeed(mode, dry_run=True)
    assert synced.index.dump() == held


def test_a_dry_run_says_what_a_sync_then_does(synced: Lab) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.delete(ndc(4))
    planned = synced.succeed(dry_run=True)
    done = synced.succeed()
    counts = {"added", "changed", "removed", "unchanged", "catalog_rows", "samples"}
    assert planned.model_dump(include=counts) == done.model_dump(include=counts)
    assert planned.texts_to_embed == done.texts_embedded == 1
    assert planned.estimated_usd > 0


def test_a_dry_run_names_the_guard_that_would_stop_it_and_is_not_stopped(synced: Lab) -> None:
    synced.catalog.delete(*(ndc(number) for number in range(30)))
    report = synced.succeed(dry_run=True)
    assert [one.guard for one in report.guards if one.tripped] == ["deletes"]


# A key range


def test_a_partial_sync_touches_its_range_only(synced: Lab) -> None:
    for number in (5, 15, 25):
        synced.catalog.update(ndc(number), manufacturer="Another, Ltd.")
    synced.catalog.delete(ndc(6), ndc(16), ndc(26))
    report = synced.succeed(run_id="part", after_key=ndc(9), through_key=ndc(19))
    assert (report.catalog_rows, report.changed, report.removed) == (9, 1, 1)
    written = {key for key, (run_id, _) in synced.stamps().items() if run_id == "part"}
    assert written == {ndc(15)}
    assert {ndc(6), ndc(26)} <= set(synced.index.key_set())
    assert ndc(16) not in synced.index.key_set()


def test_a_range_excludes_its_lower_bound_and_includes_its_upper_one(synced: Lab) -> None:
    for number in (9, 10, 19, 20):
        synced.catalog.update(ndc(number), manufacturer="Another, Ltd.")
    synced.succeed(run_id="part", after_key=ndc(9), through_key=ndc(19))
    written = {key for key, (run_id, _) in synced.stamps().items() if run_id == "part"}
    assert written == {ndc(10), ndc(19)}


def test_a_partial_sync_keeps_the_facts_of_the_last_full_publish(synced: Lab) -> None:
    record = synced.index.generation()
    synced.catalog.update(ndc(15), manufacturer="Another, Ltd.")
    synced.succeed(after_key=ndc(9), through_key=ndc(19))
    now = synced.index.generation()
    assert now["baseline"] == record["baseline"]
    assert json.loads(now["baseline"])["rows"] == 40


def test_a_range_without_a_row_removes_what_the_index_has_there(synced: Lab) -> None:
    synced.catalog.delete(*(ndc(number) for number in range(10, 20)))
    report = synced.succeed(after_key=ndc(9), through_key=ndc(19))
    assert (report.catalog_rows, report.removed) == (0, 10)
    synced.assert_in_step()
