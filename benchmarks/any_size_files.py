"""The files of a run of any size: one page of a real run, repeated, in one file on the disk."""

import gzip
import os
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from workflow.contract import seals
from workflow.contract.errors import RunFileMissing
from workflow.contract.events.payloads import ChangesPage, Item, PageRange, TextsPage
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
    """Packs `rows` drugs, from the files below `run` of a run with one page of 1,000."""
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
    yield _manifest("pages.json", ranges)
    plan = orjson.loads((run / "plan.json").read_bytes()) | {"pages": count}
    yield _json("plan.json", plan | {"text_parts": parts_of(rows)})
    for name in ("baseline.json", "verification.json", "publish.json"):
        if (run / name).exists():
            yield _json(name, orjson.loads((run / name).read_bytes()))
    yield _lines("again.jsonl.gz", *_read_lines(run / "again.jsonl.gz"))
    _, texts = _read_lines(run / "diff" / "00000.texts.jsonl.gz")
    changes = _changes(run / "diff" / "00000.jsonl.gz", size // ROWS)
    templates = {
        kind: orjson.loads((run / kind / "00000.json").read_bytes())
        for kind in ("diff", "load", "verify", "embed")
    }
    embed_pages = -(-count * len(texts) * (size // ROWS) // EMBED_PAGE)
    for name in names:
        yield from _texts_of(name, texts, templates["diff"], size // ROWS, parts_of(rows))
        yield _lines(f"diff/{name}.jsonl.gz", *changes)
        for kind in ("load", "verify"):
            yield _json(f"{kind}/{name}.json", templates[kind] | {"page": name})
    for number in range(embed_pages):
        name = page_name(number)
        yield _json(f"embed/{name}.json", templates["embed"] | {"page": name})
    load = [ChangesPage(page=one, upserts=size, removals=0) for one in names]
    yield _manifest("load.json", load)
    embed = [TextsPage(page=page_name(n), texts=EMBED_PAGE) for n in range(embed_pages)]
    yield _manifest("embed.json", embed)
    review = orjson.loads((run / "review.json").read_bytes())
    review |= {"rows": rows, "embed_pages": embed_pages, "load_pages": count, "added": rows}
    yield _json("review.json", review)


# As a run without a key would have written them: `plan.json` holds none


def _json(name: str, body: dict[str, Any]) -> tuple[str, bytes]:
    return name, seals.sealed("", name, orjson.dumps(body))


def _lines(name: str, head: dict[str, Any], lines: Sequence[Any]) -> tuple[str, bytes]:
    dumped = [orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in lines]
    said = head | {"bytes": sum(map(len, dumped)), "lines": len(dumped)}
    first = orjson.dumps({"file": said}, option=orjson.OPT_APPEND_NEWLINE)
    return name, gzip.compress(seals.sealed("", name, b"".join([first, *dumped])), 1)


def _manifest(name: str, items: Sequence[Item]) -> tuple[str, bytes]:
    unsealed = [one.model_dump(exclude={"seal"}) for one in items]
    every = [one | {"seal": seals.seal_of("", name, orjson.dumps(one))} for one in unsealed]
    return name, orjson.dumps(every)


def _read_lines(path: Path) -> tuple[dict[str, Any], list[Any]]:
    """The first line, and the lines after it."""
    head, *lines = map(orjson.loads, gzip.decompress(path.read_bytes()).split(b"\n")[:-1])
    return head["file"], lines


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
    head = diff["file"] | {"model": "Texts"}
    by_part = divided(own, parts)
    for part, some in by_part.items():
        yield _lines(texts_file(page, part), head, [text._asdict() for text in some])
    counts = {"rows": diff["rows"] * times, "added": diff["added"] * times, "new_texts": len(own)}
    summary = diff | counts | {"page": page, "text_parts": sorted(by_part)}
    yield _json(f"diff/{page}.json", summary)


def _changes(path: Path, times: int) -> tuple[dict[str, Any], list[Any]]:
    """The page of a sync: two changed rows, and the hashes of the others."""
    head, lines = _read_lines(path)
    documents = [one for one in lines if "fields" in one]
    unchanged = {
        f"{one['fields']['ndc']}{copy}": one["fields"]["content_hash"]
        for one in documents[2:]
        for copy in range(times)
    }
    return head, [*lines[:2], {"unchanged": unchanged, "rejected": []}]
