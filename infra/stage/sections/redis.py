"""`[redis]`: the index's server."""

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from infra.stage.engines import refused_engine
from infra.stage.instance_types import SHARE_FOR_REDIS, known_types, memory_gb
from infra.stage.sections.base import (
    File,
    HostName,
    KeyArn,
    MetricName,
    Port,
    SecretArn,
    Section,
    SecurityGroupId,
    exactly_one,
)
from workflow.contract.redis_versions import OLDEST_SAFE, refusal_of


class MemoryMetric(Section):
    """The CloudWatch metric, in percent, of an existing server's memory."""

    namespace: MetricName
    """The metric's namespace."""
    name: MetricName
    """The metric's name."""
    dimensions: dict[MetricName, MetricName] = Field({}, max_length=30)
    """The metric's dimensions."""


class ExistingRedis(Section):
    """An existing server: referenced, never changed."""

    host: HostName
    """Host name. ElastiCache and MemoryDB are refused: they lack what a run needs."""
    port: Port = 6379
    """TCP port."""
    tls: bool = True
    """TLS, verified."""
    ca_file: File | None = None
    """PEM file, if the server's certificate is not from a public authority."""
    security_group_id: SecurityGroupId
    """The server's group: one rule is added that lets the functions connect."""
    secret_arn: SecretArn | None = None
    """Secret with `password` and, if the server has users, `username`."""
    secret_key_arn: KeyArn | None = None
    """The KMS key of the secret, if it is not the account's default key."""
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
            raise ValueError("ca_file requires tls")
        return self


class NewRedis(Section):
    """Redis 8 on one EC2 instance (Amazon Linux 2023, arm64)."""

    image_id: str = Field(pattern=r"^ami-[0-9a-f]{8,17}$")
    """A named image, because `latest` would replace the server when the next image appears."""
    instance_type: str = Field("r7g.large", pattern=r"^[a-z0-9]+g[a-z]*\.[a-z0-9]+$")
    """An arm64 type. Redis may use three quarters of its memory."""
    package: str = Field(
        pattern=r"^(s3://[a-z0-9.-]{3,63}|https://[a-z0-9.-]+(:443)?)/[A-Za-z0-9/_.+~-]+\.rpm$"
    )
    """Redis 8 with its query engine, as an RPM for aarch64: `s3://` in the stage's region, or, with
    nat, `https://` on port 443. The file's name has the version."""
    package_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """The package's SHA-256, in hex."""
    max_memory_gb: float = Field(10, gt=0)
    """Redis's `maxmemory`."""
    volume_gb: int = Field(50, ge=8, le=16_384)
    """At least three times max_memory_gb."""
    snapshot_id: str | None = Field(None, pattern=r"^snap-[0-9a-f]{8,17}$")
    """The volume is created from this snapshot. Another one creates a new volume; the old volume is
    kept."""
    snapshots_kept: int = Field(7, ge=1, le=365)
    """Daily snapshots of the volume."""
    start_minutes: int = Field(15, ge=5, le=60)
    """Minutes that a deployment waits for the server to pass its checks, before it fails."""

    @field_validator("package")
    @classmethod
    def _safe(cls, package: str) -> str:
        version = re.search(r"(\d+\.\d+\.\d+)", package.rpartition("/")[2])
        if version is None:
            raise ValueError(
                f"the file name {package!r} contains no version; "
                f"name it like redis-{OLDEST_SAFE[0]}.aarch64.rpm"
            )
        if refused := refusal_of(version[1]):
            raise ValueError(refused)
        return package

    @model_validator(mode="after")
    def _fits(self) -> Self:
        memory = memory_gb(self.instance_type)
        if memory is None:
            raise ValueError(
                f"instance_type {self.instance_type} is not supported; use one of {known_types()}"
            )
        if self.max_memory_gb > memory * SHARE_FOR_REDIS:
            raise ValueError(
                f"max_memory_gb {self.max_memory_gb:g} is above {memory * SHARE_FOR_REDIS:g}, "
                f"three quarters of the memory of {self.instance_type}; use a larger type or less"
            )
        if self.volume_gb < 3 * self.max_memory_gb:
            raise ValueError(
                f"volume_gb {self.volume_gb} is below three times max_memory_gb: the append-only "
                "file and its rewrite must both fit"
            )
        return self


class RedisSection(Section):
    existing: ExistingRedis | None = None
    create: NewRedis | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self.existing, self.create)
        return self
