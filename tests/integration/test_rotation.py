"""The catalog user's password is rotated at a real server, under runs, as Secrets Manager does."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import boto3
import mysql.connector
import pytest
from aws_lambda_powertools.utilities import parameters
from moto import mock_aws

from handlers.logins import mysql_options
from local.engine.engine import REGION
from tests.lab import Lab
from workflow.adapters.mysql import passwords as module
from workflow.adapters.mysql.passwords import MySQLPasswords
from workflow.adapters.secretsmanager.versions import AwsSecretVersions
from workflow.contract.errors import CatalogAccessDenied, CatalogQueryFailed, CatalogUnavailable
from workflow.contract.ports.passwords import Login
from workflow.contract.settings import Settings
from workflow.operate.rotate import RotationTask, new_password, rotate

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
USER, FIRST = "reader", "F1rst0fAll"
KEEPS_TWO = "APPLICATION_PASSWORD_ADMIN"


@pytest.fixture
def as_root(lab: Lab) -> Iterator[Callable[[str], Any]]:
    connection = mysql.connector.connect(
        unix_socket=lab.stack.mysql.socket, user="root", use_pure=True, autocommit=True
    )
    with closing(connection), connection.cursor() as cursor:
        yield cursor.execute


@pytest.fixture
def first(as_root: Callable[[str], Any]) -> Iterator[Login]:
    """A user who may read, and has one password."""
    as_root(f"DROP USER IF EXISTS {USER}@'localhost'")
    as_root(f"CREATE USER {USER}@'localhost' IDENTIFIED BY '{FIRST}'")
    as_root(f"GRANT SELECT ON drugs.* TO {USER}@'localhost'")
    yield Login(USER, FIRST)
    as_root(f"DROP USER {USER}@'localhost'")


@pytest.fixture
def may_keep_two(lab: Lab, first: Login, as_root: Callable[[str], Any]) -> Login:
    if lab.stack.mysql.version.startswith("MariaDB"):
        pytest.skip("MariaDB keeps one password per user: make test-on PLACE=sid has MySQL")
    as_root(f"GRANT {KEEPS_TWO} ON *.* TO {USER}@'localhost'")
    return first


@pytest.fixture(autouse=True)
def _no_cached_secrets() -> Iterator[None]:
    parameters.clear_caches()  # type: ignore[no-untyped-call]
    yield
    parameters.clear_caches()  # type: ignore[no-untyped-call]


@pytest.fixture
def passwords(lab: Lab) -> MySQLPasswords:
    settings = Settings.from_environment(lab.stack.environment(**lab.settings))
    return MySQLPasswords(
        lambda host, login: mysql_options(settings, host, login), [""], "drugs", 10
    )


class Secret:
    """The secret of the user, in moto."""

    def __init__(self, client: Any, login: Login) -> None:
        self.client = client
        value = json.dumps({"username": login.user, "password": login.password, "engine": "mysql"})
        self.arn = client.create_secret(Name="reader", SecretString=value)["ARN"]
        self.versions = AwsSecretVersions(client, self.arn, "")

    def step(self, name: str, token: str, passwords: MySQLPasswords) -> None:
        event = {"Step": name, "SecretId": self.arn, "ClientRequestToken": token}
        rotate(
            RotationTask.model_validate(event),
            own_secret=self.arn,
            versions=self.versions,
            passwords=passwords,
        )


def token(number: int) -> str:
    """Secrets Manager's are UUIDs."""
    return f"00000000-0000-4000-8000-{number:012}"


@pytest.fixture
def secret(first: Login) -> Iterator[Secret]:
    with mock_aws():
        yield Secret(boto3.client("secretsmanager", region_name=REGION), first)


def test_two_passwords_are_valid_at_each_moment_of_three_rotations(
    may_keep_two: Login, secret: Secret, passwords: MySQLPasswords
) -> None:
    seen = [may_keep_two]
    for number in range(3):
        for step in STEPS:
            secret.step(step, token(number), passwords)
            secret.step(step, token(number), passwords)
            passwords.check(seen[-1])
            passwords.check(secret.versions.current())
        seen.append(secret.versions.current())
    assert len({one.password for one in seen}) == 4
    for gone in seen[:-2]:
        with pytest.raises(CatalogAccessDenied):
            passwords.check(gone)


