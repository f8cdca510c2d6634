"""The EC2 instance of the created Redis server, its volume, and what keeps it as the stage says."""

import hashlib
import json
import shlex
from pathlib import Path

from aws_cdk import Acknowledgment, RemovalPolicy, Size, Stack, Token, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.data.network import Network
from infra.data.redis_secrets import RedisSecrets
from infra.data.redis_users import USERS, lines_of, probes
from infra.data.snapshots import Snapshots
from infra.grants import allow
from infra.nag import acknowledge, shown
from infra.stage.sections.redis import NewRedis
from infra.stage.stage import Stage
from infra.watch.metrics import NAMESPACE
from workflow.contract.redis_versions import OLDEST_SAFE

INSTALL = Path(__file__).parent / "redis_host" / "install.sh"
DATA_DEVICE = "/dev/sdb"
USER_DATA = (
    "exec > >(tee -a /var/log/user-data.log) 2>&1",
    "systemctl enable --now amazon-ssm-agent",
    'echo "Systems Manager goes on: /var/log/redis-install.log"',
)
"""EC2 runs it once. It holds nothing of the stage, because a change would only restart the
server."""

APPLY = "rate(1 day)"
ROTATE = "cron(0 5 ? * SUN#1 *)"
"""On the first Sunday of a month, UTC."""


