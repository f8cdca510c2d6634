"""Names of keys, as in the key table of the docs."""

import re
from typing import Final

LIVE: Final = "drugs:live"
WRITER: Final = "drugs:writer"
GENERATION: Final = "drugs:generation:"

DOCUMENT, TEXT, STAGED, UNDO = "drug:", "text:", "staged:", "undo:"
"""What the keys of documents and text records begin with."""


_OURS = re.compile(r"(drug|staged|undo):.+-[0-9a-f]{11}:.|text:[0-9a-f]{16}:[0-9a-f]{32}$", re.S)


def has_our_form(key: str) -> bool:
    """Whether a key belongs to a document of an execution, or to a text record of a space.

    On a shared server, others may use keys with the same first word.
    """
    return _OURS.match(key) is not None


def document_key(generation: str, ndc: str) -> str:
    return f"{DOCUMENT}{generation}:{ndc}"


def staged_key(identity: str, ndc: str) -> str:
    return f"{STAGED}{identity}:{ndc}"


def undo_key(identity: str, ndc: str) -> str:
    return f"{UNDO}{identity}:{ndc}"


def text_key(space: str, text_hash: str) -> str:
    return f"{TEXT}{space}:{text_hash}"


def key_set(generation: str) -> str:
    return f"drugs:keys:{generation}"


def repair_set(generation: str) -> str:
    return f"drugs:repair:{generation}"


def again_set(space: str) -> str:
    return f"drugs:again:{space}"


def swapped_set(identity: str) -> str:
    """The keys that a switch exchanged, with what happened to each as its score."""
    return f"drugs:undo:{identity}"


def drugs_index(generation: str) -> str:
    return f"drugs:{generation}"


def texts_index(space: str) -> str:
    return f"texts:{space}"
