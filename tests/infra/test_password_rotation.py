"""Who rotates the password of the created Aurora's user, what that function may do, and when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.stage.stage import StageInvalid, load_stage
from tests.infra.parts import require_cdk
from tests.infra.policies import Call, allows
from tests.infra.template import Template, shown
from tests.infra.test_policies import statements_of_role

require_cdk()

STAGES = Path(__file__).parent / "stages"
SECRET_ACTIONS = {
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
}


@pytest.fixture
def workflow(stack: Any) -> Template:
    found: Template = stack("created", "Workflow")
    return found


def test_the_schedule_names_the_readers_secret_and_rotates_nothing_at_once(
    workflow: Template,
) -> None:
    schedule = workflow.only("AWS::SecretsManager::RotationSchedule")
    properties = schedule["Properties"]
    variables = workflow.function("RotatePassword")["Environment"]["Variables"]
    assert shown(properties["SecretId"]) == shown(variables["DRUGSYNC_MYSQL_SECRET_ARN"])
    assert properties["RotateImmediatelyOnUpdate"] is False
    assert properties["RotationRules"] == {"AutomaticallyAfterDays": 30}
    permissions = {
        one for one in schedule["DependsOn"] if one in workflow.of("AWS::Lambda::Permission")
    }
    assert permissions  # it is tried when it is made


def test_secrets_manager_may_call_it_for_that_secret_only(workflow: Template) -> None:
    (permission,) = [
        one["Properties"]
        for one in workflow.of("AWS::Lambda::Permission").values()
        if one["Properties"]["Principal"] == "secretsmanager.amazonaws.com"
    ]
    schedule = workflow.only("AWS::SecretsManager::RotationSchedule")["Properties"]
    assert shown(permission["SourceArn"]) == shown(schedule["SecretId"])


def test_it_may_change_one_secret_and_reach_nothing_else(workflow: Template) -> None:
    secret = shown(workflow.only("AWS::SecretsManager::RotationSchedule")["Properties"]["SecretId"])
    grants = workflow.grants("RotatePassword")
    about = {(one.action, one.resource) for one in grants if "secretsmanager" in one.action}
    assert about == {(action, secret) for action in SECRET_ACTIONS}
    services = {one.action.partition(":")[0] for one in grants}
    assert services == {"ec2", "logs", "secretsmanager", "xray"}


def test_no_other_function_may_change_a_secret(workflow: Template) -> None:
    for one in workflow.of("AWS::Lambda::Function").values():
        state = one["Properties"]["FunctionName"].rpartition("-")[2]
        if state == "RotatePassword":
            continue
        put = Call("role", "secretsmanager:PutSecretValue", "*", {})
        assert not allows(statements_of_role(workflow, state), put), state


def test_it_joins_the_catalogs_clients_and_not_the_indexs(workflow: Template) -> None:
    groups = json.dumps(workflow.function("RotatePassword")["VpcConfig"]["SecurityGroupIds"])
    assert "CatalogClients" in groups
    assert "IndexClients" not in groups


@pytest.mark.parametrize("configuration", ["existing", "mixed"])
def test_a_database_of_your_own_is_not_rotated_by_us(stack: Any, configuration: str) -> None:
    workflow = stack(configuration, "Workflow")
    assert workflow.of("AWS::SecretsManager::RotationSchedule") == {}
    names = json.dumps([one["Properties"] for one in workflow.of("AWS::Lambda::Function").values()])
    assert "RotatePassword" not in names


def test_a_login_by_token_has_no_password_to_rotate(tmp_path: Path) -> None:
    text = (STAGES / "created.toml").read_text()
    path = tmp_path / "stage.toml"
    path.write_text(text.replace("[mysql]\n", '[mysql]\niam_auth = true\nuser = "reader"\n'))
    with pytest.raises(
        StageInvalid, match=r"create\.rotation_days: with iam_auth there is no password"
    ):
        load_stage(path)
