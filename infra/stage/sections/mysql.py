"""`[mysql]`: the catalog's server."""

import re
from typing import Final, Self

from pydantic import Field, model_validator

from infra.stage.sections.base import (
    File,
    HostName,
    KeyArn,
    Name,
    Port,
    SecretArn,
    Section,
    SecurityGroupId,
    exactly_one,
)


class ExistingMysql(Section):
    """An existing cluster: referenced, never changed."""

    host: HostName
    """Host name; preferably a reader endpoint."""
    reader_host: HostName | None = None
    """Reader endpoint for the second read, which verifies; `host` if it is left out."""
    port: Port = 3306
    """TCP port."""
    security_group_id: SecurityGroupId
    """The server's group: one rule is added that lets the functions connect."""
    secret_arn: SecretArn | None = None
    """Secret with `username` and `password`; not needed with iam_auth."""
    secret_key_arn: KeyArn | None = None
    """The KMS key of the secret, if it is not the account's default key."""
    cluster_resource_id: str | None = Field(None, pattern=r"^(cluster|db|prx)-[A-Za-z0-9]+$")
    """For iam_auth: the cluster's resource id, which is part of the user's ARN."""


CAPACITY_STEP: Final = 0.5
OF_A_NEW_DATABASE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
"""RDS's rule, which is narrower than MySQL's."""

PAUSES: Final = (3, 8)
"""The first Aurora with a pause; Serverless v2 has had the Data API since 3.07."""

OF_THE_SERVER: Final = ("mysql", "sys", "information_schema", "performance_schema")


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
    rotation_days: int | None = Field(None, ge=1, le=1000)
    """Days between two passwords of the functions' user, who must exist before it is set."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in ("min_capacity", "max_capacity"):
            if getattr(self, name) % CAPACITY_STEP:
                raise ValueError(
                    f"{name} {getattr(self, name)} is not a multiple of {CAPACITY_STEP}, Aurora's "
                    "unit of capacity"
                )
        aurora = tuple(map(int, self.engine_version.split("_aurora.")[1].split(".")))
        if aurora < PAUSES and (self.data_api or not self.min_capacity):
            raise ValueError(
                f"engine_version {self.engine_version} supports neither a pause (min_capacity 0) "
                "nor the Data API; take 8.0.mysql_aurora.3.08.0 or later"
            )
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
        exactly_one(self.existing, self.create)
        if self.iam_auth and not self.user:
            raise ValueError("user is required with iam_auth")
        if self.create and self.iam_auth and self.create.rotation_days:
            raise ValueError("create.rotation_days: with iam_auth there is no password to rotate")
        if self.create and not OF_A_NEW_DATABASE.fullmatch(self.database):
            raise ValueError(
                f"database: RDS refuses the name {self.database!r}; begin with a letter, "
                "then use letters, digits and _, at most 64"
            )
        if self.create and self.database.lower() in OF_THE_SERVER:
            raise ValueError(f"database: {self.database} is the server's own; choose another name")
        if self.existing and self.iam_auth and not self.existing.cluster_resource_id:
            raise ValueError("existing.cluster_resource_id is required with iam_auth")
        if self.existing and not self.iam_auth and not self.existing.secret_arn:
            raise ValueError("existing.secret_arn is required without iam_auth")
        return self
