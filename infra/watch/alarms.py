"""Alarms, for a failed run and what else people must know. Expected retries raise none."""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.data.servers import RedisServer
from infra.search.search import SearchApi
from infra.stage.sections.operation import AlarmSection
from infra.watch.metrics import FIVE_MINUTES, Metrics

HOUR = Duration.hours(1)
MINUTE = Duration.minutes(1)
DAY = Duration.days(1)
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
QUIET = cloudwatch.TreatMissingData.NOT_BREACHING


class Alarms(Construct):
    """`alarms` by name. Each names its row of docs/alarms.md in its description."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        prefix: str,
        settings: AlarmSection,
        machine: sfn.StateMachine,
        queues: dict[str, sqs.Queue],
        redis: RedisServer,
        search: SearchApi | None,
        rotator: lambda_.Function | None,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._prefix = prefix
        metrics = Metrics(prefix)
        self._action = actions.SnsAction(topic)
        self.alarms: dict[str, cloudwatch.Alarm] = {}
        self._run_failed(machine)
        self._unpublished(metrics, settings.unpublished_hours)
        self._add(
            "VerificationFailed",
            "A check of the index failed; the error says whether anything was published",
            metrics.of_errors("VerificationFailed"),
        )
        self._add(
            "Throttled",
            "The model keeps throttling pages; lower tokens_per_minute",
            metrics.of_errors("EmbedderThrottled", period=Duration.minutes(15)),
            threshold=settings.throttled_pages - 1,
        )
        for name, queue in queues.items():
            self._dead_letters(name, queue)
        if redis.memory:
            self._redis_memory(redis.memory, settings.redis_memory_percent)
        if redis.memory and redis.disk and redis.upkeep and redis.snapshots:
            self._redis_server(redis.memory, redis.disk, settings)
            self._redis_host(redis.instance_id, redis.replaced_with)
            self._redis_daily(redis.upkeep, redis.snapshots)
        if search:
            self._search(search)
        if rotator:
            self._add(
                "RotationFailed",
                "The database user's password could not be rotated; the current one stays valid",
                rotator.metric_errors(period=FIVE_MINUTES),
            )

    def _run_failed(self, machine: sfn.StateMachine) -> None:
        """The notifier says why; this alarm fires even if the notifier cannot."""
        found = {
            "failed": machine.metric_failed(period=FIVE_MINUTES, statistic="Sum"),
            "timed_out": machine.metric_timed_out(period=FIVE_MINUTES, statistic="Sum"),
            "aborted": machine.metric_aborted(period=FIVE_MINUTES, statistic="Sum"),
        }
        total = cloudwatch.MathExpression(
            expression=" + ".join(f"FILL({name}, 0)" for name in found),
            using_metrics=dict(found),
            period=FIVE_MINUTES,
            label="Runs that did not succeed",
        )
        self._add("RunFailed", "A run failed, timed out or was aborted", total)

    def _unpublished(self, metrics: Metrics, hours: int) -> None:
        self._add(
            "Unpublished",
            f"No run published an index in {hours} hours: searches answer from an outdated catalog",
            metrics.all_modes("published", period=HOUR),
            threshold=1,
            comparison=BELOW,
            periods=hours,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )

    def _dead_letters(self, name: str, queue: sqs.Queue) -> None:
        self._add(
            name,
            "An event could not be delivered; read it in the queue",
            queue.metric_approximate_number_of_messages_visible(
                period=FIVE_MINUTES, statistic="Maximum"
            ),
        )

    def _redis_memory(self, metric: cloudwatch.Metric, percent: int) -> None:
        self._add(
            "RedisMemory",
            "Redis is nearly full; a backfill needs room for a second generation",
            metric.with_(period=FIVE_MINUTES),
            threshold=percent,
            periods=3,
        )

    def _redis_server(
        self, memory: cloudwatch.Metric, disk: cloudwatch.Metric, settings: AlarmSection
    ) -> None:
        """A server that cannot write publishes no figure, and a missing figure raises the alarm."""
        self._add(
            "RedisDown",
            "Redis does not answer, loads for too long, or cannot write: searches answer 503",
            memory.with_(period=MINUTE, statistic="SampleCount"),
            threshold=1,
            comparison=BELOW,
            periods=5,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._add(
            "RedisDisk",
            "The volume of Redis is nearly full; a full one stops every write",
            disk.with_(period=FIVE_MINUTES),
            threshold=settings.redis_disk_percent,
            periods=3,
        )

    def _redis_host(self, instance_id: str, replaced_with: str) -> None:
        """The instance's id is an output of the data stack. CloudFormation reads it again only if
        this template changes, so the description names what replaces the instance:
        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
        """
        failed = cloudwatch.Metric(
            namespace="AWS/EC2",
            metric_name="StatusCheckFailed",
            dimensions_map={"InstanceId": instance_id},
            statistic="Maximum",
            period=MINUTE,
        )
        self._add(
            "RedisHost",
            f"EC2's status checks of the Redis host ({replaced_with}) fail",
            failed,
            periods=3,
        )

    def _redis_daily(self, upkeep: cloudwatch.Metric, snapshots: cloudwatch.Metric) -> None:
        """Two days: a daily run drifts over midnight, so that one day may have none."""
        daily: dict[str, Any] = {
            "threshold": 1,
            "comparison": BELOW,
            "periods": 2,
            "missing": cloudwatch.TreatMissingData.BREACHING,
        }
        self._add(
            "RedisUpkeep",
            "For two days no daily run of the Redis host ended well: nobody renews its certificate",
            upkeep.with_(period=DAY),
            **daily,
        )
        self._add(
            "RedisSnapshots",
            "For two days no snapshot of the volume of Redis was completed",
            snapshots.with_(period=DAY),
            **daily,
        )

    def _search(self, search: SearchApi) -> None:
        """Several periods, so that one cold start or lost connection among few searches raises no
        alarm."""
        self._add(
            "SearchErrors",
            "Searches fail: Redis does not answer, or the function has a bug",
            search.share_of_errors(period=FIVE_MINUTES),
            threshold=search.settings.error_share,
            periods=2,
        )
        self._add(
            "SearchLatency",
            "One search in a hundred takes longer than the stage allows",
            search.metric("Latency", period=FIVE_MINUTES, statistic="p99"),
            threshold=search.settings.latency_ms,
            periods=3,
        )

    def _add(
        self,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float = 0,
        comparison: cloudwatch.ComparisonOperator = ABOVE,
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = QUIET,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{self._prefix}-{name}",
            alarm_description=f"{description}. See docs/alarms.md, alarm {name}.",
            metric=metric,
            threshold=threshold,
            comparison_operator=comparison,
            evaluation_periods=periods,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        self.alarms[name] = alarm
