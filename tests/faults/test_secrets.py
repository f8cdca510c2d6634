"""Passwords come by secret only, and are in no log, no message and no file of a run."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import mysql.connector
import pytest
from aws_lambda_powertools.utilities import parameters

from local.engine.history import HISTORY
from local.engine.invocations import LambdaFailure
from local.engine.runner import LOG
from tests.faults.lab import FaultLab
from tests.faults.tally import UNHARMED, named
from tests.lab import Failing, Payload
from workflow.contract.errors import TextMissing
from workflow.contract.retries import ACCESS

PASSWORD = "s3cr3t-4f2a91c07be853d6"
WRONG = "wr0ng-90d1e87ab24c35f6"
OTHER_PASSWORD = "0ther-77c1d94be2f05a83"


@pytest.fixture(autouse=True)
def _no_cached_secrets() -> Iterator[None]:
    parameters.clear_caches()
    yield
    parameters.clear_caches()


@pytest.fixture
def mysql_user(lab: FaultLab) -> Iterator[str]:
    """A user with a password, who may read."""
    with as_root(lab) as run:
        run("DROP USER IF EXISTS reader@'localhost'")
        run(f"CREATE USER reader@'localhost' IDENTIFIED BY '{PASSWORD}'")
        run("GRANT SELECT ON drugs.* TO reader@'localhost'")
        yield "reader"
        run("DROP USER reader@'localhost'")


@contextlib.contextmanager
def as_root(lab: FaultLab) -> Iterator[Callable[[str], None]]:
    connection = mysql.connector.connect(
        unix_socket=lab.stack.mysql.socket, user="root", use_pure=True, autocommit=True
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        yield cursor.execute


@pytest.fixture
def redis_user(lab: FaultLab) -> Iterator[str]:
    lab.index.redis.execute_command("ACL", "SETUSER", "app", "on", f">{PASSWORD}", "~*", "+@all")
    yield "app"
    lab.index.redis.execute_command("ACL", "DELUSER", "app")


def with_secrets(**values: Any) -> Callable[[str, Payload, Callable[[], Payload]], Payload]:
    """An interceptor that puts secrets into this run's Secrets Manager before its first state."""

    def intercept(state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if state == "AcceptRun":
            client = boto3.client("secretsmanager", region_name="us-east-1")
            for name, value in values.items():
                text = value if isinstance(value, str) else json.dumps(value)
                client.create_secret(Name=name, SecretString=text)
        return call()

    return intercept


def assert_nowhere(lab: FaultLab, run_id: str, *words: str) -> None:
    """Not in the log, not in the report, not in any file of the run."""
    files = [path for path in (lab.stack.root / "runs" / run_id).rglob("*") if path.is_file()]
    assert files
    for path in files:
        body = path.read_bytes()
        shown = gzip.decompress(body) if path.suffix == ".gz" else body
        for word in words:
            assert word.encode() not in shown, path.name


def log_of(lab: FaultLab, run_id: str) -> str:
    return Path(lab.stack.root / "runs" / run_id / LOG).read_text()


def test_a_run_with_passwords_from_secrets_shows_them_nowhere(
    lab: FaultLab, mysql_user: str, redis_user: str
) -> None:
    login = with_secrets(
        mysql={"username": mysql_user, "password": PASSWORD},
        redis={"username": redis_user, "password": PASSWORD},
    )
    settings = {"mysql_secret_arn": "mysql", "redis_secret_arn": "redis", "mysql_user": ""}
    lab.settings |= {"mysql_user": mysql_user}
    lab.succeed(run_id="secret", intercept=login, settings=settings | {"mysql_user": mysql_user})
    lab.assert_in_step()
    assert_nowhere(lab, "secret", PASSWORD)


@pytest.mark.parametrize(
    ("which", "secret", "error", "words"),
    [
        pytest.param(*case, marks=pytest.mark.fault(*row))
        for case, row in [
            (
                ("mysql", {"username": "reader", "password": WRONG}, "CatalogAccessDenied", "user"),
                ("MySQL", "wrong password", "PlanPages", named("CatalogAccessDenied")),
            ),
            (
                ("mysql", {"username": "reader"}, "CatalogAccessDenied", "not a JSON object with"),
                ("MySQL", "a secret without a password", "PlanPages", named("CatalogAccessDenied")),
            ),
            (
                ("mysql", PASSWORD, "CatalogAccessDenied", "not a JSON object with"),
                ("MySQL", "a secret that is no JSON", "PlanPages", named("CatalogAccessDenied")),
            ),
            (
                ("mysql", None, "CatalogAccessDenied", "could not be read"),
                ("MySQL", "no such secret", "PlanPages", named("CatalogAccessDenied")),
            ),
            (
                ("redis", {"username": "app", "password": WRONG}, "IndexAccessDenied", "user"),
                ("Redis", "wrong password", "PlanPages", named("IndexAccessDenied")),
            ),
            (
                ("redis", None, "IndexAccessDenied", "could not be read"),
                ("Redis", "no such secret", "PlanPages", named("IndexAccessDenied")),
            ),
        ]
    ],
)
def test_a_login_that_fails_is_named_after_a_few_tries_and_shows_no_password(
    lab: FaultLab,
    mysql_user: str,
    redis_user: str,
    which: str,
    secret: Any,
    error: str,
    words: str,
) -> None:
    values = {} if secret is None else {which: secret}
    user = {"mysql_user": mysql_user} if which == "mysql" else {}
    report = lab.fail(
        error,
        run_id="refused",
        intercept=with_secrets(**values),
        settings={f"{which}_secret_arn": which} | user,
    )
    assert words in str(report.cause)
    assert lab.tries("PlanPages") == {None: 1 + ACCESS.attempts}
    assert_nowhere(lab, "refused", PASSWORD, WRONG)
    lab.converge()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("redis_url", f"rediss://:{PASSWORD}@cache:6379"),
        ("redis_url", f"rediss://cache:6379?password={PASSWORD}"),
        ("redis_url", f"rediss://cache:6379?ssl_cert_reqs=none&x={PASSWORD}"),
        ("mysql_password", PASSWORD),
        ("catalog_table", f"drugs; -- {PASSWORD}"),
    ],
)
@pytest.mark.fault("Lambda", "a password in a setting", "AcceptRun", named("SettingsInvalid"))
def test_a_password_in_a_setting_is_refused_and_not_repeated(
    lab: FaultLab, setting: str, value: str
) -> None:
    report = lab.fail("SettingsInvalid", run_id="refused", settings={setting: value})
    assert f"DRUGSYNC_{setting.upper()}" in str(report.cause)
    assert "step failed" in log_of(lab, "refused")
    assert_nowhere(lab, "refused", PASSWORD)


