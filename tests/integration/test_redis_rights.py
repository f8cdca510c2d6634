"""The whole workflow and every verb, with exactly the rights that docs and host give."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import boto3
import pytest
import redis
from aws_lambda_powertools.utilities import parameters

from handlers.wiring import wiring
from local.engine.invocations import call_through
from local.servers.stack import BUCKET
from tests.lab import Lab, Payload, before
from tests.rows import make_row, ndc, text_of
from workflow.contract.errors import VerificationFailed
from workflow.contract.rights import EVERY, READS, RUNS, Rights
from workflow.operate.operate import OperatorTask, operate

PASSWORD = "written-in-a-test-9f31"
ANYBODY = {"quit", "reset"}
"""Redis asks no rights for these two: they end a connection, or what it has begun."""

FIRST = {"ft.config": ("get", "set", "help"), "ft.debug": ("dump_terms", "delete_local_cursors")}

BY_SCRIPTS = {"set", "exists", "rename", "time"}
"""Called inside scripts, with the user's rights."""

SOMETIMES = {
    *("hello", "auth", "discard", "unwatch", "client|setinfo"),
    *("script|load", "ft.config|get"),
}
"""What redis-py sends where a connection or a transaction needs it, or a server is asked once."""


@pytest.fixture
def admin(lab: Lab) -> Iterator[redis.Redis]:
    client = lab.index.redis
    for rights in EVERY:
        rules = ("reset", "on", f">{PASSWORD}", *rights.rules.split())
        client.execute_command("ACL", "SETUSER", rights.user, *rules)
    yield client
    client.execute_command("ACL", "DELUSER", *(rights.user for rights in EVERY))


@pytest.fixture(autouse=True)
def _no_cached_secrets() -> Iterator[None]:
    parameters.clear_caches()  # type: ignore[no-untyped-call]
    yield
    parameters.clear_caches()  # type: ignore[no-untyped-call]


def logins() -> None:
    """Each user's login, by the user's name, in the Secrets Manager of this moto."""
    client = boto3.client("secretsmanager", region_name="us-east-1")
    for rights in EVERY:
        login = {"username": rights.user, "password": PASSWORD}
        client.create_secret(Name=rights.user, SecretString=json.dumps(login))


def sent(admin: redis.Redis) -> set[str]:
    """The commands since `config_resetstat`, as ACL names them."""
    names = {name.removeprefix("cmdstat_").lower() for name in admin.info("commandstats")}
    return {"ft.config|get" if name == "ft.config" else name for name in names}


def commands(admin: redis.Redis) -> set[str]:
    """Each command by its name, a subcommand as `config|get`; no name that only holds others.

    A module's command has no subcommands: for the server, `ft.config|get` is a first argument.
    """
    names = {name.decode().lower() for name in admin.execute_command("COMMAND LIST")}
    names = names | {f"{name}|{first}" for name, firsts in FIRST.items() for first in firsts}
    return names - {name.partition("|")[0] for name in names if "|" in name}


def may(admin: redis.Redis, user: str, command: str) -> bool:
    """What the rules say, with a key of ours for each argument."""
    for count in range(8):
        arguments = [*command.split("|"), *["drugs:live"] * count]
        try:
            answer = admin.execute_command("ACL", "DRYRUN", user, *arguments)
        except redis.ResponseError as error:
            if "wrong number of arguments" in str(error).lower():
                continue
            raise
        return bool(answer == b"OK")
    raise AssertionError(f"{command}: no number of arguments was right")


@pytest.mark.parametrize("rights", EVERY, ids=lambda rights: rights.user)
def test_no_other_command_is_allowed(admin: redis.Redis, rights: Rights) -> None:
    """Asked of the server for each command that it knows; nothing is executed."""
    allowed = {name for name in commands(admin) if may(admin, rights.user, name)}
    assert allowed - ANYBODY == set(rights.commands)


@pytest.mark.parametrize("rights", EVERY, ids=lambda rights: rights.user)
def test_no_command_is_given_with_all_that_is_below_it(admin: redis.Redis, rights: Rights) -> None:
    """A container as a whole is too wide: one of its subcommands always changes the server."""
    whole = [name for name in rights.commands if "|" not in name]
    about = {name: admin.execute_command("COMMAND INFO", name) for name in whole}
    below = {name: found[9] for name, (found,) in zip(whole, about.values(), strict=True) if found}
    assert [name for name in whole if below.get(name) or name in FIRST] == []


