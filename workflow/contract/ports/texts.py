"""Text records."""

from typing import NamedTuple

from workflow.contract.ports.documents import Fields


class Text(NamedTuple):
    """What is embedded, content-addressed: `hash` is BLAKE2b-128 of `text`, in hex."""

    hash: str
    text: str
    columns: Fields


class TextRecord(NamedTuple):
    """A text with its vector. `vector_hash` binds the two, so that a swap or an edit shows."""

    text: str
    vector: bytes
    vector_hash: str


class TextOrigin(NamedTuple):
    """Which run gave a text its record, and the tokens that it cost."""

    run_id: str
    tokens: int
