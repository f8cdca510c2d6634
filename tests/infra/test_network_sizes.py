"""Every size of network that a stage file takes has room for its subnets."""

from __future__ import annotations

import tomllib
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

import pytest

from infra.stage.sections.network import NewVpc
from infra.stage.stage import Stage
from tests.infra.parts import require_cdk
from tests.infra.template import Template

require_cdk()

STAGES = Path(__file__).parent / "stages"
CREATED = tomllib.loads((STAGES / "created.toml").read_text())


@pytest.mark.parametrize("nat", [False, True], ids=["endpoints", "nat"])
@pytest.mark.parametrize(
    ("cidr", "zones"),
    [("10.0.0.0/16", 2), ("10.0.0.0/18", 3), ("10.0.0.0/19", 2), ("10.0.0.0/24", 6)],
)
def test_the_subnets_fit(tmp_path: Path, cidr: str, zones: int, nat: bool) -> None:
    subnets = subnets_of(tmp_path, cidr=cidr, zones=zones, nat=nat)
    assert len(subnets) == zones * (1 + nat)
    assert all(one.subnet_of(IPv4Network(cidr)) for one in subnets)
    assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))
    assert max(one.prefixlen for one in subnets) <= 28


def subnets_of(folder: Path, *, cidr: str, zones: int, nat: bool) -> list[IPv4Network]:
    create = {
        "cidr": cidr,
        "nat": nat,
        "availability_zones": [f"us-east-1{letter}" for letter in "abcdef"[:zones]],
    }
    stage = Stage.model_validate(CREATED | {"vpc": {"create": create}})
    found = network_of(stage, folder).of("AWS::EC2::Subnet").values()
    return [IPv4Network(one["Properties"]["CidrBlock"]) for one in found]


def network_of(stage: Stage, folder: Path) -> Template:
    from aws_cdk import App
    from aws_cdk import Stack as CdkStack

    from infra.data.network import Network

    app = App(outdir=str(folder))
    stack = CdkStack(app, "Net", env={"account": stage.account, "region": stage.region})
    Network(stack, "Network", stage=stage)
    app.synth()
    return Template.read(folder / "Net.template.json")


def test_subnets_that_share_a_route_table_name_it_once_to_cloudformation(tmp_path: Path) -> None:
    text = (STAGES / "existing.toml").read_text()
    stage = Stage.model_validate(
        tomllib.loads(text.replace("rtb-0a1b2c3d4e5f60002", "rtb-0a1b2c3d4e5f60001"))
    )
    (tables,) = [
        one["Properties"]["RouteTableIds"]
        for one in network_of(stage, tmp_path).of("AWS::EC2::VPCEndpoint").values()
        if "RouteTableIds" in one["Properties"]
    ]
    assert tables == ["rtb-0a1b2c3d4e5f60001"]


@pytest.mark.parametrize(
    ("cidr", "zones", "nat"),
    [("10.0.0.0/16", 6, True), ("10.0.0.0/18", 3, True), ("10.0.0.0/19", 2, False)],
)
def test_a_deployed_network_keeps_its_subnets(cidr: str, zones: int, nat: bool) -> None:
    """They were /20 wherever that fitted; another size would replace them."""
    names = tuple(f"us-east-1{letter}" for letter in "abcdef"[:zones])
    assert NewVpc(availability_zones=names, cidr=cidr, nat=nat).private_bits == 20
