"""`[vpc]`: where the functions run."""

from ipaddress import IPv4Network
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from infra.stage.sections.base import (
    RouteTableId,
    Section,
    SubnetId,
    Zones,
    each_once,
    exactly_one,
)

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
        # An interface endpoint takes one subnet of each zone.
        each_once("availability_zones", self.availability_zones)
        each_once("subnet_ids", self.subnet_ids)
        # A second endpoint of a service cannot have its private name.
        endpoints = (*self.create_endpoints, *self.present_endpoints)
        each_once("create_endpoints, present_endpoints", endpoints)
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


NO_NETWORK: Final = tuple(
    map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))
)
"""This host, loopback, link-local (with AWS's own metadata and clocks), multicast and reserved."""

PRIVATE_BITS: Final = 20
"""4,091 addresses, where the VPC has room for them."""

SMALLEST_BITS: Final = 28
"""AWS makes no smaller subnet."""


class NewVpc(Section):
    """A VPC with private subnets, its endpoints, and public subnets only for a NAT gateway."""

    availability_zones: Zones
    """Two or more, such as `us-east-1a`."""
    cidr: str = Field("10.60.0.0/16", pattern=r"^\d+\.\d+\.\d+\.\d+/(1[6-9]|2[0-4])$")
    """Its addresses: /16 to /24."""
    nat: bool = False
    """A NAT gateway in place of endpoints."""

    @field_validator("cidr")
    @classmethod
    def _addresses(cls, cidr: str) -> str:
        try:
            network = IPv4Network(cidr)
        except ValueError as error:
            raise ValueError(f"{error}; use the form '10.60.0.0/16'") from error
        if any(network.overlaps(one) for one in NO_NETWORK):
            raise ValueError(f"{cidr} can be no network; use private addresses: '10.60.0.0/16'")
        return cidr

    @model_validator(mode="after")
    def _zones(self) -> Self:
        each_once("availability_zones", self.availability_zones)
        if self.private_bits > SMALLEST_BITS:
            zones = len(self.availability_zones)
            raise ValueError(f"cidr {self.cidr} is too small for the subnets of {zones} zones")
        return self

    @property
    def private_bits(self) -> int:
        """Bits of the network part of each zone's private subnet; its NAT subnet is a /28."""
        in_a_zone = IPv4Network(self.cidr).num_addresses // len(self.availability_zones)
        room = in_a_zone - (1 << 32 - SMALLEST_BITS) * self.nat
        return max(PRIVATE_BITS, 33 - room.bit_length())


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
