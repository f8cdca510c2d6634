"""The Redis server: referenced, or created as one EC2 instance with Redis 8."""

from dataclasses import replace
from pathlib import Path

from aws_cdk import Acknowledgment, Aws, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra.data.network import Network
from infra.data.redis_secrets import RedisSecrets, full_arn
from infra.data.servers import RedisServer
from infra.grants import allow
from infra.nag import acknowledge
from infra.search.search_rights import SEARCH_RIGHTS, SEARCH_USER
from infra.stage.sections import ExistingRedis, NewRedis
from infra.stage.stage import Stage
from infra.watch.metrics import NAMESPACE

INSTALL = Path(__file__).parent / "redis_host" / "install.sh"
DATA_DEVICE = "/dev/sdb"
PORT = 6379


class Redis(Construct):
    """`server` is what functions use; `instance` exists only where this app created it.

    `searched` is the same server by the user of searches, who may only read; None where a stage
    with an existing server has no searches.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, network: Network
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._network = network
        self._clients = network.client_group("IndexClients", "Uses the search index in Redis")
        self.instance: ec2.Instance | None = None
        if stage.redis.existing:
            self.server = self._existing(stage.redis.existing)
            self.searched = self._by_given_user()
        else:
            assert stage.redis.create  # noqa: S101 - the stage file has one of the two
            secrets = RedisSecrets.create(self)
            self.server = self._created(stage.redis.create, secrets)
            self.searched = replace(self.server, secret_arn=full_arn(secrets.searches))

    def _existing(self, existing: ExistingRedis) -> RedisServer:
        group = ec2.SecurityGroup.from_security_group_id(self, "Server", existing.security_group_id)
        self._clients.connections.allow_to(
            group, ec2.Port.tcp(existing.port), "The drug catalog's functions"
        )
        metric = existing.memory_metric
        return RedisServer(
            host=existing.host,
            port=existing.port,
            clients=self._clients,
            secret_arn=existing.secret_arn or "",
            secret_key_arn=existing.secret_key_arn or "",
            url=f"{'rediss' if existing.tls else 'redis'}://{existing.host}:{existing.port}",
            memory=_memory(metric.namespace, metric.name, metric.dimensions) if metric else None,
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
        self._clients.connections.allow_to(group, ec2.Port.tcp(PORT), "The catalog's functions")
        self.instance = self._instance(create, secrets, group)
        host = self._name(self.instance)
        return RedisServer(
            host=host,
            port=PORT,
            clients=self._clients,
            secret_arn=full_arn(secrets.workflow),
            url=f"redis://{host}:{PORT}",
            memory=_memory(NAMESPACE, "redis_memory_percent", {"stage": self._stage.name}),
        )

    def _instance(
        self, create: NewRedis, secrets: RedisSecrets, group: ec2.SecurityGroup
    ) -> ec2.Instance:
        log_group = logs.LogGroup(self, "Log", retention=logs.RetentionDays.THREE_MONTHS)
        role = self._role(create, secrets, log_group)
        user_data = ec2.UserData.for_linux()
        instance = ec2.Instance(
            self,
            "Instance",
            vpc=self._network.vpc,
            vpc_subnets=self._network.subnets,
            availability_zone=self._network.vpc.availability_zones[0],
            instance_type=ec2.InstanceType(create.instance_type),
            machine_image=ec2.MachineImage.generic_linux({self._stage.region: create.image_id}),
            security_group=group,
            role=role,
            user_data=user_data,
            require_imdsv2=True,
            associate_public_ip_address=False,
            detailed_monitoring=True,
            disable_api_termination=True,
            block_devices=[
                _volume("/dev/xvda", 20, delete=True),
                _volume(DATA_DEVICE, create.volume_gb),
            ],
            resource_signal_timeout=Duration.minutes(create.start_minutes),
        )
        instance.add_security_group(self._network.callers)
        Validations.of(instance).acknowledge(
            Acknowledgment(
                id="CloudFormation-Validate::W9010",
                reason="A stage names its image: a newer one would replace the server",
            )
        )
        instance.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        user_data.add_signal_on_exit_command(instance)
        user_data.add_commands(*_commands(self._variables(create, secrets, log_group)))
        instance.node.add_dependency(role, self._network)
        return instance

    def _variables(
        self, create: NewRedis, secrets: RedisSecrets, log_group: logs.LogGroup
    ) -> dict[str, str]:
        return {
            "REGION": Aws.REGION,
            "PACKAGE": create.package,
            "PACKAGE_SHA256": create.package_sha256,
            "SECRET_ARN": secrets.workflow.secret_arn,
            "SEARCH_SECRET_ARN": secrets.searches.secret_arn,
            "SEARCH_USER": SEARCH_USER,
            "SEARCH_RIGHTS": SEARCH_RIGHTS,
            "MAX_MEMORY_MB": str(round(create.max_memory_gb * 1024)),
            "LOG_GROUP": log_group.log_group_name,
            "METRICS_NAMESPACE": NAMESPACE,
            "METRICS_STAGE": self._stage.name,
            "DATA_DEVICE": DATA_DEVICE,
        }

    def _role(self, create: NewRedis, secrets: RedisSecrets, log_group: logs.LogGroup) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        for secret in secrets:
            secret.grant_read(role)
        log_group.grant(
            role, "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"
        )
        role.add_to_policy(_publish_metrics())
        role.add_to_policy(_session_manager())
        if create.package.startswith("s3://"):
            bucket_key = create.package.removeprefix("s3://")
            arn = Stack.of(self).format_arn(
                service="s3", region="", account="", resource=bucket_key
            )
            role.add_to_policy(allow("s3:GetObject", arn))
        acknowledge(
            role,
            "Session Manager and PutMetricData have no resources; the latter is held to our "
            "namespace, and log streams are named by the instance",
            "IAM5[Resource::*]",
            f"IAM5[Resource::<{Stack.of(self).get_logical_id(log_group.node.default_child)}.Arn>:*]",  # type: ignore[arg-type]
        )
        return role

    def _name(self, instance: ec2.Instance) -> str:
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
        return f"redis.{self._stage.prefix}.internal"


def _volume(device: str, size_gb: int, *, delete: bool = False) -> ec2.BlockDevice:
    volume = ec2.BlockDeviceVolume.ebs(
        size_gb,
        encrypted=True,
        delete_on_termination=delete,
        volume_type=ec2.EbsDeviceVolumeType.GP3,
    )
    return ec2.BlockDevice(device_name=device, volume=volume)


def _memory(namespace: str, name: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace, metric_name=name, dimensions_map=dimensions, statistic="Maximum"
    )


def _commands(variables: dict[str, str]) -> list[str]:
    exports = [f"export {name}='{value}'" for name, value in variables.items()]
    script = INSTALL.read_text().rstrip()
    return [
        *exports,
        f"cat > /root/install.sh <<'INSTALL_SCRIPT'\n{script}\nINSTALL_SCRIPT",
        "bash /root/install.sh install",
    ]


def _publish_metrics() -> iam.PolicyStatement:
    ours = {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}
    return allow("cloudwatch:PutMetricData", "*", only=ours)


def _session_manager() -> iam.PolicyStatement:
    """What the agent of Session Manager needs to open a shell, and no more."""
    return allow(
        [
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        "*",
    )
