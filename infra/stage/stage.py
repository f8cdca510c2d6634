"""One stage: its file, read and checked without a network."""

import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from infra.stage.certificates import regions_of
from infra.stage.quotas import concurrency_problems
from infra.stage.sections.base import KeyArn, Section
from infra.stage.sections.mysql import MysqlSection
from infra.stage.sections.network import Endpoint, VpcSection
from infra.stage.sections.operation import AlarmSection, ScheduleSection
from infra.stage.sections.redis import RedisSection
from infra.stage.sections.search import SearchSection
from infra.stage.settings import TableInvalid, read_table
from infra.stage.variables import too_large
from workflow.contract.invalid import UNKNOWN, wrongs
from workflow.contract.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder: files that a stage names are found from here."""

RetentionDays = Literal[7, 14, 30, 60, 90, 180, 365]


class StageInvalid(Exception):
    """A stage file is wrong. Each line of the message names a field and the reason."""


class Stage(Section):
    """Everything that differs between two deployments. It holds no secret, only their ARNs."""

    name: str = Field(pattern=r"^[a-z][a-z0-9]{0,11}$")
    """Part of every name: a letter, then up to eleven letters or digits, all in lower case."""
    account: Annotated[str, Field(pattern=r"^\d{12}$")]
    """The AWS account's twelve digits."""
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    """The AWS region, such as `us-east-1`."""
    log_retention_days: RetentionDays = 90
    """How long CloudWatch keeps the functions' logs."""
    lambda_concurrency: int = Field(10, ge=10)
    """The account's quota in this region: a new account may run ten functions at once."""
    runs_kept_days: int = Field(30, ge=15, le=3650)
    """How long the run bucket keeps files; a redrive, within 14 days, reads them."""
    kms_key_arn: KeyArn | None = None
    """KMS key that encrypts everything that holds data, in place of AWS's own keys. Choose it
    before the first deployment: changing it replaces the database."""
    protected: bool = False
    """Data stack, database and Redis host cannot be deleted. Set it when the first sync has been
    published: with it, a first deployment that failed could not be deleted."""

    vpc: VpcSection
    mysql: MysqlSection
    redis: RedisSection
    table: dict[str, Any] = Field({}, alias="settings")
    """The table as written; `settings` is what functions make of it."""
    schedule: ScheduleSection = ScheduleSection()
    alarms: AlarmSection
    search: SearchSection | None = None

    @cached_property
    def settings(self) -> Settings:
        """The workflow's settings; of the servers, what is known before they exist."""
        mysql, redis = self.mysql.existing, self.redis.existing
        known = {
            "run_bucket": self.run_bucket_name,
            "catalog_table": self.mysql.table,
            "mysql_database": self.mysql.database,
            "mysql_host": mysql.host if mysql else "created",
            "redis_url": f"rediss://{redis.host if redis else 'created'}",
        }
        return read_table(self.table, known)

    @property
    def prefix(self) -> str:
        """The beginning of every name."""
        return f"drug-catalog-sync-{self.name}"

    @property
    def run_bucket_name(self) -> str:
        """Known before it exists, so that no stack has to export it."""
        return f"{self.prefix}-runs-{self.account}-{self.region}"

    @property
    def needed_endpoints(self) -> tuple[Endpoint, ...]:
        """AWS services that the private subnets must reach."""
        needed: list[Endpoint] = ["s3", "bedrock-runtime"]
        if self._needs_secrets:
            needed.append("secretsmanager")
        if self.redis.create:
            # Commands reach an agent of 3.3.40 (2024) or newer by ssmmessages, without ec2messages.
            needed += ["ec2", "logs", "monitoring", "ssm", "ssmmessages"]
        return tuple(needed)

    @property
    def _needs_secrets(self) -> bool:
        redis = self.redis.existing
        of_redis = redis is None or redis.secret_arn is not None or self.search is not None
        return of_redis or not self.mysql.iam_auth

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = [*self._missing_endpoints(), *self._missing_files(), *self._wrong_places()]
        problems += self._wrong_settings() or concurrency_problems(
            self.lambda_concurrency, self.settings, self.search
        )
        problems += too_large(self)
        problems += [*self._wrong_region_of_roots(), *self._wrong_login_of_searches()]
        problems += self._elsewhere()
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _wrong_settings(self) -> list[str]:
        try:
            self.settings  # noqa: B018 - read and kept
        except TableInvalid as error:
            return [f"settings.{name}: {reason}" for name, reason in error.problems]
        return []

    def _missing_endpoints(self) -> list[str]:
        existing = self.vpc.existing
        if existing is None or existing.nat:
            return []
        there = {*existing.create_endpoints, *existing.present_endpoints}
        return [
            f"vpc.existing: the private subnets must reach {name}; add it to create_endpoints "
            "or present_endpoints, or set nat"
            for name in self.needed_endpoints
            if name not in there
        ]

    def _missing_files(self) -> list[str]:
        files = {"mysql.ca_file": self.mysql.ca_file}
        if self.redis.existing and self.redis.existing.ca_file:
            files["redis.existing.ca_file"] = self.redis.existing.ca_file
        return [
            f"{field}: {name} is not there"
            for field, name in files.items()
            if not (ROOT / name).is_file()
        ]

    def _wrong_region_of_roots(self) -> list[str]:
        bundle = ROOT / self.mysql.ca_file
        regions = regions_of(bundle) if bundle.is_file() else frozenset()
        if not regions or self.region in regions:
            return []
        return [
            f"mysql.ca_file: {self.mysql.ca_file} has no root of RDS in {self.region}; take newer "
            "ones by `make certificates`, in GovCloud by `make certificates PARTITION=us-gov`"
        ]

    def _wrong_places(self) -> list[str]:
        problems = []
        zones = (self.vpc.existing or self.vpc.create).availability_zones  # type: ignore[union-attr]
        problems += [
            f"vpc: availability zone {zone} is not in {self.region}"
            for zone in zones
            if not zone.startswith(self.region)
        ]
        create = self.redis.create
        if create and create.package.startswith("https:") and not self.vpc.nat:
            problems.append(
                "redis.create.package: https needs nat; put the package into a bucket and use s3://"
            )
        return problems

    def _elsewhere(self) -> list[str]:
        """Keys, secrets, certificates and models are reached in the stage's own region only."""
        model = str(self.table.get("embedding_model", ""))
        of_the_model = [("settings.embedding_model", model)] if model.startswith("arn:") else []
        found = [(field, arn, arn.split(":")[3]) for field, arn in [*_arns(self), *of_the_model]]
        return [
            f"{field}: {arn} is in {region}; name one in {self.region}, where the stage is"
            for field, arn, region in found
            if region != self.region
        ]

    def _wrong_login_of_searches(self) -> list[str]:
        if self.search is None:
            return []
        field, given = "search.redis_secret_arn", self.search.redis_secret_arn
        if self.redis.existing is None:
            if given or self.search.redis_secret_key_arn:
                return [f"{field}: the created server has its own user for searches, leave it out"]
        elif given is None:
            return [
                f"{field}: is required with redis.existing: the secret of a Redis user who may "
                "only read (docs/deploy.md, The search API)"
            ]
        elif given == self.redis.existing.secret_arn:
            return [
                f"{field}: is the secret of the workflow's user, who may write. Name the one of a "
                "user who may only read (docs/deploy.md, The search API)"
            ]
        return []


def _arns(section: Section, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every field that holds an ARN, by its name in the file."""
    for name, value in section:
        if isinstance(value, Section):
            yield from _arns(value, f"{prefix}{name}.")
        elif name.endswith("_arn") and value:
            yield prefix + name, value


def load_stage(path: Path) -> Stage:
    """Read a stage file. Raises StageInvalid with every wrong field and the reason."""
    try:
        return Stage.model_validate(tomllib.loads(path.read_text()))
    except FileNotFoundError as error:
        known = ", ".join(sorted(one.stem for one in path.parent.glob("*.toml"))) or "none"
        raise StageInvalid(f"{path} does not exist; stages with a file: {known}") from error
    except tomllib.TOMLDecodeError as error:
        raise StageInvalid(f"{path} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise StageInvalid(f"{path}:\n" + "\n".join(_explain(error))) from error


def _explain(error: ValidationError) -> list[str]:
    lines: list[str] = []
    for one in wrongs(error):
        reason = "is not a field of a stage file" if one.reason == UNKNOWN else one.reason
        lines += (
            [f"  {one.field}: {reason}"] if one.field else map("  {}".format, reason.splitlines())
        )
    return lines
