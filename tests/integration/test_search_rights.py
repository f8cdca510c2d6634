"""Searches with the rights that the deployment gives them, over a real Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import redis
from aws_lambda_powertools.utilities import parameters
from moto import mock_aws

from cli.sites.http_event import event_of
from handlers import search_api
from handlers.wiring import wiring
from tests.lab import Lab
from tests.rows import ndc
from workflow.contract.errors import IndexAccessDenied
from workflow.contract.holder import Holder
from workflow.contract.rights import SEARCHES

PASSWORD = "readonly-5d0c1b7e"
GRANTED = set(SEARCHES.commands)
ANYBODY = {"quit", "reset"}
"""Redis asks no rights for these two: they end a connection, or what it has begun."""

OTHERS_KEY, OTHERS_INDEX = "sessions:1", "sessions"

TARGETS = (
    "/v1/drugs?q=aspirin+generic+5",
    "/v1/drugs?q=asprin+genric&facets=true&limit=50",
    "/v1/drugs?q=zzzzzzzzzzz",
    "/v1/drugs?q=aspirin&dosage_form=TABLET&is_generic=true&facets=true&limit=50",
    "/v1/drugs?q=warfarin&drug_class=class",
    "/v1/drugs?q=blood+thinner",
    f"/v1/drugs?q={ndc(1)}",
    f"/v1/drugs?q={ndc(1)[:5]}-{ndc(1)[5:9]}",
    f"/v1/drugs/{ndc(1)}",
    f"/v1/drugs/{ndc(2)}/alternatives",
    f"/v1/drugs/{ndc(8)}/alternatives",
    "/v1/health",
)


@pytest.fixture
def admin(synced: Lab) -> Iterator[redis.Redis]:
    """The server with the forty rows live, something of somebody else's, and the user."""
    client = synced.index.redis
    schema = ("ON", "HASH", "PREFIX", 1, "sessions:", "SCHEMA", "name", "TEXT")
    client.execute_command("FT.CREATE", OTHERS_INDEX, *schema)
    client.hset(OTHERS_KEY, "name", "of somebody else")
    client.execute_command("ACL", "SETUSER", SEARCHES.user, "reset", "on", f">{PASSWORD}",
                           *SEARCHES.rules.split())  # fmt: skip
    yield client
    client.execute_command("ACL", "DELUSER", SEARCHES.user)


@pytest.fixture
def searcher(lab: Lab, admin: redis.Redis) -> Iterator[redis.Redis]:
    """The user's own connection."""
    url = lab.stack.redis.url
    with redis.Redis.from_url(url, username=SEARCHES.user, password=PASSWORD, protocol=2) as client:
        yield client


