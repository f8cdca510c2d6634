"""`[search]`: the search API."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from infra.stage.sections.base import (
    CertificateArn,
    DomainName,
    KeyArn,
    Scope,
    SecretArn,
    Section,
    Share,
    Word,
)


class SearchSection(Section):
    """The search API. Without this table there is none; with it, every caller must authenticate."""

    authorization: Literal["iam", "jwt"] = "iam"
    """Who may call: holders of an IAM permission, or of a token. The API is never open."""
    issuer: str | None = Field(None, pattern=r"^https://[A-Za-z0-9:/._~@+%-]+$", max_length=2048)
    """For jwt: the token's `iss`, exactly; it must serve its OpenID configuration."""
    audience: Annotated[tuple[Word, ...], Field(max_length=50)] = ()
    """For jwt: the token's `aud` (or `client_id`) must be one of these."""
    scopes: Annotated[tuple[Scope, ...], Field(max_length=10)] = ()
    """For jwt: the token must have one of these, if any are named."""
    cors_origins: tuple[str, ...] = ()
    """Pages of these origins may call the API from a browser."""
    requests_per_second: int = Field(20, ge=1, le=10_000)
    """Requests per second of all callers together; more are answered 429."""
    burst: int = Field(40, ge=1, le=5000)
    """How many requests above that rate may arrive at once."""
    reserved_concurrency: int | None = Field(None, ge=1, le=1000)
    """Functions at most, reserved from the account's quota."""
    warm: int | None = Field(None, ge=1, le=1000)
    """Functions kept ready, so that no search waits for a start; paid by the hour."""
    domain_name: DomainName | None = None
    """The API's domain name. If given, it is the only address; you create its DNS record."""
    certificate_arn: CertificateArn | None = None
    """Certificate in ACM, in the stage's region, for the domain."""
    health_is_open: bool = False
    """`/v1/health` answers anonymous callers, such as an uptime probe."""
    error_share: Share = 0.05
    """Share of answers with 5xx, in ten minutes, that raises the alarm."""
    latency_ms: int = Field(2000, ge=100, le=30_000)
    """The 99th percentile that raises the alarm when it lasts a quarter of an hour."""
    redis_secret_arn: SecretArn | None = None
    """With redis.existing: the secret of a Redis user who may only read."""
    redis_secret_key_arn: KeyArn | None = None
    """The KMS key of that secret, if it is not the account's default key."""

    @field_validator("authorization", mode="before")
    @classmethod
    def _never_open(cls, value: object) -> object:
        if value not in ("iam", "jwt"):
            raise ValueError(
                f"{value!r} is not supported; use 'iam' or 'jwt', because the API is never open"
            )
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not re.fullmatch(r"https://[a-z0-9.-]+(:\d+)?|http://localhost(:\d+)?", origin):
                raise ValueError(
                    f"{origin!r} is not an origin; use the form 'https://host', one for each host"
                )
        return origins

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.domain_name) != bool(self.certificate_arn):
            raise ValueError(
                "domain_name and certificate_arn belong together: give both or neither"
            )
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
                "issuer, audience and scopes belong to authorization = 'jwt' only; with 'iam' "
                "leave them out"
            )
        return self
