"""Pages that fail and runs that fail: the state machine over real servers."""

from __future__ import annotations

import pytest

from local.engine.invocations import LambdaFailure
from tests.lab import NO_MODEL_CHECK, Failing, Lab, before
from tests.machine import most_tries
from tests.rows import make_row, ndc, text_of
from workflow.contract.errors import (
    CatalogUnavailable,
    EmbedderThrottled,
    IndexUnavailable,
    RunSuperseded,
)

LOST = LambdaFailure("Lambda.Unknown", "the function was killed")


# A page that fails once


@pytest.mark.parametrize(
    ("state", "error", "pages"),
    [
        ("DiffPage", CatalogUnavailable("gone"), {"00000": 1, "00001": 2, "00002": 1, "00003": 1}),
        ("EmbedPage", EmbedderThrottled("slow down"), {"00000": 1, "00001": 2}),
        ("LoadPage", IndexUnavailable("gone"), {"00000": 1, "00001": 2, "00002": 1, "00003": 1}),
        ("LoadPage", LOST, {"00000": 1, "00001": 2, "00002": 1, "00003": 1}),
    ],
)
def test_a_page_that_fails_once_is_retried_alone(
    lab: Lab, state: str, error: Exception, pages: dict[str, int]
) -> None:
    lab.succeed(intercept=Failing(state, error, page="00001", times=1))
    assert lab.tries(state) == pages
    lab.assert_in_step()


@pytest.mark.parametrize("state", ["DiffPage", "EmbedPage", "LoadPage", "VerifyPage"])
def test_a_page_whose_answer_is_lost_is_done_again_with_the_same_result(
    lab: Lab, state: str
) -> None:
    intercept = Failing(state, LOST, page="00001", times=1, after=True)
    report = lab.succeed(intercept=intercept, settings=NO_MODEL_CHECK)
    assert lab.tries(state)["00001"] == 2
    assert (report.added, report.texts_embedded, lab.embedded()) == (40, 20, 20)
    lab.assert_in_step()


@pytest.mark.parametrize(
    "state",
    [
        *("AcceptRun", "PlanPages", "ReviewChanges", "VerifyIndex"),
        *("PublishIndex", "PruneIndex", "ReportRun"),
    ],
)
def test_a_step_whose_answer_is_lost_is_done_again_with_the_same_result(
    synced: Lab, state: str
) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    report = synced.succeed(intercept=Failing(state, LOST, times=1, after=True))
    assert synced.tries(state) == {None: 2}
    assert (report.changed, report.unchanged, report.texts_embedded) == (1, 39, 1)
    synced.assert_in_step()


def test_a_backfill_whose_publication_is_repeated_keeps_the_same_previous_generation(
    synced: Lab,
) -> None:
    intercept = Failing("PublishIndex", LOST, times=1, after=True)
    synced.succeed("backfill", run_id="second", intercept=intercept)
    assert synced.index.states() == {"first": "previous", "second": "live"}
    synced.assert_in_step()


def test_a_throttled_page_is_retried_and_nothing_is_embedded_twice(lab: Lab) -> None:
    lab.control_model(faults=[{"kind": "ThrottlingException", "times": 4}])
    report = lab.succeed(settings=NO_MODEL_CHECK | {"embedding_threads": "1"})
    assert sum(lab.tries("EmbedPage").values()) > 2 or lab.embedded() == 20
    assert (report.texts_embedded, lab.embedded()) == (20, 20)


# A page that keeps failing


def test_a_page_that_keeps_failing_fails_the_execution_in_that_state(lab: Lab) -> None:
    error = CatalogUnavailable("no connection")
    report = lab.run(intercept=Failing("DiffPage", error, page="00002"))
    assert report.status == "FAILED"
    assert report.error == "CatalogUnavailable"
    assert report.cause is not None
    assert report.cause.startswith("DiffPage")
    assert "no connection" in report.cause
    assert lab.tries("DiffPage")["00002"] == most_tries("DiffPage", "CatalogUnavailable")
    assert "ReviewChanges" not in lab.states()


def test_an_error_that_is_not_worth_a_retry_fails_at_once(lab: Lab) -> None:
    report = lab.run(intercept=Failing("LoadPage", RunSuperseded("another"), page="00002"))
    assert report.error == "RunSuperseded"
    assert lab.tries("LoadPage")["00002"] == 1


BEFORE_THE_SWITCH = [
    *("PlanPages", "DiffPage", "ReviewChanges", "EmbedPage", "LoadPage"),
    *("VerifyPage", "VerifyIndex", "PublishIndex"),
]


