"""A live generation of made rows in a real Redis, without the state machine: for searches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from redis import Redis

from local.servers.stack import Stack
from tests.rows import DIMENSIONS, vector_of
from workflow.adapters.redis.index import RedisIndex
from workflow.adapters.redis.queries import RedisSearch
from workflow.contract.documents import Renderer, record_of
from workflow.contract.holder import Holder
from workflow.contract.ports.catalog import Row
from workflow.contract.ports.generations import Generation, LiveNames
from workflow.contract.ports.model import Purpose, Vector
from workflow.contract.ports.texts import NewRecord
from workflow.contract.settings import DEFAULT_TEMPLATE
from workflow.search.parts import Answer
from workflow.search.search import search

NAMES = LiveNames("searched", "searched")
COLUMNS = ("drug_name", "brand_name", "generic_name", "strength", "dosage_form", "route")
AT_ONCE = 500


class Hashed:
    """The stand-in's fast embedder, in this process."""

    texts_per_call = 1

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        self.asked += texts
        return [Vector(vector_of(text), 1) for text in texts]


def drug(number: int, *values: str, **others: str) -> Row:
    """A row of `COLUMNS`; what is empty is absent."""
    row: Row = {"ndc": f"{number:011d}", "is_active": "1", "manufacturer": "Acme, Inc."}
    given = {name: value for name, value in zip(COLUMNS, values, strict=False) if value}
    return {**row, **given, **others}


def fill(client: Redis, rows: Iterable[Row]) -> RedisIndex:
    """Everything that was there before is gone."""
    client.flushall()
    index = RedisIndex(client, dimensions=DIMENSIONS, algorithm="FLAT", options={})
    renderer = Renderer(DEFAULT_TEMPLATE, 8000, NAMES.space)
    documents = [renderer.document(row) for row in rows]
    texts = {one.text_hash: renderer.text(one.fields) for one in documents}
    now = datetime.now(UTC)
    holder = Holder("searched", now)
    generation = Generation(
        name=NAMES.generation,
        space=NAMES.space,
        space_revision="0",
        schema=index.server.schema_digest(),
        state="live",
        run_id="searched",
        created_at=now.isoformat(),
        published_at=now.isoformat(),
    )
    index.generations.take_fence(holder)
    index.generations.create(generation, holder)
    index.server.create_indexes(NAMES)
    records = [
        NewRecord(text.hash, record_of(text, vector_of(text.text)), 1) for text in texts.values()
    ]
    for start in range(0, len(records), AT_ONCE):
        index.texts.write(NAMES.space, holder, records[start : start + AT_ONCE])
    for start in range(0, len(documents), AT_ONCE):
        index.documents.write(NAMES.generation, holder, documents[start : start + AT_ONCE])
    index.generations.publish(generation, "", holder)
    return index


@contextmanager
def searched(stack: Stack, rows: Iterable[Row]) -> Iterator[RedisSearch]:
    """The rows are searched in the stack's Redis, which is empty afterwards."""
    with Redis.from_url(stack.redis.url, protocol=3) as client:
        yield fill(client, rows).search
        client.flushall()


def ask(index: RedisSearch, query: str, *, as_written: bool = False) -> Answer:
    """By words alone."""
    return search(query, NAMES, meaning=None, index=index, as_written=as_written)


def found(answer: Answer) -> dict[str, list[str]]:
    """The names of each part's products, by its kind."""
    return {
        part.kind.value: [
            card.packages[0].get("drug_name") or card.packages[0].get("brand_name", "")
            for card in part.products
        ]
        for part in answer.parts
    }


def told(answer: Answer) -> dict[str, tuple[str, ...]]:
    """What each notice names instead, by its kind."""
    return {one.kind.value: one.instead for one in answer.notices}
