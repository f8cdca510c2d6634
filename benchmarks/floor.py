"""The least that the same rows can cost: bare loops with the same drivers and indexes."""

import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

from redis import Redis

from benchmarks.lab import adapters
from local.servers.stack import Stack
from workflow.contract.documents import (
    content_hash,
    record_hash,
    record_of,
    renderer_of,
    text_hash,
)
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Document
from workflow.contract.ports.generations import Kept, LiveNames
from workflow.contract.ports.model import Purpose, Vector
from workflow.contract.ports.texts import Text
from workflow.embedding.caller import tokens_of
from workflow.steps.prune import sweep_leftovers

T = TypeVar("T")
BATCH = 500
OWN = (b"text", b"embedding", b"record_hash")


@dataclass(frozen=True)
class Floor:
    """Seconds of each bare loop over the whole catalog, in one process, one after another."""

    fetch_s: float
    build_s: float
    texts_s: float
    documents_s: float
    hashes_s: float
    back_s: float

    @property
    def backfill_s(self) -> float:
        """Fetched once, built and hashed once, written once."""
        return self.fetch_s + self.build_s + self.texts_s + self.documents_s

    @property
    def no_change_s(self) -> float:
        """The bare fetch and the bare read of the stored hashes."""
        return self.fetch_s + self.hashes_s

    @property
    def verify_s(self) -> float:
        """Rows fetched and built again; every document and text record read back and hashed."""
        return self.fetch_s + self.build_s + self.back_s


def measure(stack: Stack, settings: dict[str, str]) -> Floor:
    """Fetch, build, and pipeline into indexes of the product's own schema."""
    with (
        adapters(stack, settings) as wiring,
        Redis.from_url(stack.redis.url, protocol=2) as redis,
    ):
        names = LiveNames("floor", "floor")
        holder = Holder("floor", datetime.now(UTC))
        wiring.index.generations.take_fence(holder)
        wiring.index.server.create_indexes(names)
        started = time.perf_counter()
        with wiring.catalog.connect() as reader:
            rows = reader.read_range(None, None).rows
        fetched = time.perf_counter()
        renderer = renderer_of(wiring.settings, "floor")
        documents = [renderer.document(row) for row in rows]
        built = time.perf_counter()
        texts = {document.text_hash: renderer.text(document.fields) for document in documents}
        vectors = NoCostEmbedder(wiring.settings.embedding_dimensions)
        texts_s = _timed(redis, [_text_command(text, vectors) for text in texts.values()])
        documents_s = _timed(
            redis,
            [("HSET", f"drug:floor:{one.ndc}", *_pairs(one.fields)) for one in documents],
        )
        hashes_s = _timed(
            redis, [("HGET", f"drug:floor:{one.ndc}", "content_hash") for one in documents]
        )
        back_s = _read_back(redis, documents, list(texts))
        nothing = Kept((), (), staged="", undo="")
        sweep_leftovers(wiring.index.generations, nothing, holder)
    return Floor(fetched - started, built - fetched, texts_s, documents_s, hashes_s, back_s)


class NoCostEmbedder:
    """Distinct vectors without a model and without a call: the same on both sides."""

    texts_per_call = 1

    def __init__(self, dimensions: int) -> None:
        random = Random(1)
        self._noise = array("f", [random.uniform(-1, 1) for _ in range(dimensions)])

    def embed(self, texts: Sequence[str], _purpose: Purpose = "document") -> list[Vector]:
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> Vector:
        values = self._noise[:]
        seed = int(text_hash(text, {}), 16)
        for place in range(4):
            values[(seed >> 16 * place) % len(values)] += 1 + place
        return Vector(values.tobytes(), tokens_of(text))


def _text_command(text: Text, vectors: NoCostEmbedder) -> tuple[Any, ...]:
    vector = vectors.embed([text.text])[0].data
    bound = record_of(text, vector).record_hash
    own = ("text", text.text, "embedding", vector, "record_hash", bound)
    return ("HSET", f"text:floor:{text.hash}", *_pairs(text.columns), *own)


def _read_back(redis: "Redis", documents: Sequence[Document], texts: Sequence[str]) -> float:
    """Seconds to read what a search would find, and to compare it with its own hashes."""
    started = time.perf_counter()
    for batch in _batches(documents):
        pipe = redis.pipeline(transaction=False)
        for one in batch:
            pipe.hgetall(f"drug:floor:{one.ndc}")
        for one, found in zip(batch, pipe.execute(), strict=True):
            fields = {name.decode(): value.decode() for name, value in found.items()}
            if content_hash(fields, "floor") != one.content_hash:
                raise RuntimeError(f"{one.ndc} was not read back as it was written")
    for hashes in _batches(texts):
        pipe = redis.pipeline(transaction=False)
        for each in hashes:
            pipe.hgetall(f"text:floor:{each}")
        for found in pipe.execute():
            text, vector, own = (found.pop(name) for name in OWN)
            columns = {name.decode(): value.decode() for name, value in found.items()}
            if record_hash(text.decode(), columns, vector, "") != own.decode():
                raise RuntimeError(f"{text!r} was not read back as it was written")
    return time.perf_counter() - started


def _pairs(fields: dict[str, str]) -> list[str]:
    return [part for pair in fields.items() for part in pair]


def _timed(redis: "Redis", commands: Sequence[tuple[Any, ...]]) -> float:
    started = time.perf_counter()
    for batch in _batches(commands):
        pipe = redis.pipeline(transaction=False)
        for command in batch:
            pipe.execute_command(*command)
        pipe.execute()
    return time.perf_counter() - started


def _batches(every: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(every), BATCH):
        yield every[start : start + BATCH]
