"""The files of one run:

`runs/{run_id}/...` in the run bucket. They are written and read only here. Each file names its
model, its version, and the execution that wrote it. A file of another version raises
SettingsChanged; a file of an older execution with the same name counts as missing; one that this
run did not write raises RunFileCorrupt (contract/seals.py).
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar
from zlib import crc32

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from workflow.contract import seals, versions
from workflow.contract.errors import (
    PagesMissing,
    RunFileCorrupt,
    RunFileMissing,
    SettingsChanged,
)
from workflow.contract.events.payloads import Item
from workflow.contract.holder import Holder
from workflow.contract.invalid import in_words
from workflow.contract.ports.documents import Change, Document
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.texts import Text

Model = TypeVar("Model", bound=BaseModel)
SomeItem = TypeVar("SomeItem", bound=Item)

HEAD: Final = "file"
"""The field of a file (or of its first line) that names its model, version and execution."""

PLAN = "plan.json"
BASELINE = "baseline.json"
PAGES = "pages.json"
REVIEW = "review.json"
TEXTS_AGAIN = "again.jsonl.gz"
TEXTS_CUT = "cut.json"
EMBED_MANIFEST = "embed.json"
LOAD_MANIFEST = "load.json"
VERIFICATION = "verification.json"
GOLDEN = "golden.json"
BUILDING = "building.json"
PUBLISH = "publish.json"
PUBLISH_BUILDING = "publish.building.json"
REPORT = "report.json"
REPORT_PAGE = "report.html"

DIFF_CHANGES = "diff/{}.jsonl.gz"
DIFF_TEXTS = "diff/{}.texts.jsonl.gz"
DIFF_SUMMARY = "diff/{}.json"
EMBED_TEXTS = "embed/{}.jsonl.gz"
EMBED_SUMMARY = "embed/{}.json"
LOAD_SUMMARY = "load/{}.json"
VERIFY_SUMMARY = "verify/{}.json"
VERIFY_BUILDING = "verify/{}.building.json"
"""Files of one page; `{}` is its name."""

READERS = 16
"""S3 answers in 20 to 30 ms, so the pages' files are read side by side."""

PAGES_AT_ONCE: Final = 512

GZIP_LEVEL = 1
"""Level 1 takes less than half the time of level 6, for a fifth more bytes."""

UNPACKED_LIMIT: Final = 512 * 1024 * 1024
"""No page is larger; a file that says that it unpacks to more was not written by us."""

JSON_LIMIT: Final = 64 * 1024 * 1024
"""The same of what is read at once, without being packed."""


class PageChanges(NamedTuple):
    """`diff/{page}.jsonl.gz`: what becomes of each row and key of one page.

    `unchanged` has the content hash of each row whose document stays. `rejected` rows cannot be
    carried: their drugs keep the document that they have, if any.
    """

    upserts: list[Change]
    removals: list[str]
    unchanged: dict[str, str]
    rejected: list[str]


TEXTS_A_PART: Final = 500_000
"""Texts that are merged in memory at once: up to 700 MB, usually half of that."""


