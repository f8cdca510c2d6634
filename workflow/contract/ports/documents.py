"""Documents: those of a generation, and those that a sync staged for it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from workflow.contract.holder import Holder

Fields = dict[str, str]
"""A Redis hash as text: only fields that have a value."""


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


class Change(NamedTuple):
    """One document to write. `old` is the content hash that is stored now, if any."""

    document: Document
    old: str | None


class Documents(Protocol):
    """Documents and key sets. Errors: `errors.IndexError_`; writes raise RunSuperseded."""

    def count(self, generation: str) -> int:
        """How many keys the generation's key set has."""
        ...

    def keys_between(self, generation: str, after: str | None, through: str | None) -> list[str]:
        """The key set's keys of `(after, through]`, in byte order."""
        ...

    def content_hashes(self, generation: str, ndcs: Sequence[str]) -> list[str | None]: ...

    def to_repair(self, generation: str, ndcs: Sequence[str]) -> set[str]:
        """Keys that an earlier run put into the repair set."""
        ...

    def read(self, generation: str, ndcs: Sequence[str]) -> list[Fields]:
        """Each document's hash; empty if it does not exist."""
        ...

    def read_staged(self, holder: Holder, ndcs: Sequence[str]) -> list[Fields]:
        """What this run staged; empty if it staged nothing."""
        ...

    def write(self, generation: str, holder: Holder, documents: Sequence[Document]) -> None:
        """Write whole documents into a generation that is not live, with their keys."""
        ...

    def stage(self, holder: Holder, documents: Sequence[Document]) -> None:
        """Write whole documents outside every index, for the switch."""
        ...

    def leave_out(self, generation: str, holder: Holder, ndcs: Sequence[str]) -> None:
        """Take documents out of a generation that is not live."""
        ...

    def report_damage(self, generation: str, holder: Holder, ndcs: Sequence[str]) -> None:
        """Put keys into the repair set: the next sync writes them again."""
        ...

    def rebuild_key_set(self, generation: str, holder: Holder) -> None:
        """Scan, and make the key set name exactly the documents that exist."""
        ...