@pytest.fixture
def environment(lab: Lab, admin: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The function's, which has its login from a secret."""
    settings = lab.settings | {"redis_secret_arn": "search"}
    for name, value in lab.stack.environment(**settings).items():
        monkeypatch.setenv(name, value)
    secret = {"username": SEARCHES.user, "password": PASSWORD}
    with mock_aws():
        boto3.client("secretsmanager").create_secret(Name="search", SecretString=json.dumps(secret))
        wiring.cache_clear()
        parameters.clear_caches()  # type: ignore[no-untyped-call]
        yield
    wiring.cache_clear()
    parameters.clear_caches()  # type: ignore[no-untyped-call]


def get(target: str) -> dict[str, Any]:
    """The body of a request that must succeed."""
    context: Any = SimpleNamespace(function_name="test", aws_request_id="test")
    answer = search_api.handler(event_of(target), context)
    assert answer["statusCode"] == 200, answer["body"]
    body: dict[str, Any] = json.loads(answer["body"])
    return body


@pytest.mark.parametrize("target", TARGETS)
def test_every_request_is_answered(environment: None, target: str) -> None:
    assert get(target)["generation"].startswith("first-")


def test_what_is_found_is_what_a_user_with_all_rights_finds(
    lab: Lab, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    restricted = [get(target) for target in TARGETS[:-1]]
    monkeypatch.setenv("DRUGSYNC_REDIS_SECRET_ARN", "")
    wiring.cache_clear()
    assert [get(target) for target in TARGETS[:-1]] == restricted
    assert restricted[0]["parts"]


def test_no_command_is_granted_that_no_search_sends(environment: None, admin: redis.Redis) -> None:
    admin.config_resetstat()
    for target in TARGETS:
        get(target)
    # Sent by a narrow filter where the catalog has more texts than these few.
    wiring().index.search.text_records("none", ["none"])
    sent = {name.removeprefix("cmdstat_").lower() for name in admin.info("commandstats")}
    of_admin = {"config|resetstat", "info"}
    assert sent - of_admin <= GRANTED
    # What redis-py sends where a URL names a database, asks for RESP3, or does not.
    assert GRANTED - sent <= {"hello", "select", "auth"}


def test_no_other_command_is_allowed(admin: redis.Redis) -> None:
    """Asked of the server for each command that it knows; nothing is executed."""
    allowed = {name for name in commands(admin) if may(admin, name)}
    assert allowed - ANYBODY == GRANTED


def commands(admin: redis.Redis) -> Iterator[str]:
    """Each command by its name, a subcommand as `config|get`; no name that only holds others."""
    names = {name.decode().lower() for name in admin.execute_command("COMMAND LIST")}
    return iter(names - {name.partition("|")[0] for name in names if "|" in name})


def may(admin: redis.Redis, command: str) -> bool:
    """What the rules say, with a key of ours for each argument."""
    words = command.split("|")
    for count in range(8):
        arguments = [*words, *["drugs:live"] * count]
        try:
            answer = admin.execute_command("ACL", "DRYRUN", SEARCHES.user, *arguments)
        except redis.ResponseError as error:
            if "wrong number of arguments" in str(error).lower():
                continue
            raise
        return bool(answer == b"OK")
    raise AssertionError(f"{command}: no number of arguments was right")


@pytest.mark.parametrize(
    "command",
    [
        f"HSET drug:first:{ndc(1)} ndc 2",
        f"HDEL drug:first:{ndc(1)} ndc",
        f"DEL drug:first:{ndc(1)}",
        f"UNLINK drug:first:{ndc(1)}",
        f"EXPIRE drug:first:{ndc(1)} 1",
        f"RENAME drug:first:{ndc(1)} drug:first:x",
        "SET drugs:writer thief",
        "HSET drugs:live generation other",
        "ZADD drugs:keys:first 0 x",
        "SADD drugs:repair:first x",
        "EVAL return(redis.call('FLUSHALL')) 0",
        "MULTI",
        "FLUSHALL",
        "FLUSHDB",
        "FT.CREATE drugs:x SCHEMA ndc TAG",
        "FT.DROPINDEX drugs:first DD",
        "FT.DROPINDEX drugs:first",
        "FT.ALTER drugs:first SCHEMA ADD x TAG",
        "FT.ALIASUPDATE drugs texts:x",
        "FT.ALIASDEL drugs",
        "FT.CONFIG SET TIMEOUT 1",
        "CONFIG SET maxmemory 1",
        "CONFIG GET requirepass",
        "ACL SETUSER drugsync_search +@all",
        "KEYS *",
        "SCAN 0",
        "MONITOR",
    ],
)
def test_a_command_that_writes_or_looks_around_is_refused(
    lab: Lab, searcher: redis.Redis, command: str
) -> None:
    before = lab.index.dump()
    with pytest.raises(redis.exceptions.NoPermissionError):
        searcher.execute_command(*command.split())
    assert lab.index.dump() == before


def test_what_others_keep_on_the_server_cannot_be_read(searcher: redis.Redis) -> None:
    for command in (
        ("HGETALL", OTHERS_KEY),
        ("HMGET", OTHERS_KEY, "name"),
        ("FT.SEARCH", OTHERS_INDEX, "*"),
        ("FT.AGGREGATE", OTHERS_INDEX, "*", "LOAD", "*"),
        ("FT.SPELLCHECK", OTHERS_INDEX, "somebdy"),
    ):
        with pytest.raises(redis.exceptions.NoPermissionError):
            searcher.execute_command(*command)
    with pytest.raises(redis.exceptions.NoPermissionError):
        searcher.execute_command("FT.AGGREGATE", OTHERS_INDEX, "*", "LOAD", 1, "@name")


def test_the_workflow_cannot_run_as_the_user_of_searches(environment: None) -> None:
    with pytest.raises(IndexAccessDenied):
        wiring().index.generations.take_fence(Holder("thief", datetime.now(UTC)))


def test_only_the_workflows_own_keys_are_named() -> None:
    assert set(SEARCHES.keys) >= {"drug:*", "drugs:*", "text:*", "texts:*"}
