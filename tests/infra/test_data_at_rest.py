"""What is kept: by whose key, for how long, in which versions; and what a month may cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra.stage.stage import load_stage
from tests.infra.parts import require_cdk
from tests.infra.template import Template, as_list

require_cdk()

pytestmark = pytest.mark.timeout(600)

KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
STAGE = Path(__file__).parent / "stages" / "created.toml"
TOP = f'region = "us-east-1"\nkms_key_arn = "{KEY}"\nlog_retention_days = 30\nruns_kept_days = 20'


class Stacks(NamedTuple):
    data: Template
    workflow: Template


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """A stage with a key, a budget and other times."""
    from infra.app import build

    folder = tmp_path_factory.mktemp("kept")
    text = STAGE.read_text().replace('region = "us-east-1"', TOP)
    text = text.replace("[alarms]\n", "[alarms]\nbudget_usd_per_month = 300\n")
    (folder / "stage.toml").write_text(text)
    build(load_stage(folder / "stage.toml"), output=folder / "out").synth()
    read = [Template.read(folder / "out" / f"{one}.template.json") for one in ("Data", "Workflow")]
    return Stacks(*read)


def test_everything_that_holds_data_is_encrypted_with_the_stages_key(kept: Stacks) -> None:
    assert kept.data.only("AWS::RDS::DBCluster")["Properties"]["KmsKeyId"] == KEY
    assert kept.data.only("AWS::EC2::Volume")["Properties"]["KmsKeyId"] == KEY
    for secret in kept.data.of("AWS::SecretsManager::Secret").values():
        assert secret["Properties"]["KmsKeyId"] == KEY
    (runs,) = run_buckets(kept.data)
    (rule,) = runs["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {
        "KMSMasterKeyID": KEY,
        "SSEAlgorithm": "aws:kms",
    }


def run_buckets(data: Template) -> Iterator[dict[str, Any]]:
    for one in data.of("AWS::S3::Bucket").values():
        if "BucketName" in one["Properties"]:
            yield one["Properties"]


def test_whoever_reads_or_writes_runs_may_use_the_key_and_nobody_else(kept: Stacks) -> None:
    for policy in kept.workflow.of("AWS::IAM::Policy").values():
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        text = json.dumps(statements)
        of_key = [one for one in statements if KEY in as_list(one["Resource"])]
        needs = "runs/" in text or "secretsmanager:GetSecretValue" in text
        assert bool(of_key) == needs, policy["Properties"]["PolicyName"]
        for one in of_key:
            assert set(as_list(one["Action"])) <= {"kms:Decrypt", "kms:GenerateDataKey"}


def test_runs_are_versioned_and_go_after_their_days(kept: Stacks) -> None:
    (runs,) = run_buckets(kept.data)
    assert runs["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = runs["LifecycleConfiguration"]["Rules"]
    assert [one["ExpirationInDays"] for one in rules if "ExpirationInDays" in one] == [20]
    old = [
        one["NoncurrentVersionExpiration"] for one in rules if "NoncurrentVersionExpiration" in one
    ]
    assert old == [{"NoncurrentDays": 20}]


def test_every_log_ends(kept: Stacks) -> None:
    """Of functions, machine and API as the stage says; kept ones after a time of their own."""
    groups = [
        one["Properties"] for stack in kept for one in stack.of("AWS::Logs::LogGroup").values()
    ]
    assert {one["RetentionInDays"] for one in groups if "LogGroupName" in one} == {30}
    assert all(one["RetentionInDays"] for one in groups)


def test_what_a_month_may_cost_is_told_when_it_is_spent_and_before(kept: Stacks) -> None:
    budget = kept.workflow.only("AWS::Budgets::Budget")["Properties"]
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 300, "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:stage$created"]}
    told = {
        one["Notification"]["NotificationType"]: [who["Address"] for who in one["Subscribers"]]
        for one in budget["NotificationsWithSubscribers"]
    }
    assert told == {kind: ["catalog@example.com"] for kind in ("ACTUAL", "FORECASTED")}