@pytest.mark.parametrize("rights", EVERY, ids=lambda rights: rights.user)
@pytest.mark.parametrize(
    "command",
    [
        *("FT.CONFIG SET TIMEOUT 1", "CONFIG SET maxmemory 1", "CONFIG GET *", "SELECT 1"),
        *("ACL SETUSER thief on nopass +@all", "ACL LIST", "ACL GETUSER default", "ACL LOG"),
        *(
            "SCRIPT FLUSH",
            "SCRIPT KILL",
            "CLIENT KILL TYPE normal",
            "CLIENT PAUSE 1",
            "CLIENT LIST",
        ),
        *("MODULE LIST", "SAVE", "SHUTDOWN", "REPLICAOF 127.0.0.1 1", "MONITOR", "KEYS *"),
        *("SWAPDB 0 1", "FLUSHALL", "FUNCTION LIST", "MIGRATE 127.0.0.1 1 drug:x:1 0 9"),
        *("FT.ALIASDEL drugs", "RESTORE drug:x:1 0 x", "DUMP drug:x:1", "COPY drug:x:1 drug:y:1"),
    ],
)
def test_a_user_of_ours_cannot_change_the_server(
    lab: Lab, admin: redis.Redis, rights: Rights, command: str
) -> None:
    assert admin
    login = {"username": rights.user, "password": PASSWORD}
    with (
        redis.Redis.from_url(lab.stack.redis.url, **login) as client,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        client.execute_command(*command.split())


def test_the_whole_workflow_and_every_verb_run_as_the_user_of_runs(
    lab: Lab, admin: redis.Redis
) -> None:
    as_runs = {"redis_secret_arn": RUNS.user}
    golden = {"golden_queries_key": "golden.json"}
    admin.config_resetstat()

    def prepare() -> None:
        logins()
        queries = [{"query": "genric", "expect": ["generic"]}]
        boto3.client("s3").put_object(Bucket=BUCKET, Key="golden.json", Body=json.dumps(queries))

    def run(mode: str = "sync") -> None:
        lab.succeed(mode, settings=as_runs | golden, intercept=before("AcceptRun", prepare))

    refused = {"kind": "ValidationException", "times": None, "match": text_of(make_row(6))}
    lab.control_model(faults=[refused])
    run()
    lab.control_model(reset=True)
    lab.catalog.update(ndc(3), strength="999 mg/1")
    lab.catalog.delete(ndc(5))
    lab.catalog.insert(make_row(100))
    run()
    abandoned = lab.run("backfill", settings=as_runs, intercept=_fails_behind_the_load)
    assert abandoned.status == "FAILED"
    run("backfill")
    lab.catalog.delete(ndc(6))
    run()
    run("verify")
    with lab.machine(call_through, **as_runs) as machine:
        logins()
        for number, action in enumerate(("doctor", "rollback", "rollback")):
            task = OperatorTask(action=action, run_id=f"operator-{number}")  # type: ignore[arg-type]
            assert operate(task, wiring().ports), machine
    of_tests = {"config|resetstat", "acl|setuser", "acl|deluser", "flushall", "keys", "dump"}
    needed = (sent(admin) - of_tests) | BY_SCRIPTS
    assert needed <= set(RUNS.commands)
    assert set(RUNS.commands) - needed <= SOMETIMES


def _fails_behind_the_load(state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
    if state == "AcceptRun":
        logins()
    if state == "VerifyIndex":
        raise VerificationFailed("asked to fail")
    return call()


def test_pages_are_compared_and_verified_by_a_user_who_cannot_write(
    synced: Lab, admin: redis.Redis
) -> None:
    payloads: dict[str, Payload] = {}

    def keep(state: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        payloads[state] = event
        return call()

    synced.succeed("backfill", run_id="kept", intercept=keep)
    synced.catalog.update_all(manufacturer="Another, Ltd.")
    with synced.redriven("kept", redis_secret_arn=READS.user) as call:
        logins()
        admin.config_resetstat()
        for state in READS.functions:
            assert call(state, payloads[state])
    needed = sent(admin) - {"config|resetstat", "info"}
    assert needed <= set(READS.commands)
    assert set(READS.commands) - needed <= SOMETIMES


def test_the_doctor_names_a_command_that_the_user_may_not_send(
    lab: Lab, admin: redis.Redis
) -> None:
    admin.execute_command("ACL", "SETUSER", RUNS.user, "-ft.spellcheck", "-rename")
    with lab.machine(redis_secret_arn=RUNS.user) as machine:
        logins()
        answer = operate(OperatorTask(action="doctor", run_id="doctor"), wiring().ports)
        assert machine
    [finding] = [one for one in answer.findings if one.check == "Redis rights"]
    assert not finding.ok
    assert "rename, ft.spellcheck" in finding.found
