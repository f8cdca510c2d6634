"""What the steps need of the world, and the shapes that cross that border."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

Clock = Callable[[], datetime]
"""The current time, aware, in UTC."""

Row = Mapping[str, str | None]
"""One catalog row: documented column -> the value as MySQL casts it to CHAR."""

Fields = dict[str, str]
"""A Redis hash as text: only fields that have a value."""

Purpose = Literal["document", "query"]
GenerationState = Literal["building", "live", "suspect", "previous"]


class Text(NamedTuple):
    """What is embedded, content-addressed: `hash` is BLAKE2b-128 of `text`, in hex."""

    hash: str
    text: str
    columns: Fields


class Document(NamedTuple):
    """One drug as it is stored: the catalog's fields with `text_hash` and `content_hash`."""

    ndc: str
    fields: Fields

    @property
    def text_hash(self) -> str:
        return self.fields["text_hash"]

    @property
    def content_hash(self) -> str:
        return self.fields["content_hash"]


class Vector(NamedTuple):
    """`data` is float32[dimensions], little-endian; `tokens` is what the model counted."""

    data: bytes
    tokens: int


class TextRecord(NamedTuple):
    """A text with its vector. `vector_hash` binds the two, so that a swap or an edit shows."""

    text: str
    vector: bytes
    vector_hash: str


class TextOrigin(NamedTuple):
    """Which run gave a text its record, and the tokens that it cost."""

    run_id: str
    tokens: int


class Change(NamedTuple):
    """One document to write. `old` is the content hash that is stored now, if any."""

    document: Document
    old: str | None


class Batch(NamedTuple):
    """What one transaction of LoadPage writes and removes."""

    upserts: Sequence[Document]
    removals: Sequence[str]


class LiveNames(NamedTuple):
    """What searches are answered from."""

    generation: str
    space: str


@dataclass(frozen=True, slots=True)
class Generation:
    """One complete set of documents. `profile` is JSON: `events.ColumnProfile` by column."""

    name: str
    space: str
    space_revision: str
    schema: str
    state: GenerationState
    run_id: str
    created_at: str
    published_at: str = ""
    rows: int = 0
    """Catalog rows at the last full publish."""
    profile: str = "{}"
    last: str = "null"
    """JSON: `events.LastRun`."""


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """FT.INFO, whichever engine answered. `failures` only ever grows."""

    documents: int
    failures: int
    building: bool
    percent: float


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What PlanPages must know of the Redis server. `max_memory` 0 is unlimited."""

    version: str
    max_memory: int
    used_memory: int
    eviction_policy: str


class Hit(NamedTuple):
    """One search result: the hash's name without its prefix, and its cosine distance."""

    name: str
    distance: float


class NameQuery(NamedTuple):
    """What a search asks of the texts' names. Words are lower case, letters and digits only.

    `words`: any of them in a name. `prefix`: or a name that begins so. Where more are found than
    wanted, those with `numbers` and `forms` come first.
    """

    words: tuple[str, ...]
    prefix: str
    numbers: tuple[str, ...]
    forms: tuple[str, ...]


class ClassQuery(NamedTuple):
    """Words of classes. `phrases`: each of them a class; `words`: all of them in one class."""

    phrases: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]


class Related(NamedTuple):
    """Texts that a query describes: nearest in meaning first; those of its classes, unordered."""

    nearest: list[Hit]
    classed: list[str]


class Drugs(NamedTuple):
    """How many drugs there are, and some of them, by key."""

    total: int
    some: list[Fields]


Filters = Mapping[str, str]
"""Column -> the value that a drug must have; for columns of classes, words that it must hold."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of the state machine."""

    name: str
    started_at: datetime


class CatalogReader(Protocol):
    """An open connection to the catalog. Errors: `errors.CatalogError`."""

    def columns(self) -> tuple[str, ...]:
        """The documented columns that the catalog has."""
        ...

    def check_key(self, rows_worth_an_index: int) -> None:
        """Raise KeyBlank, or KeyNotIndexed where a range read scans more rows than given."""
        ...

    def is_empty(self) -> bool: ...

    def page_end(self, after: str | None, through: str | None, rows: int) -> str | None:
        """The last key of the page of `rows` rows behind `after`; None where no row follows it."""
        ...

    def read_range(self, after: str | None, through: str | None) -> Iterator[Row]:
        """The rows of `(after, through]` in key order, from one statement."""
        ...

    def read_keys(self, keys: Sequence[str]) -> Iterator[Row]:
        """The rows of these keys that still exist."""
        ...


class Catalog(Protocol):
    """The drug catalog."""

    def connect(self) -> AbstractContextManager[CatalogReader]:
        """Open one connection, closed on leaving. Raises CatalogUnavailable, ...Denied."""
        ...


class Embedder(Protocol):
    """The embedding model. Errors: `errors.EmbedderError`."""

    texts_per_call: int

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        """One vector a text, in order, from one call. Raises `TextRefused` when it refuses."""
        ...


class TextRefused(Exception):
    """The model refuses this request for good. With one text, that text is the reason."""


class Quota(Protocol):
    """The tokens that all functions together may send in a minute."""

    block: int
    """Tokens that are worth a reservation of their own: a small part of a second's."""

    def reserve(self, tokens: int) -> float:
        """Take `tokens` from the shared quota (or give some back, if negative).

        Returns the seconds to wait before they may be sent.
        """
        ...


class RunStore(Protocol):
    """Objects of runs. Errors: `errors.RunStoreError`."""

    bucket: str

    def write(self, key: str, body: bytes) -> None: ...

    def read(self, key: str) -> bytes:
        """Raises RunFileMissing."""
        ...

    def keys(self, prefix: str) -> list[str]: ...


