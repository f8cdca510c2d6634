"""The tables of a stage file. Each is a frozen model; an unknown field is an error."""

import re
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from infra.stage.engines import refused_engine
from infra.stage.instance_types import SHARE_FOR_REDIS, known_types, memory_gb
from workflow.contract.redis_versions import OLDEST_SAFE, refusal_of

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_$]+$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9:/._~@+-]+$")]
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
KeyArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[0-9a-f-]+$")]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]
Zone = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$")]
Zones = Annotated[tuple[Zone, ...], Field(min_length=2)]
SubnetId = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")]
RouteTableId = Annotated[str, Field(pattern=r"^rtb-[0-9a-f]{8,17}$")]

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


MetricName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./#:-]+$")]


class Section(BaseModel):
    """Frozen; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


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
        _exactly_one(self.existing, self.create)
        return self

    @property
    def nat(self) -> bool:
        return bool((self.existing or self.create or NewVpc(availability_zones=("", ""))).nat)


class ExistingMysql(Section):
    """A cluster that is referenced and never redefined."""

    host: HostName
    """Host name, best that of a reader endpoint."""
    reader_host: HostName | None = None
    """For the second read, which verifies; the same host where it is left out."""
    port: Port = 3306
    """TCP port."""
    security_group_id: SecurityGroupId
    """The server's group: one rule is added that lets the functions connect."""
    secret_arn: SecretArn | None = None
    """Secret with `username` and `password`; not needed with iam_auth."""
    secret_key_arn: KeyArn | None = None
    """The KMS key of the secret, where it is not the account's default one."""
    cluster_resource_id: str | None = Field(None, pattern=r"^(cluster|db|prx)-[A-Za-z0-9]+$")
    """For iam_auth: the cluster's resource id, which is part of the user's ARN."""


class NewMysql(Section):
    """Aurora MySQL Serverless v2."""

    engine_version: str = Field(
        "8.0.mysql_aurora.3.10.2", pattern=r"^8\.0\.mysql_aurora\.3\.\d{2}\.\d$"
    )
    """Aurora's version, of the form `8.0.mysql_aurora.3.10.2`."""
    min_capacity: float = Field(0.5, ge=0, le=256)
    """Capacity units; 0 pauses it while nobody reads."""
    max_capacity: float = Field(4, ge=1, le=256)
    """Capacity units."""
    backup_days: int = Field(7, ge=1, le=35)
    """How long backups are kept."""
    data_api: bool = False
    """SQL over HTTPS for whoever fills the database; turn it off again afterwards."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_capacity > self.max_capacity:
            raise ValueError(f"min_capacity {self.min_capacity} is above max_capacity")
        return self


class MysqlSection(Section):
    database: Name
    """The database (schema)."""
    table: str = Field(pattern=r"^[A-Za-z0-9_$]+(\.[A-Za-z0-9_$]+)?$")
    """The catalog: a table or view with one row per drug."""
    user: str = Field("", pattern=r"^[A-Za-z0-9_]{0,32}$")
    """The functions' user; needed with iam_auth, else the secret has it."""
    iam_auth: bool = False
    """The functions log in by an IAM token, without a password."""
    ca_file: File = "infra/certificates/rds-roots.pem"
    """PEM file that the server's certificate is verified with, from the project's folder."""
    existing: ExistingMysql | None = None
    create: NewMysql | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        _exactly_one(self.existing, self.create)
        if self.iam_auth and not self.user:
            raise ValueError("user is required with iam_auth")
        if self.existing and self.iam_auth and not self.existing.cluster_resource_id:
            raise ValueError("existing.cluster_resource_id is required with iam_auth")
        if self.existing and not self.iam_auth and not self.existing.secret_arn:
            raise ValueError("existing.secret_arn is required without iam_auth")
        return self


class MemoryMetric(Section):
    """The CloudWatch metric, in percent, of an existing server's memory."""

    namespace: MetricName
    """The metric's namespace."""
    name: MetricName
    """The metric's name."""
    dimensions: dict[MetricName, MetricName] = {}
    """The metric's dimensions."""


