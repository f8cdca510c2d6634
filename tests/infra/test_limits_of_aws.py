"""What AWS refuses although neither the schema nor the service's model says so (those:
test_aws_calls.py): characters of rules, lengths of names, sizes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from infra.stage.stage import Stage, StageInvalid, load_stage
from infra.stage.variables import largest
from tests.infra.changes import fixed_names
from tests.infra.parts import require_cdk
from tests.infra.template import Template

require_cdk()

STAGES = Path(__file__).parent / "stages"

OF_A_GROUP: Final = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}")
"""EC2 says it in its refusal: "Invalid rule description. Valid descriptions are strings less than
256 characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"."""

LONGEST: Final = {
    "AWS::ApiGatewayV2::Api": 128,
    "AWS::CloudWatch::Alarm": 255,
    "AWS::CloudWatch::Dashboard": 255,
    "AWS::Lambda::Function": 64,
    "AWS::Logs::LogGroup": 512,
    "AWS::Route53::HostedZone": 255,
    "AWS::S3::Bucket": 63,
    "AWS::SNS::Topic": 256,
    "AWS::Scheduler::Schedule": 64,
    "AWS::StepFunctions::StateMachine": 80,
}
LONGEST_REGION: Final = "ap-southeast-1"
"""No region of AWS has a longer name."""
ARN: Final = (
    f"arn:aws:secretsmanager:{LONGEST_REGION}:111122223333:secret:"
    "RedisRunsPasswordB111B5FA-AbCdEfGhIjKl-AbCdEf"
)
"""Of the form that CloudFormation gives a secret without a name."""


@pytest.fixture(scope="session")
def longest(tmp_path_factory: pytest.TempPathFactory) -> list[Template]:
    """Both stacks of a stage whose names are as long as a stage file takes them."""
    from infra.app import build

    folder = tmp_path_factory.mktemp("longest")
    text = (STAGES / "created.toml").read_text()
    text = text.replace('name = "created"', f'name = "{"a" * 12}"')
    text = text.replace("us-east-1", LONGEST_REGION)
    stage = _with_the_longest_template(text, folder / "stage.toml")
    build(stage, output=folder / "out").synth()
    return [Template.read(folder / "out" / f"{one}.template.json") for one in ("Data", "Workflow")]


def _with_the_longest_template(text: str, file: Path) -> Stage:
    """The last one that is accepted."""
    accepted = None
    for length in range(500, 4_000, 20):
        template = "{drug_name} " + "x" * length
        file.write_text(
            text.replace("[settings]\n", f'[settings]\nembedding_template = "{template}"\n')
        )
        try:
            accepted = load_stage(file)
        except StageInvalid:
            break
    assert accepted
    return accepted


def test_ec2_takes_the_descriptions_of_security_groups_and_their_rules(data: Template) -> None:
    found = list(_descriptions_of_groups(data))
    assert len(found) >= 6
    assert [one for one in found if not OF_A_GROUP.fullmatch(one)] == []


def _descriptions_of_groups(data: Template) -> Iterator[str]:
    for kind in ("SecurityGroup", "SecurityGroupIngress", "SecurityGroupEgress"):
        for one in data.of(f"AWS::EC2::{kind}").values():
            of = one["Properties"]
            rules = [*of.get("SecurityGroupEgress", ()), *of.get("SecurityGroupIngress", ())]
            found = [
                of.get("GroupDescription"),
                *(part.get("Description") for part in (of, *rules)),
            ]
            yield from filter(None, found)


def test_no_name_is_too_long_in_a_stage_with_the_longest_name(longest: list[Template]) -> None:
    names = [one for template in longest for one in fixed_names(template)]
    assert {kind for kind, _ in names} == set(LONGEST)
    assert [(kind, name) for kind, name in names if len(name) > LONGEST[kind]] == []


def test_what_lies_in_a_template_is_small_enough(longest: list[Template]) -> None:
    """A template 1 MB and 500 resources, a Systems Manager document 64 KB, user data 16 KB, a state
    machine 1 MB, a role's policies 10,240 characters."""
    data, workflow = longest
    for template in longest:
        assert len(json.dumps(template.resources)) < 900_000
        assert len(template.resources) < 500
    assert len(_json(data.only("AWS::SSM::Document")["Properties"]["Content"])) < 60_000
    assert len(_json(data.only("AWS::EC2::Instance")["Properties"]["UserData"])) < 16_000
    machine = workflow.only("AWS::StepFunctions::StateMachine")["Properties"]
    assert len(_json(machine["DefinitionString"])) < 900_000
    for template in longest:
        for one in template.of("AWS::IAM::Policy").values():
            assert len(_json(one["Properties"]["PolicyDocument"])) < 10_000


def _json(value: Any) -> str:
    return json.dumps(value)


def test_an_environment_that_lambda_refuses_is_refused_by_the_stage(tmp_path: Path) -> None:
    """4 KB for all variables: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
    text = (STAGES / "created.toml").read_text()
    long = "{drug_name} " + "x" * 3_000
    (tmp_path / "long.toml").write_text(
        text.replace("[settings]\n", f'[settings]\nembedding_template = "{long}"\n')
    )
    with pytest.raises(StageInvalid, match=r"settings: .* 4,096 .*embedding_template \(3,012\)"):
        load_stage(tmp_path / "long.toml")


def test_lambda_takes_the_longest_environment_that_a_stage_may_have(
    longest: list[Template],
) -> None:
    _, workflow = longest
    functions = workflow.of("AWS::Lambda::Function").values()
    sizes = [len(_json(_as_deployed(one["Properties"]["Environment"]))) for one in functions]
    assert 3_500 < max(sizes) <= 4_096


def test_the_size_that_a_stage_is_judged_by_is_that_of_its_largest_function(
    stack: Callable[[str, str], Template],
) -> None:
    """`existing`, where nothing is left for AWS to name."""
    stage = load_stage(STAGES / "existing.toml")
    functions = stack("existing", "Workflow").of("AWS::Lambda::Function").values()
    sizes = {
        len(_json(variables))
        for one in functions
        if "DRUGSYNC_RUN_BUCKET" in (variables := one["Properties"]["Environment"]["Variables"])
    }
    assert max(sizes) == largest(stage)


def _as_deployed(environment: dict[str, Any]) -> dict[str, str]:
    """With an ARN in place of each reference."""
    return {
        name: value if isinstance(value, str) else ARN
        for name, value in environment["Variables"].items()
    }