class Executions(Protocol):
    """The state machine's executions."""

    def running(self, state_machine_arn: str) -> list[Execution]: ...


class SearchIndex(Protocol):
    """What a search reads. Errors: `errors.IndexError_`."""

    def live(self) -> LiveNames | None: ...
    def generation(self, name: str) -> Generation | None: ...
    def count(self, generation: str) -> int:
        """How many keys the generation's key set has."""
        ...

    def documents(self, generation: str, ndcs: Sequence[str]) -> list[Fields]:
        """Each document's hash; empty where it does not exist."""
        ...

    def text_records(self, space: str, hashes: Sequence[str]) -> list[TextRecord | None]: ...
    def nearest_texts(self, space: str, vector: bytes, count: int) -> list[Hit]: ...
    def find_named(self, space: str, query: NameQuery, count: int) -> dict[str, Fields]:
        """The columns of `count` texts at most, by hash."""
        ...

    def find_related(
        self, space: str, vector: bytes | None, query: ClassQuery, count: int
    ) -> Related:
        """The nearest texts and those found by class, `count` of each; without a vector, none."""
        ...

    def spellings(self, space: str, words: Sequence[str], edits: int) -> dict[str, list[str]]:
        """Each word that no text holds, with the names' words that are so many edits away.

        Each edit more costs several times as much.
        """
        ...

    def drugs_of_texts(
        self, generation: str, hashes: Sequence[str], limit: int, filters: Filters
    ) -> list[Drugs]:
        """The drugs of each text that pass the filters, `limit` of each text."""
        ...

    def texts_of_drugs(self, generation: str, filters: Filters, most: int) -> list[str] | None:
        """The texts of all drugs that pass; None where these are more than `most` drugs."""
        ...

    def drugs_like(self, generation: str, filters: Filters, name: str, limit: int) -> list[Fields]:
        """Drugs that pass the filters and hold all words of `name` in their names."""
        ...

    def count_values(
        self, generation: str, hashes: Sequence[str], filters: Filters, columns: Sequence[str]
    ) -> dict[str, dict[str, int]]:
        """Column -> value -> how many drugs of these texts have it under the filters."""
        ...


class Index(SearchIndex, Protocol):
    """Documents, text records and their search indexes. Errors: `errors.IndexError_`.

    Writes that take `run_id` require the fence: they raise RunSuperseded when another run has it.
    """

    # The server and what it holds
    def server(self) -> ServerFacts: ...
    def generations(self) -> list[Generation]: ...
    def schema_digest(self) -> str:
        """What a generation's FT indexes are made of; another one needs a backfill."""
        ...

    def facts(self, kind: "IndexKind", name: str) -> IndexFacts | None:
        """None where the index does not exist."""
        ...

    def aliases_point_at(self, names: LiveNames) -> bool:
        """True also where the engine has no aliases."""
        ...

    # Reading a generation
    def keys_between(self, generation: str, after: str | None, through: str | None) -> list[str]:
        """The key set's keys of `(after, through]`, in byte order."""
        ...

    def sample_keys(self, generation: str, count: int) -> list[str]: ...
    def content_hashes(self, generation: str, ndcs: Sequence[str]) -> list[str | None]: ...
    def text_hashes(self, generation: str, ndcs: Sequence[str]) -> list[str | None]: ...
    def to_repair(self, generation: str, ndcs: Sequence[str]) -> set[str]: ...

    # Texts
    def text_origins(self, space: str, hashes: Sequence[str]) -> list[TextOrigin | None]: ...
    def write_texts(
        self, space: str, run_id: str, records: Sequence[tuple[Text, Vector, str]]
    ) -> None:
        """Write whole text records: text, vector, vector hash. Needs no fence."""
        ...

    # Writing
    def take_fence(self, run_id: str) -> None: ...
    def create_generation(self, generation: Generation) -> None: ...
    def create_indexes(self, names: LiveNames) -> None:
        """Create the FT indexes that are missing."""
        ...

    def rebuild_index(self, kind: "IndexKind", names: LiveNames, run_id: str) -> None:
        """Create an FT index anew; the server fills it from the hashes that exist."""
        ...

    def point_aliases(self, names: LiveNames, run_id: str) -> None:
        """Let `drugs` and `texts` mean the live indexes again, where they do not."""
        ...

    def load(self, generation: str, run_id: str, batch: Batch, *, suspect: bool) -> None:
        """Write one batch in one transaction; `suspect` marks the generation first."""
        ...

    def report_damage(
        self, generation: str, run_id: str, ndcs: Sequence[str], *, suspect: bool
    ) -> None:
        """Put keys into the repair set, which the next sync writes again."""
        ...

    def rebuild_key_set(self, generation: str, run_id: str) -> None:
        """Make the key set name exactly the documents that exist."""
        ...

    def delete_texts(self, space: str, run_id: str, hashes: Sequence[str]) -> None: ...
    def texts_of(self, space: str) -> Iterator[str]:
        """The hash of every text record of a space, by a scan."""
        ...

    def publish(self, generation: Generation, previous: str | None, run_id: str) -> None:
        """Switch the live names and aliases, and record both generations, in one transaction."""
        ...

    def drop_generation(self, generation: str, run_id: str) -> None: ...
    def drop_space(self, space: str, run_id: str) -> None: ...
    def spaces(self) -> list[str]:
        """Every space that has an FT index."""
        ...


IndexKind = Literal["drugs", "texts"]
