"""A domain, warm functions and an open health address, where a stage asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.stage.stage import StageInvalid, load_stage
from tests.infra.parts import require_cdk
from tests.infra.template import Template, shown

require_cdk()

STAGES = Path(__file__).parent / "stages"
FIELDS = """
warm = 3
domain_name = "drugs.example.com"
certificate_arn = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d"
health_is_open = true
"""


def stage_file(folder: Path, fields: str) -> Path:
    path = folder / "stage.toml"
    path.write_text((STAGES / "created.toml").read_text() + fields)
    return path


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Template:
    from infra.app import build

    folder = tmp_path_factory.mktemp("search")
    build(load_stage(stage_file(folder, FIELDS)), output=folder / "out").synth()
    return Template.read(folder / "out" / "Workflow.template.json")


def test_the_domain_is_the_only_address(workflow: Template) -> None:
    assert workflow.only("AWS::ApiGatewayV2::Api")["Properties"]["DisableExecuteApiEndpoint"]
    domain = workflow.only("AWS::ApiGatewayV2::DomainName")["Properties"]
    assert domain["DomainName"] == "drugs.example.com"
    mapping = workflow.only("AWS::ApiGatewayV2::ApiMapping")["Properties"]
    (api,) = workflow.of("AWS::ApiGatewayV2::Api")
    assert mapping["ApiId"] == {"Ref": api}
    assert workflow.outputs["SearchUrl"]["Value"] == "https://drugs.example.com"
    assert "RegionalDomainName" in shown(workflow.outputs["SearchDomainTarget"]["Value"])


def test_warm_functions_are_what_the_api_calls(workflow: Template) -> None:
    ((name, alias),) = workflow.of("AWS::Lambda::Alias").items()
    warm = alias["Properties"]["ProvisionedConcurrencyConfig"]
    assert warm == {"ProvisionedConcurrentExecutions": 3}
    integration = workflow.only("AWS::ApiGatewayV2::Integration")["Properties"]
    assert name in shown(integration["IntegrationUri"])


def test_health_alone_is_open(workflow: Template) -> None:
    found = {
        one["Properties"]["RouteKey"]: one["Properties"]["AuthorizationType"]
        for one in workflow.of("AWS::ApiGatewayV2::Route").values()
    }
    assert {route for route, kind in found.items() if kind == "NONE"} == {"GET /v1/health"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('domain_name = "drugs.example.com"', "domain_name and certificate_arn belong together"),
        ("warm = 5\nreserved_concurrency = 2", "warm 5 is above reserved_concurrency 2"),
    ],
)
def test_halves_are_refused(tmp_path: Path, fields: str, expected: str) -> None:
    with pytest.raises(StageInvalid, match=expected):
        load_stage(stage_file(tmp_path, fields))
