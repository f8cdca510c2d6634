"""A Redis in which somebody else wrote: every answer is an answer, or an error by name."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from cli.show.show import show_found
from cli.show.terminal import Out
from cli.sites.http_event import event_of
from handlers import search_api
from handlers.wiring import wiring
from tests.lab import Lab
from tests.rows import ndc
from workflow.contract.unseen import is_seen
from workflow.search.shown import DrugsFound

LAMBDA_ANSWER = 6_000_000
"""Bytes that a function may answer (6 MB), above which a caller gets a 502."""

TARGETS = (
    "/v1/drugs?q=aspirin+generic+5",
    "/v1/drugs?q=generic&facets=true&limit=50&packages=5",
    "/v1/drugs?q=asprin+genric",
    "/v1/drugs?q=blood+thinner",
    f"/v1/drugs?q={ndc(1)}",
    f"/v1/drugs/{ndc(1)}",
    f"/v1/drugs/{ndc(1)}/alternatives",
    "/v1/health",
)
Edit = Callable[[redis.Redis, str, str, str], Any]
"""Of a client, with the keys of a drug, of its text and of its generation."""


def as_string(client: redis.Redis, key: str) -> None:
    client.delete(key)
    client.set(key, "of another type")


def as_list(client: redis.Redis, key: str) -> None:
    client.delete(key)
    client.rpush(key, "of", "another", "type")


HOSTILE = "\x1b]0;owned\x07\u202e005\u3164<script>alert(1)</script>[link=x]{0}%s\r\nSet-Cookie: a=b"
EDITS: dict[str, Edit] = {
    "escapes in every field": lambda c, drug, text, _: c.hset(
        drug, mapping={**dict.fromkeys(c.hkeys(drug), HOSTILE), "text_hash": text.split(":")[-1]}
    ),
    "5 MB in a name": lambda c, drug, *_: c.hset(drug, "drug_name", "x" * 5_000_000),
    "5 MB in a text's name": lambda c, _, text, __: c.hset(text, "generic_name", "x" * 5_000_000),
    "bytes that are no text": lambda c, drug, *_: c.hset(drug, "drug_name", b"\xff\xfe\x00\x80"),
    "no name": lambda c, drug, *_: c.hdel(drug, "drug_name", "generic_name", "ndc"),
    "no text": lambda c, drug, *_: c.hdel(drug, "text_hash"),
    "a text that is not there": lambda c, drug, *_: c.hset(drug, "text_hash", "../../x"),
    "a flag that is none": lambda c, drug, *_: c.hset(drug, "is_generic", HOSTILE),
    "another drug's key inside": lambda c, drug, *_: c.hset(drug, "ndc", ndc(2)),
    "fields of nobody": lambda c, drug, *_: c.hset(drug, mapping={"__proto__": "x", "": "y"}),
    "a drug that is a string": lambda c, drug, *_: as_string(c, drug),
    "a drug that is a list": lambda c, drug, *_: as_list(c, drug),
    "a vector of three bytes": lambda c, _, text, __: c.hset(text, "embedding", b"abc"),
    "a vector of no numbers": lambda c, _, text, __: c.hset(text, "embedding", b"\xff" * 256),
    "a text that is a string": lambda c, _, text, __: as_string(c, text),
    "live names that are a string": lambda c, *_: as_string(c, "drugs:live"),
    "a live generation of a hostile name": lambda c, *_: c.hset(
        "drugs:live", mapping={"generation": "x*}|@ndc:{*", "space": "y\r\nFLUSHALL"}
    ),
    "live names without a name": lambda c, *_: c.hset("drugs:live", "generation", ""),
    "live names that are no text": lambda c, *_: c.hset("drugs:live", "generation", b"\xff\xfe"),
    "a generation that is a list": lambda c, _, __, generation: as_list(c, generation),
    "a generation of nonsense": lambda c, _, __, generation: c.hset(
        generation, mapping=dict.fromkeys(c.hkeys(generation), HOSTILE)
    ),
    "a generation that is empty": lambda c, _, __, generation: c.delete(generation),
}


@pytest.fixture
def edited(synced: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    for name, value in synced.stack.environment(**synced.settings).items():
        monkeypatch.setenv(name, value)
    wiring.cache_clear()
    yield synced
    wiring.cache_clear()


def ask(target: str) -> tuple[int, str]:
    context: Any = SimpleNamespace(function_name="test", aws_request_id="test")
    answer = search_api.handler(event_of(target), context)
    return int(answer["statusCode"]), str(answer["body"])


@pytest.mark.parametrize("edit", EDITS)
def test_whatever_stands_in_redis_an_answer_is_right_by_its_form(edited: Lab, edit: str) -> None:
    generation, space = edited.index.live()
    drug = f"drug:{generation}:{ndc(1)}"
    text = f"text:{space}:{edited.index.documents()[ndc(1)]['text_hash']}"
    EDITS[edit](edited.index.redis, drug, text, f"drugs:generation:{generation}")
    wiring.cache_clear()
    for target in TARGETS:
        status, body = ask(target)
        assert status in (200, 404, 503), (target, status, body[:300])
        assert len(body.encode()) < LAMBDA_ANSWER, target
        assert isinstance(json.loads(body), dict)
        if status == 200 and target.startswith("/v1/drugs?"):
            shown = io.StringIO()
            show_found(Out(file=shown, width=100), HOSTILE, DrugsFound.model_validate_json(body))
            assert all(map(is_seen, shown.getvalue().split("\n"))), target
