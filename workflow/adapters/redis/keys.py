"""Names of keys, as in the key table of the docs."""

import re
import secrets
from typing import Final

from workflow.contract.ports.generations import LiveNames

LIVE: Final = "drugs:live"
WRITER: Final = "drugs:writer"
GENERATION: Final = "drugs:generation:"

DOCUMENT, TEXT, STAGED, UNDO = "drug:", "text:", "staged:", "undo:"
"""What the keys of documents and text records begin with."""


_OURS = re.compile(
    r"(drug|staged|undo):.+-[0-9a-f]{11}:.|text:(probe\.\d+-)?[0-9a-f]{16}:[0-9a-f]{32}$", re.S
)
_PROBE = re.compile(r"[a-z]+:probe\.(\d+)-")
PROBE_SECONDS = 600
"""A probe takes less than a second. What is older was left by one that was killed."""


def has_our_form(key: str) -> bool:
    """Whether a key belongs to a document of an execution, or to a text record of a space.

    On a shared server, others may use keys with the same first word.
    """
    return _OURS.match(key) is not None


def probe_names(now: int) -> LiveNames:
    """Of a probe that begins now, in seconds of the server's clock. No run's name has a dot."""
    began = f"probe.{now}-"
    return LiveNames(began + secrets.token_hex(8)[:11], began + secrets.token_hex(8))


def is_being_probed(name: str, now: int) -> bool:
    """Whether a key or an index belongs to a probe that may be in progress.

    Others leave it alone: the doctor may probe while a run removes what is not kept.
    """
    found = _PROBE.match(name)
    return found is not None and abs(now - int(found[1])) < PROBE_SECONDS


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
