"""One page of figures for the people who own the nightly run."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.search.search import SearchApi
from infra.watch.metrics import MODES, NAMESPACE, Metrics

DAY = Duration.days(1)
PAGES = ("DiffPage", "EmbedPage", "LoadPage")
THIRD = 8


class Dashboard(Construct):
    """What runs did by day, how long states took, and what went wrong."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        machine: sfn.StateMachine,
        functions: Mapping[str, lambda_.Function],
        alarms: Mapping[str, cloudwatch.Alarm],
        usd_per_1k_tokens: float,
        model_id: str,
        redis_memory: cloudwatch.Metric | None,
        search: SearchApi | None,
    ) -> None:
        super().__init__(scope, construct_id)
        metrics = Metrics(name)
        board = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=name, default_interval=Duration.days(14)
        )
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(
                title="Alarms", alarms=list(alarms.values()), width=24, height=3
            )
        )
        board.add_widgets(
            _by_day(metrics, "Rows of the catalog", "catalog_rows"),
            _by_day(metrics, "Added, changed, removed", "added", "changed", "removed"),
            _by_day(metrics, "Texts embedded and reused", "texts_embedded", "texts_reused"),
        )
        board.add_widgets(
            _by_day(metrics, "Tokens", "tokens"),
            _cost(metrics, usd_per_1k_tokens),
            _by_day(metrics, "Rejected", "rejected"),
        )
        board.add_widgets(
            _runs(machine), _duration_of_runs(metrics), _duration_of_states(functions)
        )
        board.add_widgets(
            _failed_pages(functions), _errors_by_name(name), _servers(model_id, redis_memory)
        )
        if search:
            board.add_widgets(*_searches(search))


def _graph(title: str, *left: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(left), width=THIRD)


def _by_day(metrics: Metrics, title: str, *names: str) -> cloudwatch.GraphWidget:
    return _graph(title, *(metrics.all_modes(name, period=DAY) for name in names))


def _cost(metrics: Metrics, usd_per_1k_tokens: float) -> cloudwatch.GraphWidget:
    cost = cloudwatch.MathExpression(
        expression=f"tokens / 1000 * {usd_per_1k_tokens:.8f}",
        using_metrics={"tokens": metrics.all_modes("tokens", period=DAY)},
        period=DAY,
        label="US dollars for embedding",
    )
    return _graph("Cost of embedding", cost)


def _runs(machine: sfn.StateMachine) -> cloudwatch.GraphWidget:
    ends = ("Succeeded", "Failed", "TimedOut", "Aborted")
    return _graph(
        "Runs",
        *(
            machine.metric(f"Executions{end}", period=DAY, statistic="Sum", label=end)
            for end in ends
        ),
    )


def _duration_of_runs(metrics: Metrics) -> cloudwatch.GraphWidget:
    return _graph(
        "Duration of published runs (s)",
        *(metrics.of_runs("duration", mode, period=DAY, statistic="Maximum") for mode in MODES),
    )


def _duration_of_states(functions: Mapping[str, lambda_.Function]) -> cloudwatch.GraphWidget:
    return _graph(
        "Duration of one call by state (ms, longest)",
        *(
            function.metric_duration(period=DAY, statistic="Maximum", label=state)
            for state, function in functions.items()
        ),
    )


def _failed_pages(functions: Mapping[str, lambda_.Function]) -> cloudwatch.GraphWidget:
    return _graph(
        "Failed tries of pages",
        *(
            functions[state].metric_errors(period=DAY, statistic="Sum", label=state)
            for state in PAGES
        ),
    )


def _errors_by_name(service: str) -> cloudwatch.GraphWidget:
    search = f'{{{NAMESPACE},error,service}} MetricName="errors" service="{service}"'
    return cloudwatch.GraphWidget(
        title="Errors by name",
        left=[
            cloudwatch.MathExpression(
                expression=f"SEARCH('{search}', 'Sum', 86400)",
                using_metrics={},
                period=DAY,
                label="",
            )
        ],
        width=THIRD,
    )


def _servers(model_id: str, redis_memory: cloudwatch.Metric | None) -> cloudwatch.GraphWidget:
    throttles = cloudwatch.Metric(
        namespace="AWS/Bedrock",
        metric_name="InvocationThrottles",
        dimensions_map={"ModelId": model_id},
        statistic="Sum",
        period=DAY,
        label="Bedrock throttles",
    )
    return cloudwatch.GraphWidget(
        title="Bedrock throttles; Redis memory (%)",
        left=[throttles],
        right=[redis_memory.with_(period=Duration.hours(1))] if redis_memory else [],
        width=THIRD,
    )


def _searches(search: SearchApi) -> list[cloudwatch.IWidget]:
    hour = Duration.hours(1)
    latencies = [search.metric("Latency", period=hour, statistic=one) for one in ("p50", "p99")]
    return [
        _graph("Searches by hour", search.metric("Count", period=hour)),
        _graph(
            "Refused (4xx) and failed (5xx)",
            *(search.metric(n, period=hour) for n in ("4xx", "5xx")),
        ),
        _graph("Time of a search (ms)", *latencies),
    ]
