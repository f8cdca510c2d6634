"""How failures reach people: an event rule, the function that finds the cause, and the topic."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.compute.bundles import build_bundle
from infra.compute.functions import RUNTIME, function_role, log_group
from infra.compute.machine import execution_arns, machine_arn, map_run_arns
from infra.compute.specs import NOTIFIER
from infra.data.data_stack import RUNS
from infra.grants import allow
from infra.nag import acknowledge, shown
from infra.stage.stage import Stage

KEPT_DAYS = 14
"""How long events that could not be delivered wait in a queue."""


def dead_letters(scope: Construct, construct_id: str) -> sqs.Queue:
    """Events that could not be delivered; an alarm watches the queue."""
    queue = sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(KEPT_DAYS),
    )
    acknowledge(queue, "This queue is a dead-letter queue", "SQS3")
    return queue


class Failures(Construct):
    """`topic` reaches the people; `queue` has failures that could not be delivered."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        name: str,
        run_bucket: s3.IBucket,
    ) -> None:
        super().__init__(scope, construct_id)
        self._name = name
        self.topic = sns.Topic(
            self, "Topic", topic_name=f"{stage.prefix}-failures", enforce_ssl=True
        )
        _let_alarms_publish(self.topic)
        for email in stage.alarms.emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
        self.queue = dead_letters(self, "DeadLetters")
        self.function = self._function(stage, run_bucket)
        events.Rule(
            self,
            "Rule",
            description="Executions of the drug catalog sync that did not succeed",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [machine_arn(Stack.of(self), name)],
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                },
            ),
            targets=[
                targets.LambdaFunction(
                    self.function,
                    dead_letter_queue=self.queue,
                    retry_attempts=3,
                    max_event_age=Duration.hours(2),
                )
            ],
        )

    def _function(self, stage: Stage, run_bucket: s3.IBucket) -> lambda_.Function:
        name = f"{stage.prefix}-{NOTIFIER.state}"
        log = log_group(self, f"/aws/lambda/{name}", stage.log_retention_days)
        role = function_role(self, log)
        for statement in self._statements(run_bucket):
            role.add_to_policy(statement)
        if stage.kms_key_arn:
            role.add_to_policy(allow(["kms:Decrypt", "kms:GenerateDataKey"], stage.kms_key_arn))
        self._accept_findings(role, run_bucket)
        return lambda_.Function(
            self,
            "Function",
            function_name=name,
            description="Finds out why a run failed and tells people",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_.Code.from_asset(str(build_bundle(NOTIFIER.contents))),
            handler=f"handlers.{NOTIFIER.handler}.handler",
            memory_size=NOTIFIER.memory_mb,
            timeout=Duration.seconds(NOTIFIER.timeout_s),
            role=role,
            log_group=log,
            tracing=lambda_.Tracing.ACTIVE,
            retry_attempts=2,
            on_failure=destinations.SqsDestination(self.queue),
            environment={
                "RUN_BUCKET": run_bucket.bucket_name,
                "FAILURE_TOPIC_ARN": self.topic.topic_arn,
            },
        )

    def _statements(self, run_bucket: s3.IBucket) -> list[iam.PolicyStatement]:
        stack = Stack.of(self)
        executions, children = execution_arns(stack, self._name)
        reads = ["states:GetExecutionHistory", "states:ListMapRuns"]
        return [
            allow("states:DescribeExecution", executions, children),
            allow(reads, executions),
            allow("states:ListExecutions", map_run_arns(stack, self._name)),
            allow("s3:PutObject", run_bucket.arn_for_objects(f"{RUNS}*/failure.json")),
            allow("sns:Publish", self.topic.topic_arn),
        ]

    def _accept_findings(self, role: iam.Role, run_bucket: s3.IBucket) -> None:
        stack = Stack.of(self)
        arns = [*execution_arns(stack, self._name), map_run_arns(stack, self._name)]
        arns.append(run_bucket.arn_for_objects(f"{RUNS}*/failure.json"))
        acknowledge(
            role,
            "Executions and their files are named by the run; X-Ray has no resources to name",
            "IAM5[Resource::*]",
            *(f"IAM5[Resource::{shown(arn, stack)}]" for arn in arns),
        )


def _let_alarms_publish(topic: sns.Topic) -> None:
    """Refusing plain HTTP replaces the topic's default policy, which lets the account publish."""
    statement = allow(
        "sns:Publish",
        topic.topic_arn,
        only={"StringEquals": {"aws:SourceAccount": Stack.of(topic).account}},
    )
    statement.add_service_principal("cloudwatch.amazonaws.com")
    topic.add_to_resource_policy(statement)
