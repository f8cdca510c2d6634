"""One small function for each Task state: its bundle, its role, its place in the network."""

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.compute.bundles import build_bundle
from infra.compute.specs import OPERATOR, OPERATORS_FOLDER, Spec
from infra.data.data_stack import RUNS, DataStack
from infra.grants import allow
from infra.nag import acknowledge, shown
from infra.stage.models import InvokeGrant, invoke_grants
from infra.stage.stage import ROOT, Stage
from infra.stage.variables import MYSQL_CA, REDIS_CA

RUNTIME = lambda_.Runtime.PYTHON_3_14
"""The newest runtime for which every pinned library has an arm64 wheel."""


class StepFunction(Construct):
    """`function`, with a role that holds what its spec says and nothing else."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: Spec,
        stage: Stage,
        data: DataStack,
        run_bucket: s3.IBucket,
        environment: dict[str, str],
        machine_arn: str,
        reserved_concurrency: int | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._spec = spec
        self._stage = stage
        self._data = data
        self._run_bucket = run_bucket
        self._machine_arn = machine_arn
        name = f"{stage.prefix}-{spec.state}"
        self.log_group = log_group(self, f"/aws/lambda/{name}", stage.log_retention_days)
        self.role = function_role(self, self.log_group)
        for statement in self._statements():
            self.role.add_to_policy(statement)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=f"{spec.state} of the drug catalog sync",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_.Code.from_asset(str(self._bundle())),
            handler=f"handlers.{spec.handler}.handler",
            memory_size=spec.memory_mb,
            timeout=Duration.seconds(spec.timeout_s),
            role=self.role,
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            environment=environment,
            reserved_concurrent_executions=reserved_concurrency,
            **self._placement(),  # type: ignore[arg-type]
        )
        self._accept_findings()

    def _bundle(self) -> object:
        mysql, redis = self._stage.mysql, self._stage.redis.existing
        certificates = {}
        if "catalog" in self._spec.access:
            certificates[MYSQL_CA] = ROOT / mysql.ca_file
        if self._spec.uses_redis and redis and redis.ca_file:
            certificates[REDIS_CA] = ROOT / redis.ca_file
        return build_bundle(self._spec.contents, certificates=certificates)

    def _placement(self) -> dict[str, object]:
        if not self._spec.in_vpc:
            return {}
        network, access = self._data.network, self._spec.access
        groups: list[ec2.ISecurityGroup] = [network.callers]
        if "catalog" in access:
            groups.append(self._data.catalog.server.clients)
        if self._spec.uses_redis:
            groups.append(self._data.redis.server.clients)
        return {"vpc": network.vpc, "vpc_subnets": network.subnets, "security_groups": groups}

    def _statements(self) -> list[iam.PolicyStatement]:
        access, data = self._spec.access, self._data
        bucket = self._run_bucket
        runs = bucket.arn_for_objects(f"{RUNS}*")
        found: list[iam.PolicyStatement] = []
        if self._spec.in_vpc:
            found += [_network_interfaces(), self._not_by_the_function()]
        if "executions" in access:
            found.append(allow("states:ListExecutions", self._machine_arn))
        if "catalog" in access:
            found += data.catalog.server.statements
        if "own password" in access:
            found += data.catalog.server.own_password
        if self._spec.uses_redis:
            found += data.redis.by_user(self._spec.access).statements
        if "read runs" in access:
            # Without ListBucket, S3 answers 403 for a missing object instead of 404.
            found += [allow("s3:ListBucket", bucket.bucket_arn), allow("s3:GetObject", runs)]
        if self._spec.writes:
            found.append(allow("s3:PutObject", *self._written()))
        if self._stage.kms_key_arn and (self._spec.writes or "read runs" in access):
            found.append(allow(["kms:Decrypt", "kms:GenerateDataKey"], self._stage.kms_key_arn))
        if "model" in access:
            found += self._invoke()
        golden = self._stage.settings.golden_queries_key
        if golden and "golden queries" in access:
            found.append(allow("s3:GetObject", self._run_bucket.arn_for_objects(golden)))
        return found

    def _not_by_the_function(self) -> iam.PolicyStatement:
        """Lambda needs the network's rights, the function's own code does not."""
        arn = Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=f"{self._stage.prefix}-{self._spec.state}",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        statement = allow(
            list(OF_THE_NETWORK), "*", only={"ArnEquals": {"lambda:SourceFunctionArn": arn}}
        )
        statement.effect = iam.Effect.DENY
        return statement

    def _written(self) -> list[str]:
        """Its own files, of any run; the operator's function writes into none of theirs."""
        run = OPERATORS_FOLDER if self._spec is OPERATOR else "*"
        names = [f"{RUNS}{run}/{file}" for file in self._spec.writes]
        return [self._run_bucket.arn_for_objects(name) for name in names]

    def _grants(self) -> list[InvokeGrant]:
        stack = Stack.of(self)
        return invoke_grants(
            self._stage.settings.embedding_model,
            self._stage.settings.embedding_base_model,
            partition=stack.partition,
            region=stack.region,
            account=stack.account,
        )

    def _invoke(self) -> list[iam.PolicyStatement]:
        return [
            allow("bedrock:InvokeModel", grant.resource, only=_through(grant.only_through))
            for grant in self._grants()
        ]

    def _accept_findings(self) -> None:
        runs = shown(self._run_bucket.arn_for_objects(f"{RUNS}*"), Stack.of(self))
        through = [g.resource for g in self._grants() if "*" in g.resource]
        written = [shown(arn, Stack.of(self)) for arn in self._written()]
        resources = ["*", runs, *written, *(shown(arn, Stack.of(self)) for arn in through)]
        acknowledge(
            self.role,
            "X-Ray and the VPC's network interfaces have no resources to name; a run's files are "
            "named by the run, and an inference profile chooses the region of its model",
            *(f"IAM5[Resource::{resource}]" for resource in resources),
        )


def log_group(scope: Construct, name: str, retention_days: int) -> logs.LogGroup:
    """Named, so that `drugsync logs` finds it. It is removed with the stack, because one that
    stayed would block its successor.
    """
    return logs.LogGroup(
        scope,
        "Log",
        log_group_name=name,
        retention=retention(retention_days),
        removal_policy=RemovalPolicy.DESTROY,
    )


def delivered_log_group(scope: Construct, name: str, retention_days: int) -> logs.LogGroup:
    """Log group of a service that delivers logs. Other names would fill up the account's resource
    policy."""
    return log_group(scope, f"/aws/vendedlogs/{name}", retention_days)


def retention(days: int) -> logs.RetentionDays:
    """CDK's name of a number of days."""
    names = {7: "ONE_WEEK", 14: "TWO_WEEKS", 30: "ONE_MONTH", 60: "TWO_MONTHS"}
    names |= {90: "THREE_MONTHS", 180: "SIX_MONTHS", 365: "ONE_YEAR"}
    return logs.RetentionDays[names[days]]


def function_role(scope: Construct, log_group: logs.LogGroup) -> iam.Role:
    """A role that may only write its own log so far."""
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    role.add_to_policy(
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.log_group_arn)
    )
    return role


def _through(profile: str | None) -> dict[str, object] | None:
    """A profile's models may only be invoked through the profile."""
    return {"StringEquals": {"bedrock:InferenceProfileArn": profile}} if profile else None


OF_THE_NETWORK = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


def _network_interfaces() -> iam.PolicyStatement:
    """What Lambda needs to run a function in a VPC."""
    return allow(list(OF_THE_NETWORK), "*")
