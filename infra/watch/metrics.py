"""The workflow's metrics by name: `handlers/entry.py` writes them."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE = "DrugCatalogSync"
SERVICE = "drug-catalog-sync"
MODES = ("sync", "backfill")

FIVE_MINUTES = Duration.minutes(5)


def of_runs(name: str, mode: str, *, period: Duration, statistic: str = "Sum") -> cloudwatch.Metric:
    """A figure of published runs."""
    return _metric(name, {"mode": mode}, period, statistic)


def of_errors(error: str, *, period: Duration = FIVE_MINUTES) -> cloudwatch.Metric:
    """How often a step raised an error, by the error's name."""
    return _metric("errors", {"error": error}, period, "Sum")


def all_modes(name: str, *, period: Duration, label: str = "") -> cloudwatch.MathExpression:
    """A figure of published runs, whichever their mode; 0 where there was none."""
    using = {f"{name}_{mode}": of_runs(name, mode, period=period) for mode in MODES}
    return cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({one}, 0)" for one in using),
        using_metrics=dict(using),
        period=period,
        label=label or name,
    )


def _metric(
    name: str, dimensions: dict[str, str], period: Duration, statistic: str
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"service": SERVICE, **dimensions},
        period=period,
        statistic=statistic,
    )
