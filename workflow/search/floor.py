"""The least similarity of a text that counts as an answer.

Cosines of different models cannot be compared, so each space measures its own floor: the similarity
that made-up words, which mean nothing, reach to its texts. VerifyIndex measures it whenever it
calls the model.
"""

from typing import Final, NamedTuple

from workflow.contract.events.files import ModelAsked
from workflow.contract.ports.model import Embedder

UNMEASURED: Final = 0.5
"""The floor of a space in which none was measured."""


class Meaning(NamedTuple):
    """The model of a space, and the least cosine that is an answer there."""

    embedder: Embedder
    floor: float = UNMEASURED


def floor_of(asked: ModelAsked | None, space: str) -> float:
    """The least cosine that is an answer in this space."""
    if asked is None or asked.space != space or asked.floor is None:
        return UNMEASURED
    return asked.floor