# Rotation: two users take turns, so that two passwords are valid while it lasts


@pytest.fixture
def other_user(lab: FaultLab, mysql_user: str) -> Iterator[str]:
    """The second user of the reader, with the same rights and a password of its own."""
    name = f"{mysql_user}_clone"
    with as_root(lab) as run:
        run(f"DROP USER IF EXISTS {name}@'localhost'")
        run(f"CREATE USER {name}@'localhost' IDENTIFIED BY '{OTHER_PASSWORD}'")
        run(f"GRANT SELECT ON drugs.* TO {name}@'localhost'")
        yield name
        run(f"DROP USER {name}@'localhost'")


@pytest.mark.parametrize("aged", [True, False], ids=["the secret is read anew", "it is kept"])
@pytest.mark.fault("MySQL", "the user's password is rotated", "DiffPage", UNHARMED)
def test_a_run_goes_on_while_the_password_of_the_catalogs_user_is_rotated(
    lab: FaultLab, mysql_user: str, other_user: str, aged: bool
) -> None:
    """As AWS's rotation of alternating users does: the secret names the other one, and a process
    that has the secret of before is let in, too.
    """
    first = {"username": mysql_user, "password": PASSWORD}
    login = with_secrets(mysql=first)

    def intercept(state: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        if state == "DiffPage":
            client = boto3.client("secretsmanager", region_name="us-east-1")
            new = {"username": other_user, "password": OTHER_PASSWORD}
            client.put_secret_value(SecretId="mysql", SecretString=json.dumps(new))
            if aged:
                parameters.clear_caches()
        return login(state, event, call)

    lab.succeed(run_id="rotated", intercept=intercept, settings={"mysql_secret_arn": "mysql"})
    lab.assert_in_step()
    assert_nowhere(lab, "rotated", PASSWORD, OTHER_PASSWORD)


@pytest.mark.parametrize("state", ["DiffPage", "VerifyPage"])
@pytest.mark.fault("MySQL", "one password takes the other's place at once", "DiffPage", UNHARMED)
def test_a_run_outlasts_a_rotation_that_keeps_no_second_password(
    lab: FaultLab, mysql_user: str, state: str
) -> None:
    """As AWS's rotation of a single user does. The secret was read a moment ago: a refused login
    is tried again with what it says now.
    """
    login = with_secrets(mysql={"username": mysql_user, "password": PASSWORD})
    done: list[str] = []

    def intercept(name: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        if name == state and not done:
            done.append(name)
            with as_root(lab) as run:
                run(f"ALTER USER {mysql_user}@'localhost' IDENTIFIED BY '{OTHER_PASSWORD}'")
            client = boto3.client("secretsmanager", region_name="us-east-1")
            new = {"username": mysql_user, "password": OTHER_PASSWORD}
            client.put_secret_value(SecretId="mysql", SecretString=json.dumps(new))
        return login(name, event, call)

    lab.succeed(run_id="rotated", intercept=intercept, settings={"mysql_secret_arn": "mysql"})
    lab.assert_in_step()
    assert max(lab.tries(state).values()) > 1
    assert_nowhere(lab, "rotated", PASSWORD, OTHER_PASSWORD)


@pytest.mark.fault("Redis", "one password takes the other's place at once", "LoadPage", UNHARMED)
def test_a_run_outlasts_a_rotation_of_redis_that_keeps_no_second_password(
    lab: FaultLab, redis_user: str
) -> None:
    login = with_secrets(redis={"username": redis_user, "password": PASSWORD})
    done: list[str] = []

    def intercept(name: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        if name == "LoadPage" and not done:
            done.append(name)
            new = {"username": redis_user, "password": OTHER_PASSWORD}
            client = boto3.client("secretsmanager", region_name="us-east-1")
            client.put_secret_value(SecretId="redis", SecretString=json.dumps(new))
            acl = ("ACL", "SETUSER", redis_user, f">{OTHER_PASSWORD}", f"<{PASSWORD}")
            lab.index.redis.execute_command(*acl)
            lab.index.redis.execute_command("CLIENT", "KILL", "USER", redis_user)
        return login(name, event, call)

    lab.succeed(run_id="rotated", intercept=intercept, settings={"redis_secret_arn": "redis"})
    lab.assert_in_step()
    assert_nowhere(lab, "rotated", PASSWORD, OTHER_PASSWORD)


@pytest.mark.fault("Redis", "the secret cannot be read for a moment", "PlanPages", UNHARMED)
def test_no_connection_is_used_that_did_not_log_in(lab: FaultLab, redis_user: str) -> None:
    """The one that was opened when the secret could not be read is closed: the next try logs in."""
    login = with_secrets(redis={"username": redis_user, "password": PASSWORD})
    tried: list[str] = []

    def intercept(name: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        if name == "PlanPages":
            tried.append(name)
            return call() if len(tried) == 1 else login("AcceptRun", event, call)
        return call()

    lab.succeed(run_id="late", intercept=intercept, settings={"redis_secret_arn": "redis"})
    assert len(tried) == 2
    lab.assert_in_step()


def test_the_name_in_the_secret_is_the_one_that_its_password_is_for(
    lab: FaultLab, mysql_user: str, other_user: str
) -> None:
    login = with_secrets(mysql={"username": other_user, "password": OTHER_PASSWORD})
    settings = {"mysql_secret_arn": "mysql", "mysql_user": mysql_user}
    lab.succeed(intercept=login, settings=settings)


def test_the_log_of_a_failure_keeps_the_whole_chain_of_causes_without_secrets(
    lab: FaultLab, mysql_user: str
) -> None:
    login = with_secrets(mysql={"username": mysql_user, "password": PASSWORD})
    broken = Failing("LoadPage", LambdaFailure("Lambda.Unknown", "killed"))

    def intercept(state: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        return login(state, event, lambda: broken(state, event, call))

    settings = {"mysql_secret_arn": "mysql", "mysql_user": mysql_user, "catalog_table": "gone"}
    lab.fail("CatalogMissing", run_id="refused", intercept=intercept, settings=settings)
    text = log_of(lab, "refused")
    assert "mysql.connector.errors" in text
    assert "doesn't exist" in text
    assert_nowhere(lab, "refused", PASSWORD)


@pytest.mark.fault("S3", "a key that is looked for in the run's files", "(all)", UNHARMED)
def test_the_key_that_seals_a_runs_files_is_in_none_of_them(lab: FaultLab) -> None:
    """Nor in its log, nor in a message of it. The history of this machine stands for payloads."""
    lab.run(run_id="sealed", intercept=Failing("LoadPage", TextMissing("asked to fail")))
    folder = lab.stack.root / "runs" / "sealed"
    history = (folder / HISTORY).read_text().splitlines()
    (key,) = {json.loads(line)["result"]["key"] for line in history if '"AcceptRun"' in line}
    assert len(key) == 32
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != HISTORY]
    assert len(files) > 5
    for path in files:
        body = path.read_bytes()
        assert key.encode() not in (gzip.decompress(body) if path.suffix == ".gz" else body), path
