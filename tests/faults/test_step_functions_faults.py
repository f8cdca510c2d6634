"""Executions are stopped, redriven too late, race, or meet other settings than they began with."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from handlers.wiring import wiring
from tests.faults.lab import FaultLab, redrive, unseen
from tests.faults.tally import TALLY, named
from tests.faults.test_lambda_faults import STATES
from tests.lab import Failing, Payload
from tests.rows import ndc
from workflow.contract.errors import (
    IndexUnavailable,
    PagesMissing,
    RunFileCorrupt,
    RunFileMissing,
    RunSuperseded,
    SettingsChanged,
)
from workflow.contract.events.payloads import Run
from workflow.contract.ports.documents import Document

NEXT_REPAIRS = "the next run repairs it"
CHANGED = [
    {"embedding_template": "{drug_name}"},
    {"embedding_dimensions": "512"},
    {"index_algorithm": "FLAT"},
    {"catalog_table": "others"},
    {"redis_url": "redis://elsewhere"},
]


@pytest.mark.parametrize(
    ("state", "mode"),
    [
        pytest.param(
            *(state, mode),
            marks=pytest.mark.fault("Step Functions", f"stopped ({mode})", state, NEXT_REPAIRS),
        )
        for state, mode in [
            *((state, "sync") for state in STATES),
            *((state, "backfill") for state in STATES[-5:]),
        ]
    ],
)
def test_an_execution_stopped_in_any_state_leaves_what_the_next_run_mends(
    synced: FaultLab, state: str, mode: str
) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.delete(ndc(4))
    reached, stopped = threading.Event(), threading.Event()

    def hold(name: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if name == state:
            reached.set()
            assert stopped.wait(30)
        # On AWS, too, a function that is at work goes on to its end.
        return call()

    with synced.machine(hold) as machine:
        execution = machine.start({"mode": mode, "page_size": 10}, "stopped")
        assert reached.wait(30)
        machine.stop(execution)
        stopped.set()
        # moto counts the aborted children of a Map as failed.
        assert machine.wait(execution).status in ("ABORTED", "FAILED")
    TALLY.runs += 1
    synced.assert_answers()
    synced.converge(mode)


AWAY = IndexUnavailable("away")


@pytest.mark.parametrize(
    ("state", "mode"),
    [
        *((state, "sync") for state in ("EmbedPage", "LoadPage", "PublishIndex", "PruneIndex")),
        *((state, "backfill") for state in ("LoadPage", "PublishIndex")),
    ],
)
@pytest.mark.fault(
    *("Step Functions", "redriven after a newer run", "(each that writes)"), named("RunSuperseded")
)
def test_an_old_run_redriven_after_a_newer_one_writes_nothing(
    synced: FaultLab, state: str, mode: str
) -> None:
    column = "strength" if state == "EmbedPage" else "manufacturer"
    synced.catalog.update(ndc(3), **{column: "of the old run"})
    spoiled = Failing(state, AWAY)
    assert synced.run(mode, run_id="old", intercept=spoiled).error == "IndexUnavailable"
    synced.catalog.update(ndc(3), **{column: "of the new run"})
    synced.converge(run_id="new")
    held = synced.index.dump()
    with synced.redriven("old") as call, pytest.raises(RunSuperseded, match="start a new run"):
        call(state, spoiled.payloads[0])
    assert synced.index.dump() == held


@pytest.mark.parametrize("state", ["EmbedPage", "LoadPage", "PublishIndex", "PruneIndex"])
@pytest.mark.fault(
    *("Step Functions", "its name used again, then redriven", "(each that writes)"),
    "stopped: nothing of the other run is touched",
)
def test_an_old_run_whose_name_was_used_again_writes_nothing(synced: FaultLab, state: str) -> None:
    synced.catalog.update(ndc(3), strength="of the old run")
    spoiled = Failing(state, AWAY)
    assert synced.run(run_id="same", intercept=spoiled).error == "IndexUnavailable"
    synced.catalog.update(ndc(3), strength="of the new run")
    synced.converge(run_id="same")
    held = synced.index.dump()
    errors = (RunSuperseded, RunFileMissing, RunFileCorrupt, PagesMissing)
    refused = pytest.raises(errors, match="start a new run")
    with synced.redriven("same") as call, refused:
        call(state, spoiled.payloads[0])
    assert synced.index.dump() == held


@pytest.mark.fault("Step Functions", "a name used again", "(all)", "a generation of its own")
def test_a_name_used_again_after_a_failure_takes_nothing_of_the_old_run_for_its_own(
    synced: FaultLab,
) -> None:
    synced.catalog.update(ndc(3), strength="of the old run")
    synced.fail(
        "IndexUnavailable", "backfill", run_id="same", intercept=Failing("VerifyPage", AWAY)
    )
    left = synced.generation("same")
    synced.catalog.update(ndc(3), strength="of the new run")
    synced.converge("backfill", run_id="same")
    assert synced.index.live()[0] not in (left, "same")
    assert left not in synced.index.generations()
    assert synced.index.redis.keys(f"drug:{left}:*") == []


@pytest.mark.parametrize("state", STATES[2:])
@pytest.mark.fault("Step Functions", "redriven at once", "(each)", "goes on where it failed")
def test_a_failed_run_that_is_redriven_at_once_goes_on_to_the_end(
    synced: FaultLab, state: str
) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.delete(ndc(4))
    failing = Failing(state, AWAY)
    assert synced.run(run_id="old", intercept=failing).error == "IndexUnavailable"
    with synced.redriven("old") as call:
        redrive(failing.payloads[0], state, call)
    synced.assert_in_step()
    report = synced.converge()
    assert (report.added, report.changed, report.removed) == (0, 0, 0)


@pytest.mark.fault(
    *("Step Functions", "redriven during a newer run", "LoadPage"), named("RunSuperseded")
)
def test_an_old_run_redriven_during_a_newer_one_is_superseded_and_the_newer_one_goes_on(
    synced: FaultLab,
) -> None:
    synced.catalog.update(ndc(3), manufacturer="of the old run")
    away = Failing("LoadPage", AWAY)
    synced.fail("IndexUnavailable", run_id="old", intercept=away)
    old = Run.model_validate(away.payloads[0]["plan"]["run"]).holder
    synced.catalog.update(ndc(3), manufacturer="of the new run")
    seen: list[str] = []

    def write(name: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if name == "LoadPage" and not seen:
            try:
                wiring().index.documents.stage(old, [Document(ndc(3), {"ndc": ndc(3)})])
            except RunSuperseded as error:
                seen.append(str(error))
        return call()

    synced.succeed(run_id="new", intercept=write)
    assert "may no longer write, new may" in seen[0]
    synced.assert_in_step()


@pytest.mark.fault(
    *("Step Functions", "settings changed before a redrive", "(each)"), named("SettingsChanged")
)
def test_a_redrive_with_other_settings_than_the_run_began_with_is_refused(lab: FaultLab) -> None:
    called: dict[str, Payload] = {}

    def remember(name: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        called.setdefault(name, event)
        return call()

    lab.succeed(run_id="old", intercept=remember)
    held = lab.index.dump()
    for changed in CHANGED:
        with lab.redriven("old", **changed) as call:
            for state in ("DiffPage", "LoadPage", "PublishIndex"):
                with pytest.raises(SettingsChanged, match="start a new run"):
                    call(state, called[state])
    assert lab.index.dump() == held


@pytest.mark.fault("Step Functions", "a second execution", "AcceptRun", named("RunInProgress"))
def test_a_second_execution_is_refused_while_an_older_one_runs(synced: FaultLab) -> None:
    reached, release = threading.Event(), threading.Event()

    def hold(name: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        if name == "VerifyIndex" and event["plan"]["run"]["run_id"] == "older":
            reached.set()
            assert release.wait(30)
        return call()

    with synced.machine(hold) as machine:
        older = machine.start({"page_size": 10}, "older")
        assert reached.wait(30)
        refused = machine.wait(machine.start({"page_size": 10}, "younger"))
        assert (refused.status, refused.error) == ("FAILED", "RunInProgress")
        assert "execution older has been running" in str(refused.cause)
        release.set()
        assert machine.wait(older).status == "SUCCEEDED"
    synced.assert_in_step()


@pytest.mark.parametrize(
    ("modes", "live"),
    [(("sync", "sync"), False), (("sync", "backfill"), True), (("backfill", "sync"), True)],
    ids=["first", "backfill-younger", "backfill-older"],
)
@pytest.mark.fault("Step Functions", "two executions race", "(all)", NEXT_REPAIRS)
def test_two_executions_that_race_anyway_converge_at_the_next_sync(
    lab: FaultLab, modes: tuple[str, str], live: bool
) -> None:
    if live:
        lab.succeed(run_id="first")
    lab.catalog.update(ndc(3), strength="999 mg/1")
    with lab.machine(unseen) as machine:
        racing = [
            machine.start({"mode": mode, "page_size": 2}, f"{mode}-{number}")
            for number, mode in enumerate(modes)
        ]
        outcomes = [machine.wait(one) for one in racing]
    TALLY.runs += 2
    errors = {one.error for one in outcomes if one.status != "SUCCEEDED"}
    assert len(errors) <= 1, outcomes
    lab.converge()
    assert list(lab.index.generations().values()).count("live") == 1
    assert "building" not in lab.index.generations().values()
