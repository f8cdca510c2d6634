"""AcceptRun: checks the input, and that no older execution is running."""

from pydantic import ValidationError

from workflow.contract.errors import InvalidInput, RunInProgress
from workflow.contract.events.payloads import AcceptRunTask, Run, RunInput
from workflow.contract.holder import is_run_id
from workflow.contract.invalid import UNKNOWN, Wrong, wrongs
from workflow.contract.ports.executions import Executions
from workflow.contract.settings import Settings
from workflow.search.synonyms import read_synonyms


def accept_run(task: AcceptRunTask, *, executions: Executions, settings: Settings, key: str) -> Run:
    """Check the input; refuse to start while an older execution runs. `key` will seal the run's
    files.

    This only saves a wasted run: ListExecutions lags behind, and the fence in Redis guarantees one
    writer. Raises InvalidInput, SettingsInvalid, RunInProgress.
    """
    if not is_run_id(task.run_id):
        raise InvalidInput(
            f"the execution name {task.run_id!r} is not a valid run id: use at most 80 letters, "
            "digits, - and _, and no - at the start; start it again under another name"
        )
    run_input = parse_input(task.input)
    # Only VerifyIndex needs them, perhaps an hour later; a wrong file must stop the run now.
    read_synonyms(settings.synonyms_file)
    running = executions.running(task.state_machine_arn)
    mine = next((one.started_at for one in running if one.name == task.run_id), task.started_at)
    older = [
        one
        for one in running
        if one.name != task.run_id and (one.started_at, one.name) < (mine, task.run_id)
    ]
    if older:
        first = min(older, key=lambda one: one.started_at)
        raise RunInProgress(
            f"execution {first.name} has been running since {first.started_at:%Y-%m-%d %H:%M} UTC; "
            "wait until it ends or stop it, then start again"
        )
    return Run(
        run_id=task.run_id,
        started_at=task.started_at,
        settings_digest=settings.digest,
        input=run_input,
        key=key,
    )


def parse_input(values: dict[str, object]) -> RunInput:
    """The execution's input as a model. Raises InvalidInput, naming each field and its limits."""
    try:
        return RunInput.model_validate(values)
    except ValidationError as error:
        said = "; ".join(map(_explain, wrongs(error)))
        raise InvalidInput(said) from error


def _explain(one: Wrong) -> str:
    if one.reason == UNKNOWN:
        return f"{one.field!r} is not a field of the input; use {', '.join(RunInput.model_fields)}"
    return str(one)
