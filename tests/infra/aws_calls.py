"""Each resource of a template beside the call that creates it, as the SDK's own model describes it.

CloudFormation hands most properties on to that call under the same name. The model says what the
service takes: lengths, patterns, words, ranges. cfn-lint's schemas say it of fewer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from botocore.loaders import Loader

from tests.infra.template import Template

Shape = dict[str, Any]

CALLS: Final = {
    "AWS::ApiGatewayV2::Api": "apigatewayv2.CreateApi",
    "AWS::ApiGatewayV2::ApiMapping": "apigatewayv2.CreateApiMapping",
    "AWS::ApiGatewayV2::Authorizer": "apigatewayv2.CreateAuthorizer",
    "AWS::ApiGatewayV2::DomainName": "apigatewayv2.CreateDomainName",
    "AWS::ApiGatewayV2::Integration": "apigatewayv2.CreateIntegration",
    "AWS::ApiGatewayV2::Route": "apigatewayv2.CreateRoute",
    "AWS::ApiGatewayV2::Stage": "apigatewayv2.CreateStage",
    "AWS::Budgets::Budget": "budgets.CreateBudget",
    "AWS::CloudWatch::Alarm": "cloudwatch.PutMetricAlarm",
    "AWS::CloudWatch::Dashboard": "cloudwatch.PutDashboard",
    "AWS::DLM::LifecyclePolicy": "dlm.CreateLifecyclePolicy",
    "AWS::EC2::EIP": "ec2.AllocateAddress",
    "AWS::EC2::FlowLog": "ec2.CreateFlowLogs",
    "AWS::EC2::Instance": "ec2.RunInstances",
    "AWS::EC2::NatGateway": "ec2.CreateNatGateway",
    "AWS::EC2::Route": "ec2.CreateRoute",
    "AWS::EC2::RouteTable": "ec2.CreateRouteTable",
    "AWS::EC2::SecurityGroup": "ec2.CreateSecurityGroup",
    "AWS::EC2::SecurityGroupEgress": "ec2.AuthorizeSecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress": "ec2.AuthorizeSecurityGroupIngress",
    "AWS::EC2::Subnet": "ec2.CreateSubnet",
    "AWS::EC2::VPC": "ec2.CreateVpc",
    "AWS::EC2::VPCEndpoint": "ec2.CreateVpcEndpoint",
    "AWS::EC2::Volume": "ec2.CreateVolume",
    "AWS::Events::Rule": "events.PutRule",
    "AWS::IAM::InstanceProfile": "iam.CreateInstanceProfile",
    "AWS::IAM::Policy": "iam.PutRolePolicy",
    "AWS::IAM::Role": "iam.CreateRole",
    "AWS::Lambda::Alias": "lambda.CreateAlias",
    "AWS::Lambda::EventInvokeConfig": "lambda.PutFunctionEventInvokeConfig",
    "AWS::Lambda::Function": "lambda.CreateFunction",
    "AWS::Lambda::Permission": "lambda.AddPermission",
    "AWS::Lambda::Version": "lambda.PublishVersion",
    "AWS::Logs::LogGroup": "logs.CreateLogGroup",
    "AWS::RDS::DBCluster": "rds.CreateDBCluster",
    "AWS::RDS::DBClusterParameterGroup": "rds.CreateDBClusterParameterGroup",
    "AWS::RDS::DBInstance": "rds.CreateDBInstance",
    "AWS::RDS::DBSubnetGroup": "rds.CreateDBSubnetGroup",
    "AWS::Route53::HostedZone": "route53.CreateHostedZone",
    "AWS::S3::Bucket": "s3.CreateBucket",
    "AWS::SNS::Subscription": "sns.Subscribe",
    "AWS::SNS::Topic": "sns.CreateTopic",
    "AWS::SQS::Queue": "sqs.CreateQueue",
    "AWS::SSM::Association": "ssm.CreateAssociation",
    "AWS::SSM::Document": "ssm.CreateDocument",
    "AWS::Scheduler::Schedule": "scheduler.CreateSchedule",
    "AWS::SecretsManager::RotationSchedule": "secretsmanager.RotateSecret",
    "AWS::SecretsManager::Secret": "secretsmanager.CreateSecret",
    "AWS::StepFunctions::StateMachine": "stepfunctions.CreateStateMachine",
}

REFERENCES_ONLY: Final = {
    *("AWS::EC2::InternetGateway", "AWS::EC2::SubnetRouteTableAssociation"),
    *("AWS::EC2::VPCGatewayAttachment", "AWS::Route53::RecordSet", "AWS::S3::BucketPolicy"),
    *("AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"),
    "AWS::SecretsManager::SecretTargetAttachment",
}
"""They join other resources, or hold a policy, which cfn-lint reads."""

RENAMED: Final = {
    ("AWS::EC2::SecurityGroup", "GroupDescription"): "Description",
    ("AWS::RDS::DBClusterParameterGroup", "Family"): "DBParameterGroupFamily",
    ("AWS::SNS::Topic", "TopicName"): "Name",
    ("AWS::S3::Bucket", "BucketName"): "Bucket",
    ("AWS::StepFunctions::StateMachine", "StateMachineName"): "name",
}

OTHER_CALLS: Final = {
    ("AWS::Events::Rule", "Targets"): "events.PutTargets",
    ("AWS::Lambda::Function", "ReservedConcurrentExecutions"): "lambda.PutFunctionConcurrency",
    ("AWS::Logs::LogGroup", "RetentionInDays"): "logs.PutRetentionPolicy",
}
"""Properties that a call of their own sets."""


class Refused(NamedTuple):
    """What a service would not take: `place` is the resource's type and the property's path."""

    place: str
    rule: str
    value: Any


def refused(template: Template) -> Iterator[Refused]:
    """Every value of a template that its service's model refuses; references are not known."""
    for one in template.resources.values():
        kind = one["Type"]
        for name, value in one.get("Properties", {}).items():
            if kind in CALLS:
                called = OTHER_CALLS.get((kind, name), CALLS[kind])
                given = {RENAMED.get((kind, name), name): value}
                yield from Call(*called.split(".")).refuses(given, kind)


