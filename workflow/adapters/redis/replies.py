"""What the answers to queries hold: keys, distances, documents, counts."""

from collections.abc import Mapping
from typing import Any

from workflow.adapters.redis.clauses import DISTANCE
from workflow.adapters.redis.client import as_text, as_texts, decoded
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.search import Hit

_DISTANCE = DISTANCE.encode()


def rows(answer: dict[bytes, Any]) -> list[dict[bytes, bytes]]:
    """The fields of each result."""
    return [result[b"extra_attributes"] for result in answer[b"results"]]


def names(answer: dict[bytes, Any], prefix: str) -> list[str]:
    """The keys that were found, without their prefix, in the server's order."""
    size = len(prefix.encode())
    return as_texts([result[b"id"][size:] for result in answer[b"results"]])


def hits(answer: dict[bytes, Any], prefix: str) -> list[Hit]:
    """A hash that was removed meanwhile has no distance."""
    found = zip(names(answer, prefix), rows(answer), strict=True)
    pairs = [(float(row[_DISTANCE]), name) for name, row in found if row]
    return [Hit(name, distance) for distance, name in sorted(pairs)]


def _fields_by_name(answer: dict[bytes, Any], prefix: str) -> dict[str, Fields]:
    """A hash that expired or was removed meanwhile has no values."""
    found = zip(names(answer, prefix), rows(answer), strict=True)
    return {name: decoded(row) for name, row in found if row}


def documents(answer: dict[bytes, Any], prefix: str) -> dict[str, Fields]:
    """Documents by their drug's key; what only looks like one is left out."""
    found = _fields_by_name(answer, prefix)
    return {ndc: fields for ndc, fields in found.items() if is_document(ndc, fields)}


def is_document(ndc: str, fields: Fields) -> bool:
    """Whether a hash is the document of its own key. Others are damage, which a run reports.

    Shown, one would be another drug's NDC on this drug's name.
    """
    return fields.get("ndc") == ndc and bool(fields.get("text_hash") and fields.get("drug_name"))


def by_key(fields: Fields) -> str:
    return fields.get("ndc", "")


def counts(answer: dict[bytes, Any]) -> dict[str, int]:
    """Drugs that lack the column are not counted."""
    found = {as_text(value): int(row[b"drugs"]) for row in rows(answer) if (value := _value(row))}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _value(row: Mapping[bytes, bytes | None]) -> bytes | None:
    return next((value for name, value in row.items() if name != b"drugs"), None)