def parts_of(rows: int) -> int:
    """How many parts the texts of a catalog are written and merged in, by their hash."""
    return max(1, -(-rows // TEXTS_A_PART))


def texts_file(page: str, part: int) -> str:
    """The texts of one page that fall into one part."""
    name = DIFF_TEXTS.format(page)
    return name if part == 0 else name.replace(".texts.", f".texts-{part}.")


def divided(texts: Iterable[Text], parts: int) -> dict[int, list[Text]]:
    """Texts by their part: those of the same words fall into the same one."""
    if parts == 1:
        every = list(texts)
        return {0: every} if every else {}
    found: dict[int, list[Text]] = {}
    for text in texts:
        found.setdefault(crc32(text.text.encode()) % parts, []).append(text)
    return found


def page_name(number: int) -> str:
    """Five digits, so that names sort like numbers."""
    return f"{number:05d}"


class RunFiles:
    """Typed files of one run. Reading raises RunFileMissing, RunFileCorrupt, SettingsChanged.

    Without a `holder`, files of any execution of that name are read, and seals are not looked at:
    for a saved plan, and for what has no seal.
    """

    def __init__(self, store: RunStore, run_id: str, holder: Holder | None = None) -> None:
        self._store = store
        self._prefix = f"runs/{run_id}/"
        self._identity = holder.identity if holder else None
        self._seal_key = holder.key if holder else None

    @classmethod
    def of(cls, store: RunStore, holder: Holder) -> "RunFiles":
        """The files of this very execution."""
        return cls(store, holder.run_id, holder)

    def key(self, name: str) -> str:
        """The object's key in the bucket."""
        return self._prefix + name

    # One model

    def write(self, name: str, model: BaseModel) -> None:
        body = {HEAD: self._head(type(model).__name__), **model.model_dump(mode="json")}
        self._store.write(self.key(name), self._sealed(name, orjson.dumps(body)))

    def write_text(self, name: str, text: str) -> None:
        self._store.write(self.key(name), text.encode())

    def read(self, name: str, model: type[Model]) -> Model:
        try:
            content = self._read_json(name)
            body = orjson.loads(content)
            self._check(name, body.pop(HEAD, None), model.__name__)
            if self._seal_key is not None:
                seals.check_seal(self._seal_key, name, content)
            return model.model_validate(body, strict=False)
        except (ValueError, TypeError, AttributeError) as error:
            raise RunFileCorrupt(f"{self.key(name)} is not a {model.__name__}: {error}") from error

    def read_if_there(self, name: str, model: type[Model]) -> Model | None:
        try:
            return self.read(name, model)
        except RunFileMissing:
            return None

    # Manifests: one JSON array, the form that a distributed Map reads

    def write_manifest(self, name: str, items: Iterable[Item]) -> str:
        """Its key. Each item has a seal of its own: it goes to its function alone."""
        every = [self.sealed_item(name, one).model_dump() for one in items]
        self._store.write(self.key(name), orjson.dumps(every))
        return self.key(name)

    def read_manifest(
        self, name: str, model: type[SomeItem], count: int | None = None
    ) -> list[SomeItem]:
        """Raises RunFileCorrupt where an item is not ours, or one of `count` is not there."""
        adapter = TypeAdapter(list[model])  # type: ignore[valid-type]
        try:
            items: list[SomeItem] = adapter.validate_json(self._read_json(name))
        except ValidationError as error:
            raise RunFileCorrupt(
                f"{self.key(name)} is not a manifest: {in_words(error, most=1)}"
            ) from error
        except ValueError as error:
            raise RunFileCorrupt(f"{self.key(name)} is not a manifest: {error}") from error
        for one in items:
            self.check_item(name, one)
        names = {one.page for one in items}
        if count is not None and (len(items), len(names)) != (count, count):
            raise RunFileCorrupt(
                f"{self.key(name)} has {len(items):,} items of {len(names):,} pages, and the run "
                f"wrote {count:,}; start a new run"
            )
        return items

    def sealed_item(self, name: str, item: SomeItem) -> SomeItem:
        """As it stands in the manifest."""
        seal = seals.seal_of(self._seal_key or "", name, _content(item))
        return item.model_copy(update={"seal": seal})

    def check_item(self, name: str, item: Item) -> None:
        """Raise RunFileCorrupt where the run's own manifest did not have this item."""
        if self._seal_key is None:
            return
        try:
            seals.check_item(self._seal_key, name, _content(item), item.seal)
        except ValueError as error:
            raise RunFileCorrupt(f"{self.key(name)}, page {item.page!r}: {error}") from error

    # Lines: rows and texts, gzipped

    def write_changes(self, page: str, changes: PageChanges) -> str:
        """The digest of what it wrote, for `read_changes`."""
        lines: list[dict[str, Any]] = [
            {"fields": one.document.fields, "old": one.old} for one in changes.upserts
        ]
        lines += [{"remove": key} for key in changes.removals]
        lines.append({"unchanged": changes.unchanged, "rejected": changes.rejected})
        return self._write_lines(DIFF_CHANGES.format(page), "PageChanges", lines)

    def read_changes(self, page: str, digest: str = "") -> PageChanges:
        """With the digest of a review, raises RunFileCorrupt for any other file.

        A function of this run that was aborted may continue, and write its page again with its
        seal.
        """
        name = DIFF_CHANGES.format(page)
        changes = PageChanges([], [], {}, [])
        with self._whole(name):
            for line in self._read_lines(name, "PageChanges", digest):
                if "fields" in line:
                    document = Document(line["fields"]["ndc"], line["fields"])
                    changes.upserts.append(Change(document, line["old"]))
                elif "remove" in line:
                    changes.removals.append(line["remove"])
                else:
                    changes.unchanged.update(line["unchanged"])
                    changes.rejected.extend(line["rejected"])
        return changes

    def write_texts(self, name: str, texts: Iterable[Text]) -> None:
        self._write_lines(name, "Texts", (text._asdict() for text in texts))

    def read_texts(self, name: str) -> list[Text]:
        with self._whole(name):
            return [Text(**line) for line in self._read_lines(name, "Texts")]

    def _write_lines(self, name: str, model: str, lines: Iterable[Any]) -> str:
        dumped = [orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines]
        said = {"bytes": sum(map(len, dumped)), "lines": len(dumped)}
        head = orjson.dumps({HEAD: self._head(model) | said}, option=orjson.OPT_APPEND_NEWLINE)
        content = self._sealed(name, b"".join([head, *dumped]))
        body = gzip.compress(content, GZIP_LEVEL, mtime=0)
        self._store.write(self.key(name), body)
        return _digest(body)

    def _read_lines(self, name: str, model: str, digest: str = "") -> Iterator[Any]:
        body = self._store.read(self.key(name))
        head = orjson.loads(seals.head_line(body)).get(HEAD)
        self._check(name, head, model)
        if digest and digest != _digest(body):
            raise RunFileCorrupt(
                f"{self.key(name)} was written again after the review; start a new run"
            )
        size, count = head["bytes"], head["lines"]
        if size > UNPACKED_LIMIT:
            raise ValueError(f"it unpacks to more than {UNPACKED_LIMIT:,} bytes")
        seals.check_lines(self._seal_key, name, body, size, count)
        return map(orjson.loads, seals.lines_of(body, size))

    @contextmanager
    def _whole(self, name: str) -> Iterator[None]:
        """Raise RunFileCorrupt if a file's lines are not what was written."""
        try:
            yield
        except (zlib.error, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunFileCorrupt(f"{self.key(name)} is cut or damaged: {error!r}") from error

    # All pages

    def iterate_pages(self, file: str, pages: Sequence[str], model: type[Model]) -> Iterator[Model]:
        """Each page's file, in order, a few hundred at a time, so that callers need not hold all.

        Raises PagesMissing at the end, with the pages that have none.
        """
        missing: list[str] = []
        with ThreadPoolExecutor(READERS) as pool:
            for start in range(0, len(pages), PAGES_AT_ONCE):
                names = pages[start : start + PAGES_AT_ONCE]
                read = pool.map(lambda page: self.read_if_there(file.format(page), model), names)
                for page, one in zip(names, read, strict=True):
                    if one is None:
                        missing.append(page)
                    elif not missing:
                        yield one
        if missing:
            shown = ", ".join(missing[:10]) + (", ..." if len(missing) > 10 else "")
            raise PagesMissing(
                f"{len(missing)} of {len(pages)} pages have no {file.format('PAGE')}: {shown}; "
                "redrive the execution, or start a new run"
            )

    def read_pages_there(self, file: str, model: type[Model]) -> list[Model]:
        """The same file of every page that this execution wrote, in order."""
        with ThreadPoolExecutor(READERS) as pool:
            names = self._pages_with(file)
            read = pool.map(lambda page: self.read_if_there(file.format(page), model), names)
            return [one for one in read if one is not None]

    def _pages_with(self, file: str) -> list[str]:
        folder, _, ending = file.partition("{}")
        names = (key.removeprefix(self.key(folder)) for key in self._store.keys(self.key(folder)))
        pages = (name.removesuffix(ending) for name in names if name.endswith(ending))
        return sorted(page for page in pages if page.isdigit())

    # What a file says of itself

    def _head(self, model: str) -> dict[str, Any]:
        head = {"model": model, "version": versions.FILES, "execution": self._identity}
        return {"seal": seals.BLANK, **head}

    def _sealed(self, name: str, content: bytes) -> bytes:
        return content if self._seal_key is None else seals.sealed(self._seal_key, name, content)

    def _read_json(self, name: str) -> bytes:
        content = self._store.read(self.key(name))
        if len(content) > JSON_LIMIT:
            raise ValueError(f"it has {len(content):,} bytes, and {JSON_LIMIT:,} at most are read")
        return content

    def _check(self, name: str, head: dict[str, Any] | None, model: str) -> None:
        if not head or head.get("model") != model:
            raise ValueError(f"it is not marked as a {model}")
        if head.get("version") != versions.FILES:
            raise SettingsChanged(
                f"{self.key(name)} has version {head.get('version')} of the files and this "
                f"function reads version {versions.FILES}; start a new run"
            )
        if self._identity is not None and head.get("execution") != self._identity:
            raise RunFileMissing(
                f"{self.key(name)} is of another execution of the same name; start a new run"
            )


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _content(item: Item) -> bytes:
    return orjson.dumps(item.model_dump(exclude={"seal"}))
