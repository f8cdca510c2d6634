"""AcceptRun: the input and older executions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOW, FakeExecutions
from tests.payloads import settings
from workflow.contract.errors import InvalidInput, RunInProgress, SettingsInvalid
from workflow.contract.events.payloads import AcceptRunTask, RunInput
from workflow.contract.ports.executions import Execution
from workflow.steps.accept_run import accept_run, parse_input

KEY = "5eal"


def task(**run_input: Any) -> AcceptRunTask:
    return AcceptRunTask(
        run_id="mine", state_machine_arn="arn:machine", started_at=NOW, input=run_input
    )


def test_the_schedules_empty_input_is_a_sync_of_everything() -> None:
    run = accept_run(task(), executions=FakeExecutions(), settings=settings(), key=KEY)
    assert run.input == RunInput(mode="sync", dry_run=False, page_size=1000, accept=())
    assert (run.run_id, run.started_at) == ("mine", NOW)


def test_a_verification_is_a_dry_run() -> None:
    run = accept_run(task(mode="verify"), executions=FakeExecutions(), settings=settings(), key=KEY)
    assert run.input.dry_run
    assert RunInput.model_validate(run.input.model_dump()) == run.input


def test_a_run_carries_the_digest_of_the_settings() -> None:
    run = accept_run(task(), executions=FakeExecutions(), settings=settings(), key=KEY)
    assert run.settings_digest == settings().digest


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mode": "SYNC"}, "mode = 'SYNC': must be 'sync', 'backfill' or 'verify'"),
        ({"mode": None}, "mode = None"),
        ({"dry_run": "yes"}, "dry_run = 'yes': must be true or false"),
        ({"dry_run": 1}, "dry_run = 1"),
        ({"reembed": "false", "mode": "backfill"}, "reembed = 'false'"),
        ({"page_size": 0}, "page_size = 0: must be 1 or more"),
        ({"page_size": 20_001}, "must be 20000 or less"),
        ({"page_size": "250"}, "page_size = '250': must be a whole number"),
        ({"page_size": 2.5}, "page_size = 2.5"),
        ({"page_size": True}, "page_size = True"),
        ({"after_key": ""}, "after_key = '': must have 1 or more characters"),
        ({"through_key": 5}, "through_key = 5: must be text"),
        ({"after_key": "\ud800"}, "after_key"),
        (
            {"accept": ["all"]},
            "accept.0 = 'all': must be 'deletes', 'profile', 'budget', 'rejects' or 'time'",
        ),
        ({"accept": "deletes"}, "accept = 'deletes'"),
        ({"after_key": "b", "through_key": "b"}, "after_key 'b' is not below through_key 'b'"),
        ({"after_key": "a", "mode": "backfill"}, "do not go with mode 'backfill'"),
        ({"through_key": "a", "mode": "backfill"}, "do not go with mode 'backfill'"),
        ({"mode": "verify", "dry_run": False}, "mode 'verify' writes nothing"),
        ({"mode": "verify", "reembed": True}, "reembed goes with mode 'backfill' only"),
        ({"reembed": True}, "reembed goes with mode 'backfill' only"),
        ({"plan": "nightly", "dry_run": True}, "plan names a dry run that is to be done"),
        ({"dryrun": True}, "'dryrun' is not a field of the input; use mode, dry_run, after_key"),
    ],
)
def test_a_wrong_input_is_refused_by_field(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_input(wrong)
    assert message in str(caught.value)


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_input({"mode": "x", "page_size": 0, "colour": "red"})
    for field in ("mode", "page_size", "colour"):
        assert field in str(caught.value)


def test_keys_are_compared_as_bytes() -> None:
    # U+FF5E sorts above U+1F600 in UTF-16, below it in UTF-8.
    assert parse_input({"after_key": "\uff5e", "through_key": "\U0001f600"}).partial


def test_an_older_execution_is_a_reason_to_refuse() -> None:
    older = Execution("older", NOW - timedelta(minutes=5))
    with pytest.raises(RunInProgress, match=r"execution older .* since 2026-03-01 11:55 UTC"):
        accept_run(task(), executions=FakeExecutions([older]), settings=settings(), key=KEY)


def test_a_younger_execution_and_the_run_itself_are_none() -> None:
    others = [Execution("mine", NOW), Execution("younger", NOW + timedelta(seconds=1))]
    assert accept_run(task(), executions=FakeExecutions(others), settings=settings(), key=KEY)


@pytest.mark.parametrize(("other", "refused"), [("a-twin", True), ("z-twin", False)])
def test_of_two_that_started_together_exactly_one_goes_on(other: str, refused: bool) -> None:
    executions = FakeExecutions([Execution(other, NOW)])
    if refused:
        with pytest.raises(RunInProgress):
            accept_run(task(), executions=executions, settings=settings(), key=KEY)
    else:
        accept_run(task(), executions=executions, settings=settings(), key=KEY)


def test_synonyms_that_are_not_there_are_told_before_the_run_begins() -> None:
    with pytest.raises(SettingsInvalid, match=r"synonyms_file absent\.json"):
        accept_run(
            task(),
            executions=FakeExecutions(),
            settings=settings(synonyms_file="absent.json"),
            key=KEY,
        )


@pytest.mark.parametrize("name", ["--help", "a.b", "..", "a'b", "(x)"])
def test_an_execution_whose_name_is_no_runs_is_refused(name: str) -> None:
    """Step Functions takes more names than a folder, a command line and a mail should."""
    asked = task().model_copy(update={"run_id": name})
    with pytest.raises(InvalidInput, match="start it again under another name"):
        accept_run(asked, executions=FakeExecutions(), settings=settings(), key=KEY)


def test_the_key_of_a_runs_files_is_in_its_payload_and_not_shown() -> None:
    run = accept_run(task(), executions=FakeExecutions(), settings=settings(), key=KEY)
    assert run.key == run.holder.key == KEY
    assert KEY not in repr(run)
    assert run.without_key.key == ""
