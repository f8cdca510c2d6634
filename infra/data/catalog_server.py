"""The catalog's MySQL server: referenced, or created as Aurora MySQL Serverless v2."""

from typing import cast

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Resource, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.data.network import Network
from infra.data.servers import Server
from infra.nag import acknowledge
from infra.stage.sections.mysql import ExistingMysql, NewMysql
from infra.stage.stage import Stage

KEEP = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""Kept when the stack is removed, but not if its creation fails."""

MAJOR_VERSION = "8.0"
PARAMETERS = {
    "require_secure_transport": "ON",
    # Exporting the audit log is not enough; it must also be written.
    "server_audit_logging": "1",
    "server_audit_events": "CONNECT,QUERY_DCL,QUERY_DDL",
}

READER = "drugsync_reader"
NOT_IN_PASSWORDS = " /@\"'\\`$%&(){}[]<>;:,|~#*?!^+=-_."
"""Aurora refuses the first four; the rest would need quoting in some shell or URL."""


class CatalogServer(Construct):
    """`server` is what functions use; `cluster` exists only if this app created it."""

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
        self._mysql = mysql = stage.mysql
        self._protected = stage.protected
        self._clients = network.client_group("CatalogClients", "Reads the drug catalog in MySQL")
        self.cluster: rds.DatabaseCluster | None = None
        if mysql.existing:
            self.server = self._existing(mysql.existing)
        else:
            assert mysql.create  # noqa: S101 - the stage file has one of the two
            self.server = self._created(mysql.create, network)

    def _existing(self, existing: ExistingMysql) -> Server:
        group = ec2.SecurityGroup.from_security_group_id(
            self, "Database", existing.security_group_id
        )
        _connect(self._clients, group, existing.port)
        return Server(
            host=existing.host,
            reader_host=existing.reader_host or "",
            port=existing.port,
            clients=self._clients,
            secret_arn=existing.secret_arn or "",
            secret_key_arn=existing.secret_key_arn or "",
            iam_user_arn=self._iam_user(existing.cluster_resource_id or ""),
        )

    def _created(self, create: NewMysql, network: Network) -> Server:
        group = network.client_group("Database", "Aurora with the drug catalog")
        cluster = self.cluster = self._create_cluster(create, network, group)
        _connect(self._clients, group, 3306)
        reader = self._reader_secret()
        return Server(
            host=cluster.cluster_endpoint.hostname,
            reader_host=cluster.cluster_read_endpoint.hostname,
            port=3306,
            clients=self._clients,
            secret_arn="" if self._mysql.iam_auth else reader.secret_full_arn or reader.secret_arn,
            secret_key_arn=self._key.key_arn if self._key and not self._mysql.iam_auth else "",
            iam_user_arn=self._iam_user(cluster.cluster_resource_identifier),
        )

    def _create_cluster(
        self, create: NewMysql, network: Network, group: ec2.SecurityGroup
    ) -> rds.DatabaseCluster:
        # The second argument decides the parameter group's family; CDK would take 5.7.
        version = rds.AuroraMysqlEngineVersion.of(create.engine_version, MAJOR_VERSION)
        engine = rds.DatabaseClusterEngine.aurora_mysql(version=version)
        parameters = rds.ParameterGroup(self, "Parameters", engine=engine, parameters=PARAMETERS)
        cluster = rds.DatabaseCluster(
            self,
            "Cluster",
            engine=engine,
            parameter_group=parameters,
            credentials=rds.Credentials.from_generated_secret(
                "drugsync_admin", exclude_characters=NOT_IN_PASSWORDS, encryption_key=self._key
            ),
            default_database_name=self._mysql.database,
            writer=rds.ClusterInstance.serverless_v2("Writer"),
            serverless_v2_min_capacity=create.min_capacity,
            serverless_v2_max_capacity=create.max_capacity,
            vpc=network.vpc,
            vpc_subnets=network.subnets,
            security_groups=[group],
            storage_encrypted=True,
            storage_encryption_key=self._key,
            iam_authentication=True,
            enable_data_api=create.data_api,
            backup=rds.BackupProps(retention=Duration.days(create.backup_days)),
            cloudwatch_logs_exports=["error", "audit"],
            copy_tags_to_snapshot=True,
            deletion_protection=self._protected,
            removal_policy=KEEP,
        )
        for name in ("Secret", "Writer"):
            kept = cluster.node.find_child(name)
            cast("Resource", kept).apply_removal_policy(KEEP)
        self._accept_findings(cluster)
        return cluster

    def _accept_findings(self, cluster: rds.DatabaseCluster) -> None:
        acknowledge(cluster, "The password of the administrator is used by people only", "SMG4")
        acknowledge(cluster, "MySQL's own port; only one security group may reach it", "RDS11")
        acknowledge(cluster, "Backtrack would be paid by the hour; backups are kept", "RDS14")
        if not self._protected:
            acknowledge(cluster, "A first deployment that fails must be able to go", "RDS10")

    def _reader_secret(self) -> secretsmanager.Secret:
        """The functions' own user, who may only SELECT; docs/deploy.md creates it."""
        secret = secretsmanager.Secret(
            self,
            "Reader",
            description="MySQL user of the drug catalog's functions: SELECT on the catalog",
            encryption_key=self._key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=f'{{"username":"{READER}"}}',
                generate_string_key="password",
                exclude_characters=NOT_IN_PASSWORDS,
                password_length=40,
            ),
            removal_policy=KEEP,
        )
        acknowledge(secret, "Once its user exists: rotation_days, in the workflow stack", "SMG4")
        return secret

    def _iam_user(self, cluster_resource_id: str) -> str:
        if not self._mysql.iam_auth:
            return ""
        return Stack.of(self).format_arn(
            service="rds-db",
            resource="dbuser",
            resource_name=f"{cluster_resource_id}/{self._mysql.user}",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )


def _connect(clients: ec2.SecurityGroup, server: ec2.ISecurityGroup, port: int) -> None:
    """By reference in both directions, so that nobody else can connect."""
    clients.connections.allow_to(server, ec2.Port.tcp(port), "Functions of the drug catalog sync")
