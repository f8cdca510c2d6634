"""Versions of one secret of AWS Secrets Manager, with boto3. No error contains any of its value."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from workflow.contract.errors import CatalogAccessDenied, CatalogUnavailable
from workflow.contract.ports.passwords import Login

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"
MISSING: Final = "ResourceNotFoundException"
DENIED: Final = {MISSING, "AccessDeniedException", "DecryptionFailure"}


class AwsSecretVersions:
    """`workflow.contract.ports.passwords.SecretVersions`."""

    def __init__(self, client: "SecretsManagerClient", arn: str, user: str) -> None:
        """`user` is whose password it is where the secret does not say."""
        self._client = client
        self._arn = arn
        self._user = user

    def current(self) -> Login:
        with _translated(self._arn):
            found = self._client.get_secret_value(SecretId=self._arn, VersionStage=CURRENT)
        return self._login(self._fields(found["SecretString"]))

    def pending(self, token: str) -> Login | None:
        with _translated(self._arn):
            try:
                found = self._client.get_secret_value(SecretId=self._arn, VersionId=token)
            except ClientError as error:
                if error.response["Error"]["Code"] == MISSING:
                    return None
                raise
        return self._login(self._fields(found["SecretString"]))

    def propose(self, token: str, password: str) -> None:
        with _translated(self._arn):
            found = self._client.get_secret_value(SecretId=self._arn, VersionStage=CURRENT)
            fields = self._fields(found["SecretString"]) | {"password": password}
            self._client.put_secret_value(
                SecretId=self._arn,
                ClientRequestToken=token,
                SecretString=json.dumps(fields),
                VersionStages=[PENDING],
            )

    def finish(self, token: str) -> None:
        with _translated(self._arn):
            stages = self._client.describe_secret(SecretId=self._arn)["VersionIdsToStages"]
            (current,) = [one for one, named in stages.items() if CURRENT in named]
            if current != token:
                self._client.update_secret_version_stage(
                    SecretId=self._arn,
                    VersionStage=CURRENT,
                    MoveToVersionId=token,
                    RemoveFromVersionId=current,
                )

    def _fields(self, text: str) -> dict[str, Any]:
        try:
            fields = json.loads(text)
            if isinstance(fields, dict) and "password" in fields:
                return fields
        except ValueError:
            pass
        raise CatalogAccessDenied(
            f"secret {self._arn} is not a JSON object with username and password"
        )

    def _login(self, fields: dict[str, Any]) -> Login:
        return Login(fields.get("username") or self._user, fields["password"])


@contextmanager
def _translated(arn: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        kind = CatalogAccessDenied if code in DENIED else CatalogUnavailable
        raise kind(f"secret {arn} could not be read or changed: {error}") from error
