"""The only place where adapters are built: on first use, once per execution environment.

Each adapter is imported where it is built, because a function's bundle holds only the libraries
that the function needs.
"""

import os
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from handlers.clock import now
from handlers.logins import aws_client, mysql_options, redis_credentials, secret_fields
from workflow.contract.errors import IndexAccessDenied, IndexUnavailable
from workflow.contract.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

    from workflow.adapters.redis.index import RedisIndex
    from workflow.contract.ports.catalog import Catalog
    from workflow.contract.ports.executions import Executions
    from workflow.contract.ports.model import Embedder, Quota
    from workflow.contract.ports.passwords import Passwords, SecretVersions
    from workflow.contract.ports.run_store import RunStore
    from workflow.operate.operate import Ports


class Wiring:
    """The adapters, as the settings describe them."""

    @cached_property
    def settings(self) -> Settings:
        """`DRUGSYNC_*` of the environment."""
        return Settings.from_environment(os.environ)

    @cached_property
    def executions(self) -> "Executions":
        from workflow.adapters.stepfunctions.executions import StepFunctionsExecutions

        return StepFunctionsExecutions(aws_client("stepfunctions"))

    @cached_property
    def runs(self) -> "RunStore":
        from workflow.adapters.s3.run_store import S3RunStore
        from workflow.contract.runs import READERS

        client = aws_client("s3", max_pool_connections=READERS)
        return S3RunStore(client, self.settings.run_bucket)

    @cached_property
    def embedder(self) -> "Embedder":
        from workflow.adapters.bedrock.embedder import BedrockEmbedder

        settings = self.settings
        client = aws_client(
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
    def passwords(self) -> "Passwords":
        """Of the catalog's user, at every endpoint."""
        from workflow.adapters.mysql.passwords import MySQLPasswords

        settings = self.settings
        return MySQLPasswords(
            lambda host, login: mysql_options(settings, host, login),
            [settings.mysql_host, *filter(None, [settings.mysql_reader_host])],
            settings.catalog_table,
            settings.mysql_timeout_s,
        )

    @cached_property
    def secret_versions(self) -> "SecretVersions":
        """Of the secret of the catalog's user."""
        from workflow.adapters.secretsmanager.versions import AwsSecretVersions

        settings = self.settings
        client = aws_client("secretsmanager")
        return AwsSecretVersions(client, settings.mysql_secret_arn, settings.mysql_user)

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
            options["credential_provider"] = redis_credentials(settings.redis_secret_arn)
        if settings.redis_url.startswith("rediss://") and settings.redis_ssl_ca:
            options["ssl_ca_certs"] = settings.redis_ssl_ca
        if settings.redis_ca_secret_arn:
            arn = settings.redis_ca_secret_arn
            options["ssl_ca_data"] = secret_fields(arn, IndexAccessDenied, IndexUnavailable, "ca")[
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
