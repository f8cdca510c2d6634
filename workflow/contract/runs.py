"""The files of one run, by name: `runs/{run_id}/...` in the run bucket."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from workflow.contract.errors import PagesMissing, RunFileCorrupt, RunFileMissing
from workflow.contract.ports.run_store import RunStore

Model = TypeVar("Model", bound=BaseModel)

PLAN = "plan.json"
BASELINE = "baseline.json"
PAGES = "pages.json"
REVIEW = "review.json"
EMBED_MANIFEST = "embed.json"
LOAD_MANIFEST = "load.json"
VERIFICATION = "verification.json"
REPORT = "report.json"
REPORT_PAGE = "report.html"

DIFF_CHANGES = "diff/{}.jsonl.gz"
DIFF_TEXTS = "diff/{}.texts.jsonl.gz"
DIFF_SUMMARY = "diff/{}.json"
EMBED_TEXTS = "embed/{}.jsonl.gz"
EMBED_SUMMARY = "embed/{}.json"
EMBED_REJECTED = "embed/{}.rejected.json"
LOAD_SUMMARY = "load/{}.json"
"""Files of one page; `{}` is its name."""

READERS = 16
"""S3 answers in 20 to 30 ms, so the pages' files are read side by side."""

GZIP_LEVEL = 1
"""Level 1 takes less than half the time of level 6, for a fifth more bytes."""


def page_name(number: int) -> str:
    """Five digits: names sort as numbers do."""
    return f"{number:05d}"


class RunFiles:
    """Typed files of one run. Reading raises RunFileMissing or RunFileCorrupt, by key."""

    def __init__(self, store: RunStore, run_id: str) -> None:
        self._store = store
        self._prefix = f"runs/{run_id}/"

    def key(self, name: str) -> str:
        """The object's key in the bucket."""
        return self._prefix + name

    def write(self, name: str, model: BaseModel) -> None:
        self._store.write(self.key(name), model.model_dump_json().encode())

    def write_text(self, name: str, text: str) -> None:
        self._store.write(self.key(name), text.encode())

    def read(self, name: str, model: type[Model]) -> Model:
        try:
            return model.model_validate_json(self._store.read(self.key(name)))
        except ValidationError as error:
            raise RunFileCorrupt(f"{self.key(name)} is no {model.__name__}: {error}") from error

    def read_if_there(self, name: str, model: type[Model]) -> Model | None:
        try:
            return self.read(name, model)
        except RunFileMissing:
            return None

    def write_manifest(self, name: str, items: Iterable[BaseModel]) -> str:
        """One JSON array, the form that a distributed Map reads; its key."""
        body = orjson.dumps([item.model_dump() for item in items])
        self._store.write(self.key(name), body)
        return self.key(name)

    def read_manifest(self, name: str, model: type[Model]) -> list[Model]:
        adapter = TypeAdapter(list[model])  # type: ignore[valid-type]
        try:
            return adapter.validate_json(self._store.read(self.key(name)))
        except ValidationError as error:
            raise RunFileCorrupt(f"{self.key(name)} is no manifest: {error}") from error

    def write_lines(self, name: str, lines: Iterable[Any]) -> None:
        """Gzipped JSON lines."""
        body = b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
        self._store.write(self.key(name), gzip.compress(body, GZIP_LEVEL, mtime=0))

    def read_lines(self, name: str) -> Iterator[Any]:
        body = self._store.read(self.key(name))
        if not body:
            # gzip takes nothing at all for a file without lines.
            raise RunFileCorrupt(f"{self.key(name)} is cut: it has no byte")
        try:
            yield from map(orjson.loads, gzip.decompress(body).splitlines())
        except (OSError, EOFError, ValueError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
            raise RunFileCorrupt(f"{self.key(name)} is cut or damaged: {error}") from error

    def read_pages(self, file: str, pages: Sequence[str], model: type[Model]) -> list[Model]:
        """Each page's file, in order. Raises PagesMissing with the names of those without one."""
        with ThreadPoolExecutor(READERS) as pool:
            found = list(pool.map(lambda page: self.read_if_there(file.format(page), model), pages))
        missing = [page for page, one in zip(pages, found, strict=True) if one is None]
        if missing:
            shown = ", ".join(missing[:10]) + (", ..." if len(missing) > 10 else "")
            raise PagesMissing(
                f"{len(missing)} of {len(pages)} pages have no {file.format('PAGE')}: {shown}; "
                "redrive the execution, or start a new run"
            )
        return [one for one in found if one is not None]

    def read_pages_there(self, file: str, model: type[Model]) -> list[Model]:
        """The same file of every page that has one, in order."""
        return self.read_pages(file, self._pages_with(file), model)

    def read_lists_there(self, file: str, model: type[Model]) -> list[Model]:
        """The items of the same manifest of every page that has one, in order."""
        pages = self._pages_with(file)
        return [item for page in pages for item in self.read_manifest(file.format(page), model)]

    def _pages_with(self, file: str) -> list[str]:
        folder, _, ending = file.partition("{}")
        names = (key.removeprefix(self.key(folder)) for key in self._store.keys(self.key(folder)))
        pages = (name.removesuffix(ending) for name in names if name.endswith(ending))
        return sorted(page for page in pages if page.isdigit())
