"""The AWS commands of the operators' pages, sent to moto's account as they stand in the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.contract.test_runbook import AWS_OF_THE_CLI, GLOBAL
from tests.runbook import DOCUMENTS, Command, commands

connect: Any = boto3.client
"""Of a service whose name is a variable."""

REGION = "us-east-1"
STAGE = "drug-catalog-sync-prod"
ACCOUNT = "123456789012"

NOT_IN_MOTO = {
    ("cloudformation", "delete-stack"): "moto's CloudFormation needs parts that we do not install",
    (
        "cloudformation",
        "describe-stacks",
    ): "moto's CloudFormation needs parts that we do not install",
    (
        "cloudformation",
        "describe-stack-resources",
    ): "moto's CloudFormation needs parts that we do not install",
    ("ssm", "start-session"): "an interactive shell",
    ("ssm", "start-associations-once"): "not in moto",
    ("ssm", "list-associations"): "not in moto",
    ("ssm", "describe-association-executions"): "not in moto",
    ("dlm", "get-lifecycle-policies"): "not in moto",
    ("service-quotas", "get-service-quota"): "moto has the quotas of vpc only",
}
"""Their names and parameters are held by test_runbook.py."""

EVERY = [
    one
    for path in DOCUMENTS
    for one in commands(path)
    if one.program == "aws" and one.words[1:3] not in AWS_OF_THE_CLI
]
CALLED = [one for one in EVERY if one.words[1:3] not in NOT_IN_MOTO]


def arguments(command: Command, names: dict[str, str]) -> tuple[str, str, dict[str, Any]]:
    """Service, method and parameters, as AWS's command line makes them of the words."""
    service, operation, *words = command.words[1:]
    model: Any = botocore.session.get_session().get_service_model(service)
    called = {xform_name(name).replace("_", "-"): name for name in model.operation_names}
    shapes = model.operation_model(called[operation]).input_shape.members
    flags = {f"--{xform_name(name).replace('_', '-')}": name for name in shapes}
    given: dict[str, Any] = {}
    while words:
        flag = words.pop(0)
        values = []
        while words and not words[0].startswith("--"):
            values.append(words.pop(0))
        if flag in GLOBAL:
            continue
        values = [names.get(one, one) for one in values]
        given[flags[flag]] = _value(shapes[flags[flag]], values, names)
    return service, xform_name(called[operation]), given


def _value(shape: Any, words: list[str], names: dict[str, str]) -> Any:
    if shape.type_name != "list":
        return " ".join(words) or True
    if shape.member.type_name != "structure":
        return words
    return [_structure(shape.member, word, names) for word in words]


def _structure(shape: Any, word: str, names: dict[str, str]) -> dict[str, Any]:
    """AWS's short form: `Name=volume-id,Values=VOLUME`."""
    parts = (one.partition("=") for one in word.split(","))
    values = {name: names.get(value, value) for name, _, value in parts}
    lists = {name for name, of in shape.members.items() if of.type_name == "list"}
    return {name: [one] if name in lists else one for name, one in values.items()}


@pytest.fixture
def names() -> Iterator[dict[str, str]]:
    """An account with what a stage leaves there; the pages' placeholders by their names."""
    with mock_aws():
        yield {
            f"arn:aws:states:REGION:ACCOUNT:execution:{STAGE}:RUN": execution(),
            "SECRET": secret("of-redis"),
            "READER": secret("reader"),
            "output ReaderSecretArn": secret("of-the-reader"),
            "output AdminSecretArn": secret("admin"),
            "GROUP": log_group("/drug-catalog-sync/flows"),
            **database(),
            **host(),
        }


def execution() -> str:
    client = connect("stepfunctions", region_name=REGION)
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Succeed"}}}
    made = client.create_state_machine(
        name=STAGE, definition=json.dumps(definition), roleArn=f"arn:aws:iam::{ACCOUNT}:role/x"
    )
    return str(client.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"])


def secret(name: str) -> str:
    client = connect("secretsmanager", region_name=REGION)
    made = client.create_secret(Name=name, SecretString='{"username": "u", "password": "p"}')
    return str(made["ARN"])


def log_group(name: str) -> str:
    connect("logs", region_name=REGION).create_log_group(logGroupName=name)
    return name


def database() -> dict[str, str]:
    client = connect("rds", region_name=REGION)
    made = client.create_db_cluster(
        DBClusterIdentifier="catalog", Engine="aurora-mysql", MasterUsername="drugsync_admin",
        MasterUserPassword="of-a-test-only",
    )  # fmt: skip
    client.create_db_instance(
        DBInstanceIdentifier="writer", DBClusterIdentifier="catalog", Engine="aurora-mysql",
        DBInstanceClass="db.serverless",
    )  # fmt: skip
    arn = made["DBCluster"]["DBClusterArn"]
    return {"CLUSTER": "catalog", "WRITER": "writer", "output ClusterArn": arn}


def host() -> dict[str, str]:
    client = connect("ec2", region_name=REGION)
    image = client.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    (made,) = client.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"]
    volume = client.create_volume(AvailabilityZone=f"{REGION}a", Size=1)
    connect("cloudwatch", region_name=REGION).put_metric_alarm(
        AlarmName="drug-catalog-sync-dev-RunFailed", ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1, MetricName="m", Namespace="n", Period=60, Statistic="Sum", Threshold=0,
    )  # fmt: skip
    return {"INSTANCE": made["InstanceId"], "VOLUME": volume["VolumeId"]}


def test_each_page_of_the_operators_with_aws_commands_is_among_them() -> None:
    assert {one.page for one in CALLED} >= {
        *("stop-and-pause.md", "removing.md", "passwords.md", "deploy.md", "first-deployment.md"),
    }


@pytest.mark.parametrize("command", CALLED, ids=str)
def test_moto_answers_the_command_as_it_stands(command: Command, names: dict[str, str]) -> None:
    service, method, given = arguments(command, names)
    client: Any = connect(service, region_name=REGION)
    if set(given) < required(service, method):
        return  # named in a sentence, without what it needs
    if method == "delete_db_cluster":
        connect("rds", region_name=REGION).delete_db_instance(
            DBInstanceIdentifier="writer", SkipFinalSnapshot=True
        )
    answer = getattr(client, method)(**given)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] < 300


def required(service: str, method: str) -> set[str]:
    model: Any = botocore.session.get_session().get_service_model(service)
    (name,) = [one for one in model.operation_names if xform_name(one) == method]
    return set(model.operation_model(name).input_shape.required_members)


def test_a_name_that_is_not_there_would_be_seen(names: dict[str, str]) -> None:
    command = Command(
        "x.md", ("aws", "ec2", "delete-volume", "--volume-id", "vol-0000000000000000a")
    )
    service, method, given = arguments(command, names)
    with pytest.raises(ClientError, match=r"InvalidVolume\.NotFound"):
        getattr(connect(service, region_name=REGION), method)(**given)


def test_only_what_a_page_has_is_excused() -> None:
    assert set(NOT_IN_MOTO) <= {one.words[1:3] for one in EVERY}
