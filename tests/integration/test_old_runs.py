"""Old runs that come back, runs that are redriven, runs at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from local.engine.invocations import LambdaFailure
from tests.lab import Failing, Lab, before
from tests.rows import ndc
from workflow.contract.errors import RunSuperseded, SettingsChanged

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
    assert synced.index.live()[0] == "new"


def test_an_old_run_that_comes_back_to_verify_damages_nothing(synced: Lab) -> None:
    synced.catalog.update(ndc(3), manufacturer="Old")
    old = Failing("VerifyIndex", LOST)
    synced.run(run_id="old", intercept=old)
    synced.catalog.update(ndc(3), manufacturer="New")
    synced.succeed(run_id="new")
    # The newer run's document is a difference to the old one, which may not report it.
    refused(synced, "old", "VerifyIndex", old.payloads[0])


def test_a_run_that_is_overtaken_while_it_loads_is_superseded(synced: Lab) -> None:
    synced.catalog.update(ndc(3), manufacturer="Another, Ltd.")

    def overtake() -> None:
        synced.index.redis.set("drugs:writer", "newer")

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
    payload = old.payloads[0]
    review = {"dry_run": False, "embed_key": "-", "embed_pages": 0, "load_key": "-"}
    with synced.redriven("old") as call:
        call("LoadPage", payload)
        task = {"plan": payload["plan"], "review": {**review, "load_pages": 1}}
        call("VerifyIndex", task)
        call("PublishIndex", task)
    synced.assert_in_step()
    assert synced.index.generation()["state"] == "live"


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