class ExistingRedis(Section):
    """A server that is referenced and never redefined."""

    host: HostName
    """Host name. ElastiCache and MemoryDB are refused: they lack what a run needs."""
    port: Port = 6379
    """TCP port."""
    tls: bool = True
    """TLS, verified."""
    ca_file: File | None = None
    """PEM file, where the server's certificate is not from a public authority."""
    security_group_id: SecurityGroupId
    """The server's group: one rule is added that lets the functions connect."""
    secret_arn: SecretArn | None = None
    """Secret with `password` and, where the server has users, `username`."""
    secret_key_arn: KeyArn | None = None
    """The KMS key of the secret, where it is not the account's default one."""
    memory_metric: MemoryMetric | None = None

    @field_validator("host")
    @classmethod
    def _engine(cls, host: str) -> str:
        if refused := refused_engine(host):
            raise ValueError(refused)
        return host

    @model_validator(mode="after")
    def _ca(self) -> Self:
        if self.ca_file and not self.tls:
            raise ValueError("ca_file goes with tls only")
        return self


class NewRedis(Section):
    """Redis 8 on one EC2 instance (Amazon Linux 2023, arm64)."""

    image_id: str = Field(pattern=r"^ami-[0-9a-f]{8,17}$")
    """A named image: `latest` would replace the server when the next image appears."""
    instance_type: str = Field("r7g.large", pattern=r"^[a-z0-9]+g[a-z]*\.[a-z0-9]+$")
    """An arm64 type. Redis may use three quarters of its memory."""
    package: str = Field(
        pattern=r"^(s3://[a-z0-9.-]{3,63}|https://[a-z0-9.-]+(:\d+)?)/[A-Za-z0-9/_.+~-]+\.rpm$"
    )
    """Redis 8 with its query engine, as an RPM for aarch64. The file's name has the version."""
    package_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """The package's SHA-256, in hex."""
    max_memory_gb: float = Field(10, gt=0)
    """Redis's `maxmemory`."""
    volume_gb: int = Field(50, ge=8)
    """At least three times max_memory_gb."""
    snapshot_id: str | None = Field(None, pattern=r"^snap-[0-9a-f]{8,17}$")
    """The volume begins as this snapshot. Another one is another volume; the old one is kept."""
    snapshots_kept: int = Field(7, ge=1, le=365)
    """Daily snapshots of the volume."""
    start_minutes: int = Field(15, ge=5, le=60)
    """How long a deployment waits until the server answers as it must, before it fails."""

    @field_validator("package")
    @classmethod
    def _safe(cls, package: str) -> str:
        version = re.search(r"(\d+\.\d+\.\d+)", package.rpartition("/")[2])
        if version is None:
            raise ValueError(
                f"{package!r} names no version; call the file redis-{OLDEST_SAFE}.aarch64.rpm"
            )
        if refused := refusal_of(version[1]):
            raise ValueError(refused)
        return package

    @model_validator(mode="after")
    def _fits(self) -> Self:
        memory = memory_gb(self.instance_type)
        if memory is None:
            raise ValueError(
                f"instance_type {self.instance_type} is not known here; use one of {known_types()}"
            )
        if self.max_memory_gb > memory * SHARE_FOR_REDIS:
            raise ValueError(
                f"max_memory_gb {self.max_memory_gb:g} is above {memory * SHARE_FOR_REDIS:g}, "
                f"three quarters of what {self.instance_type} has; take a larger type or less"
            )
        if self.volume_gb < 3 * self.max_memory_gb:
            raise ValueError(
                f"volume_gb {self.volume_gb} is below three times max_memory_gb: the append-only "
                "file and its rewrite must fit beside each other"
            )
        return self


class RedisSection(Section):
    existing: ExistingRedis | None = None
    create: NewRedis | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        _exactly_one(self.existing, self.create)
        return self


