"""Whoever must reach a topic, a queue or a bucket is let in by its policy, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.parts import require_cdk
from tests.infra.policies import ANONYMOUS, SERVICES, Call, allows, denies, policy_of
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


# Each role and nobody else


ACTIONS = (
    *("sns:Publish", "sns:Subscribe", "sqs:SendMessage", "sqs:ReceiveMessage"),
    *("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
)
HELD = {
    "sns:": ("Workflow", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics"),
    "sqs:": ("Workflow", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues"),
    "s3:": ("Data", "AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
}


def resources_of(
    stack: Any, configuration: str, service: str
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The ARN of each, and the statements of its policy."""
    which, kind, policy, field = HELD[service]
    template: Template = stack(configuration, which)
    for name in template.of(kind):
        arn = f"{{{name}}}" if service == "sns:" else f"{{{name}.Arn}}"
        yield arn + "/x" * (service == "s3:"), policy_of(template, policy, field, name)


@pytest.mark.parametrize("service", HELD)
def test_no_policy_takes_from_a_role_what_its_own_rights_give(
    stack: Any, configuration: str, service: str
) -> None:
    actions = {
        action
        for one in stack(configuration, "Workflow").of("AWS::IAM::Policy").values()
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        if action.startswith(service)
    }
    assert actions
    for arn, statements in resources_of(stack, configuration, service):
        for action in actions:
            assert not denies(statements, Call("role", action, arn, TLS)), (action, arn)


@pytest.mark.parametrize("service", HELD)
@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_is_let_in_who_does_not_say_for_whom(
    stack: Any, configuration: str, service: str, action: str
) -> None:
    for arn, statements in resources_of(stack, configuration, service):
        for who in (ANONYMOUS, "role", *SERVICES):
            assert not allows(statements, Call(who, action, arn, TLS)), (who, arn)
            of_a_stranger = TLS | {"aws:SourceAccount": STRANGER}
            assert not allows(statements, Call(who, action, arn, of_a_stranger)), (who, arn)


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


# The network's rights are Lambda's, not the function's own


NETWORK_CALLS = ("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeSubnets")


def test_lambda_places_a_function_and_its_code_may_not(workflow: Template) -> None:
    """Lambda adds lambda:SourceFunctionArn to what the function's own code asks."""
    placed = [
        one["Properties"]["FunctionName"]
        for one in workflow.of("AWS::Lambda::Function").values()
        if "VpcConfig" in one["Properties"]
    ]
    assert placed
    for name in placed:
        statements = statements_of_role(workflow, name.rpartition("-")[2])
        arns = [
            shown(one["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"])
            for one in statements
            if one["Effect"] == "Deny"
        ]
        assert [arn.rpartition(":")[2] for arn in arns] == [name]
        for action in NETWORK_CALLS:
            by_lambda = Call("role", action, "*", {})
            by_code = by_lambda._replace(context={"lambda:SourceFunctionArn": arns[0]})
            assert allows(statements, by_lambda)
            assert not allows(statements, by_code)


def statements_of_role(workflow: Template, state: str) -> list[dict[str, Any]]:
    """Of a role of the account: its principal is the role itself."""
    return [
        {**statement, "Principal": {"AWS": "role"}}
        for policy in workflow.of("AWS::IAM::Policy").values()
        if shown(policy["Properties"]["Roles"][0]).startswith(f"{{{state}Role")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


# Endpoints of a VPC of ours: a way out with somebody else's credentials

ACCOUNT = "111122223333"
BUCKET = "arn:{AWS::Partition}:s3:::"
REPOSITORY = "al2023-repos-us-east-1-de612dc2"


def endpoint(data: Template, service: str) -> list[dict[str, Any]]:
    (found,) = [
        one["Properties"]["PolicyDocument"]["Statement"]
        for one in data.of("AWS::EC2::VPCEndpoint").values()
        if shown(one["Properties"]["ServiceName"]).endswith(f".{service}")
    ]
    statements: list[dict[str, Any]] = found
    return statements


@pytest.mark.parametrize(
    ("who", "principal_account", "action", "resource", "resource_account", "allowed"),
    [
        ("role", ACCOUNT, "s3:PutObject", "runs/runs/1/plan.json", ACCOUNT, True),
        ("role", ACCOUNT, "s3:GetObject", "catalogs-of-the-team/drugs.csv", ACCOUNT, True),
        ("role", ACCOUNT, "s3:PutObject", "elsewhere/stolen", STRANGER, False),
        ("role", STRANGER, "s3:PutObject", "elsewhere/stolen", STRANGER, False),
        ("role", STRANGER, "s3:GetObject", "runs/runs/1/plan.json", ACCOUNT, False),
        ("role", ACCOUNT, "s3:GetObject", "packages-of-the-team/redis-8.2.9.aarch64.rpm",
         STRANGER, True),
        ("anonymous", "", "s3:GetObject", f"{REPOSITORY}/core/repodata", STRANGER, True),
        ("anonymous", "", "s3:PutObject", f"{REPOSITORY}/core/stolen", STRANGER, False),
        ("anonymous", "", "s3:PutObject", "elsewhere/stolen", STRANGER, False),
    ],
)  # fmt: skip
def test_the_way_to_s3_ends_at_the_account(
    stack: Any, who: str, principal_account: str, action: str, resource: str,
    resource_account: str, allowed: bool,
) -> None:  # fmt: skip
    context = {"aws:ResourceAccount": resource_account}
    context |= {"aws:PrincipalAccount": principal_account} if principal_account else {}
    call = Call(who, action, f"{BUCKET}{resource}", context)
    assert allows(endpoint(stack("created", "Data"), "s3"), call) is allowed


@pytest.mark.parametrize(
    ("service", "action"),
    [
        ("bedrock-runtime", "bedrock:InvokeModel"),
        ("secretsmanager", "secretsmanager:GetSecretValue"),
        ("logs", "logs:PutLogEvents"),
        ("monitoring", "cloudwatch:PutMetricData"),
        ("ec2", "ec2:AttachVolume"),
        ("ssm", "ssm:UpdateInstanceInformation"),
        ("ssmmessages", "ssmmessages:OpenDataChannel"),
    ],
)
def test_an_interface_takes_no_credentials_of_another_account(
    stack: Any, service: str, action: str
) -> None:
    statements = endpoint(stack("created", "Data"), service)
    call = Call("role", action, "arn:aws:x", {"aws:PrincipalAccount": ACCOUNT})
    assert allows(statements, call)
    assert not allows(statements, call._replace(context={"aws:PrincipalAccount": STRANGER}))
    assert not allows(statements, call._replace(principal="anonymous", context={}))


def test_every_endpoint_of_a_vpc_of_ours_has_its_policy_and_no_other(
    data: Template, configuration: str
) -> None:
    """Others may use those of an existing VPC."""
    closed = {"PolicyDocument" in one["Properties"]
              for one in data.of("AWS::EC2::VPCEndpoint").values()}  # fmt: skip
    assert closed <= {configuration == "created"}


def test_only_the_api_the_rule_and_the_rotation_may_invoke_functions(workflow: Template) -> None:
    services = {f"{name}.amazonaws.com" for name in ("apigateway", "events", "secretsmanager")}
    for one in workflow.of("AWS::Lambda::Permission").values():
        permission = one["Properties"]
        assert permission["Principal"] in services
        assert "SourceArn" in permission
