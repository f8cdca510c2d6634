"""An empty answer is right: below the floor of its space, meaning answers nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import redis

import benchmarks
from benchmarks.fda_index import LocalEmbedder, load_index, read_catalog, words_hash
from benchmarks.search_frozen import nonsense
from handlers.wiring import Wiring
from local.servers.stack import DIMENSIONS, Stack, functions_see
from tests.fakes import FakeQuota
from tests.lab import Lab
from workflow.adapters.redis.index import RedisIndex
from workflow.contract.events.files import Baseline
from workflow.contract.ports.generations import LiveNames
from workflow.embedding.caller import Caller
from workflow.search.answers import meaning_of
from workflow.search.floor import UNMEASURED, Meaning
from workflow.search.query_cache import CachedQueries
from workflow.search.search import search
from workflow.verify.floor import measured_floor

NAMES = LiveNames("floor", "floor")
LAY = json.loads(Path(*benchmarks.__path__, "lay_queries.json").read_text())
ROWS = 100
"""Packages whose texts the real model embeds: a second of a quiet machine."""

OTHER = nonsense(5000)
"""Fifty made words of another maker than those that the floor is measured with."""


def test_a_published_generation_keeps_the_floor_that_its_searches_use(synced: Lab) -> None:
    with functions_see(synced.stack.environment(**synced.settings)):
        w = Wiring()
        names = w.index.search.live()
        assert names is not None
        meaning = meaning_of(names, w.index.search, w.settings, w.embedder)
        assert meaning is not None
        assert 0 < meaning.floor < UNMEASURED
        silent = [
            word
            for word in OTHER
            if not search(word, names, meaning=meaning, index=w.index.search).products
        ]
    assert len(silent) >= 0.95 * len(OTHER)


def test_a_run_that_asks_no_model_keeps_the_floor(synced: Lab) -> None:
    before = floor_kept(synced)
    synced.succeed()
    assert floor_kept(synced) == before is not None


def floor_kept(lab: Lab) -> float | None:
    asked = Baseline.model_validate_json(lab.index.generation()["baseline"]).asked
    assert asked is not None
    return asked.floor


@pytest.mark.timeout(300)
def test_a_real_model_answers_no_nonsense_and_what_it_answered_before(stack: Stack) -> None:
    catalog = read_catalog(ROWS, NAMES.space)
    model = LocalEmbedder(DIMENSIONS)
    vectors = {
        words_hash(one.text): np.frombuffer(model.embed([one.text])[0].data, "<f4")
        for one in catalog.texts.values()
    }
    with redis.Redis.from_url(stack.redis.url, protocol=3) as client:
        client.flushall()
        whole = RedisIndex(client, dimensions=DIMENSIONS, algorithm="FLAT", options={})
        load_index(whole, catalog, vectors, NAMES, DIMENSIONS)
        index = whole.search
        with closing(Caller(model, FakeQuota(), DIMENSIONS)) as caller:
            floor = measured_floor(caller, index, NAMES.space, threads=1)
        assert floor is not None
        cached = CachedQueries(model)

        def answers(queries: Sequence[str], floor: float) -> set[str]:
            meaning = Meaning(cached, floor)
            asked = {one: search(one, NAMES, meaning=meaning, index=index) for one in queries}
            return {one for one, answer in asked.items() if answer.products}

        lay = [query for query, _ in LAY["blind"]]
        assert answers(lay, UNMEASURED) <= answers(lay, floor)
        assert len(answers(OTHER, floor)) <= 0.05 * len(OTHER)
        client.flushall()
