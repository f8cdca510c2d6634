"""Which vector index: kinds, options, dimensions and sizes, with real texts, vectors and queries.

The two-step search is by vectors alone: nearest texts, then their drugs under a filter, wider until
ten texts have one. What is right is computed by numpy over all texts.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from redis import Redis

from benchmarks.fda_index import Catalog, batched, embedded, read_catalog
from benchmarks.search_queries import make_queries
from local.servers.servers import start_redis, stop_redis
from local.standin.minilm import MiniLM, fit
from workflow.adapters.redis.client import CommandPacker
from workflow.adapters.redis.index import RedisIndex
from workflow.contract.documents import record_of
from workflow.contract.errors import IndexFeatureMissing
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Document
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.search import Filters
from workflow.contract.ports.texts import NewRecord

NAMES = LiveNames("choice", "choice")
HOLDER = Holder("choice", datetime.now(UTC))
LOADED_AT_ONCE = 500
QUERIES = 60
NEAREST = 10
FIRST_ASKED, WIDER = 40, 4
SHARES = {"50 %": "50", "10 %": "10", "1 %": "1"}
"""Share of the drugs that a filter leaves -> the `gcn_seqno` that it asks for."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Choice:
    """A vector index that the settings could ask for."""

    algorithm: str
    dimensions: int
    m: int | None = None
    build: int | None = None
    search: int | None = None
    """EF_CONSTRUCTION and EF_RUNTIME of HNSW."""

    @property
    def name(self) -> str:
        options = f" {self.m}/{self.build}/{self.search}" if self.m else ""
        return f"{self.algorithm}{options}, {self.dimensions} d"

    def index(self, client: "Redis") -> RedisIndex:
        hnsw = {"M": self.m, "EF_CONSTRUCTION": self.build, "EF_RUNTIME": self.search}
        return RedisIndex(
            client,
            dimensions=self.dimensions,
            algorithm=self.algorithm,
            options=hnsw if self.m else {},
        )


USUAL = (16, 400, 800)
"""M, EF_CONSTRUCTION and EF_RUNTIME that the settings ask for unless told otherwise."""

CHOICES = (
    *(Choice("FLAT", dimensions) for dimensions in (256, 512, 1024)),
    *(Choice("HNSW", dimensions, *USUAL) for dimensions in (256, 512, 1024)),
    Choice("HNSW", 512, 16, 200, 100),
    Choice("HNSW", 512, 16, 200, 800),
    Choice("HNSW", 512, 16, 400, 400),
    Choice("HNSW", 512, 32, 400, 400),
    Choice("SVS-VAMANA", 512),
)


def index_choices(
    root: Path, texts: int, announce: Callable[[str], None], choices: Sequence[Choice] = CHOICES
) -> dict[str, Any]:
    """The measurements of each choice over the first `texts` texts and all of their drugs."""
    catalog = _first(read_catalog(None, NAMES.space), texts)
    vectors = embedded(catalog.texts, root / "vectors")
    model = MiniLM()
    queries = np.stack([model.encode(one) for one in _queries(QUERIES)])
    server = start_redis(root / "index")
    measured: dict[str, Any] = {"texts": len(catalog.texts), "documents": len(catalog.documents)}
    try:
        with Redis.from_url(server.url, protocol=3, command_packer=CommandPacker()) as client:
            client.config_set("appendonly", "no")
            measured |= _load_drugs(client, choices[0], catalog)
            for choice in choices:
                announce(f"{len(catalog.texts):,} texts: {choice.name}")
                measured[choice.name] = _measure(client, choice, catalog, vectors, queries)
            usual = Choice("HNSW", 512, *USUAL)
            announce("index made after the load, and one vector a document")
            measured["index made after the load"] = _created_after(client, usual, catalog, vectors)
            small = Choice("HNSW", 256, *USUAL)
            measured["one vector a document"] = _a_vector_each(
                client, small, catalog, vectors, queries
            )
    finally:
        stop_redis(root / "index")
    return measured