@pytest.mark.parametrize("state", BEFORE_THE_SWITCH)
def test_a_sync_that_fails_before_the_switch_leaves_the_live_generation_untouched(
    synced: Lab, state: str
) -> None:
    documents, record = synced.index.documents(), synced.index.generation()
    keys, live = synced.index.key_set(), synced.index.redis.hgetall("drugs:live")
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.delete(ndc(4))
    assert synced.run(intercept=Failing(state, LOST)).status == "FAILED"
    assert synced.index.documents() == documents
    assert (synced.index.generation(), synced.index.key_set()) == (record, keys)
    assert synced.index.redis.hgetall("drugs:live") == live


@pytest.mark.parametrize("state", ["PruneIndex", "ReportRun"])
def test_a_sync_that_fails_behind_the_switch_has_published_and_the_next_one_tidies_up(
    synced: Lab, state: str
) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.delete(ndc(4))
    assert synced.run(intercept=Failing(state, LOST)).status == "FAILED"
    synced.assert_in_step()
    synced.succeed()
    synced.assert_in_step()
    assert synced.index.redis.keys("staged:*") == []


@pytest.mark.parametrize("state", ["DiffPage", "EmbedPage", "LoadPage", "VerifyIndex"])
def test_a_backfill_that_fails_leaves_the_live_generation_untouched(
    synced: Lab, state: str
) -> None:
    documents, record = synced.index.documents(), synced.index.generation()
    live = synced.index.live()
    report = synced.run("backfill", intercept=Failing(state, LOST, page=None), reembed=True)
    assert report.status == "FAILED"
    assert not report.published
    assert (synced.index.documents(), synced.index.generation()) == (documents, record)
    assert synced.index.live() == live
    assert synced.index.nearest(text_of(make_row(8)))


def test_the_sync_after_a_failed_one_drops_what_it_staged_and_makes_every_change(
    synced: Lab,
) -> None:
    for number in range(40):
        synced.catalog.update(ndc(number), manufacturer=f"Another {number}")
    synced.run(intercept=Failing("LoadPage", LOST, page="00002"))
    assert len(synced.index.redis.keys("staged:*")) == 30
    left: list[object] = []

    def look() -> None:
        left.extend(synced.index.redis.keys("staged:*"))

    report = synced.succeed(intercept=before("DiffPage", look))
    assert left == []
    assert (report.changed, report.unchanged) == (40, 0)
    synced.assert_in_step()


@pytest.mark.parametrize("state", ["EmbedPage", "LoadPage", "VerifyIndex"])
def test_the_run_after_a_failed_first_one_embeds_nothing_twice(lab: Lab, state: str) -> None:
    page = None if state == "VerifyIndex" else "00001"
    lab.run(intercept=Failing(state, LOST, page=page), settings=NO_MODEL_CHECK)
    half = lab.embedded()
    report = lab.succeed(settings=NO_MODEL_CHECK)
    assert half == (10 if state == "EmbedPage" else 20)
    assert report.texts_embedded == 20 - half
    assert lab.embedded() == 20
    lab.assert_in_step()


def test_the_next_run_drops_what_a_failed_one_left_half_built_before_it_needs_room(
    lab: Lab,
) -> None:
    lab.run(run_id="broken", intercept=Failing("LoadPage", LOST, page="00002"))
    assert lab.index.states() == {"broken": "building"}
    left: list[object] = []

    def look() -> None:
        left.extend([lab.index.states(), lab.index.redis.keys("*broken*"), lab.index.indexes()])

    lab.succeed(run_id="second", intercept=before("DiffPage", look))
    second, space = lab.index.live()
    assert left == [{"second": "building"}, [], {f"drugs:{second}", f"texts:{space}"}]


def test_nothing_is_live_after_a_first_sync_that_failed(lab: Lab) -> None:
    lab.run(intercept=Failing("VerifyIndex", LOST))
    assert lab.index.redis.exists("drugs:live") == 0


def test_a_failed_run_has_a_report_of_how_far_it_came(lab: Lab) -> None:
    report = lab.run(intercept=Failing("LoadPage", LOST, page="00002"))
    assert (report.status, report.published, report.catalog_rows) == ("FAILED", False, 40)
    assert (report.texts_embedded, report.pages, report.verification) == (20, 4, ())


def test_a_run_refused_at_the_start_has_a_report_too(lab: Lab) -> None:
    report = lab.run(mode="sideways")
    assert (report.status, report.error, report.pages) == ("FAILED", "InvalidInput", 0)
    assert lab.states() == ["AcceptRun"]
