"""What a run costs in tokens, dollars, minutes and memory.

Rates are measured (docs/performance.md); they are for estimates, never for decisions on data.
"""

import math
from collections.abc import Iterable
from typing import Final

from workflow.events import Estimate
from workflow.settings import Settings

BYTES_PER_TOKEN: Final = 3.0
"""Drug texts are dense in names: WordPiece takes 2.8 bytes a token, English prose 4."""

CALLS_PER_SECOND_AND_THREAD: Final = 1 / 0.12
"""Titan v2 answers in 70 to 150 ms."""

DOCUMENTS_PER_SECOND: Final = 8_000
"""Written by one LoadPage, read back by VerifyIndex."""

START_MINUTES: Final = 0.5
"""Cold starts and the transitions of a run that changes nothing."""

DOCUMENT_BYTES: Final = 1_600
"""Hash, key set entry and index entries of one FDA drug."""

TEXT_BYTES: Final = 900
"""A text record without its vector."""

VECTOR_COPIES: Final = 2.2
"""A vector lies in the hash and in the index, whose graph takes a fifth more."""


def tokens_of(text: str) -> int:
    """An estimate of what the model will count."""
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN)


def estimate(texts: Iterable[str], documents: int, settings: Settings) -> Estimate:
    """Tokens, dollars and minutes for these texts and this many documents."""
    counts = [tokens_of(text) for text in texts]
    tokens = sum(counts)
    calls = math.ceil(len(counts) / settings.family.texts_per_call)
    in_flight = settings.embedding_threads * settings.embed_concurrency
    minutes = max(
        tokens / settings.tokens_per_minute,
        calls / (in_flight * CALLS_PER_SECOND_AND_THREAD) / 60,
    )
    minutes += documents / DOCUMENTS_PER_SECOND / 60 + START_MINUTES
    return Estimate(
        texts=len(counts),
        tokens=tokens,
        usd=round(tokens / 1000 * settings.price_per_1k_tokens, 6),
        minutes=round(minutes, 2),
    )


def bytes_of_generation(rows: int, settings: Settings, *, new_space: bool) -> int:
    """Redis memory that a new generation of `rows` drugs takes at most."""
    vector = 4 * settings.embedding_dimensions * VECTOR_COPIES
    per_text = (TEXT_BYTES + vector) if new_space else 0
    return int(rows * (DOCUMENT_BYTES + per_text))
