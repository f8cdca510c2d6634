"""The metrics of the workflow by name, each stage apart: `handlers/telemetry.py` writes them."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE = "DrugCatalogSync"
MODES = ("sync", "backfill")

FIVE_MINUTES = Duration.minutes(5)


@dataclass(frozen=True)
class Metrics:
    """Of one stage; `service` is its prefix."""

    service: str

    def of_runs(
        self, name: str, mode: str, *, period: Duration, statistic: str = "Sum"
    ) -> cloudwatch.Metric:
        """A figure of published runs."""
        return self._metric(name, {"mode": mode}, period, statistic)

    def of_errors(self, error: str, *, period: Duration = FIVE_MINUTES) -> cloudwatch.Metric:
        """How often a step raised an error, by the error's name."""
        return self._metric("errors", {"error": error}, period, "Sum")

    def all_modes(
        self, name: str, *, period: Duration, label: str = ""
    ) -> cloudwatch.MathExpression:
        """A figure of published runs of any mode; 0 if there was none."""
        using = {f"{name}_{mode}": self.of_runs(name, mode, period=period) for mode in MODES}
        return cloudwatch.MathExpression(
            expression=" + ".join(f"FILL({one}, 0)" for one in using),
            using_metrics=dict(using),
            period=period,
            label=label or name,
        )

    def _metric(
        self, name: str, dimensions: dict[str, str], period: Duration, statistic: str
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"service": self.service, **dimensions},
            period=period,
            statistic=statistic,
        )
