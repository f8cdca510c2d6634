"""The log and the metrics of every function."""

import os
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from workflow.contract.errors import SyncError

if TYPE_CHECKING:
    from workflow.contract.events.report import RunReport

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

logger = Logger(service=SERVICE)


def _metrics() -> EphemeralMetrics:
    """The deployment names the service after its stage, so that stages' metrics stay apart."""
    service = os.environ.get("POWERTOOLS_SERVICE_NAME", SERVICE)
    return EphemeralMetrics(namespace=NAMESPACE, service=service)


def count_error(error: SyncError) -> None:
    """One `errors` metric for each error name, so that alarms can select one."""
    metrics = _metrics()
    metrics.add_dimension("error", type(error).__name__)
    metrics.add_metric("errors", MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_report(report: "RunReport") -> None:
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
