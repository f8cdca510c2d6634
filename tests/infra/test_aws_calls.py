"""Every value of every template is one that its service's own model takes, up to each field's end.

What the model does not say, the quotas' pages do, and a stage refuses it by the field's name.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from infra.stage.stage import ROOT, StageInvalid, load_stage
from tests.infra.aws_calls import CALLS, REFERENCES_ONLY, Refused, refused
from tests.infra.parts import require_cdk
from tests.infra.template import Template

require_cdk()

pytestmark = pytest.mark.timeout(600)

STAGES = Path(__file__).parent / "stages"
DIMENSIONS = ", ".join(f'd{one:0254} = "{"v" * 255}"' for one in range(30))
EXISTING = {
    'issuer = "https://login.example.com/realms/pharmacy"': 'issuer = "https://a.io/%s"'
    % ("a" * 2033),
    'audience = ["drug-search"]': f"audience = {[f'{one:0100}' for one in range(50)]}",
    'scopes = ["drugs:search"]': f"scopes = {[f'{one:064}' for one in range(10)]}",
    'name = "DatabaseMemoryUsagePercentage"': f'name = "{"a" * 255}"',
    'namespace = "AWS/ElastiCache"': f'namespace = "{"a" * 255}"',
    'dimensions = { CacheClusterId = "search-001" }': f"dimensions = {{{DIMENSIONS}}}",
    "error_share = 0.01": "error_share = 0",
    "latency_ms = 1500": "latency_ms = 100",
    "reserved_concurrency = 20": "reserved_concurrency = 1",
    "embedding_dimensions = 1536": "embedding_dimensions = 256",
}
"""What `existing` says, and the furthest that a stage may say in its place."""


@pytest.fixture(scope="session")
def furthest(tmp_path_factory: pytest.TempPathFactory) -> list[Template]:
    """Of everything created, and of everything existing, each with every field at its end."""
    from infra.app import build

    folder = tmp_path_factory.mktemp("furthest")
    text = (STAGES / "existing.toml").read_text()
    for old, new in EXISTING.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "existing.toml").write_text(text)
    found: list[Template] = []
    for file in (STAGES / "widest.toml", folder / "existing.toml"):
        build(load_stage(file), output=folder / file.stem).synth()
        stacks = (folder / file.stem / f"{one}.template.json" for one in ("Data", "Workflow"))
        found += map(Template.read, stacks)
    return found


def test_aws_takes_every_value(data: Template, workflow: Template) -> None:
    assert [*refused(data), *refused(workflow)] == []


def test_aws_takes_the_furthest_that_a_stage_takes(furthest: list[Template]) -> None:
    assert [one for template in furthest for one in refused(template)] == []


def test_every_type_of_resource_is_compared(furthest: list[Template]) -> None:
    kinds = {one["Type"] for template in furthest for one in template.resources.values()}
    assert kinds <= CALLS.keys() | REFERENCES_ONLY
    assert CALLS.keys() | REFERENCES_ONLY <= kinds


WRONG: list[tuple[str, tuple[Any, ...], Any]] = [
    ("AWS::DLM::LifecyclePolicy", ("Description",), "the index's snapshots"),
    ("AWS::CloudWatch::Alarm", ("AlarmDescription",), "x" * 1025),
    ("AWS::CloudWatch::Alarm", ("TreatMissingData",), "x" * 256),
    ("AWS::Lambda::Function", ("Runtime",), "python3.7.1"),
    ("AWS::Lambda::Function", ("MemorySize",), 64),
    ("AWS::Logs::LogGroup", ("LogGroupName",), "/aws/lambda/ä"),
    ("AWS::Scheduler::Schedule", ("FlexibleTimeWindow", "MaximumWindowInMinutes"), 1441),
    ("AWS::SSM::Association", ("ScheduleExpression",), "x" * 257),
    ("AWS::Events::Rule", ("Description",), "x" * 513),
]


@pytest.mark.parametrize(("kind", "path", "value"), WRONG)
def test_a_wrong_value_is_found(
    furthest: list[Template], kind: str, path: tuple[str, ...], value: Any
) -> None:
    one = next(
        one
        for template in furthest
        for one in template.of(kind).values()
        if path[0] in one["Properties"]
    )
    planted = copy.deepcopy(one)
    place: Any = planted["Properties"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    found: list[Refused] = list(refused(Template({"One": planted}, {})))
    assert [one.place for one in found] == [".".join((kind, *path))]


SCOPES = 'scopes = ["drugs:search"]'
AUDIENCE = 'audience = ["drug-search"]'
ISSUER = 'issuer = "https://login.example.com/realms/pharmacy"'
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d"
DOMAIN = f'certificate_arn = "{CERTIFICATE}"\ndomain_name = "%s"'


@pytest.mark.parametrize(
    ("stage", "old", "new", "field"),
    [
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
        ("existing", SCOPES, f"scopes = {[f's{one}' for one in range(11)]}", "search.scopes"),
        ("existing", AUDIENCE, f"audience = {[f'a{one}' for one in range(51)]}", "search.audience"),
        # The models of API Gateway and CloudWatch.
        ("existing", "drugs:search", "s" * 65, "search.scopes.0"),
        ("existing", ISSUER, f'issuer = "https://a.io/{"a" * 2036}"', "search.issuer"),
        ("existing", "DatabaseMemoryUsagePercentage", "a" * 256, "redis.existing.memory_metric"),
        ("existing", "AWS/ElastiCache", ":a", "redis.existing.memory_metric.namespace"),
        # "Uppercase letters are not supported": the reference of AWS::ApiGatewayV2::DomainName.
        ("created", 'authorization = "iam"', DOMAIN % "Drugs.example.com", "search.domain_name"),
        ("created", 'authorization = "iam"', DOMAIN % "drugs", "search.domain_name"),
        ("created", 'authorization = "iam"', DOMAIN % "a..b.com", "search.domain_name"),
        # The largest gp3 volume everywhere: 16 TiB.
        ("created", "[redis.create]", "[redis.create]\nvolume_gb = 16385", "volume_gb"),
        # The callers' security group lets out 443 only.
        ("mixed", "example.com/redis", "example.com:8443/redis", "redis.create.package"),
        # Addresses that no network can have.
        ("created", "[vpc.create]", '[vpc.create]\ncidr = "127.0.0.0/16"', "vpc.create.cidr"),
        ("created", "[vpc.create]", '[vpc.create]\ncidr = "169.254.0.0/16"', "vpc.create.cidr"),
        ("created", "[vpc.create]", '[vpc.create]\ncidr = "0.1.0.0/16"', "vpc.create.cidr"),
        ("created", "[vpc.create]", '[vpc.create]\ncidr = "239.1.0.0/16"', "vpc.create.cidr"),
        # Scheduler takes names of the IANA database.
        ("mixed", "[alarms]", '[schedule]\ntime_zone = "localtime"\n[alarms]', "time_zone"),
        ("mixed", "[alarms]", '[schedule]\ntime_zone = "posix/UTC"\n[alarms]', "time_zone"),
        ("mixed", "[alarms]", '[schedule]\ntime_zone = "right/UTC"\n[alarms]', "time_zone"),
    ],
)
def test_a_stage_refuses_what_aws_would(
    tmp_path: Path, stage: str, old: str, new: str, field: str
) -> None:
    text = (STAGES / f"{stage}.toml").read_text()
    assert old in text
    (tmp_path / "stage.toml").write_text(text.replace(old, new))
    with pytest.raises(StageInvalid) as refusal:
        load_stage(tmp_path / "stage.toml")
    (line,) = str(refusal.value).splitlines()[1:]
    assert field in line


USES_THAT_WE_DO_NOT_MAKE = {
    *("autoscaling", "docdb-elastic", "elasticfilesystem", "firehose", "redshift", "s3files"),
    *("redshift-serverless", "s3tables", "vpc-lattice", "vpce"),
}
"""Rights that CloudFormation asks for options of a resource which no stage sets."""


def test_the_page_of_permissions_names_every_service_that_a_deployment_calls() -> None:
    page = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    paragraph = page[page.index("CloudFormation itself uses") :].partition("\n\n")[0]
    named = {one.partition(":")[0] for one in re.findall(r"`([a-z0-9:A-Z-]+\*?)`", paragraph)}
    rights = {
        right.partition(":")[0].lower()
        for kind in (*CALLS, *REFERENCES_ONLY)
        for right in _schema(kind).get("handlers", {}).get("create", {}).get("permissions", ())
    }
    assert rights - USES_THAT_WE_DO_NOT_MAKE <= named


def _schema(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return found
