"""Old runs that come back, runs that are redriven, runs at once."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from local.engine.invocations import LambdaFailure
from tests.lab import Failing, Lab, Payload, before
from tests.rows import ndc
from workflow.contract.errors import RunFileMissing, RunSuperseded, SettingsChanged

LOST = LambdaFailure("Lambda.Unknown", "the function was killed")


# An old run that comes back


def refused(lab: Lab, run_id: str, state: str, payload: dict[str, Any]) -> None:
    """The function of an old run is superseded and changes nothing."""
    held = lab.index.dump()
    with lab.redriven(run_id) as call, pytest.raises(RunSuperseded, match="start a new run"):
        call(state, payload)
    assert lab.index.dump() == held


def test_an_old_run_that_comes_back_to_load_is_superseded(synced: Lab) -> None:
    synced.catalog.update(ndc(3), manufacturer="Old")
    old = Failing("LoadPage", LOST)
    synced.run(run_id="old", intercept=old)
    synced.catalog.update(ndc(3), manufacturer="New")
    synced.succeed(run_id="new")
    refused(synced, "old", "LoadPage", old.payloads[0])
    synced.assert_in_step()


def test_an_old_run_that_comes_back_to_publish_is_superseded(synced: Lab) -> None:
    old = Failing("PublishIndex", LOST)
    synced.run("backfill", run_id="old", intercept=old)
    synced.succeed("backfill", run_id="new")
    refused(synced, "old", "PublishIndex", old.payloads[0])
    assert synced.index.live_run() == "new"


def test_an_old_sync_that_comes_back_to_publish_is_superseded(synced: Lab) -> None:
    synced.catalog.update(ndc(3), manufacturer="Old")
    old = Failing("PublishIndex", LOST)
    synced.run(run_id="old", intercept=old)
    synced.catalog.update(ndc(3), manufacturer="New")
    synced.succeed(run_id="new")
    refused(synced, "old", "PublishIndex", old.payloads[0])
    refused(synced, "old", "PruneIndex", old.payloads[0])
    synced.assert_in_step()


def test_an_old_run_that_comes_back_to_verify_damages_nothing(synced: Lab) -> None:
    synced.catalog.update(ndc(3), manufacturer="Old")
    old = Failing("VerifyPage", LOST)
    synced.run(run_id="old", intercept=old)
    synced.catalog.update(ndc(3), manufacturer="New")
    synced.succeed(run_id="new")
    held = synced.index.dump()
    with synced.redriven("old") as call:
        for payload in _pages(synced, "old", old.payloads[0]["plan"]):
            call("VerifyPage", payload)
        # What it staged is gone, which is a difference that it may not report.
        with pytest.raises(RunSuperseded, match="start a new run"):
            call("VerifyIndex", _reviewed(old.payloads[0]["plan"]))
    assert synced.index.dump() == held


def test_an_old_run_that_comes_back_to_plan_does_not_take_the_fence(synced: Lab) -> None:
    synced.catalog.update(ndc(3), manufacturer="Old")
    old = Failing("PlanPages", LOST)
    synced.run(run_id="old", intercept=old)
    synced.catalog.update(ndc(3), manufacturer="New")
    newer = Failing("LoadPage", LOST)
    synced.run(run_id="new", intercept=newer)
    refused(synced, "old", "PlanPages", old.payloads[0])
    with synced.redriven("new") as call:
        call("LoadPage", newer.payloads[0])


def test_a_run_that_is_overtaken_while_it_loads_is_superseded(synced: Lab) -> None:
    synced.catalog.update(ndc(3), manufacturer="Another, Ltd.")

    def overtake() -> None:
        synced.index.redis.set("drugs:writer", "99999999999999 newer")

    report = synced.run(run_id="slow", intercept=before("LoadPage", overtake))
    assert report.error == "RunSuperseded"
    assert report.cause is not None
    assert "newer" in report.cause
    assert synced.index.documents()[ndc(3)]["run_id"] == "first"


def test_a_run_that_is_redriven_with_other_settings_is_stopped(synced: Lab) -> None:
    synced.catalog.update(ndc(3), manufacturer="Another, Ltd.")
    old = Failing("LoadPage", LOST)
    synced.run(run_id="old", intercept=old)
    held = synced.index.dump()
    with (
        synced.redriven("old", embedding_max_chars="100") as call,
        pytest.raises(SettingsChanged, match="start a new run"),
    ):
        call("LoadPage", old.payloads[0])
    assert synced.index.dump() == held


def test_a_failed_run_that_is_redriven_finishes(synced: Lab) -> None:
    synced.catalog.update(ndc(3), manufacturer="Another, Ltd.")
    old = Failing("LoadPage", LOST)
    synced.run(run_id="old", intercept=old)
    plan = old.payloads[0]["plan"]
    with synced.redriven("old") as call:
        call("LoadPage", old.payloads[0])
        for payload in _pages(synced, "old", plan):
            call("VerifyPage", payload)
        for state in ("VerifyIndex", "PublishIndex", "ReportRun"):
            call(state, _reviewed(plan))
    synced.assert_in_step()


def _pages(lab: Lab, run_id: str, plan: Payload) -> list[Payload]:
    """What the Map over the pages of a past run hands to its children."""
    manifest = lab.stack.root / "runs" / run_id / "pages.json"
    return [{"plan": plan, "page": page} for page in json.loads(manifest.read_bytes())]


def _reviewed(plan: Payload) -> Payload:
    review = {"dry_run": False, "embed_key": "-", "embed_pages": 0, "load_key": "-"}
    return {"plan": plan, "review": {**review, "load_pages": 1}}


# A name that is used again


@pytest.mark.parametrize("mode", ["sync", "backfill"])
def test_a_run_of_a_used_name_takes_nothing_of_the_older_one(synced: Lab, mode: str) -> None:
    synced.catalog.update(ndc(3), manufacturer="Old")
    synced.run(mode, run_id="same", intercept=Failing("VerifyIndex", LOST))
    older = set(synced.index.redis.keys("*same*"))
    assert older
    synced.catalog.update(ndc(3), manufacturer="New")
    synced.catalog.update(ndc(5), manufacturer="New")
    left: list[bytes] = []

    def look() -> None:
        left.extend(older.intersection(synced.index.redis.keys("*same*")))

    synced.succeed(mode, run_id="same", intercept=before("DiffPage", look))
    assert left == []
    synced.assert_in_step()


def test_an_older_run_of_the_same_name_is_superseded_by_the_newer_one(synced: Lab) -> None:
    synced.catalog.update(ndc(3), manufacturer="Old")
    old = Failing("LoadPage", LOST)
    synced.run(run_id="same", intercept=old)
    synced.catalog.update(ndc(3), manufacturer="New")
    new = Failing("VerifyPage", LOST)
    synced.run(run_id="same", intercept=new)
    held = synced.index.dump()
    with synced.redriven("same") as call, pytest.raises(RunFileMissing, match="of the same name"):
        call("LoadPage", old.payloads[0])
    refused(synced, "same", "PlanPages", {"run": old.payloads[0]["plan"]["run"]})
    assert synced.index.dump() == held


def test_a_backfill_of_the_live_generations_name_builds_another_one(synced: Lab) -> None:
    first = synced.index.live()[0]
    synced.succeed("backfill", run_id="first")
    generations = synced.index.generations()
    assert generations[first] == "previous"
    assert sorted(generations.values()) == ["live", "previous"]
    synced.assert_in_step()


# Runs at once


def test_an_execution_is_refused_while_an_older_one_runs(lab: Lab) -> None:
    waiting, release = threading.Event(), threading.Event()

    def hold(state: str, _event: dict[str, Any], call: Any) -> Any:
        if state == "PlanPages":
            waiting.set()
            release.wait(30)
        return call()

    with lab.machine(intercept=hold) as machine:
        older = machine.start({}, "older")
        assert waiting.wait(30)
        newer = machine.wait(machine.start({}, "newer"))
        release.set()
        assert machine.wait(older).status == "SUCCEEDED"
    assert newer.error == "RunInProgress"
    assert newer.cause is not None
    assert "older" in newer.cause
