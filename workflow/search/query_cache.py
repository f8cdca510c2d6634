"""A cache of query embeddings, because people ask the same words again and again."""

from collections.abc import Sequence
from functools import lru_cache

from workflow.contract.ports.model import Embedder, Purpose, Vector

KEPT = 4096


class CachedQueries:
    """An embedder that asks the model once for each text. Threads may share it."""

    def __init__(self, embedder: Embedder, kept: int = KEPT) -> None:
        self.texts_per_call = embedder.texts_per_call
        self._one = lru_cache(kept)(lambda text, purpose: embedder.embed([text], purpose)[0])

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        return [self._one(text, purpose) for text in texts]
