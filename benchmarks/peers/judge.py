"""Which drugs are right in an index afterwards, counted in Redis and not by the tool itself."""

import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator
from math import isclose
from typing import Any, NamedTuple

from redis import Redis

from benchmarks.peers.programs.words import text
from local.standin.embedders import HashEmbedder

TOLERANCE = 1e-5
BATCH = 1000
Row = dict[str, str]
Hash = dict[bytes, bytes]


class Found(NamedTuple):
    """One drug that a search could find. Without a text's vector: empty bytes."""

    ndc: str
    text: str
    vector: bytes
    manufacturer: str


def judged(
    redis: "Redis",
    peer_is_ours: bool,
    catalog: dict[str, Row],
    refused: str,
    dimensions: int,
) -> Counter[str]:
    """Drugs by their state.

    `right`: found once, with its row's text and labeler and that text's own vector. A drug with the
    refused text is right where it has no vector, or is not there.
    """
    there: dict[str, list[Found]] = defaultdict(list)
    for one in _ours(redis) if peer_is_ours else _peers(redis):
        there[one.ndc].append(one)
    counts = Counter(
        _verdict(row, there.pop(ndc, []), refused, dimensions) for ndc, row in catalog.items()
    )
    counts["leftover"] = len(there)
    return counts


def _verdict(row: Row, found: list[Found], refused: str, dimensions: int) -> str:
    if refused and refused in text(row):
        return "stale" if any(one.vector for one in found) else "right"
    if not found:
        return "missing"
    if len(found) > 1:
        return "double"
    one = found[0]
    if one.text != text(row) or one.manufacturer != row.get("manufacturer", ""):
        return "stale"
    return "right" if _agrees(one.vector, one.text, dimensions) else "wrong vector"


def _agrees(vector: bytes, words: str, dimensions: int) -> bool:
    if len(vector) != 4 * dimensions:
        return False
    expected = map(float, HashEmbedder().embed(words, dimensions, 1.0))
    return all(
        isclose(a, b, abs_tol=TOLERANCE) for a, b in zip(array("f", vector), expected, strict=True)
    )


def _ours(redis: "Redis") -> Iterator[Found]:
    live: Any = redis.hgetall("drugs:live")
    if not live:
        return
    generation, space = live[b"generation"].decode(), live[b"space"].decode()
    records = dict(_hashes(redis, f"text:{space}:"))
    for key, drug in _hashes(redis, f"drug:{generation}:"):
        record = records.get(f"text:{space}:{drug[b'text_hash'].decode()}", {})
        yield Found(
            key.rpartition(":")[2],
            record.get(b"text", b"").decode(),
            record.get(b"embedding", b""),
            drug.get(b"manufacturer", b"").decode(),
        )


def _peers(redis: "Redis") -> Iterator[Found]:
    """Each keeps the drug's own fields beside the text, or as JSON in one field."""
    for key, one in _hashes(redis, "peer"):
        vector = one.get(b"embedding") or one.get(b"vector")
        if vector is None or b"text" not in one:  # a record of its own, such as a cached embedding
            continue
        more = json.loads(one[b"_metadata_json"]) if b"_metadata_json" in one else {}
        row = more | {name.decode(): value for name, value in one.items() if value is not vector}
        ndc = row.get("ndc") or row.get("id") or key.rpartition(":")[2]
        yield Found(_text(ndc), _text(row["text"]), vector, _text(row.get("manufacturer", "")))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _hashes(redis: "Redis", prefix: str) -> Iterator[tuple[str, Hash]]:
    keys = list(redis.scan_iter(f"{prefix}*", count=BATCH, _type="hash"))
    for start in range(0, len(keys), BATCH):
        pipe = redis.pipeline(transaction=False)
        for key in keys[start : start + BATCH]:
            pipe.hgetall(key)
        for key, found in zip(keys[start : start + BATCH], pipe.execute(), strict=True):
            yield key.decode(), found
