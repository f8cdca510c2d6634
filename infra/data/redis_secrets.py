"""The passwords of the created Redis server: one for the workflow, one for searches."""

import json
from typing import NamedTuple

from aws_cdk import RemovalPolicy
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.nag import acknowledge
from infra.search.search_rights import SEARCH_USER


class RedisSecrets(NamedTuple):
    """`searches` is there with or without a search API: turning it on changes no server."""

    workflow: secretsmanager.Secret
    searches: secretsmanager.Secret

    @classmethod
    def create(cls, scope: Construct) -> "RedisSecrets":
        index = "the drug catalog's search index"
        return cls(
            _secret(scope, "Password", f"Redis password of {index}"),
            _secret(scope, "SearchPassword", f"Redis user who may only read {index}", SEARCH_USER),
        )


def full_arn(secret: secretsmanager.Secret) -> str:
    """With the random end of its name, where CDK knows it."""
    return secret.secret_full_arn or secret.secret_arn


def _secret(
    scope: Construct, construct_id: str, description: str, username: str = ""
) -> secretsmanager.Secret:
    secret = secretsmanager.Secret(
        scope,
        construct_id,
        description=description,
        generate_secret_string=secretsmanager.SecretStringGenerator(
            # Secrets Manager makes the password.
            secret_string_template=json.dumps({"username": username} if username else {}),
            generate_string_key="password",
            exclude_punctuation=True,
            password_length=48,
        ),
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
    acknowledge(secret, "The server takes a new password by hand: docs/deploy.md", "SMG4")
    return secret
