"""The state machine over real servers: the first sync, the second, and syncs of what changed."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest

from tests.lab import NO_MODEL_CHECK, Lab
from tests.rows import make_row, make_rows, ndc, text_hash_of, text_of, texts_of, vector_of
from workflow.adapters.redis.probes import DRUGS, TEXTS

ALL_STATES = [
    *("AcceptRun", "PlanPages", "DiffPage", "ReviewChanges"),
    *("EmbedPage", "LoadPage", "VerifyPage", "VerifyIndex"),
    *("PublishIndex", "PruneIndex", "ReportRun"),
]


# The first sync


def test_the_first_sync_builds_the_whole_index(lab: Lab) -> None:
    lab.succeed()
    lab.assert_in_step()
    assert lab.states() == ALL_STATES


def test_the_first_sync_embeds_each_distinct_text_once(lab: Lab) -> None:
    lab.succeed(settings=NO_MODEL_CHECK)
    assert lab.embedded() == len(lab.index.texts()) == 20


def test_the_first_sync_reports_exactly_what_it_did(lab: Lab) -> None:
    report = lab.succeed(run_id="built")
    counted = report.model_dump(
        include={
            *("run_id", "mode", "dry_run", "generation", "catalog_rows", "pages"),
            *("added", "changed", "removed", "unchanged", "rejected", "published"),
            *("texts_to_embed", "texts_embedded", "texts_reused", "error", "cause"),
        }
    )
    assert counted == {
        "run_id": "built",
        "mode": "sync",
        "dry_run": False,
        "generation": lab.index.built_by("built"),
        "catalog_rows": 40,
        "pages": 4,
        "added": 40,
        "changed": 0,
        "removed": 0,
        "unchanged": 0,
        "rejected": 0,
        "published": True,
        "texts_to_embed": 20,
        "texts_embedded": 20,
        "texts_reused": 20,
        "error": None,
        "cause": None,
    }
    assert all(check.passed for check in report.verification)


def test_the_report_counts_the_tokens_that_the_model_counted(lab: Lab) -> None:
    report = lab.succeed()
    # The stand-in's hash embedder counts one token and one more for each four characters.
    assert report.tokens == sum(1 + len(text) // 4 for text in texts_of(make_rows(40)))


def test_the_first_sync_lets_the_aliases_name_the_generation(lab: Lab) -> None:
    lab.succeed(run_id="built")
    generation, space = lab.index.live()
    assert lab.index.alias("drugs") == f"drugs:{generation}"
    assert lab.index.alias("texts") == f"texts:{space}"
    assert lab.index.states() == {"built": "live"}


def test_a_generation_is_named_after_its_run_and_the_start_of_it(lab: Lab) -> None:
    report = lab.succeed(run_id="built")
    started = int(report.started_at.timestamp() * 1000)
    assert lab.index.live()[0] == f"built-{started:x}"


def test_a_search_finds_the_drugs_of_the_nearest_text(synced: Lab) -> None:
    row = make_row(8)
    assert [drug["ndc"] for drug in synced.index.nearest(text_of(row))] == [ndc(8), ndc(9)]


def test_a_row_with_blank_text_columns_is_found_by_its_name(lab: Lab) -> None:
    blank = dict.fromkeys(
        ["generic_name", "brand_name", "strength", "dosage_form", "route", "drug_class"]
    )
    lab.catalog.insert(make_row(77, drug_name="Only A Name", **blank))
    lab.succeed()
    assert [drug["ndc"] for drug in lab.index.nearest("only a name")] == [ndc(77)]


def test_pages_of_one_row_are_as_good_as_one_page(lab: Lab) -> None:
    lab.catalog.delete(*(ndc(number) for number in range(6, 40)))
    assert lab.succeed(page_size=1).pages == 6
    lab.assert_in_step()


# The second sync


def test_a_second_sync_writes_no_document_and_embeds_no_text(synced: Lab) -> None:
    before_run = synced.stamps()
    report = synced.succeed(settings=NO_MODEL_CHECK)
    assert (report.unchanged, report.added, report.changed, report.removed) == (40, 0, 0, 0)
    assert (report.texts_embedded, report.texts_reused, synced.embedded()) == (0, 0, 0)
    assert synced.stamps() == before_run


def test_a_second_sync_skips_what_has_nothing_to_do_but_still_verifies(synced: Lab) -> None:
    report = synced.succeed()
    assert synced.states() == [one for one in ALL_STATES if one not in ("EmbedPage", "LoadPage")]
    assert report.published
    assert all(check.passed for check in report.verification)


def test_a_second_sync_sends_redis_no_write_but_its_own_records(synced: Lab) -> None:
    synced.index.redis.config_resetstat()
    synced.succeed()
    calls: dict[str, Any] = synced.index.redis.info("commandstats")
    assert "cmdstat_zadd" not in calls
    assert "cmdstat_del" not in calls
    # The probe's own, written and removed.
    assert calls["cmdstat_unlink"]["calls"] == 1
    # The live names, the generation's record, and that the run came to its end.
    assert calls["cmdstat_hset"]["calls"] == 3 + len(DRUGS) + len(TEXTS)


# Edits, inserts, deletes


def test_edits_inserts_and_deletes_give_exactly_those_upserts_and_removals(synced: Lab) -> None:
    before_run = synced.stamps()
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.update(ndc(20), manufacturer="Another, Ltd.")
    synced.catalog.insert(make_row(100), make_row(101))
    synced.catalog.delete(ndc(0), ndc(39))
    report = synced.succeed(run_id="second", settings=NO_MODEL_CHECK)
    assert (report.added, report.changed, report.removed, report.unchanged) == (2, 2, 2, 36)
    written = {key for key, (run_id, _) in synced.stamps().items() if run_id == "second"}
    assert written == {ndc(3), ndc(20), ndc(100), ndc(101)}
    kept = {key: stamp for key, stamp in synced.stamps().items() if key not in written}
    assert kept == {key: before_run[key] for key in kept}
    synced.assert_in_step()


def test_only_texts_that_are_new_are_embedded(synced: Lab) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.update(ndc(20), manufacturer="Another, Ltd.")
    synced.catalog.insert(make_row(100), make_row(101))
    report = synced.succeed(settings=NO_MODEL_CHECK)
    assert (report.texts_embedded, report.texts_reused, synced.embedded()) == (2, 2, 2)


def test_an_edit_goes_only_to_its_own_page(synced: Lab) -> None:
    synced.catalog.update(ndc(25), strength="999 mg/1")
    synced.succeed()
    assert synced.tries("LoadPage") == {"00002": 1}


def test_a_column_that_becomes_null_leaves_no_stale_field(synced: Lab) -> None:
    assert "manufacturer" in synced.index.documents()[ndc(5)]
    synced.catalog.update(ndc(5), manufacturer=None)
    synced.succeed()
    assert "manufacturer" not in synced.index.documents()[ndc(5)]
    synced.assert_in_step()


def test_a_changed_key_is_a_removal_and_an_insert(synced: Lab) -> None:
    synced.catalog.update(ndc(5), ndc="Z9")
    report = synced.succeed(settings=NO_MODEL_CHECK)
    assert (report.added, report.removed, report.texts_embedded) == (1, 1, 0)
    synced.assert_in_step()


@pytest.mark.parametrize("key", ["00000", "ZZZZZ"])
def test_a_drug_that_left_at_either_end_of_the_catalog_is_removed(lab: Lab, key: str) -> None:
    lab.catalog.insert(make_row(50, ndc=key))
    lab.succeed()
    lab.catalog.delete(key)
    assert lab.succeed().removed == 1
    lab.assert_in_step()


def test_texts_that_no_drug_has_any_more_are_deleted_with_the_next_switch(synced: Lab) -> None:
    gone = text_hash_of(make_row(20))
    synced.catalog.delete(ndc(20), ndc(21))
    synced.succeed()
    # A rollback would bring its drugs back.
    assert gone in synced.index.texts()
    synced.catalog.update(ndc(3), manufacturer="Another, Ltd.")
    synced.succeed()
    assert gone not in synced.index.texts()
    assert len(synced.index.texts()) == 19


def test_a_sync_without_changes_keeps_the_way_back(synced: Lab) -> None:
    gone = text_hash_of(make_row(20))
    synced.catalog.delete(ndc(20), ndc(21))
    synced.succeed()
    undo = synced.index.redis.hget("drugs:live", "undo")
    synced.succeed()
    assert synced.index.redis.hget("drugs:live", "undo") == undo
    assert gone in synced.index.texts()


def test_a_sync_leaves_nothing_staged_and_the_old_documents_for_a_rollback(synced: Lab) -> None:
    for number in (3, 20):
        synced.catalog.update(ndc(3), manufacturer=f"Another {number}")
        synced.succeed()
    undo = synced.index.redis.hget("drugs:live", "undo").decode()
    assert synced.index.redis.keys("staged:*") == []
    assert synced.index.redis.keys("undo:*") == [f"undo:{undo}:{ndc(3)}".encode()]
    assert synced.index.redis.keys("drugs:undo:*") == [f"drugs:undo:{undo}".encode()]


def test_a_text_stays_while_one_drug_still_has_it(synced: Lab) -> None:
    synced.catalog.delete(ndc(20))
    synced.succeed()
    assert text_hash_of(make_row(21)) in synced.index.texts()


# Rows as they are


def test_trailing_and_inner_control_characters_do_not_reach_redis(lab: Lab) -> None:
    lab.catalog.insert(make_row(77, manufacturer="  A\x1eB\x1fC\n "))
    lab.succeed()
    assert lab.index.documents()[ndc(77)]["manufacturer"] == "A B C"


def test_a_row_that_holds_a_nul_is_rejected_by_name_and_the_rest_goes_on(lab: Lab) -> None:
    lab.catalog.insert(make_row(77, manufacturer="A\x00B"))
    report = lab.succeed()
    assert [(row.ndc, row.column) for row in report.rejected_rows] == [(ndc(77), "manufacturer")]
    assert (report.rejected, len(lab.index.documents())) == (1, 40)


def test_documents_tell_which_run_wrote_them_and_when(lab: Lab) -> None:
    lab.succeed(run_id="built")
    for run_id, indexed_at in lab.stamps().values():
        assert run_id == "built"
        age = time.time() - time.mktime(time.strptime(indexed_at[:19], "%Y-%m-%dT%H:%M:%S"))
        assert abs(age + time.timezone) < 3600 * 2


def test_each_text_has_its_own_vector(synced: Lab) -> None:
    records = synced.index.texts().values()
    vectors = [record[b"embedding"] for record in records]
    assert all(left != right for left, right in pairwise(sorted(vectors)))
    for record in records:
        assert record[b"embedding"] == vector_of(record[b"text"].decode())
