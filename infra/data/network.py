"""The network of the functions: private subnets, endpoints, and who may connect to whom."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.grants import allow
from infra.stage.sections.network import SMALLEST_BITS, Endpoint, ExistingVpc, NewVpc
from infra.stage.stage import Stage

HTTPS = ec2.Port.tcp(443)

AMAZON_LINUX = "al2023-repos-*-de612dc2"
"""The buckets that AWS keeps Amazon Linux's packages in; dnf asks them without a name:
https://docs.aws.amazon.com/linux/al2023/ug/managing-repos-os-updates.html"""


class Network(Construct):
    """`subnets` are private. `callers` is the security group of everything that calls AWS."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self.vpc: ec2.IVpc
        if stage.vpc.existing:
            self.vpc = self._existing(stage.vpc.existing)
            self.subnets = ec2.SubnetSelection(subnets=self.vpc.private_subnets)
            endpoints = stage.vpc.existing.create_endpoints
        else:
            assert stage.vpc.create  # noqa: S101 - the stage file has one of the two
            self.vpc = self._created(stage.vpc.create)
            self.subnets = ec2.SubnetSelection(subnet_group_name="Private")
            endpoints = ("s3",) if stage.vpc.create.nat else stage.needed_endpoints
        self.callers = self.client_group("Callers", "Calls AWS services")
        # S3's gateway endpoint has addresses of its own, which no security group can name.
        self.callers.add_egress_rule(ec2.Peer.any_ipv4(), HTTPS, "AWS services")
        self._add_endpoints(endpoints)

    def client_group(self, construct_id: str, description: str) -> ec2.SecurityGroup:
        """A security group without any connection, in or out, so far."""
        return ec2.SecurityGroup(
            self, construct_id, vpc=self.vpc, description=description, allow_all_outbound=False
        )

    def _existing(self, existing: ExistingVpc) -> ec2.IVpc:
        return ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=existing.id,
            region=self._stage.region,
            availability_zones=list(existing.availability_zones),
            private_subnet_ids=list(existing.subnet_ids),
            private_subnet_route_table_ids=list(existing.route_table_ids) or None,
        )

    def _created(self, create: NewVpc) -> ec2.Vpc:
        private = (
            ec2.SubnetType.PRIVATE_WITH_EGRESS if create.nat else ec2.SubnetType.PRIVATE_ISOLATED
        )
        subnets = [
            ec2.SubnetConfiguration(
                name="Private", subnet_type=private, cidr_mask=create.private_bits
            )
        ]
        if create.nat:
            public = ec2.SubnetType.PUBLIC
            subnets += [
                ec2.SubnetConfiguration(
                    name="Nat",
                    subnet_type=public,
                    cidr_mask=SMALLEST_BITS,
                    map_public_ip_on_launch=False,
                )
            ]
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(create.cidr),
            availability_zones=list(create.availability_zones),
            nat_gateways=1 if create.nat else 0,
            subnet_configuration=subnets,
        )
        self._log_flows(vpc)
        return vpc

    def _log_flows(self, vpc: ec2.Vpc) -> None:
        group = logs.LogGroup(
            self,
            "FlowLog",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        vpc.add_flow_log(
            "RejectedFlows",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )

    def _add_endpoints(self, endpoints: tuple[Endpoint, ...]) -> None:
        if "s3" in endpoints:
            gateway = ec2.GatewayVpcEndpoint(
                self,
                "S3Endpoint",
                vpc=self.vpc,
                service=ec2.GatewayVpcEndpointAwsService.S3,
                subnets=[self.subnets],
            )
            self._close(gateway, *self._of_s3())
        interfaces = [name for name in endpoints if name != "s3"]
        if not interfaces:
            return
        group = self.client_group("Endpoints", "Interface endpoints of AWS services")
        group.add_ingress_rule(self.callers, HTTPS, "Callers of AWS services")
        for name in interfaces:
            service = f"com.amazonaws.{self._stage.region}.{name}"
            interface = ec2.InterfaceVpcEndpoint(
                self,
                "".join(part.capitalize() for part in name.split("-")) + "Endpoint",
                vpc=self.vpc,
                service=ec2.InterfaceVpcEndpointService(service, 443),
                subnets=self.subnets,
                security_groups=[group],
                private_dns_enabled=True,
                open=False,
            )
            self._close(interface, self._by_the_account(allow("*", "*")))

    def _close(self, endpoint: ec2.VpcEndpoint, *statements: iam.PolicyStatement) -> None:
        """If the VPC is ours, nobody can take data out with credentials of another account. In an
        existing VPC others use the same endpoint.
        """
        if self._stage.vpc.create:
            for statement in statements:
                statement.add_any_principal()
                endpoint.add_to_policy(statement)

    def _of_s3(self) -> list[iam.PolicyStatement]:
        """The account's buckets, the package's, and Amazon Linux's own."""
        stack, redis = Stack.of(self), self._stage.redis.create
        ours = allow("s3:*", "*", only={"StringEquals": {"aws:ResourceAccount": stack.account}})
        found = [self._by_the_account(ours)]
        if redis is None:
            return found
        if redis.package.startswith("s3://"):
            package = self._object(redis.package.removeprefix("s3://"))
            found.append(self._by_the_account(allow("s3:GetObject", package)))
        return [*found, allow("s3:GetObject", self._object(f"{AMAZON_LINUX}/*"))]

    def _by_the_account(self, statement: iam.PolicyStatement) -> iam.PolicyStatement:
        account = Stack.of(self).account
        statement.add_condition("StringEquals", {"aws:PrincipalAccount": account})
        return statement

    def _object(self, key: str) -> str:
        return Stack.of(self).format_arn(service="s3", region="", account="", resource=key)
