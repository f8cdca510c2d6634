"""`[vpc]`: where the functions run."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.stage.sections.base import RouteTableId, Section, SubnetId, Zones, exactly_one

Endpoint = Literal[
    "s3",
    "secretsmanager",
    "bedrock-runtime",
    "ec2",
    "logs",
    "monitoring",
    "ssm",
    "ssmmessages",
]


class ExistingVpc(Section):
    """Private subnets of a VPC that somebody else owns."""

    id: str = Field(pattern=r"^vpc-[0-9a-f]{8,17}$")
    """The VPC's id."""
    availability_zones: Zones
    """Two or more, such as `us-east-1a`."""
    subnet_ids: Annotated[tuple[SubnetId, ...], Field(min_length=2)]
    """Private subnets, one for each zone, in the same order."""
    route_table_ids: tuple[RouteTableId, ...] = ()
    """Their route tables, in the same order; needed to create the S3 endpoint."""
    nat: bool = False
    """The subnets reach AWS through a NAT gateway, so no endpoint is needed."""
    create_endpoints: tuple[Endpoint, ...] = ()
    """Endpoints that the deployment creates; `make synth` names those that are missing."""
    present_endpoints: tuple[Endpoint, ...] = ()
    """Endpoints that the VPC has already."""

    @model_validator(mode="after")
    def _matches(self) -> Self:
        zones = len(self.availability_zones)
        if len(self.subnet_ids) != zones:
            raise ValueError(f"subnet_ids has {len(self.subnet_ids)} subnets for {zones} zones")
        if self.route_table_ids and len(self.route_table_ids) != zones:
            raise ValueError(
                f"route_table_ids has {len(self.route_table_ids)} tables for {zones} subnets; "
                "name one for each subnet, the same one twice where they share it"
            )
        if "s3" in self.create_endpoints and not self.route_table_ids:
            raise ValueError("route_table_ids is required to create the s3 endpoint")
        return self


class NewVpc(Section):
    """A VPC with private subnets, its endpoints, and public subnets only for a NAT gateway."""

    availability_zones: Zones
    """Two or more, such as `us-east-1a`."""
    cidr: str = Field("10.60.0.0/16", pattern=r"^\d+\.\d+\.\d+\.\d+/(1[6-9]|2[0-4])$")
    """Its addresses: /16 to /24."""
    nat: bool = False
    """A NAT gateway in place of endpoints."""


class VpcSection(Section):
    existing: ExistingVpc | None = None
    create: NewVpc | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self.existing, self.create)
        return self

    @property
    def nat(self) -> bool:
        return bool((self.existing or self.create or NewVpc(availability_zones=("", ""))).nat)
