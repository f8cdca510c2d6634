"""The only place where adapters are built: on first use, once per execution environment.

Each adapter is imported where it is built, because a function's bundle holds only the libraries
that the function needs.
"""

import json
import os
import ssl
from collections import defaultdict
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from handlers.clock import now
from workflow.contract.errors import (
    CatalogAccessDenied,
    CatalogUnavailable,
    IndexAccessDenied,
    IndexUnavailable,
    SyncError,
)
from workflow.contract.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

    from workflow.adapters.redis.index import RedisIndex
    from workflow.contract.ports.catalog import Catalog
    from workflow.contract.ports.executions import Executions
    from workflow.contract.ports.model import Embedder, Quota
    from workflow.contract.ports.run_store import RunStore
    from workflow.operate.operate import Ports

AWS_ATTEMPTS = 3
"""The SDK retries short failures; the state machine retries what lasts longer."""

USER_AGENT = "drug-catalog-sync"
"""boto3 builds it anew for each call, which takes a tenth of the call's CPU."""

SECRET_AGE_S = 300
FILE = "file:"
"""On one machine a secret may be a file."""

SECRET_DENIED = ("ResourceNotFoundException", "AccessDeniedException", "DecryptionFailure")


class Wiring:
    """The adapters, as the settings describe them."""

    @cached_property
    def settings(self) -> Settings:
        """`DRUGSYNC_*` of the environment."""
        return Settings.from_environment(os.environ)

    @cached_property
    def executions(self) -> "Executions":
        from workflow.adapters.stepfunctions.executions import StepFunctionsExecutions

        return StepFunctionsExecutions(_aws_client("stepfunctions"))

    @cached_property
    def runs(self) -> "RunStore":
        from workflow.adapters.s3.run_store import S3RunStore
        from workflow.contract.runs import READERS

        client = _aws_client("s3", max_pool_connections=READERS)
        return S3RunStore(client, self.settings.run_bucket)

    @cached_property
    def embedder(self) -> "Embedder":
        from workflow.adapters.bedrock.embedder import BedrockEmbedder

        settings = self.settings
        client = _aws_client(
            "bedrock-runtime",
            read_timeout=settings.embedding_timeout_s,
            max_pool_connections=settings.embedding_threads,
        )
        return BedrockEmbedder(
            client,
            settings.embedding_model,
            settings.family,
            dimensions=settings.embedding_dimensions,
            normalize=settings.embedding_normalize,
        )

    @cached_property
    def queries(self) -> "Embedder":
        """The model for searches, which asks once for each distinct query."""
        from workflow.search.query_cache import CachedQueries

        return CachedQueries(self.embedder)

    @cached_property
    def catalog(self) -> "Catalog":
        return self._catalog_at(self.settings.mysql_host)

    @cached_property
    def catalog_to_verify(self) -> "Catalog":
        """The reader endpoint, if there is one, so that the second read does not burden the
        writer."""
        reader = self.settings.mysql_reader_host
        if not reader:
            return self.catalog
        return self._catalog_at(reader, self.settings.mysql_reader_lag_s)

    def _catalog_at(self, host: str, most_lag_s: int | None = None) -> "Catalog":
        from workflow.adapters.mysql.catalog import MySQLCatalog

        settings = self.settings
        return MySQLCatalog(
            lambda: mysql_options(self.settings, host),
            settings.catalog_table,
            settings.mysql_timeout_s,
            most_lag_s,
        )

    @cached_property
    def index(self) -> "RedisIndex":
        from workflow.adapters.redis.index import RedisIndex

        settings = self.settings
        return RedisIndex(
            self._redis,
            dimensions=settings.embedding_dimensions,
            algorithm=settings.index_algorithm,
            options=settings.index_options,
        )

    @cached_property
    def quota(self) -> "Quota":
        from workflow.adapters.redis.quota import RedisQuota

        return RedisQuota(
            self._redis, self.settings.embedding_model, self.settings.tokens_per_minute
        )

    @property
    def ports(self) -> "Ports":
        """Everything, for what operators ask."""
        from workflow.operate.operate import Ports

        return Ports(
            catalog=self.catalog,
            embedder=self.embedder,
            generations=self.index.generations,
            documents=self.index.documents,
            texts=self.index.texts,
            server=self.index.server,
            engine=self.index.engine,
            search=self.index.search,
            runs=self.runs,
            settings=self.settings,
            clock=now,
        )

    @cached_property
    def _redis(self) -> "Redis":
        from redis import ConnectionError as CutConnection
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        from workflow.adapters.redis.client import CommandPacker

        settings = self.settings
        options: dict[str, Any] = {"socket_timeout": settings.redis_timeout_s}
        # A function that was frozen for minutes finds out by its next command that its connection
        # is gone. A timeout is not tried again here.
        options["retry"] = Retry(NoBackoff(), 1, (CutConnection,))
        options["command_packer"] = CommandPacker()
        if settings.redis_secret_arn:
            options["credential_provider"] = _redis_credentials(settings.redis_secret_arn)
        if settings.redis_url.startswith("rediss://") and settings.redis_ssl_ca:
            options["ssl_ca_certs"] = settings.redis_ssl_ca
        if settings.redis_ca_secret_arn:
            secret = settings.redis_ca_secret_arn
            options["ssl_ca_data"] = _secret(secret, IndexAccessDenied, IndexUnavailable, "ca")[
                "ca"
            ]
        if not settings.redis_url.startswith("unix://"):
            options["socket_connect_timeout"] = settings.redis_timeout_s
        # RESP3, because only there does a server say that it cut a query short.
        client: Redis = Redis.from_url(settings.redis_url, protocol=3, **options)
        return client


@cache
def wiring() -> Wiring:
    """This environment's adapters."""
    return Wiring()


def _aws_client(service: Any, **options: Any) -> Any:
    import boto3
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": AWS_ATTEMPTS}
    config = Config(connect_timeout=5, retries=retries, user_agent=USER_AGENT, **options)
    return boto3.client(service, config=config)


def mysql_options(settings: Settings, host: str) -> dict[str, Any]:
    """Anew for each connection: secrets rotate and IAM tokens end after 15 minutes."""
    options: dict[str, Any] = {"database": settings.mysql_database}
    if settings.mysql_socket:
        options |= {"unix_socket": settings.mysql_socket, "ssl_disabled": True}
    else:
        options |= {"host": host, "port": settings.mysql_port}
        options |= _mysql_tls(settings)
    return options | _mysql_login(settings, host)


def _mysql_login(settings: Settings, host: str) -> dict[str, Any]:
    if settings.mysql_iam_auth:
        token = _aws_client("rds").generate_db_auth_token(
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
        secret = _secret(settings.mysql_secret_arn, CatalogAccessDenied, CatalogUnavailable)
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


def _secret(
    arn: str, denied: type[SyncError], unavailable: type[SyncError], needed: str = "password"
) -> defaultdict[str, str]:
    """A secret's fields. Neither error contains any part of its value."""
    from aws_lambda_powertools.utilities import parameters

    try:
        file = arn.removeprefix(FILE)
        text = parameters.get_secret(arn, max_age=SECRET_AGE_S) if file == arn else _read(file)
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


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _redis_credentials(arn: str) -> Any:
    """Read at each new connection, so that a rotated password is used."""
    from redis.credentials import CredentialProvider

    class SecretCredentials(CredentialProvider):
        def get_credentials(self) -> tuple[str] | tuple[str, str]:
            secret = _secret(arn, IndexAccessDenied, IndexUnavailable)
            password = secret["password"]
            return (secret["username"], password) if secret["username"] else (password,)

    return SecretCredentials()