class Call:
    """One operation of a service."""

    def __init__(self, service: str, operation: str) -> None:
        model = _model(service)
        self._shapes: dict[str, Shape] = model["shapes"]
        self._input = model["operations"][operation]["input"]["shape"]

    def refuses(self, given: dict[str, Any], place: str) -> Iterator[Refused]:
        yield from self._walk(self._input, given, place)

    def _walk(self, name: str, value: Any, place: str) -> Iterator[Refused]:
        shape = self._shapes[name]
        kind = shape["type"]
        if kind == "structure" and isinstance(value, dict):
            members = {_bare(key): one["shape"] for key, one in shape["members"].items()}
            for key, one in value.items():
                if _bare(key) in members:
                    yield from self._walk(members[_bare(key)], one, f"{place}.{key}")
        elif kind == "list" and isinstance(value, list):
            yield from _size(shape, len(value), place, value)
            for one in value:
                yield from self._walk(shape["member"]["shape"], one, f"{place}[]")
        elif kind == "map" and isinstance(value, dict):
            yield from _size(shape, len(value), place, value)
            for key, one in value.items():
                yield from self._walk(shape["key"]["shape"], key, f"{place} key")
                yield from self._walk(shape["value"]["shape"], one, f"{place}.{key}")
        elif kind == "string" and isinstance(value, str):
            yield from _text(shape, value, place)
        elif kind in ("integer", "long", "double", "float") and isinstance(value, int | float):
            yield from _size(shape, value, place, value)


@cache
def _model(service: str) -> dict[str, Any]:
    found: dict[str, Any] = Loader().load_service_model(service, "service-2")
    return found


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _size(shape: Shape, size: float, place: str, value: Any) -> Iterator[Refused]:
    low, high = shape.get("min", float("-inf")), shape.get("max", float("inf"))
    if not low <= size <= high:
        yield Refused(place, f"{low} to {high}", value)


CLASSES: Final = {"L": "a-zA-Z", "N": "0-9", "Z": " ", "M": "", "S": "", "P": "", "all": r"\s\S"}
"""Of Java's patterns, as far as ASCII goes."""


def _text(shape: Shape, value: str, place: str) -> Iterator[Refused]:
    yield from _size(shape, len(value), place, value)
    if value not in shape.get("enum", [value]):
        yield Refused(place, "one of " + ", ".join(shape["enum"]), value)
    if "pattern" in shape and not _pattern(shape["pattern"]).fullmatch(value):
        yield Refused(place, shape["pattern"], value)


@cache
def _pattern(java: str) -> re.Pattern[str]:
    """Python has its flags before the whole expression only."""
    plain = re.sub(r"\\p\{(\w+)\}", lambda found: CLASSES[found[1]], java)
    flags = re.IGNORECASE if "(?i)" in plain else re.NOFLAG
    return re.compile(re.sub(r"\(\?[is]\)", "", plain), flags | re.DOTALL)
