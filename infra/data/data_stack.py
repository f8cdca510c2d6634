"""What must survive: the network, the run bucket, and the servers if this app creates them."""

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.data.catalog_server import CatalogServer
from infra.data.network import Network
from infra.data.redis_server import Redis
from infra.nag import acknowledge
from infra.stage.stage import Stage

RUNS = "runs/"
S3_MANAGED = s3.BucketEncryption.S3_MANAGED


class DataStack(Stack):
    """Protected once the stage says so. Removing the workflow stack changes nothing here."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"{stage.prefix}-data",
            description="Drug catalog sync: network, run bucket and servers. Kept.",
            env={"account": stage.account, "region": stage.region},
            termination_protection=stage.protected,
        )
        self.key = _key(self, stage.kms_key_arn)
        self.network = Network(self, "Network", stage=stage)
        self.catalog = CatalogServer(
            self, "Catalog", stage=stage, network=self.network, key=self.key
        )
        self.redis = Redis(self, "Redis", stage=stage, network=self.network, key=self.key)
        self.run_bucket = self._bucket(
            "Runs", name=stage.run_bucket_name, logs=self._bucket("AccessLogs")
        )
        self.run_bucket.add_lifecycle_rule(
            prefix=RUNS, expiration=Duration.days(stage.runs_kept_days)
        )
        self.run_bucket.add_lifecycle_rule(
            abort_incomplete_multipart_upload_after=Duration.days(1),
            # A file of a run is written once; versions show what somebody overwrote.
            noncurrent_version_expiration=Duration.days(stage.runs_kept_days),
            expired_object_delete_marker=True,
        )
        self._tell()

    def _tell(self) -> None:
        """The outputs that docs/deploy.md names."""
        cluster, host = self.catalog.cluster, self.redis.host
        if cluster and cluster.secret:
            CfnOutput(self, "ClusterArn", value=cluster.cluster_arn)
            CfnOutput(self, "AdminSecretArn", value=cluster.secret.secret_arn)
        if cluster and self.catalog.server.secret_arn:
            CfnOutput(self, "ReaderSecretArn", value=self.catalog.server.secret_arn)
        if host:
            CfnOutput(self, "RedisInstance", value=host.instance.instance_id)
            CfnOutput(self, "RedisVolume", value=host.volume.volume_id)

    def _bucket(
        self, construct_id: str, *, name: str | None = None, logs: s3.Bucket | None = None
    ) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            construct_id,
            bucket_name=name,
            # The service that delivers access logs writes to no bucket with a key of its owner.
            encryption=s3.BucketEncryption.KMS if logs and self.key else S3_MANAGED,
            encryption_key=self.key if logs else None,
            bucket_key_enabled=True if logs and self.key else None,
            versioned=logs is not None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
            server_access_logs_bucket=logs,
            server_access_logs_prefix="runs/" if logs else None,
        )
        if logs is None:
            bucket.add_lifecycle_rule(expiration=Duration.days(90))
            acknowledge(bucket, "This bucket is the one that holds the access logs", "S1")
        return bucket


def _key(scope: Construct, arn: str | None) -> kms.IKey | None:
    return kms.Key.from_key_arn(scope, "Key", arn) if arn else None
