"""Read back all that a run wrote: documents against the catalog's sums, texts and vectors."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from math import dist

from workflow.contract.documents import (
    HASH_RANGE,
    Writer,
    checksum,
    content_hash,
    text_hash,
    vector_hash,
)
from workflow.contract.events.files import PageDiff, PageLoaded
from workflow.contract.events.payloads import PageRange, Plan
from workflow.contract.ports.catalog import Catalog
from workflow.contract.ports.index import Index
from workflow.contract.ports.texts import TextRecord
from workflow.contract.vectors import cosine_of, fault, length, to_floats

CHUNK = 500


@dataclass
class DocumentAudit:
    """What reading every document of the run's key range found."""

    keys: int = 0
    rows: int = 0
    """Rows of the catalog that must have a document."""
    rejected: int = 0
    bad_keys: list[str] = field(default_factory=list)
    bad_pages: list[str] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)


class DocumentAuditor:
    """Compares pages of the index with what DiffPage read of the catalog.

    A page's documents are hashed again from their stored fields. Where their sum is not the
    catalog's, or a document is not what its own hash says, the page's rows are read again to name
    the keys: one missing and one extra document do not cancel out.
    """

    def __init__(self, plan: Plan, catalog: Catalog, index: Index, writer: Writer) -> None:
        self._plan = plan
        self._catalog = catalog
        self._index = index
        self._writer = writer
        self.found = DocumentAudit()

    def page(self, page: PageRange, diff: PageDiff, loaded: PageLoaded | None) -> None:
        """Add one page to `found`. `loaded` is None where the page had no change."""
        keys = self._index.keys_between(self._plan.generation, page.after, page.through)
        stored, faulty = self._read(keys)
        rejected = loaded.rejected if loaded else ()
        expected_rows = diff.rows - sum(row.new for row in rejected)
        expected_sum = (diff.checksum - (loaded.correction if loaded else 0)) % HASH_RANGE
        self.found.keys += len(keys)
        self.found.rows += expected_rows
        self.found.rejected += len(rejected)
        if faulty or len(keys) != expected_rows or checksum(stored.values()) != expected_sum:
            self.found.bad_pages.append(page.page)
            bad = faulty | self._differing(page, stored) - {row.ndc for row in rejected}
            self.found.bad_keys.extend(sorted(bad))

    def _read(self, keys: Sequence[str]) -> tuple[dict[str, str], set[str]]:
        """The content hash of each key's stored fields, and the keys whose document is faulty."""
        hashes: dict[str, str] = {}
        faulty = set()
        for chunk in _chunks(keys):
            documents = self._index.documents(self._plan.generation, chunk)
            for key, fields in zip(chunk, documents, strict=True):
                if not fields:
                    faulty.add(key)
                    continue
                hashes[key] = content_hash(fields, self._plan.space)
                if hashes[key] != fields.get("content_hash") or fields.get("ndc") != key:
                    faulty.add(key)
                self.found.texts.add(fields.get("text_hash", ""))
        return hashes, faulty

    def _differing(self, page: PageRange, stored: dict[str, str]) -> set[str]:
        with self._catalog.connect() as reader:
            rows = reader.read_range(page.after, page.through).rows
            documents = [self._writer.document(row) for row in rows]
        wanted = {document.ndc: document.content_hash for document in documents}
        return {key for key in stored.keys() | wanted.keys() if stored.get(key) != wanted.get(key)}


@dataclass
class TextAudit:
    """What reading every text record that a document names found."""

    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    """Text that is not its key's, vector that is not its text's, or no vector at all."""

    @property
    def bad(self) -> list[str]:
        return self.missing + self.damaged


class ExactSearch:
    """The true nearest texts of a few queries, collected while all texts pass by."""

    def __init__(self, queries: Sequence[bytes], count: int) -> None:
        self.queries = queries
        self._floats = [to_floats(query) for query in queries]
        self._lengths = [length(one) for one in self._floats]
        self._count = count
        self._similar: list[list[float]] = [[] for _ in queries]
        """Of each query a heap of its highest cosines, the least one first."""

    def see(self, vector: bytes) -> None:
        if not self.queries:
            return
        candidate = to_floats(vector)
        own = length(candidate)
        for query, size, similar in zip(self._floats, self._lengths, self._similar, strict=True):
            cosine = cosine_of(dist(query, candidate), size, own)
            if len(similar) < self._count:
                heappush(similar, cosine)
            else:
                heappushpop(similar, cosine)

    def limit(self, query: int) -> tuple[float, int]:
        """The cosine distance of a query's farthest true neighbour, and how many there are."""
        similar = self._similar[query]
        return (1 - similar[0], len(similar)) if similar else (0.0, 0)


def audit_texts(
    index: Index, space: str, hashes: Iterable[str], dimensions: int, exact: ExactSearch
) -> TextAudit:
    """Read every record; feed the sound vectors to `exact`."""
    found = TextAudit()
    for chunk in _chunks(sorted(hashes)):
        for one, record in zip(chunk, index.text_records(space, chunk), strict=True):
            if record is None:
                found.missing.append(one)
            elif is_damaged(one, record, dimensions):
                found.damaged.append(one)
            else:
                exact.see(record.vector)
    return found


def is_damaged(key: str, record: TextRecord, dimensions: int) -> bool:
    """Whether a record is not what its key and its own vector hash say."""
    return (
        text_hash(record.text) != key
        or vector_hash(key, record.vector) != record.vector_hash
        or fault(record.vector, dimensions) is not None
    )


def keys_of_texts(index: Index, generation: str, texts: set[str]) -> list[str]:
    """The drugs that name one of these texts."""
    keys = index.keys_between(generation, None, None)
    return [
        key
        for chunk in _chunks(keys)
        for key, one in zip(chunk, index.text_hashes(generation, chunk), strict=True)
        if one in texts
    ]


def sample(items: Iterable[str], count: int, seed: str) -> list[str]:
    """The same sample for the same run, so that a retry checks the same."""
    ordered = sorted(items)
    return random.Random(seed).sample(ordered, min(count, len(ordered)))  # noqa: S311 - no secret


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
