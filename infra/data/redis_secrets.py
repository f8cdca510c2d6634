"""The secrets of the created Redis server: its users' passwords, and its certificate authority."""

import json
from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.data.redis_users import USERS
from infra.nag import acknowledge


@dataclass(frozen=True)
class RedisSecrets:
    """The host makes the authority's key and certificate; functions read only the certificate."""

    users: dict[str, secretsmanager.Secret]
    """By the user's name. All exist with or without a search API, so that deploying one does not
    change the server."""
    authority: secretsmanager.Secret
    certificate: secretsmanager.Secret

    @classmethod
    def create(cls, scope: Construct, key: kms.IKey | None) -> "RedisSecrets":
        return cls(
            users={
                user.name: _secret(
                    scope, user.secret, f"Redis user: {user.purpose}", key, user.name
                )
                for user in USERS
            },
            authority=_secret(scope, "Authority", "Key that signs the server's certificate", key),
            certificate=_secret(scope, "Certificate", "Who signs the server's certificate", key),
        )

    @property
    def every(self) -> list[secretsmanager.Secret]:
        return [*self.users.values(), self.authority, self.certificate]


def full_arn(secret: secretsmanager.Secret) -> str:
    """With the random end of its name, if CDK knows it."""
    return secret.secret_full_arn or secret.secret_arn


def _secret(
    scope: Construct,
    construct_id: str,
    description: str,
    key: kms.IKey | None,
    username: str = "",
) -> secretsmanager.Secret:
    secret = secretsmanager.Secret(
        scope,
        construct_id,
        description=description,
        encryption_key=key,
        generate_secret_string=secretsmanager.SecretStringGenerator(
            # Secrets Manager makes the password.
            secret_string_template=json.dumps({"username": username} if username else {}),
            generate_string_key="password",
            exclude_punctuation=True,
            password_length=48,
        ),
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
    acknowledge(secret, "The host rotates the users' passwords itself, by its association", "SMG4")
    return secret
