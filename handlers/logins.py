"""How functions log in: AWS's clients, the catalog's user, and secrets, read as they are needed."""

import json
import ssl
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from workflow.contract.errors import (
    CatalogAccessDenied,
    CatalogUnavailable,
    IndexAccessDenied,
    IndexUnavailable,
    SyncError,
)
from workflow.contract.settings import Settings

if TYPE_CHECKING:
    from workflow.contract.ports.passwords import Login

AWS_ATTEMPTS = 3
"""The SDK retries short failures; the state machine retries what lasts longer."""

USER_AGENT = "drug-catalog-sync"
"""boto3 builds it anew for each call, which takes a tenth of the call's CPU."""

SECRET_AGE_S = 300
FILE = "file:"
"""On one machine a secret may be a file."""

SECRET_DENIED = ("ResourceNotFoundException", "AccessDeniedException", "DecryptionFailure")


def aws_client(service: Any, **options: Any) -> Any:
    import boto3
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": AWS_ATTEMPTS}
    config = Config(connect_timeout=5, retries=retries, user_agent=USER_AGENT, **options)
    return boto3.client(service, config=config)


def mysql_options(settings: Settings, host: str, login: "Login | None" = None) -> dict[str, Any]:
    """Anew for each connection: secrets rotate and IAM tokens end after 15 minutes. The login is
    what the settings name, if none is given.
    """
    options: dict[str, Any] = {"database": settings.mysql_database}
    if settings.mysql_socket:
        options |= {"unix_socket": settings.mysql_socket, "ssl_disabled": True}
    else:
        options |= {"host": host, "port": settings.mysql_port}
        options |= _mysql_tls(settings)
    if login:
        return options | {"user": login.user, "password": login.password}
    return options | _mysql_login(settings, host)


def _mysql_login(settings: Settings, host: str) -> dict[str, Any]:
    if settings.mysql_iam_auth:
        token = aws_client("rds").generate_db_auth_token(
            DBHostname=host,
            Port=settings.mysql_port,
            DBUsername=settings.mysql_user,
        )
        return {
            "user": settings.mysql_user,
            "password": token,
            "auth_plugin": "mysql_clear_password",
        }
    if settings.mysql_secret_arn:
        secret = secret_fields(settings.mysql_secret_arn, CatalogAccessDenied, CatalogUnavailable)
        return {
            # Name and password belong together: a rotation may give the secret another user.
            "user": secret["username"] or settings.mysql_user,
            "password": secret["password"],
        }
    return {"user": settings.mysql_user}


def _mysql_tls(settings: Settings) -> dict[str, Any]:
    """The driver verifies neither certificate nor host name by default."""
    if not settings.mysql_tls:
        return {"ssl_disabled": True}
    return {
        "ssl_ca": settings.mysql_ssl_ca or ssl.get_default_verify_paths().cafile,
        "ssl_verify_cert": True,
        "ssl_verify_identity": True,
    }


def secret_fields(
    arn: str, denied: type[SyncError], unavailable: type[SyncError], needed: str = "password"
) -> defaultdict[str, str]:
    """A secret's fields. Neither error contains any part of its value."""
    from aws_lambda_powertools.utilities import parameters

    try:
        file = arn.removeprefix(FILE)
        text = _read(file) if file != arn else _kept(arn)
        found = json.loads(text)
        fields = {name: found[name] for name in ("username", "password", "ca") if name in found}
    except parameters.GetParameterError as error:
        kind = denied if any(code in str(error) for code in SECRET_DENIED) else unavailable
        raise kind(f"secret {arn} could not be read: {error}") from error
    except OSError as error:
        raise denied(f"{arn} could not be read: {error.strerror}") from error
    except (ValueError, TypeError):
        fields = {}
    if needed not in fields:
        form = "username and password" if needed == "password" else needed
        raise denied(f"secret {arn} is not a JSON object with {form}")
    return defaultdict(str, fields)


def forget_refused(error: SyncError) -> None:
    """A refused login may be one of before a rotation: the next one reads its secret again."""
    if not isinstance(error, (CatalogAccessDenied, IndexAccessDenied)):
        return
    from aws_lambda_powertools.utilities import parameters

    parameters.clear_caches()  # type: ignore[no-untyped-call]


def _kept(arn: str) -> str:
    """The version that is valid now, even while a rotation prepares another."""
    from aws_lambda_powertools.utilities import parameters

    return parameters.get_secret(arn, max_age=SECRET_AGE_S, VersionStage="AWSCURRENT")


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def redis_credentials(arn: str) -> Any:
    """Read at each new connection, so that a rotated password is used.

    redis-py closes the connection for errors of its own only. One of ours would leave it open,
    without a login, to whoever asks next.
    """
    from redis import RedisError
    from redis.credentials import CredentialProvider

    class SecretCredentials(CredentialProvider):
        def get_credentials(self) -> tuple[str] | tuple[str, str]:
            try:
                secret = secret_fields(arn, IndexAccessDenied, IndexUnavailable)
            except SyncError as error:
                raise RedisError(str(error)) from error
            password = secret["password"]
            return (secret["username"], password) if secret["username"] else (password,)

    return SecretCredentials()
