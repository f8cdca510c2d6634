"""What the workflow stack must know about the two servers, whoever owns them."""

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from infra.grants import allow


@dataclass(frozen=True, kw_only=True)
class Server:
    """An address, the secret that opens it, and the security group that reaches it."""

    host: str
    port: int
    clients: ec2.SecurityGroup
    reader_host: str = ""
    secret_arn: str = ""
    secret_key_arn: str = ""
    iam_user_arn: str = ""
    """For IAM database authentication: the ARN of the database user."""

    @property
    def own_password(self) -> list[iam.PolicyStatement]:
        """What a function needs, besides logging in, to rotate the password in the secret."""
        actions = ["PutSecretValue", "DescribeSecret", "UpdateSecretVersionStage"]
        found = [allow([f"secretsmanager:{action}" for action in actions], self.secret_arn)]
        if self.secret_key_arn:
            found.append(allow("kms:GenerateDataKey", self.secret_key_arn))
        return found

    @property
    def statements(self) -> list[iam.PolicyStatement]:
        """What a function needs to log in."""
        found = []
        if self.secret_arn:
            found.append(allow("secretsmanager:GetSecretValue", self.secret_arn))
        if self.secret_key_arn:
            found.append(allow("kms:Decrypt", self.secret_key_arn))
        if self.iam_user_arn:
            found.append(allow("rds-db:connect", self.iam_user_arn))
        return found


@dataclass(frozen=True, kw_only=True)
class RedisServer(Server):
    """`url` names the scheme, host and port; a password comes by secret only."""

    url: str
    ca_secret_arn: str = ""
    """The secret with the certificate of the server's authority."""
    memory: cloudwatch.Metric | None
    """Used memory in percent of the limit, if somebody publishes it."""
    disk: cloudwatch.Metric | None = None
    """The same for the volume of a created server."""
    upkeep: cloudwatch.Metric | None = None
    """One for each run that found a created server in order, or put it so."""
    snapshots: cloudwatch.Metric | None = None
    """One for each completed snapshot of a created server's volume."""
    instance_id: str = ""
    """The instance of a created server."""
    replaced_with: str = ""
    """Image and place of that instance: if one changes, the instance has another id."""

    @property
    def statements(self) -> list[iam.PolicyStatement]:
        found = super().statements
        if self.ca_secret_arn:
            found.append(allow("secretsmanager:GetSecretValue", self.ca_secret_arn))
        return found
