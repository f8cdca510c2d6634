"""A function times out, runs out of memory, loses its answer, or goes on after it was aborted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from local.engine.invocations import LambdaFailure
from tests.faults.lab import FaultLab, chain, unseen
from tests.faults.tally import RETRIED, TRIES, named
from tests.lab import NO_MODEL_CHECK, Failing, Payload
from tests.rows import ndc

BEFORE_THE_SWITCH = [
    *("AcceptRun", "PlanPages", "DiffPage", "ReviewChanges", "EmbedPage", "LoadPage"),
    *("VerifyPage", "VerifyIndex"),
]
STATES = [*BEFORE_THE_SWITCH, "PublishIndex", "PruneIndex", "ReportRun"]
DEATHS = {
    "Sandbox.Timedout": "timeout",
    "Lambda.Unknown": "out of memory",
    "Runtime.ExitError": "killed",
}


def state_cases(what: str, states: list[str]) -> list[Any]:
    return [
        pytest.param(one, marks=pytest.mark.fault("Lambda", what, one, RETRIED)) for one in states
    ]


@pytest.mark.parametrize("state", state_cases("killed after its writes, before its answer", STATES))
def test_a_function_whose_answer_is_lost_runs_twice_and_that_is_the_same_as_once(
    synced: FaultLab, state: str
) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.delete(ndc(4))
    lost = Failing(state, LambdaFailure("Lambda.Unknown", "signal: killed"), times=1, after=True)
    report = synced.succeed("backfill", intercept=lost, settings=NO_MODEL_CHECK, run_id="second")
    assert synced.page_tries(state)[0] == 2
    assert synced.embedded() == report.texts_embedded == 1
    assert synced.generation_states() == {"first": "previous", "second": "live"}
    synced.assert_in_step()


@pytest.mark.parametrize(
    "state", state_cases("killed after its writes, in a sync", ["LoadPage", *STATES[-3:]])
)
def test_a_sync_whose_answer_is_lost_switches_once_and_can_be_undone(
    synced: FaultLab, state: str
) -> None:
    before_it = synced.index.documents()
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.delete(ndc(4))
    lost = Failing(state, LambdaFailure("Lambda.Unknown", "signal: killed"), times=1, after=True)
    report = synced.succeed(intercept=lost)
    assert synced.page_tries(state)[0] == 2
    assert (report.changed, report.removed, report.published) == (1, 1, True)
    synced.assert_in_step()
    synced.roll_back()
    assert synced.index.documents() == before_it


@pytest.mark.parametrize("state", state_cases("timeout before it did anything", STATES[1::2]))
def test_a_function_that_timed_out_is_tried_again_alone(lab: FaultLab, state: str) -> None:
    dead = LambdaFailure("Sandbox.Timedout", "Task timed out after 900.00 seconds")
    lab.succeed(intercept=Failing(state, dead, times=1))
    assert sum(lab.page_tries(state)) == len(lab.tries(state)) + 1
    lab.assert_in_step()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.fault("Lambda", f"{what}, for ever", "LoadPage", named(name))
        )
        for name, what in DEATHS.items()
    ],
)
def test_a_function_that_always_dies_fails_the_run_and_the_next_one_converges(
    synced: FaultLab, name: str
) -> None:
    held = synced.index.documents()
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.fail(name, intercept=Failing("LoadPage", LambdaFailure(name, "dead"), after=True))
    assert synced.page_tries("LoadPage") == [TRIES]
    assert synced.index.documents() == held
    synced.converge()
    assert synced.index.redis.keys("staged:*") == []


@pytest.mark.fault("Lambda", "an error without a name of ours", "LoadPage", "stopped: KeyError")
def test_an_error_that_nobody_foresaw_stops_the_run_with_its_own_name(synced: FaultLab) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    report = synced.fail("KeyError", intercept=Failing("LoadPage", KeyError("surprise")))
    assert "surprise" in str(report.cause)
    assert synced.page_tries("LoadPage") == [1]
    synced.converge()


class Lingering:
    """A function of one state that hangs after it was called, until the test lets it go on."""

    def __init__(self, state: str) -> None:
        self._state = state
        self.hangs, self.go_on, self.ended = (threading.Event() for _ in range(3))
        self.error: str | None = None

    def __call__(self, state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if state != self._state or self.hangs.is_set():
            return call()
        self.hangs.set()
        assert self.go_on.wait(60)
        try:
            return call()
        except Exception as error:
            self.error = type(error).__name__
            raise
        finally:
            self.ended.set()


@pytest.mark.parametrize(
    ("state", "error"),
    [
        pytest.param(
            *(state, error),
            marks=pytest.mark.fault("Lambda", "aborted, and goes on writing", state, outcome),
        )
        for state, error, outcome in [
            ("DiffPage", None, "writes its run's files only"),
            ("EmbedPage", "RunSuperseded", named("RunSuperseded")),
            ("LoadPage", "RunSuperseded", named("RunSuperseded")),
            ("VerifyPage", None, "writes its run's files only"),
            ("PublishIndex", "RunSuperseded", named("RunSuperseded")),
            ("PruneIndex", "RunSuperseded", named("RunSuperseded")),
        ]
    ],
)
def test_an_aborted_function_that_goes_on_writes_nothing_over_a_newer_run(
    synced: FaultLab, state: str, error: str | None
) -> None:
    # Only a new text brings a run into EmbedPage.
    column = "strength" if state == "EmbedPage" else "manufacturer"
    synced.catalog.update(ndc(3), **{column: "of the old run"})
    ghost = Lingering(state)
    # moto aborts an execution when its function ends, so AcceptRun would still see this one.
    with synced.machine(chain(unseen, ghost)) as machine:
        old = machine.start({"page_size": 10}, "old")
        assert ghost.hangs.wait(30)
        machine.stop(old)
        synced.catalog.update(ndc(3), **{column: "of the new run"})
        new = machine.wait(machine.start({"page_size": 10}, "new"))
        assert new.status == "SUCCEEDED", new.cause
        ghost.go_on.set()
        assert ghost.ended.wait(30)
    assert ghost.error == error
    synced.assert_in_step()
    synced.converge()
