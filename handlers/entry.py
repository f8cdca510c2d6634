"""What every function does around its step: parse, check the settings, log, count, dump."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from pydantic import BaseModel, ValidationError

from handlers.logins import forget_secrets
from handlers.wiring import wiring
from workflow.contract.errors import (
    CatalogAccessDenied,
    IndexAccessDenied,
    InvalidInput,
    SettingsChanged,
    SyncError,
)
from workflow.contract.events.base import Event
from workflow.contract.events.payloads import Run
from workflow.contract.events.report import RunReport
from workflow.contract.invalid import in_words
from workflow.contract.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

SERVICE = "drug-catalog-sync"
NAMESPACE = "DrugCatalogSync"
REPORTED = (
    "catalog_rows",
    "added",
    "changed",
    "removed",
    "rejected",
    "texts_embedded",
    "texts_reused",
    "tokens",
)

UNLOGGED: dict[str, Any] = {"profile": True, "plan": True, "key": True, "run": {"key": True}}
"""Of a result: what is long, or seals files."""

Task = TypeVar("Task", bound=Event)
Handler = Callable[[dict[str, Any], "LambdaContext"], dict[str, Any]]

logger = Logger(service=SERVICE)


def handles(model: type[Task]) -> Callable[[Callable[[Task], BaseModel]], Handler]:
    """Make a function of one task and one result a Lambda handler."""

    def decorate(step: Callable[[Task], BaseModel]) -> Handler:
        def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
            try:
                return _run(model, step, event, context)
            except SyncError as error:
                logger.exception("step failed", error=type(error).__name__)
                note_error(error)
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


def _metrics() -> EphemeralMetrics:
    """The deployment names the service after its stage, so that stages' metrics stay apart."""
    service = os.environ.get("POWERTOOLS_SERVICE_NAME", SERVICE)
    return EphemeralMetrics(namespace=NAMESPACE, service=service)


def note_error(error: SyncError) -> None:
    """One `errors` metric for each error name, so that alarms can choose by name. A login that was
    refused may have been one of before a rotation: the next try reads its secret afresh.
    """
    if isinstance(error, (CatalogAccessDenied, IndexAccessDenied)):
        forget_secrets()
    metrics = _metrics()
    metrics.add_dimension("error", type(error).__name__)
    metrics.add_metric("errors", MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_report(report: RunReport) -> None:
    """The figures of a published run, per mode; nothing of a dry run."""
    if not report.published:
        return
    metrics = _metrics()
    metrics.add_dimension("mode", report.mode)
    metrics.add_metric("published", MetricUnit.Count, 1)
    metrics.add_metric("duration", MetricUnit.Seconds, report.duration_s)
    for name in REPORTED:
        metrics.add_metric(name, MetricUnit.Count, getattr(report, name))
    metrics.flush_metrics()
