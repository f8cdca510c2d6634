"""Calls the model, and returns only vectors that are fit to store."""

import math
from collections.abc import Sequence
from threading import Event as Signal
from typing import Final

from workflow.contract.errors import InvalidEmbedding
from workflow.contract.ports.model import Embedder, Purpose, Quota, Vector
from workflow.contract.vectors import fault
from workflow.embedding.allowance import Allowance

BYTES_PER_TOKEN: Final = 3.0
"""Drug texts are dense in names: WordPiece takes 2.8 bytes a token, English prose 4."""

PROBE_TEXT = "aspirin 81 mg tablet oral"
"""A text that no model refuses. If it is refused, the request itself is wrong."""


def tokens_of(text: str) -> int:
    """An estimate of what the model will count."""
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN)


class Caller:
    """Calls the model within the quota. All threads of a page share one."""

    def __init__(self, embedder: Embedder, quota: Quota, dimensions: int) -> None:
        self._embedder = embedder
        self._allowance = Allowance(quota)
        self._dimensions = dimensions
        self.texts_per_call = embedder.texts_per_call
        self.stop = Signal()
        """Set when one call failed, so that the others stop."""

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        """Vectors that are fit to store. Raises TextRefused, InvalidEmbedding."""
        estimated = sum(map(tokens_of, texts))
        if not self._allowance.wait_for(estimated, self.stop):
            return []
        vectors = self._embedder.embed(texts, purpose)
        self._allowance.settle(sum(vector.tokens for vector in vectors) - estimated)
        for text, vector in zip(texts, vectors, strict=True):
            reason = fault(vector.data, self._dimensions)
            if reason:
                raise InvalidEmbedding(
                    f"the model's vector {reason}; text {text[:80]!r}; check embedding_model and "
                    "embedding_dimensions if it lasts"
                )
        return vectors

    def close(self) -> None:
        """Give back what was reserved and not used."""
        self._allowance.give_back()
