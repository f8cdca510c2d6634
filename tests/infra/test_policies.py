"""Whoever must reach a topic, a queue or a bucket is let in by its policy, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.parts import require_cdk
from tests.infra.policies import Call, allows, denies, policy_of
from tests.infra.template import Template, as_list, shown

require_cdk()

STRANGER = "999988887777"
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}


def account_of(configuration: str) -> str:
    return {"created": "111122223333"}.get(configuration, "444455556666")


# Alarms and the topic


def alarm_topics(workflow: Template) -> Iterator[tuple[str, str]]:
    """Each alarm with the topic of each of its actions."""
    for name, alarm in workflow.of("AWS::CloudWatch::Alarm").items():
        for field in ("AlarmActions", "OKActions"):
            for action in alarm["Properties"][field]:
                yield name, action["Ref"]


def published(topic: str, account: str, **context: str) -> Call:
    about = {"aws:SourceAccount": account, **TLS, **context}
    return Call("cloudwatch.amazonaws.com", "sns:Publish", f"{{{topic}}}", about)


def test_every_alarm_reaches_its_topic(workflow: Template, configuration: str) -> None:
    pairs = list(alarm_topics(workflow))
    assert len(pairs) >= 2 * 8
    for alarm, topic in pairs:
        policy = policy_of(workflow, "AWS::SNS::TopicPolicy", "Topics", topic)
        assert allows(policy, published(topic, account_of(configuration))), alarm


def test_alarms_of_another_account_do_not(workflow: Template) -> None:
    _, topic = next(alarm_topics(workflow))
    policy = policy_of(workflow, "AWS::SNS::TopicPolicy", "Topics", topic)
    assert not allows(policy, published(topic, STRANGER))


def test_the_default_policy_that_refusing_plain_http_replaces_let_nobody_in(
    workflow: Template, configuration: str
) -> None:
    """What was wrong: one Deny and nothing else."""
    _, topic = next(alarm_topics(workflow))
    policy = policy_of(workflow, "AWS::SNS::TopicPolicy", "Topics", topic)
    only_deny = [one for one in policy if one["Effect"] == "Deny"]
    assert not allows(only_deny, published(topic, account_of(configuration)))


# Queues


def rules_with_queues(workflow: Template) -> Iterator[tuple[str, str]]:
    for name, rule in workflow.of("AWS::Events::Rule").items():
        for target in rule["Properties"]["Targets"]:
            yield name, target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]


def test_every_rule_may_put_what_failed_into_its_queue(workflow: Template) -> None:
    for rule, queue in rules_with_queues(workflow):
        policy = policy_of(workflow, "AWS::SQS::QueuePolicy", "Queues", queue)
        about = {"aws:SourceArn": f"{{{rule}.Arn}}", **TLS}
        sent = Call("events.amazonaws.com", "sqs:SendMessage", f"{{{queue}.Arn}}", about)
        assert allows(policy, sent)
        other = sent._replace(context={"aws:SourceArn": "arn:aws:events:x:1:rule/y", **TLS})
        assert not allows(policy, other)


def test_roles_of_the_account_reach_their_queues(workflow: Template) -> None:
    """Of the schedule and of the notifier: their own rights, which no policy takes back."""
    for beginning in ("ScheduleDeadLetters", "FailuresDeadLetters"):
        (queue,) = [one for one in workflow.of("AWS::SQS::Queue") if one.startswith(beginning)]
        arn = f"{{{queue}.Arn}}"
        policy = policy_of(workflow, "AWS::SQS::QueuePolicy", "Queues", queue)
        assert not denies(policy, Call("role", "sqs:SendMessage", arn, TLS))
        granted = [
            statement
            for one in workflow.of("AWS::IAM::Policy").values()
            for statement in one["Properties"]["PolicyDocument"]["Statement"]
            if "sqs:SendMessage" in as_list(statement["Action"])
            and arn in map(shown, as_list(statement["Resource"]))
        ]
        assert granted, beginning


# Buckets


def test_s3_may_write_the_access_logs_and_only_of_our_bucket(
    data: Template, configuration: str
) -> None:
    buckets = data.of("AWS::S3::Bucket")
    ((source, logs),) = [
        (name, one["Properties"]["LoggingConfiguration"]["DestinationBucketName"]["Ref"])
        for name, one in buckets.items()
        if "LoggingConfiguration" in one["Properties"]
    ]
    policy = policy_of(data, "AWS::S3::BucketPolicy", "Bucket", logs)
    account = account_of(configuration)
    about = {"aws:SourceArn": f"{{{source}.Arn}}", "aws:SourceAccount": account, **TLS}
    put = Call("logging.s3.amazonaws.com", "s3:PutObject", f"{{{logs}.Arn}}/runs/x", about)
    assert allows(policy, put)
    assert not allows(policy, put._replace(context={**about, "aws:SourceAccount": STRANGER}))


# Nobody comes in plain text


@pytest.mark.parametrize(
    ("which", "kind", "policy", "field", "action"),
    [
        ("Workflow", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics", "sns:Publish"),
        ("Workflow", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues", "sqs:SendMessage"),
        ("Data", "AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket", "s3:GetObject"),
    ],
)
def test_plain_http_is_denied_to_everybody(
    stack: Any, configuration: str, which: str, kind: str, policy: str, field: str, action: str
) -> None:
    template: Template = stack(configuration, which)
    for name in template.of(kind):
        statements = policy_of(template, policy, field, name)
        arn = {"sns:Publish": f"{{{name}}}"}.get(action, f"{{{name}.Arn}}")
        arn += "/x" * action.startswith("s3")
        plain = Call("role", action, arn, {"aws:SecureTransport": "false", "s3:TlsVersion": "1.3"})
        assert denies(statements, plain), name


def test_only_the_api_and_the_rule_may_invoke_functions(workflow: Template) -> None:
    for one in workflow.of("AWS::Lambda::Permission").values():
        permission = one["Properties"]
        assert permission["Principal"] in {"apigateway.amazonaws.com", "events.amazonaws.com"}
        assert "SourceArn" in permission
