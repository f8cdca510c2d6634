"""Text records: what was embedded, with its vector, content-addressed."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Fields


class Text(NamedTuple):
    """What is embedded: `hash` is BLAKE2b-128 of `text`, in hex; `columns` are searched by word."""

    hash: str
    text: str
    columns: Fields


class TextRecord(NamedTuple):
    """A text with its vector, bound together by `record_hash`, so that an edit or a swap shows.

    `vector` is float32[dimensions], little-endian. If the model refused the text, it is empty and
    `refused` says why.
    """

    text: str
    columns: Fields
    vector: bytes
    refused: str
    record_hash: str


class NewRecord(NamedTuple):
    """A record to write. `tokens` is what the model counted."""

    hash: str
    record: TextRecord
    tokens: int


class TextOrigin(NamedTuple):
    """Which run gave a text its record, and the tokens that it cost."""

    run: str
    tokens: int


class Texts(Protocol):
    """Text records of a space. Errors: `errors.IndexError_`; writes raise RunSuperseded."""

    def records(self, space: str, hashes: Sequence[str]) -> list[TextRecord | None]: ...

    def origins(self, space: str, hashes: Sequence[str]) -> list[TextOrigin | None]:
        """Cheap: reads no vector. A record with wrong content has an origin, too."""
        ...

    def write(self, space: str, holder: Holder, records: Sequence[NewRecord]) -> None:
        """Write whole records. Refused ones are to be embedded again, the others no longer."""
        ...

    def to_embed_again(self, space: str) -> list[str]:
        """Hashes of texts that the next run embeds again: refused or doubtful ones."""
        ...

    def doubt(self, space: str, holder: Holder, hashes: Sequence[str]) -> None:
        """Let the next run embed these again; their records stay until then."""
        ...
