"""The base of every table of a stage file, and the patterns of its values.

Every text that reaches a shell, an ARN or a policy has a pattern that allows nothing else.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_$]+$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9:/._~@+-]+$")]
Scope = Annotated[str, Field(pattern=r"^[A-Za-z0-9:/._~@+-]{1,64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
SecurityGroupId = Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]
SecretArn = Annotated[
    str,
    Field(
        pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:"
        r"[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$"
    ),
]
File = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$")
]
"""A path inside the project's folder."""
CertificateArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+$")
]
KeyArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/(mrk-)?[0-9a-f-]+$")
]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]
DomainName = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$",
        max_length=253,
    ),
]
"""API Gateway takes no capital letters."""
Zone = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$")]
Zones = Annotated[tuple[Zone, ...], Field(min_length=2)]
SubnetId = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")]
RouteTableId = Annotated[str, Field(pattern=r"^rtb-[0-9a-f]{8,17}$")]
MetricName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./#-][A-Za-z0-9_./#:-]{0,254}$")]
"""CloudWatch's; a colon may not be first."""


class Section(BaseModel):
    """Frozen; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def each_once(field: str, values: Sequence[str]) -> None:
    """CDK and AWS refuse a second one, with words that do not name the stage's field."""
    twice = sorted({one for one in values if values.count(one) > 1})
    if twice:
        raise ValueError(f"{field}: {', '.join(twice)} is listed twice; list each once")


def exactly_one(existing: Section | None, create: Section | None) -> None:
    if existing is None and create is None:
        raise ValueError("one of the tables `existing` and `create` is required")
    if existing is not None and create is not None:
        raise ValueError("`existing` and `create` exclude each other; leave one out")
