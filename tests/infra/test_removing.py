"""docs/removing.md names what a removed data stack keeps, and removes it in an order that works."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from infra.stage.stage import ROOT
from tests.infra.parts import require_cdk
from tests.infra.template import Template

require_cdk()

REMOVED_BY = {
    "AWS::EC2::Volume": "aws ec2 delete-volume",
    "AWS::Logs::LogGroup": "aws logs delete-log-group",
    "AWS::RDS::DBCluster": "aws rds delete-db-cluster",
    "AWS::RDS::DBInstance": "aws rds delete-db-instance",
    "AWS::S3::Bucket": "aws s3 rb --force",
    "AWS::SecretsManager::Secret": "aws secretsmanager delete-secret",
}


def kept(data: Template) -> dict[str, str]:
    """Types by logical id."""
    return {
        name: one["Type"]
        for name, one in data.resources.items()
        if one.get("DeletionPolicy", "Delete") != "Delete"
    }


def commands() -> list[str]:
    page = (ROOT / "docs" / "removing.md").read_text(encoding="utf-8")
    return re.findall(r"^aws .*$", page, re.MULTILINE)


def place(beginning: str) -> int:
    return next(n for n, one in enumerate(commands()) if one.startswith(beginning))


def test_each_kind_of_thing_that_stays_has_its_command(data: Template) -> None:
    for kind in set(kept(data).values()):
        assert place(REMOVED_BY[kind]) >= 0


def test_what_stays_in_the_stacks_network_goes_before_the_stack(
    stack: Callable[[str, str], Template],
) -> None:
    """CloudFormation cannot delete a subnet group, or a security group, that is in use."""
    data = stack("created", "Data")
    stays = kept(data)
    holding = {
        kind
        for name, kind in stays.items()
        if _references(data, name) & (data.resources.keys() - stays.keys())
    }
    assert holding == {"AWS::RDS::DBCluster"}
    # A cluster cannot go before its instances.
    for kind in ("AWS::RDS::DBInstance", *holding):
        assert place(REMOVED_BY[kind]) < place("aws cloudformation delete-stack")


def test_every_bucket_that_stays_is_named(stack: Callable[[str, str], Template]) -> None:
    buckets = [one for one in kept(stack("created", "Data")).values() if one == "AWS::S3::Bucket"]
    named = [one for one in commands() if one.startswith("aws s3 rb")]
    assert len(named) == len(buckets)


def _references(data: Template, name: str) -> set[str]:
    text = json.dumps(data.resources[name]["Properties"])
    found = re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)', text)
    return set(found) & data.resources.keys()
