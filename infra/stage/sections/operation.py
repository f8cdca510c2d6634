"""`[schedule]` and `[alarms]`: when a sync starts by itself, and who is told of what."""

import re
from typing import Annotated, Final, Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from infra.stage.expressions import wrong_expression
from infra.stage.sections.base import Section, each_once

OF_THIS_MACHINE: Final = frozenset({"localtime", "Factory"})
"""Files of the time zone database that are no zones."""


class ScheduleSection(Section):
    """When a sync starts by itself."""

    expression: str = Field(
        "cron(0 3 * * ? *)",
        pattern=r"^(cron\(([A-Z0-9*?,/#-]+ ){5}[A-Z0-9*?,/#-]+\)|rate\(\d+ [a-z]+\))$",
    )
    """`cron(...)` or `rate(...)`, as EventBridge Scheduler takes it."""
    time_zone: str = Field("UTC", pattern=r"^[A-Za-z0-9_/+-]{1,50}$")
    """Time zone of a cron expression, such as `America/New_York`."""
    flexible_minutes: int = Field(15, ge=1, le=1440)
    """How many minutes later than the expression says the run may start."""
    enabled: bool = True
    """False pauses the schedule."""

    @field_validator("expression")
    @classmethod
    def _taken(cls, expression: str) -> str:
        if reason := wrong_expression(expression):
            raise ValueError(f"{expression}: {reason}")
        return expression

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        # Where this machine has no list of them, Scheduler decides.
        if (known := available_timezones()) and name not in known - OF_THIS_MACHINE:
            raise ValueError(f"{name!r} is not a time zone; use a name like 'Europe/Berlin'")
        return name


MOST_TOLD: Final = 10
"""Addresses of one notification of AWS Budgets."""


class AlarmSection(Section):
    """Who is told, and when."""

    emails: Annotated[tuple[str, ...], Field(min_length=1)]
    """Addresses; SNS asks each to confirm."""
    unpublished_hours: int = Field(26, ge=2, le=168)
    """Hours without a published run that raise the alarm `Unpublished`."""
    throttled_pages: int = Field(10, ge=1)
    """Attempts to embed a page that the model throttled within 15 minutes: raises `Throttled`."""
    redis_memory_percent: int = Field(80, ge=10, le=99)
    """Used memory that raises the alarm `RedisMemory`."""
    budget_usd_per_month: float | None = Field(None, gt=0)
    """Limit for this stage's AWS bill, by its tag. A mail is sent when it is spent, or forecast to
    be."""
    redis_disk_percent: int = Field(80, ge=10, le=99)
    """Used space of the created server's volume that raises the alarm `RedisDisk`."""

    @field_validator("emails")
    @classmethod
    def _addresses(cls, emails: tuple[str, ...]) -> tuple[str, ...]:
        for email in emails:
            if not re.fullmatch(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", email):
                raise ValueError(f"{email!r} is not an e-mail address")
        each_once("emails", emails)
        return emails

    @model_validator(mode="after")
    def _told_of_the_budget(self) -> Self:
        if self.budget_usd_per_month and len(self.emails) > MOST_TOLD:
            raise ValueError(
                f"emails: {len(self.emails)} addresses; a budget notifies {MOST_TOLD}: use a "
                "mailing list"
            )
        return self
