"""Whatever is asked of whatever is stored: an answer or a 400, never a 500."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.sites.http_event import event_of
from handlers import search_api
from handlers.wiring import wiring
from local.servers.stack import Stack
from tests.rows import COLUMNS, DIMENSIONS
from tests.searched import NAMES as LIVE
from tests.searched import Hashed, fill, found
from workflow.contract.documents import clean
from workflow.contract.ports.catalog import Row
from workflow.contract.ports.search import Filters
from workflow.contract.rows import read_row
from workflow.search.api import FILTERS
from workflow.search.search import search

API_GATEWAY_BYTES = 6_000_000
EXAMPLES = int(os.environ.get("SEARCH_EXAMPLES", "60"))
"""Thousands take an hour: `SEARCH_EXAMPLES=5000 pytest --timeout 0` and this file."""

TYPED = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
MARKS = "@{}()|-~\"'\\*%$=>[]:;_<! .,/&?#+0a1\u0000\u200b\u03bc\u00ae"
SYNTAX = st.text(st.sampled_from(MARKS), max_size=60)
WORDS = "aspirin tylenol 5 mg 10/325 ,5 % tablet of blood thinner asprin 0071-0155-23 lami"
QUERIES = st.one_of(
    TYPED,
    SYNTAX,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=150, max_size=201),
    st.lists(st.sampled_from(WORDS.split()), max_size=8).map(" ".join),
)
VALUES = st.one_of(
    TYPED,
    SYNTAX,
    st.sampled_from(("50 \u03bcg", "1/1/1/1/1/1", "Discontinued", "Children\u2019s", "Zyx\u00ae")),
)


def row(number: int, values: dict[str, str]) -> Row:
    return {**values, "ndc": f"{number:011d}", "drug_name": values.get("drug_name") or "x"}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[redis.Redis]:
    with (
        redis.Redis.from_url(stack.redis.url, protocol=3) as one,
        pytest.MonkeyPatch.context() as patch,
    ):
        environment = stack.environment(embedding_dimensions=str(DIMENSIONS))
        for name, value in environment.items():
            patch.setenv(name, value)
        wiring.cache_clear()
        vars(wiring())["queries"] = Hashed()
        yield one
        wiring.cache_clear()
        one.flushall()


def answer_to(target: str, method: str = "GET") -> dict[str, Any]:
    context: Any = SimpleNamespace(function_name="test")
    return search_api.handler(event_of(target, method), context)


def assert_answered(target: str) -> None:
    answer = answer_to(target)
    assert answer["statusCode"] in (200, 400, 404), (target, answer["body"])
    assert len(answer["body"].encode()) < API_GATEWAY_BYTES
    json.loads(answer["body"])


LETTERS = st.characters(categories=("Lu", "Ll", "Nd", "Po", "Pd", "Zs"))


def in_blanks(name: str) -> str:
    return f" {name}\u200b"


def with_mark(name: str) -> str:
    return f"{name}\u00ae"


ANYTHING = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@ANYTHING
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(COLUMNS[1:]), VALUES, max_size=8), max_size=5),
    queries=st.lists(QUERIES, min_size=1, max_size=6),
)
def test_any_query_over_any_rows_is_answered(
    client: redis.Redis, rows: list[dict[str, str]], queries: list[str]
) -> None:
    stored = [read_row(row(number, values)) for number, values in enumerate(rows)]
    kept = [one for one in stored if isinstance(one, dict)]
    index = fill(client, kept)
    vars(wiring())["index"] = index
    for query in (*queries, *(str(one["drug_name"])[:200] for one in kept)):
        assert_answered(f"/v1/drugs?{urlencode({'q': query, 'facets': 'true'})}")
        assert_answered(f"/v1/drugs/{quote(query, safe='')}")
    for one in kept:
        assert_answered(f"/v1/drugs/{one['ndc']}/alternatives")


@ANYTHING
@given(
    parameters=st.lists(
        st.tuples(
            st.one_of(st.sampled_from((*FILTERS, "limit", "offset", "packages", "q")), TYPED),
            st.one_of(VALUES, st.integers(-5, 600).map(str), st.booleans().map(str)),
        ),
        max_size=6,
    )
)
def test_any_parameters_are_answered(
    client: redis.Redis, parameters: list[tuple[str, str]]
) -> None:
    if not client.exists("drugs:live"):
        vars(wiring())["index"] = fill(client, [row(1, {"route": "ORAL", "drug_name": "aspirin"})])
    assert_answered(f"/v1/drugs?{urlencode([('q', 'aspirin'), *parameters])}")
    assert_answered(f"/v1/drugs?{urlencode(parameters)}")


@ANYTHING
@given(raw=st.text(st.characters(max_codepoint=0x2FF), max_size=80))
def test_any_bytes_behind_the_path_are_answered(client: redis.Redis, raw: str) -> None:
    assert_answered(f"/v1/drugs?{quote(raw, safe='&=%+?/;')}")
    assert_answered(f"/v1/{quote(raw, safe='/%')}")


@ANYTHING
@given(
    name=st.text(LETTERS, min_size=3, max_size=30),
    change=st.sampled_from((str.upper, str.lower, str.casefold, in_blanks, with_mark)),
)
def test_a_stored_name_is_found_however_it_is_retyped(
    client: redis.Redis, name: str, change: Any
) -> None:
    """By name, and as the value of a filter."""
    wanted = f"qq{name}ww"
    stored = read_row(row(1, {"drug_name": wanted, "manufacturer": wanted, "route": "ORAL"}))
    assert isinstance(stored, dict)
    index = fill(client, [stored]).search
    names = clean(wanted)
    filters: Filters = {"manufacturer": (change(names),)}
    answer = search(change(names), LIVE, meaning=None, index=index, filters=filters)
    assert found(answer).get("found") == [names]


def test_an_answer_of_the_longest_values_fits_through_the_gateway(client: redis.Redis) -> None:
    long = "aspirin " + "\U0001f48a" * 2000
    rows = [
        {
            "ndc": f"{number:011d}",
            "drug_name": long,
            "generic_name": "aspirin",
            "manufacturer": "\U0001f48a" * 1000,
            "strength": f"{number % 16} mg",
            "dosage_form": f"form {number // 30}",
        }
        for number in range(1500)
    ]
    rows[0] |= {f"more_{one}": long for one in range(200)}
    vars(wiring())["index"] = fill(client, rows)
    assert_answered("/v1/drugs?q=aspirin&limit=50&packages=100&facets=true")
    assert_answered("/v1/drugs/00000000000")
    assert_answered("/v1/drugs/00000000001/alternatives")