class RedisHost(Construct):
    """`instance` may be replaced at any time: what it serves is on `volume`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        create: NewRedis,
        network: Network,
        secrets: RedisSecrets,
        group: ec2.SecurityGroup,
        host_name: str,
        key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self._stage, self._create, self._network = stage, create, network
        self._secrets, self._host_name = secrets, host_name
        self._log_group = logs.LogGroup(
            self,
            "Log",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        self.volume = self._volume()
        self.snapshots = self._snapshots()
        self.role = self._role()
        self.instance = self._instance(group)
        self._associate()

    def _volume(self) -> ec2.Volume:
        create = self._create
        volume = ec2.Volume(
            self,
            "Volume",
            availability_zone=self._network.vpc.availability_zones[0],
            size=Size.gibibytes(create.volume_gb),
            encrypted=True,
            encryption_key=self._key,
            snapshot_id=create.snapshot_id,
            volume_type=ec2.EbsDeviceVolumeType.GP3,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        return volume

    def _snapshots(self) -> Snapshots:
        return Snapshots(
            self,
            "Snapshots",
            volume=self.volume,
            name=self._stage.prefix,
            keep=self._create.snapshots_kept,
        )

    @property
    def replaced_with(self) -> str:
        """What makes the instance another one, as far as a stage can change it."""
        network, existing = self._network, self._stage.vpc.existing
        place = existing.subnet_ids[0] if existing else network.vpc.availability_zones[0]
        return f"{self._create.image_id} in {place}"

    def _instance(self, group: ec2.SecurityGroup) -> ec2.Instance:
        create, network = self._create, self._network
        user_data = ec2.UserData.for_linux()
        user_data.add_commands(*USER_DATA)
        instance = ec2.Instance(
            self,
            "Instance",
            vpc=network.vpc,
            vpc_subnets=network.subnets,
            availability_zone=network.vpc.availability_zones[0],
            instance_type=ec2.InstanceType(create.instance_type),
            machine_image=ec2.MachineImage.generic_linux({self._stage.region: create.image_id}),
            security_group=group,
            role=self.role,
            user_data=user_data,
            http_tokens=ec2.HttpTokens.REQUIRED,
            http_put_response_hop_limit=1,
            associate_public_ip_address=False,
            detailed_monitoring=True,
            block_devices=[_system_disk()],
        )
        instance.add_security_group(network.callers)
        Validations.of(instance).acknowledge(
            Acknowledgment(
                id="CloudFormation-Validate::W9010",
                reason="A stage names its image: a newer one would replace the server",
            )
        )
        acknowledge(
            instance,
            "It holds nothing: the volume does. Protected, it could be neither replaced nor taken "
            "away with a first deployment that failed",
            "EC29",
        )
        instance.node.add_dependency(self.role, network)
        return instance

    def _associate(self) -> None:
        """Systems Manager applies the stage's variables now, after each change, and daily."""
        document = ssm.CfnDocument(
            self,
            "Document",
            document_type="Command",
            content=_document(self._variables()),
            update_method="NewVersion",
        )
        target = ssm.CfnAssociation.TargetProperty(
            key="InstanceIds", values=[self.instance.instance_id]
        )
        applied = ssm.CfnAssociation(
            self,
            "Apply",
            name=document.ref,
            document_version="$LATEST",
            parameters={"Action": ["apply"], "Version": [self._digest()]},
            schedule_expression=APPLY,
            targets=[target],
            wait_for_success_timeout_seconds=60 * self._create.start_minutes,
        )
        rotated = ssm.CfnAssociation(
            self,
            "Rotate",
            name=document.ref,
            document_version="$LATEST",
            parameters={"Action": ["rotate"]},
            schedule_expression=ROTATE,
            apply_only_at_cron_interval=True,
            targets=[target],
        )
        applied.node.add_dependency(self.volume, self.role)
        rotated.node.add_dependency(applied)

    def _digest(self) -> str:
        """Hash of the script, the stage's variables, and what makes the volume another one.

        If it changes, the association runs again. What is known only once it exists is the same
        text in every template.
        """
        variables = self._variables().items()
        known = {name: value for name, value in variables if not Token.is_unresolved(value)}
        zone = self._network.vpc.availability_zones[0]
        volume = [self._create.snapshot_id, self._stage.kms_key_arn, zone]
        rights = [user.rights for user in USERS]
        text = json.dumps([INSTALL.read_text(), known, rights, volume], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _variables(self) -> dict[str, str]:
        create, secrets = self._create, self._secrets
        arns = {name: secret.secret_arn for name, secret in secrets.users.items()}
        return {
            "REGION": self._stage.region,
            "PACKAGE": create.package,
            "PACKAGE_SHA256": create.package_sha256,
            "OLDEST_VERSIONS": " ".join(OLDEST_SAFE),
            "MAX_MEMORY_MB": str(round(create.max_memory_gb * 1024)),
            "HOST_NAME": self._host_name,
            "AUTHORITY_SECRET": secrets.authority.secret_arn,
            "CERTIFICATE_SECRET": secrets.certificate.secret_arn,
            "USERS": lines_of(arns),
            "PROBES": probes(),
            "LOG_GROUP": self._log_group.log_group_name,
            "METRICS_NAMESPACE": NAMESPACE,
            "METRICS_STAGE": self._stage.name,
            "VOLUME": self.volume.volume_id,
            "DATA_DEVICE": DATA_DEVICE,
        }

    def _role(self) -> iam.Role:
        stack = Stack.of(self)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        arns = [secret.secret_arn for secret in self._secrets.every]
        statements = [
            allow(["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], *arns),
            allow(
                ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                self._log_group.log_group_arn,
            ),
            allow(
                "cloudwatch:PutMetricData",
                "*",
                only={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
            ),
            allow(list(OF_SYSTEMS_MANAGER), "*"),
            *self._take_the_volume(stack),
        ]
        if self._create.package.startswith("s3://"):
            key = self._create.package.removeprefix("s3://")
            arn = stack.format_arn(service="s3", region="", account="", resource=key)
            statements.append(allow("s3:GetObject", arn))
        if self._key:
            statements.append(allow(list(TO_ATTACH), self._key.key_arn))
        for statement in statements:
            role.add_to_policy(statement)
        self._accept_findings(role, stack)
        return role

    def _take_the_volume(self, stack: Stack) -> list[iam.PolicyStatement]:
        """The volume is taken from the previous instance, which is stopped first, and only if it is
        this stage's."""
        instances, volumes = self._of_the_stage(stack)
        tags = {"service": "drug-catalog-sync", "stage": self._stage.name}
        ours = {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in tags.items()}}
        moving = ["ec2:AttachVolume", "ec2:DetachVolume"]
        return [
            allow(["ec2:DescribeInstances", "ec2:DescribeVolumes"], "*"),
            allow(moving, volumes, only=ours),
            allow([*moving, "ec2:StopInstances"], instances, only=ours),
        ]

    def _of_the_stage(self, stack: Stack) -> tuple[str, str]:
        instances, volumes = (
            stack.format_arn(service="ec2", resource=kind, resource_name="*")
            for kind in ("instance", "volume")
        )
        return instances, volumes

    def _accept_findings(self, role: iam.Role, stack: Stack) -> None:
        acknowledge(
            role,
            "Systems Manager's agent, Describe* and PutMetricData have no resources to name; "
            "instances and volumes before these are known by their tags",
            "IAM5[Resource::*]",
            *(f"IAM5[Resource::{shown(arn, stack)}]" for arn in self._of_the_stage(stack)),
        )


TO_ATTACH = (
    *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
    "kms:GenerateDataKeyWithoutPlaintext",
)
"""Uses of a key of the stage's own: attaching a volume, reading and writing secrets."""

OF_SYSTEMS_MANAGER = (
    *("ssm:UpdateInstanceInformation", "ssm:ListAssociations", "ssm:ListInstanceAssociations"),
    *("ssm:DescribeAssociation", "ssm:UpdateInstanceAssociationStatus", "ssm:GetDocument"),
    *("ssm:DescribeDocument", "ssm:UpdateAssociationStatus"),
    *("ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"),
    *("ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
    *("ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage"),
    *("ec2messages:GetEndpoint", "ec2messages:GetMessages", "ec2messages:SendReply"),
)
"""Only what its agent needs for associations and for a shell."""


def _system_disk() -> ec2.BlockDevice:
    volume = ec2.BlockDeviceVolume.ebs(
        20, encrypted=True, delete_on_termination=True, volume_type=ec2.EbsDeviceVolumeType.GP3
    )
    return ec2.BlockDevice(device_name="/dev/xvda", volume=volume)


def _document(variables: dict[str, str]) -> dict[str, object]:
    """The script with the stage's variables. Systems Manager reads `{{ }}`; neither has any."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    script = INSTALL.read_text().rstrip()
    return {
        "schemaVersion": "2.2",
        "description": "Makes this machine the stage's Redis server, or gives its users passwords",
        "parameters": {
            "Action": {"type": "String", "default": "apply", "allowedValues": ["apply", "rotate"]},
            "Version": {"type": "String", "default": "", "allowedPattern": "^[0-9a-f]*$"},
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "run",
                "inputs": {
                    "timeoutSeconds": "3600",
                    "runCommand": [
                        *exports,
                        f"cat > /root/install.sh <<'INSTALL_SCRIPT'\n{script}\nINSTALL_SCRIPT",
                        "bash /root/install.sh {{ Action }}",
                    ],
                },
            }
        ],
    }