class SearchSection(Section):
    """The search API. Without the table there is none; with it, every caller is known."""

    authorization: Literal["iam", "jwt"] = "iam"
    """Who may call: holders of an IAM permission, or of a token. The API is never open."""
    issuer: str | None = Field(None, pattern=r"^https://[A-Za-z0-9:/._~@+%-]+$")
    """For jwt: the token's `iss`, letter by letter; it must serve its OpenID configuration."""
    audience: tuple[Word, ...] = ()
    """For jwt: the token's `aud` (or `client_id`) must be one of these."""
    scopes: tuple[Word, ...] = ()
    """For jwt: the token must have one of these, where any are named."""
    cors_origins: tuple[str, ...] = ()
    """Pages of these origins may call the API from a browser."""
    requests_per_second: int = Field(20, ge=1, le=10_000)
    """Of all callers together; more is answered 429."""
    burst: int = Field(40, ge=1, le=5000)
    """Requests that may come at once on top of it."""
    reserved_concurrency: int | None = Field(None, ge=1, le=1000)
    """Functions at most; taken from the account's own limit."""
    warm: int | None = Field(None, ge=1, le=1000)
    """Functions kept ready, so that no search waits for a start; paid by the hour."""
    domain_name: HostName | None = None
    """The API's only address, where it is given; its DNS is the team's."""
    certificate_arn: CertificateArn | None = None
    """Of ACM in the stage's region, for the domain."""
    health_is_open: bool = False
    """`/v1/health` answers without a caller's name: for an uptime probe."""
    error_share: Share = 0.05
    """Share of answers with 5xx, in ten minutes, that raises the alarm."""
    latency_ms: int = Field(2000, ge=100, le=30_000)
    """The 99th percentile that raises the alarm when it lasts a quarter of an hour."""
    redis_secret_arn: SecretArn | None = None
    """With redis.existing: the secret of a Redis user who may only read."""
    redis_secret_key_arn: KeyArn | None = None
    """The KMS key of that secret, where it is not the account's default one."""

    @field_validator("authorization", mode="before")
    @classmethod
    def _never_open(cls, value: object) -> object:
        if value not in ("iam", "jwt"):
            raise ValueError(f"{value!r} is not offered; use 'iam' or 'jwt', the API is never open")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not re.fullmatch(r"https://[a-z0-9.-]+(:\d+)?|http://localhost(:\d+)?", origin):
                raise ValueError(
                    f"{origin!r} is no origin; use the form 'https://host', each one by its name"
                )
        return origins

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.domain_name) != bool(self.certificate_arn):
            raise ValueError("domain_name and certificate_arn go together: give both or neither")
        if self.warm and self.reserved_concurrency and self.warm > self.reserved_concurrency:
            raise ValueError(
                f"warm {self.warm} is above reserved_concurrency {self.reserved_concurrency}"
            )
        return self

    @model_validator(mode="after")
    def _token(self) -> Self:
        if self.authorization == "jwt" and not (self.issuer and self.audience):
            raise ValueError("issuer and audience are required with authorization = 'jwt'")
        if self.authorization == "iam" and (self.issuer or self.audience or self.scopes):
            raise ValueError(
                "issuer, audience and scopes go with authorization = 'jwt' only; with 'iam' "
                "leave them out"
            )
        return self


class ScheduleSection(Section):
    """When a sync starts by itself."""

    expression: str = Field(
        "cron(0 3 * * ? *)",
        pattern=r"^(cron\(([A-Z0-9*?,/#-]+ ){5}[A-Z0-9*?,/#-]+\)|rate\(\d+ [a-z]+\))$",
    )
    """`cron(...)` or `rate(...)`, as EventBridge Scheduler takes it."""
    time_zone: str = Field("UTC", pattern=r"^[A-Za-z0-9_/+-]+$")
    """Of a cron expression, such as `America/New_York`."""
    flexible_minutes: int = Field(15, ge=1, le=1440)
    """The run may start so much later than the expression says."""
    enabled: bool = True
    """False pauses the schedule."""

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            if available_timezones():
                raise ValueError(
                    f"{name!r} is no time zone; use a name like 'Europe/Berlin'"
                ) from error
        return name


class AlarmSection(Section):
    """Who is told, and when."""

    emails: Annotated[tuple[str, ...], Field(min_length=1)]
    """Addresses; SNS asks each to confirm."""
    unpublished_hours: int = Field(26, ge=2, le=168)
    """Hours without a published run that raise the alarm `Unpublished`."""
    throttled_pages: int = Field(10, ge=1)
    """Tries of pages in 15 minutes that the model's quota ended."""
    redis_memory_percent: int = Field(80, ge=10, le=99)
    """Used memory that raises the alarm `RedisMemory`."""
    budget_usd_per_month: float | None = Field(None, gt=0)
    """AWS's bill of this stage, by its tag; both what is spent and what is forecast are told."""
    redis_disk_percent: int = Field(80, ge=10, le=99)
    """Used space of the created server's volume that raises the alarm `RedisDisk`."""

    @field_validator("emails")
    @classmethod
    def _addresses(cls, emails: tuple[str, ...]) -> tuple[str, ...]:
        for email in emails:
            if not re.fullmatch(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", email):
                raise ValueError(f"{email!r} is no e-mail address")
        return emails


def _exactly_one(existing: Section | None, create: Section | None) -> None:
    if existing is None and create is None:
        raise ValueError("one of the tables `existing` and `create` is required")
    if existing is not None and create is not None:
        raise ValueError("`existing` and `create` exclude each other; leave one out")
