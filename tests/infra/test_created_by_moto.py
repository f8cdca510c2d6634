"""What moto can create of the synthesized data stack, it creates: names and families that it knows.

Not checked without an account: docs/first-deployment.md has the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import boto3
import pytest
from moto import mock_aws

from tests.infra.parts import require_cdk
from tests.infra.template import Template

require_cdk()

REGION = "us-east-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    with mock_aws():
        yield


def test_the_cluster_takes_its_parameter_group(
    aws: None, stack: Callable[[str, str], Template]
) -> None:
    data = stack("created", "Data")
    group = data.only("AWS::RDS::DBClusterParameterGroup")["Properties"]
    cluster = data.only("AWS::RDS::DBCluster")["Properties"]
    rds = boto3.client("rds", region_name=REGION)
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="created",
        DBParameterGroupFamily=group["Family"],
        Description=group["Description"],
    )
    made = rds.create_db_cluster(
        DBClusterIdentifier="created",
        Engine=cluster["Engine"],
        EngineVersion=cluster["EngineVersion"],
        DBClusterParameterGroupName="created",
        MasterUsername="drugsync_admin",
        MasterUserPassword="a password of the test",
        DeletionProtection=cluster["DeletionProtection"],
    )["DBCluster"]
    assert group["Family"] == f"{made['Engine']}{made['EngineVersion'][:3]}"
    rds.delete_db_cluster(DBClusterIdentifier="created", SkipFinalSnapshot=True)
    assert rds.describe_db_clusters()["DBClusters"] == []


def test_log_groups_are_made_again_where_the_kept_ones_stay(
    aws: None, stack: Callable[[str, str], Template]
) -> None:
    """A group with a fixed name goes with its stack; one that stays has a name of its own."""
    logs = boto3.client("logs", region_name=REGION)
    workflow = stack("created", "Workflow")
    for _ in range(2):
        made = []
        for one in workflow.of("AWS::Logs::LogGroup").values():
            name = one["Properties"].get("LogGroupName")
            kept = one.get("DeletionPolicy") != "Delete"
            assert not (name and kept)
            if name:
                logs.create_log_group(logGroupName=name)
                made.append(name)
        assert made
        for name in made:
            logs.delete_log_group(logGroupName=name)


def test_the_topic_takes_its_policy(aws: None, stack: Callable[[str, str], Template]) -> None:
    sns = boto3.client("sns", region_name=REGION)
    topic = sns.create_topic(Name="drug-catalog-sync-created-failures")["TopicArn"]
    policy = stack("created", "Workflow").only("AWS::SNS::TopicPolicy")["Properties"]
    services = [
        one["Principal"].get("Service")
        for one in policy["PolicyDocument"]["Statement"]
        if one["Effect"] == "Allow"
    ]
    assert services == ["cloudwatch.amazonaws.com"]
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert "Policy" in attributes
