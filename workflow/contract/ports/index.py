"""Documents, text records and their search indexes."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from workflow.contract.ports.documents import Batch
from workflow.contract.ports.generations import Generation, LiveNames
from workflow.contract.ports.model import Vector
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.server import IndexFacts, IndexKind, ServerFacts
from workflow.contract.ports.texts import Text, TextOrigin


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