def test_a_rotation_that_was_broken_off_locks_nobody_out_of_the_server(
    may_keep_two: Login, secret: Secret, passwords: MySQLPasswords
) -> None:
    for step in STEPS[:2]:
        secret.step(step, token(1), passwords)
    secret.client.update_secret_version_stage(
        SecretId=secret.arn, VersionStage="AWSPENDING", RemoveFromVersionId=token(1)
    )
    for step in STEPS:
        secret.step(step, token(2), passwords)
        passwords.check(may_keep_two)
        passwords.check(secret.versions.current())
    assert secret.versions.current() != may_keep_two


@pytest.mark.parametrize("state", ["PlanPages", "DiffPage", "VerifyPage", "PublishIndex"])
@pytest.mark.parametrize("kept", [True, False], ids=["a secret that is kept", "read anew"])
def test_a_run_goes_on_while_the_password_is_rotated_by_its_function(
    lab: Lab, may_keep_two: Login, state: str, kept: bool
) -> None:
    """The very handler, between two states of a run."""
    from local.engine.functions import handler_of

    done: list[str] = []

    def intercept(name: str, _event: Any, call: Callable[[], Any]) -> Any:
        client = boto3.client("secretsmanager", region_name=REGION)
        if name == "AcceptRun":
            value = {"username": may_keep_two.user, "password": may_keep_two.password}
            client.create_secret(Name="mysql", SecretString=json.dumps(value))
        if name == state and not done:
            done.append(name)
            context = SimpleNamespace(function_name="RotatePassword", aws_request_id="1")
            for step in STEPS:
                event = {"Step": step, "SecretId": "mysql", "ClientRequestToken": token(1)}
                handler_of("RotatePassword")(event, context)
            if not kept:
                parameters.clear_caches()  # type: ignore[no-untyped-call]
        return call()

    lab.succeed(run_id="rotated", intercept=intercept, settings={"mysql_secret_arn": "mysql"})
    lab.assert_in_step()
    assert done == [state]
    assert lab.tries("PlanPages") == {None: 1}


def test_the_right_that_is_missing_is_named(
    lab: Lab, first: Login, passwords: MySQLPasswords
) -> None:
    if lab.stack.mysql.version.startswith("MariaDB"):
        pytest.skip("MariaDB is refused before")
    with pytest.raises(CatalogAccessDenied, match=f"GRANT {KEEPS_TWO} ON ") as raised:
        passwords.add(first, "An0therOne")
    assert "An0therOne" not in str(raised.value)
    passwords.check(first)


def test_a_server_that_keeps_one_password_is_named_and_nothing_is_changed(
    lab: Lab, first: Login, passwords: MySQLPasswords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own words would repeat the statement, password included."""
    if not lab.stack.mysql.version.startswith("MariaDB"):
        monkeypatch.setattr(module, "ADD", "ALTER USERS IDENTIFIED BY %s")
    other = new_password()
    with pytest.raises(CatalogQueryFailed, match="keeps one password per user") as raised:
        passwords.add(first, other)
    assert other not in "".join(traceback.format_exception(raised.value))
    passwords.check(first)


def test_a_login_that_the_server_refuses_is_refused(
    first: Login, passwords: MySQLPasswords
) -> None:
    with pytest.raises(CatalogAccessDenied):
        passwords.check(Login(first.user, "x"))


def test_what_else_a_secret_holds_stays(secret: Secret) -> None:
    secret.versions.propose(token(1), "next")
    secret.versions.finish(token(1))
    secret.versions.finish(token(1))
    found = secret.client.get_secret_value(SecretId=secret.arn, VersionStage="AWSCURRENT")
    assert found["VersionId"] == token(1)
    assert json.loads(found["SecretString"]) == {
        "username": USER, "password": "next", "engine": "mysql",
    }  # fmt: skip
    previous = secret.client.get_secret_value(SecretId=secret.arn, VersionStage="AWSPREVIOUS")
    assert FIRST in previous["SecretString"]


@pytest.mark.parametrize("value", ["no JSON: s3cret", '["s3cret"]', '{"user": "s3cret"}'])
def test_a_secret_of_another_form_is_named_and_not_shown(secret: Secret, value: str) -> None:
    secret.client.put_secret_value(SecretId=secret.arn, SecretString=value)
    with pytest.raises(CatalogAccessDenied, match="not a JSON object with username") as raised:
        secret.versions.propose(token(1), "next")
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_what_secrets_manager_refuses_is_ours_by_name(secret: Secret) -> None:
    gone = AwsSecretVersions(secret.client, "arn:none", "")
    with pytest.raises(CatalogAccessDenied, match="secret arn:none could not be read"):
        gone.current()
    assert gone.pending(token(1)) is None
    with pytest.raises(CatalogUnavailable):
        secret.versions.finish("no such version")
