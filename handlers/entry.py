"""Wraps every step's function: parse, check the settings, log, count, dump."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from handlers.logins import forget_refused
from handlers.telemetry import count_error, logger
from handlers.wiring import wiring
from workflow.contract.errors import InvalidInput, SettingsChanged, SyncError
from workflow.contract.events.base import Event
from workflow.contract.events.payloads import Run
from workflow.contract.invalid import in_words
from workflow.contract.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

UNLOGGED: dict[str, Any] = {"profile": True, "plan": True, "key": True, "run": {"key": True}}
"""Fields of a result that are not logged: they are long, or seal files."""

Task = TypeVar("Task", bound=Event)
Handler = Callable[[dict[str, Any], "LambdaContext"], dict[str, Any]]


def handles(model: type[Task]) -> Callable[[Callable[[Task], BaseModel]], Handler]:
    """Make a function of one task and one result a Lambda handler."""

    def decorate(step: Callable[[Task], BaseModel]) -> Handler:
        def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
            try:
                return _run(model, step, event, context)
            except SyncError as error:
                logger.exception("step failed", error=type(error).__name__)
                count_error(error)
                forget_refused(error)
                raise
            finally:
                logger.thread_safe_clear_keys()

        return handler

    return decorate


def _run(
    model: type[Task],
    step: Callable[[Task], BaseModel],
    event: dict[str, Any],
    context: "LambdaContext",
) -> dict[str, Any]:
    parsed = _parse(model, event)
    logger.thread_safe_append_keys(
        function=context.function_name, request_id=context.aws_request_id, **_keys(event)
    )
    try:
        run = getattr(parsed, "run", None)
        if isinstance(run, Run):
            check_settings(run, wiring().settings)
        logger.info("step started")
        result = step(parsed)
    except SyncError as error:
        error.where = parsed.where
        raise
    logger.info("step done", result=result.model_dump(mode="json", exclude=UNLOGGED))
    return result.model_dump(mode="json")


def _parse(model: type[Task], event: dict[str, Any]) -> Task:
    try:
        return model.model_validate(event)
    except ValidationError as error:
        raise InvalidInput(f"the payload is not a {model.__name__}: {in_words(error)}") from error


def _keys(event: dict[str, Any]) -> dict[str, str]:
    """The run and the page of every log line; a rotation has neither."""
    run = event.get("run") or event.get("plan", {}).get("run") or event
    page = event.get("page")
    named = {"run_id": run["run_id"]} if "run_id" in run else {}
    return named | ({"page": page["page"]} if page else {})


def check_settings(run: Run, settings: Settings) -> None:
    """Raise SettingsChanged if the run started with other settings than this function has."""
    if run.settings_digest != settings.digest:
        raise SettingsChanged(
            f"the settings were {run.settings_digest} when the run started and are "
            f"{settings.digest} now; start a new run"
        )
