"""Secrets Manager's schedule of the catalog user's password, and its right to call the function."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager

from infra.data.servers import Server


def rotate_password(function: lambda_.Function, server: Server, days: int) -> None:
    """The first rotation comes after `days`. By hand: docs/passwords.md."""
    function.add_permission(
        "SecretsManager",
        principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"),
        source_arn=server.secret_arn,
    )
    schedule = secretsmanager.CfnRotationSchedule(
        function,
        "Rotation",
        secret_id=server.secret_arn,
        rotation_lambda_arn=function.function_arn,
        rotate_immediately_on_update=False,
        rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
            automatically_after_days=days
        ),
    )
    schedule.node.add_dependency(function)