def _queries(count: int) -> list[str]:
    made = [one.query for one in make_queries(read_catalog(10_000, NAMES.space))]
    return made[:: max(1, len(made) // count)][:count]


def _first(catalog: Catalog, texts: int) -> Catalog:
    """Its first texts, and their drugs, of which some pass each filter."""
    kept = dict(list(catalog.texts.items())[:texts])
    documents = [
        Document(one.ndc, {**one.fields, "gcn_seqno": _share_of(place)})
        for place, one in enumerate(one for one in catalog.documents if one.text_hash in kept)
    ]
    return Catalog(documents, kept, {})


def _share_of(place: int) -> str:
    """`1` for 1 % of the drugs, `10` for 10 %, `50` for 50 %, spread over the catalog."""
    number = place * 61 % 100
    return "1" if number < 1 else "10" if number < 11 else "50" if number < 61 else "0"


def _measure(
    client: "Redis",
    choice: Choice,
    catalog: Catalog,
    vectors: dict[str, Floats],
    queries: Floats,
) -> dict[str, Any]:
    index = choice.index(client)
    _drop_texts(client)
    fitted = _fitted(catalog, vectors, choice.dimensions)
    before = _memory(client)
    try:
        index.server.create_indexes(NAMES)
    except IndexFeatureMissing as error:
        CHOICES[0].index(client).server.create_indexes(NAMES)
        return {"refused": str(error)}
    seconds = _timed(lambda: _load_texts(index, catalog, fitted))
    return {
        "texts_per_s": len(catalog.texts) / seconds,
        "bytes_per_text": (_memory(client) - before) / len(catalog.texts),
        "search": {
            name: _searches(index, catalog, fitted, _fit(queries, choice.dimensions), filters)
            for name, filters in _filters()
        },
    }


def _drop_texts(client: "Redis") -> None:
    """All at once: if deleted one by one, HNSW repairs its graph after each."""
    client.execute_command("FT.DROPINDEX", f"texts:{NAMES.space}", "DD")


def _filters() -> Iterator[tuple[str, Filters]]:
    yield "all", {}
    for name, value in SHARES.items():
        yield name, {"gcn_seqno": value}


def _fitted(catalog: Catalog, vectors: dict[str, Floats], dimensions: int) -> dict[str, bytes]:
    matrix = _fit(np.stack([vectors[one] for one in catalog.texts]), dimensions)
    return {one: row.tobytes() for one, row in zip(catalog.texts, matrix, strict=True)}


def _fit(matrix: Floats, dimensions: int) -> Floats:
    """As the Bedrock stand-in would answer: projected, or padded with zeros."""
    rows = np.stack([fit(row, dimensions) for row in matrix])
    padded: Floats = np.pad(rows, ((0, 0), (0, dimensions - rows.shape[1]))).astype("<f4")
    return padded


def _load_texts(index: RedisIndex, catalog: Catalog, fitted: dict[str, bytes]) -> None:
    for part in batched(catalog.texts.values(), LOADED_AT_ONCE):
        records = [NewRecord(one.hash, record_of(one, fitted[one.hash]), 1) for one in part]
        index.texts.write(NAMES.space, HOLDER, records)


def _load_drugs(client: "Redis", choice: Choice, catalog: Catalog) -> dict[str, float]:
    """The documents, which are the same for every index of the texts."""
    client.flushall()
    index = choice.index(client)
    index.generations.take_fence(HOLDER)
    index.server.create_indexes(NAMES)
    before = _memory(client)

    def load() -> None:
        for part in batched(catalog.documents, LOADED_AT_ONCE):
            index.documents.write(NAMES.generation, HOLDER, part)

    seconds = _timed(load)
    return {
        "documents_per_s": len(catalog.documents) / seconds,
        "bytes_per_document": (_memory(client) - before) / len(catalog.documents),
    }


def _searches(
    index: RedisIndex,
    catalog: Catalog,
    fitted: dict[str, bytes],
    queries: Floats,
    filters: Filters,
) -> dict[str, float]:
    """Milliseconds and recall@10 of the two-step search under one filter."""
    value = filters.get("gcn_seqno")
    passing = {
        one.text_hash for one in catalog.documents if value in (None, one.fields["gcn_seqno"])
    }
    hashes = [one for one in catalog.texts if one in passing]
    matrix = np.stack([np.frombuffer(fitted[one], "<f4") for one in hashes])
    took, shares = [], []
    for query in queries:
        started = time.perf_counter()
        found = _two_steps(index, query.tobytes(), filters)
        took.append(1e3 * (time.perf_counter() - started))
        similar = matrix @ query
        limit = np.partition(similar, -NEAREST)[-NEAREST]
        right = {hashes[place] for place in np.flatnonzero(similar >= limit - 1e-4)}
        shares.append(sum(one in right for one in found) / NEAREST)
    return _figures(took, shares)


def _figures(took: Sequence[float], shares: Sequence[float]) -> dict[str, float]:
    """Of searches: milliseconds, and the shares of the true ten that they found."""
    return {
        "p50_ms": statistics.median(took),
        "p99_ms": sorted(took)[int(0.99 * len(took))],
        "recall_at_10": statistics.mean(shares),
    }


def _two_steps(index: RedisIndex, query: bytes, filters: Filters) -> list[str]:
    count = FIRST_ASKED
    found: list[str] = []
    seen = 0
    while True:
        hits = index.search.nearest_texts(NAMES.space, query, count)
        asked = [hit.name for hit in hits[seen:]]
        drugs = index.search.drugs_of_texts(NAMES.generation, asked, 1, filters)
        found += [one for one, some in zip(asked, drugs, strict=True) if some.total]
        if len(found) >= NEAREST or len(hits) < count:
            return found[:NEAREST]
        seen, count = len(hits), WIDER * count


def _created_after(
    client: "Redis", choice: Choice, catalog: Catalog, vectors: dict[str, Floats]
) -> dict[str, float]:
    """Texts a second where they are loaded first and indexed then."""
    index = choice.index(client)
    _drop_texts(client)
    fitted = _fitted(catalog, vectors, choice.dimensions)

    def load_then_index() -> None:
        _load_texts(index, catalog, fitted)
        index.server.create_indexes(NAMES)
        while (facts := index.server.index("texts", NAMES.space)) is None or facts.building:
            time.sleep(0.05)

    return {"texts_per_s": len(catalog.texts) / _timed(load_then_index)}


def _a_vector_each(
    client: "Redis",
    choice: Choice,
    catalog: Catalog,
    vectors: dict[str, Floats],
    queries: Floats,
) -> dict[str, Any]:
    """The design without texts: one index in which every document has its own vector."""
    client.flushall()
    fitted = _fitted(catalog, vectors, choice.dimensions)
    before = _memory(client)
    options = ("M", choice.m, "EF_CONSTRUCTION", choice.build, "EF_RUNTIME", choice.search)
    vector = ("TYPE", "FLOAT32", "DIM", choice.dimensions, "DISTANCE_METRIC", "COSINE", *options)
    schema = ("gcn_seqno", "TAG", "embedding", "VECTOR", choice.algorithm, len(vector), *vector)
    client.execute_command(
        *("FT.CREATE", "each", "ON", "HASH", "PREFIX", 1, "drug:", "SCHEMA"), *schema
    )

    def load() -> None:
        for part in batched(catalog.documents, LOADED_AT_ONCE):
            pipe = client.pipeline(transaction=False)
            for one in part:
                record = {**one.fields, "embedding": fitted[one.text_hash]}
                pipe.execute_command("HSET", f"drug:{one.ndc}", *sum(record.items(), ()))
            pipe.execute()

    seconds = _timed(load)
    taken = _memory(client) - before
    texts = list(catalog.texts)
    matrix = np.stack([np.frombuffer(fitted[one], "<f4") for one in texts])
    counted = _drugs_by_text(catalog.documents)
    took, shares = [], []
    for query in _fit(queries, choice.dimensions):
        started = time.perf_counter()
        found = client.execute_command(
            *("FT.SEARCH", "each", f"*=>[KNN {NEAREST} @embedding $v AS d]"),
            *("PARAMS", 2, "v", query.tobytes(), "RETURN", 1, "d", "LIMIT", 0, NEAREST),
            *("DIALECT", 2),
        )
        took.append(1e3 * (time.perf_counter() - started))
        farthest = _farthest_true(matrix @ query, [counted[one] for one in texts])
        distances = [float(values[1]) for values in found[2::2]]
        shares.append(sum(1 - one >= farthest - 1e-4 for one in distances) / NEAREST)
    return {
        "index": choice.name,
        "documents_per_s": len(catalog.documents) / seconds,
        "bytes_per_document": taken / len(catalog.documents),
        **_figures(took, shares),
    }


def _drugs_by_text(documents: Sequence[Document]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for one in documents:
        counted[one.text_hash] = counted.get(one.text_hash, 0) + 1
    return counted


def _farthest_true(similar: Floats, drugs: Sequence[int]) -> float:
    """The similarity of the tenth nearest document, where text `i` has `drugs[i]` of them."""
    left = NEAREST
    for place in np.argsort(-similar):
        left -= drugs[place]
        if left <= 0:
            return float(similar[place])
    return -1.0


def _memory(client: "Redis") -> int:
    return int(client.info("memory")["used_memory"])


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
