"""What docs/first-deployment.md says that each command answers, held against the code.

A line whose answer comes from the command line is in tests/integration/test_first_answers.py. What
AWS itself does is not known here: of those lines, what the templates decide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.data.redis_users import USERS
from infra.stage.sections.mysql import NewMysql
from infra.stage.stage import ROOT, StageInvalid, load_stage
from tests.infra.parts import require_cdk
from tests.infra.template import Template, shown
from tests.infra.test_alarm_times import minutes
from tests.infra.test_changes import CHANGES, NOTHING

require_cdk()

PAGE = (ROOT / "docs" / "first-deployment.md").read_text(encoding="utf-8")
STAGES = Path(__file__).parent / "stages"
Stacks = Callable[[str, str], Template]

OF_THE_COMMAND_LINE = {
    *("`drugsync doctor --stage dev`", "`drugsync run --dry-run --wait --stage dev`"),
    *("`drugsync run --stage dev --wait`", "`make deploy-check STAGE=dev`"),
}
OF_TEMPLATES = {
    *("`make synth`", "`make deploy`", "confirm the mail from SNS"),
    "`aws ssm describe-association-executions --association-id ID`",
    "[fill the database](deploy.md#filling-a-new-database)",
    "add `[search]` and `protected = true`; `make deploy`",
    '`curl --aws-sigv4 aws:amz:REGION:execute-api ... "$SearchUrl/v1/drugs?q=aspirin"`',
    "stop the host (`aws ec2 stop-instances`) for ten minutes",
    *("deploy another `image_id`", "`snapshot_id` of this morning's snapshot"),
    "`rotation_days = 30`, `make deploy`, `aws secretsmanager rotate-secret --secret-id READER` "
    "during a run",
    "`aws ssm start-associations-once --association-ids ROTATE`",
    *("`make destroy`, then `make deploy` again", "a stage whose `package_sha256` is wrong"),
}


def rows() -> dict[str, str]:
    """What is typed, and the answer that the page says."""
    found = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    return {typed: answer for typed, answer in found if typed not in ("do", "command", "---")}


def answer(beginning: str) -> str:
    (found,) = [says for typed, says in rows().items() if typed.startswith(beginning)]
    return found


def test_every_line_of_the_page_is_compared() -> None:
    assert set(rows()) == OF_THE_COMMAND_LINE | OF_TEMPLATES


def test_synth_names_a_wrong_field_with_its_limit(tmp_path: Path) -> None:
    assert answer("`make synth`") == "no findings; an invalid field is named with its limit"
    (tmp_path / "wrong.toml").write_text(
        (STAGES / "created.toml").read_text().replace('"iam"', '"iam"\nburst = 9000')
    )
    with pytest.raises(StageInvalid, match=r"search\.burst: must be 5000 or less"):
        load_stage(tmp_path / "wrong.toml")


def test_the_stacks_come_in_this_order_and_the_first_waits_for_redis(
    assembly: Callable[[str], Path], stack: Stacks
) -> None:
    says = answer("`make deploy`")
    manifest = json.loads((assembly("created") / "manifest.json").read_text())["artifacts"]
    name = manifest["Data"]["properties"]["stackName"].replace("created", "dev")
    assert f"`{name}` completes when Redis passes its checks" in says
    assert says.endswith("then `-workflow`")
    assert manifest["Workflow"]["properties"]["stackName"].endswith("-workflow")
    assert "Data" in manifest["Workflow"]["dependencies"]
    (applied,) = [
        one["Properties"]
        for name, one in stack("created", "Data").of("AWS::SSM::Association").items()
        if name.startswith("RedisHostApply")
    ]
    minutes = applied["WaitForSuccessTimeoutSeconds"] // 60
    assert f"does not within {minutes} minutes (`start_minutes`), it fails" in says


def test_the_alarm_that_is_tried_is_there_and_mails_people(stack: Stacks) -> None:
    (name,) = re.findall(r"--alarm-name (\S+)", answer("confirm the mail"))
    workflow = stack("created", "Workflow")
    (alarm,) = [
        one["Properties"]
        for one in workflow.of("AWS::CloudWatch::Alarm").values()
        if one["Properties"]["AlarmName"] == name.replace("-dev-", "-created-")
    ]
    (subscribed,) = workflow.of("AWS::SNS::Subscription").values()
    assert alarm["AlarmActions"] == [subscribed["Properties"]["TopicArn"]]
    assert subscribed["Properties"]["Protocol"] == "email"


def test_the_script_writes_its_words_into_a_log_group_of_the_data_stack(stack: Stacks) -> None:
    assert "the data stack's log group" in answer("`aws ssm describe-association-executions")
    data = stack("created", "Data")
    content = shown(data.only("AWS::SSM::Document")["Properties"]["Content"])
    (group,) = re.findall(r'export LOG_GROUP=.*?"Ref": "(\w+)"', content)
    assert data.resources[group]["Type"] == "AWS::Logs::LogGroup"


def test_the_page_that_fills_the_database_is_there_and_its_field(stack: Stacks) -> None:
    assert "data_api" in answer("[fill the database]")
    assert "data_api" in NewMysql.model_fields
    deploy = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert "Filling a new database" in deploy
    assert (
        not stack("created", "Data")
        .only("AWS::RDS::DBCluster")["Properties"]
        .get("EnableHttpEndpoint")
    )


def test_searches_and_protection_replace_nothing() -> None:
    """Compared by test_changes.py, template against template."""
    says = answer("add `[search]`")
    assert says == "only the workflow stack gets new resources; nothing is replaced"
    compared = {change.words: change.replaced for change in CHANGES}
    assert compared["`[search]` off"] == compared["`protected`"] == NOTHING


def test_the_search_address_has_the_path_and_refuses_strangers(stack: Stacks) -> None:
    assert answer("`curl") == "200 with the first hits; 403 without a signature"
    workflow = stack("created", "Workflow")
    assert "SearchUrl" in workflow.outputs
    routes = {
        one["Properties"]["RouteKey"]: one["Properties"]["AuthorizationType"]
        for one in workflow.of("AWS::ApiGatewayV2::Route").values()
    }
    assert routes["GET /v1/drugs"] == "AWS_IAM"


# What only an account can tell


def test_a_stopped_host_is_told_as_soon_as_the_page_says(stack: Stacks) -> None:
    says = answer("stop the host")
    alarm, after, again = re.findall(r"`(\w+)` after (\d+) minutes; .*OK within (\d+)", says)[0]
    (found,) = [
        one["Properties"]
        for one in stack("created", "Workflow").of("AWS::CloudWatch::Alarm").values()
        if one["Properties"]["AlarmName"].endswith(f"-{alarm}")
    ]
    assert minutes(found) == int(after)
    assert found["TreatMissingData"] == "breaching"
    # One good minute ends it; the rest is the start.
    assert found["Period"] / 60 < int(again)


def test_another_image_or_snapshot_replaces_what_the_page_says(stack: Stacks) -> None:
    compared = {change.words: change.replaced for change in CHANGES}
    assert "a new one takes over its volume" in answer("deploy another `image_id`")
    assert compared["`image_id`"] == {"AWS::EC2::Instance"}
    assert answer("`snapshot_id`").startswith("the old volume is kept")
    assert compared["`snapshot_id`"] == {"AWS::EC2::Volume"}
    assert stack("created", "Data").only("AWS::EC2::Volume")["UpdateReplacePolicy"] == "Retain"


def test_passwords_are_rotated_as_the_page_says(stack: Stacks) -> None:
    says = answer("`rotation_days = 30`")
    assert "a new secret version" in says
    workflow = stack("created", "Workflow")
    assert workflow.function("RotatePassword")["Timeout"] <= 60
    schedule = workflow.only("AWS::SecretsManager::RotationSchedule")["Properties"]
    assert schedule["RotationRules"] == {"AutomaticallyAfterDays": 30}
    numbers = {3: "three"}
    says = answer("`aws ssm start-associations-once")
    assert f"new versions of {numbers[len(USERS)]} secrets" in says


def test_the_workflow_stack_can_be_removed_and_made_again(stack: Stacks) -> None:
    assert answer("`make destroy`").startswith("no name conflicts")
    kept = {
        name
        for name, one in stack("created", "Workflow").resources.items()
        if one.get("DeletionPolicy", "Delete") != "Delete"
    }
    assert kept == set()


def test_a_wrong_package_stops_the_script_and_so_the_deployment(stack: Stacks) -> None:
    assert answer("a stage whose `package_sha256`").startswith(
        "the deployment fails and rolls back"
    )
    script = (ROOT / "infra" / "data" / "redis_host" / "install.sh").read_text()
    assert "set -euo pipefail" in script
    assert 'echo "$PACKAGE_SHA256  $file" | sha256sum --check -' in script
    stuck = {
        name
        for name, one in stack("created", "Data").resources.items()
        if one.get("DeletionPolicy") == "Retain"
    }
    assert stuck == set()
