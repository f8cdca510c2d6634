"""The files of runs of any size: those of one page of a real run, again and again, in one pack."""

import gzip
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from workflow.contract.errors import RunFileMissing
from workflow.contract.events.payloads import ChangesPage, PageRange, TextsPage
from workflow.contract.limits import LARGEST_PAGE, MOST_PAGES
from workflow.contract.ports.texts import Text
from workflow.contract.runs import divided, page_name, parts_of, texts_file

PACK, INDEX = "pack", "pack.json"
ROWS = 1_000
"""Rows of the page that is repeated."""

EMBED_PAGE = 500


class PackedRuns:
    """A RunStore that reads from one file, so that nothing of it is in the function's memory.

    It counts requests. What is written goes into memory and is read from there.
    """

    bucket = "bench"

    def __init__(self, folder: Path) -> None:
        self._pack = os.open(folder / PACK, os.O_RDONLY)
        self._places: dict[str, tuple[int, int]] = orjson.loads((folder / INDEX).read_bytes())
        self._written: dict[str, bytes] = {}
        self.reads = self.lists = self.writes = 0

    def write(self, key: str, body: bytes) -> None:
        self.writes += 1
        name = _own(key)
        self._written[name] = body if name.endswith(".json") else b""

    def read(self, key: str) -> bytes:
        self.reads += 1
        name = _own(key)
        if name in self._written:
            return self._written[name]
        if name not in self._places:
            raise RunFileMissing(f"{name} is not there")
        start, length = self._places[name]
        return os.pread(self._pack, length, start)

    def keys(self, prefix: str) -> list[str]:
        name = _own(prefix)
        found = [prefix + key.removeprefix(name) for key in self._places if key.startswith(name)]
        self.lists += max(1, -(-len(found) // 1000))
        return sorted(found)


def _own(key: str) -> str:
    """`runs/{run}/diff/00001.json` without the run."""
    return key.split("/", 2)[2]


def pages_of(rows: int) -> tuple[int, int]:
    """How many pages a catalog has, and of how many rows: as PlanPages doubles them."""
    size = ROWS
    while rows / size > MOST_PAGES and 2 * size <= LARGEST_PAGE:
        size *= 2
    return -(-rows // size), size


def pack(run: Path, folder: Path, rows: int) -> None:
    """`rows` drugs in the files that a run of one page of 1,000 left below `run`."""
    folder.mkdir(parents=True, exist_ok=True)
    places: dict[str, tuple[int, int]] = {}
    with (folder / PACK).open("wb") as file:
        for name, body in _files(run, rows):
            places[name] = (file.tell(), len(body))
            file.write(body)
    (folder / INDEX).write_bytes(orjson.dumps(places))


def _files(run: Path, rows: int) -> Iterator[tuple[str, bytes]]:
    count, size = pages_of(rows)
    names = [page_name(number) for number in range(count)]
    ranges = [PageRange(page=one, after=one, through=one, rows=size) for one in names]
    yield "pages.json", orjson.dumps([one.model_dump() for one in ranges])
    plan = orjson.loads((run / "plan.json").read_bytes()) | {"pages": count}
    yield "plan.json", orjson.dumps(plan | {"text_parts": parts_of(rows)})
    for name in ("baseline.json", "again.jsonl.gz", "verification.json", "publish.json"):
        if (run / name).exists():
            yield name, (run / name).read_bytes()
    texts = _texts(run)
    changes = _changes(run / "diff" / "00000.jsonl.gz", size // ROWS)
    templates = {
        kind: orjson.loads((run / kind / "00000.json").read_bytes())
        for kind in ("diff", "load", "verify", "embed")
    }
    embed_pages = -(-count * len(texts) * (size // ROWS) // EMBED_PAGE)
    for name in names:
        yield from _texts_of(name, texts, templates["diff"], size // ROWS, parts_of(rows))
        yield f"diff/{name}.jsonl.gz", changes
        for kind in ("load", "verify"):
            yield f"{kind}/{name}.json", orjson.dumps(templates[kind] | {"page": name})
    for number in range(embed_pages):
        name = page_name(number)
        yield f"embed/{name}.json", orjson.dumps(templates["embed"] | {"page": name})
    load = [ChangesPage(page=one, upserts=size, removals=0).model_dump() for one in names]
    yield "load.json", orjson.dumps(load)
    embed = [TextsPage(page=page_name(n), texts=EMBED_PAGE) for n in range(embed_pages)]
    yield "embed.json", orjson.dumps([one.model_dump() for one in embed])
    review = orjson.loads((run / "review.json").read_bytes())
    review |= {"rows": rows, "embed_pages": embed_pages, "load_pages": count, "added": rows}
    yield "review.json", orjson.dumps(review)


def _texts(run: Path) -> list[dict[str, Any]]:
    body = gzip.decompress((run / "diff" / "00000.texts.jsonl.gz").read_bytes())
    return [orjson.loads(line) for line in body.splitlines()[1:]]


def _texts_of(
    page: str, texts: list[dict[str, Any]], diff: dict[str, Any], times: int, parts: int
) -> Iterator[tuple[str, bytes]]:
    """The page's texts, made its own, and its summary."""
    own = []
    for copy in range(times):
        for one in texts:
            words = f"{one['text']} {page} {copy}"
            name = blake2b(words.encode(), digest_size=16).hexdigest()
            own.append(Text(name, words, one["columns"]))
    head = orjson.dumps({"file": diff["file"] | {"model": "Texts"}})
    by_part = divided(own, parts)
    for part, some in by_part.items():
        lines = [head, *(orjson.dumps(text._asdict()) for text in some)]
        yield texts_file(page, part), gzip.compress(b"\n".join(lines) + b"\n", 1)
    counts = {"rows": diff["rows"] * times, "added": diff["added"] * times, "new_texts": len(own)}
    summary = diff | counts | {"page": page, "text_parts": sorted(by_part)}
    yield f"diff/{page}.json", orjson.dumps(summary)


def _changes(path: Path, times: int) -> bytes:
    """The page of a sync: two changed rows, and the hashes of the others."""
    head, *lines = gzip.decompress(path.read_bytes()).splitlines()
    documents = [orjson.loads(line) for line in lines if line.startswith(b'{"fields"')]
    unchanged = {
        f"{one['fields']['ndc']}{copy}": one["fields"]["content_hash"]
        for one in documents[2:]
        for copy in range(times)
    }
    rest = orjson.dumps({"unchanged": unchanged, "rejected": []})
    return gzip.compress(b"\n".join([head, *lines[:2], rest]) + b"\n", 1)
