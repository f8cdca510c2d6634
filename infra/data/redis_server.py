"""The Redis server: referenced, or created as one EC2 instance with Redis 8."""

from collections.abc import Collection
from dataclasses import replace

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra.data.network import Network
from infra.data.redis_host import RedisHost
from infra.data.redis_secrets import RedisSecrets, full_arn
from infra.data.servers import RedisServer
from infra.stage.sections.redis import ExistingRedis, NewRedis
from infra.stage.stage import Stage
from infra.watch.metrics import NAMESPACE
from workflow.contract.rights import READS, RUNS, SEARCHES

PORT = 6379
CLIENTS = "Functions of the drug catalog sync"


class Redis(Construct):
    """`server` is what functions use; `host` exists only if this app created it.

    `read` is the same server with a user who may only read, if there is one; `searched` with the
    user of searches, None if a stage with an existing server has no searches.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        network: Network,
        key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self._stage = stage
        self._network = network
        self._clients = network.client_group("IndexClients", "Uses the search index in Redis")
        self.host: RedisHost | None = None
        if stage.redis.existing:
            self.server = self.read = self._existing(stage.redis.existing)
            self.searched = self._by_given_user()
        else:
            assert stage.redis.create  # noqa: S101 - the stage file has one of the two
            secrets = RedisSecrets.create(self, key)
            self.server = self._created(stage.redis.create, secrets)
            self.read = replace(self.server, secret_arn=full_arn(secrets.users[READS.user]))
            searches = secrets.users[SEARCHES.user]
            self.searched = replace(self.server, secret_arn=full_arn(searches))

    def by_user(self, access: Collection[str]) -> RedisServer:
        """The server with the user that a function's access needs."""
        if "search index" in access:
            assert self.searched  # noqa: S101 - no function searches where the stage does not
            return self.searched
        return self.read if "read index" in access else self.server

    def _existing(self, existing: ExistingRedis) -> RedisServer:
        group = ec2.SecurityGroup.from_security_group_id(self, "Server", existing.security_group_id)
        self._clients.connections.allow_to(group, ec2.Port.tcp(existing.port), CLIENTS)
        metric = existing.memory_metric
        return RedisServer(
            host=existing.host,
            port=existing.port,
            clients=self._clients,
            secret_arn=existing.secret_arn or "",
            secret_key_arn=existing.secret_key_arn or "",
            url=f"{'rediss' if existing.tls else 'redis'}://{existing.host}:{existing.port}",
            memory=_percent(metric.namespace, metric.name, metric.dimensions) if metric else None,
        )

    def _by_given_user(self) -> RedisServer | None:
        search = self._stage.search
        if search is None:
            return None
        return replace(
            self.server,
            secret_arn=search.redis_secret_arn or "",
            secret_key_arn=search.redis_secret_key_arn or "",
        )

    def _created(self, create: NewRedis, secrets: RedisSecrets) -> RedisServer:
        group = self._network.client_group("RedisServer", "Redis with the search index of drugs")
        self._clients.connections.allow_to(group, ec2.Port.tcp(PORT), CLIENTS)
        host_name = f"redis.{self._stage.prefix}.internal"
        self.host = RedisHost(
            self,
            "Host",
            stage=self._stage,
            create=create,
            network=self._network,
            secrets=secrets,
            group=group,
            host_name=host_name,
            key=self._key,
        )
        self._name(self.host.instance)
        dimensions = {"stage": self._stage.name}
        return RedisServer(
            host=host_name,
            port=PORT,
            clients=self._clients,
            secret_arn=full_arn(secrets.users[RUNS.user]),
            ca_secret_arn=full_arn(secrets.certificate),
            secret_key_arn=self._key.key_arn if self._key else "",
            url=f"rediss://{host_name}:{PORT}",
            memory=_percent(NAMESPACE, "redis_memory_percent", dimensions),
            disk=_percent(NAMESPACE, "redis_disk_percent", dimensions),
            upkeep=cloudwatch.Metric(
                namespace=NAMESPACE,
                metric_name="redis_upkeep",
                dimensions_map=dimensions,
                statistic="SampleCount",
            ),
            snapshots=self.host.snapshots.completed,
            instance_id=self.host.instance.instance_id,
            replaced_with=self.host.replaced_with,
        )

    def _name(self, instance: ec2.Instance) -> None:
        """A name that outlives the instance: settings and exports keep their value."""
        zone = route53.PrivateHostedZone(
            self, "Zone", vpc=self._network.vpc, zone_name=f"{self._stage.prefix}.internal"
        )
        route53.ARecord(
            self,
            "Name",
            zone=zone,
            record_name="redis",
            target=route53.RecordTarget.from_ip_addresses(instance.instance_private_ip),
            ttl=Duration.minutes(1),
        )


def _percent(namespace: str, name: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace, metric_name=name, dimensions_map=dimensions, statistic="Maximum"
    )
