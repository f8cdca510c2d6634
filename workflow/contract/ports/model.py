"""The embedding model and its quota."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

Purpose = Literal["document", "query"]


class Vector(NamedTuple):
    """`data` is float32[dimensions], little-endian; `tokens` is what the model counted."""

    data: bytes
    tokens: int


class Embedder(Protocol):
    """The embedding model. Errors: `errors.EmbedderError`."""

    texts_per_call: int

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        """One vector per text, in order, from one call. Raises `TextRefused` when it refuses."""
        ...


class TextRefused(Exception):
    """The model refuses this request for good. If it had one text, that text is the reason."""


class Quota(Protocol):
    """The tokens that all functions together may send in a minute."""

    block: int
    """Smallest number of tokens to reserve at once: a small part of a second's."""

    def reserve(self, tokens: int) -> float:
        """Take `tokens` from the shared quota (or give some back, if negative).

        Returns the seconds to wait before they may be sent.
        """
        ...
