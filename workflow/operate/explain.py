"""Explains why a drug is or is not found, with everything known about it. Writes nothing."""

from collections.abc import Callable
from typing import TypeVar

from workflow.contract.columns import COLUMNS
from workflow.contract.documents import renderer_of
from workflow.contract.errors import SyncError
from workflow.contract.events.base import Event
from workflow.contract.events.files import LastRun
from workflow.contract.holder import run_of
from workflow.contract.ports.catalog import Catalog, RangeRows
from workflow.contract.ports.documents import Documents, Fields
from workflow.contract.ports.generations import Generations, LiveNames
from workflow.contract.ports.model import Embedder, TextRefused
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.texts import Text, Texts
from workflow.contract.settings import Settings
from workflow.operate.place import Place, place_of
from workflow.search.ndcs import ndcs_of

Part = TypeVar("Part")

CATALOG = "catalog"
"""The part that MySQL answers; Redis and the model answer the others."""


class Column(Event):
    """One column of a drug: as the catalog has it now, and as the index has it."""

    column: str
    catalog: str | None
    index: str | None


class TextFacts(Event):
    """The text that is embedded for a drug, and the result."""

    hash: str
    text: str
    record: bool
    """Whether the index has a record of it."""
    refused: str = ""
    """Why the model refused it; the drug is then found by NDC and name, but not by meaning."""
    run: str = ""
    """The run that embedded it."""
    tokens: int = 0


class Explanation(Event):
    """One drug: row, document, text and place. `failures` says which parts are missing."""

    ndc: str
    verdict: str
    """The verdict in one sentence."""
    in_catalog: bool
    in_index: bool
    differs: tuple[str, ...]
    """Columns in which the index is behind."""
    columns: tuple[Column, ...]
    text: TextFacts | None
    generation: str
    space: str
    model: str
    """The settings'."""
    written_by: str
    """The run that wrote its document."""
    written_at: str
    verified_by: str
    """The last run that compared every document of the live generation with the catalog."""
    verified_at: str
    """When that run started."""
    rejected: str
    """Why its row was rejected."""
    to_repair: bool
    """Whether the next sync writes it again."""
    place: Place | None
    failures: dict[str, str]

    @property
    def known(self) -> bool:
        """Whether the catalog or the index has a drug of this NDC."""
        return self.in_catalog or self.in_index or bool(self.rejected)


class _Asker:
    """Collects each part. A failure is recorded, and the other parts are still collected."""

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}

    def ask(self, part: str, call: Callable[[], Part], instead: Part) -> Part:
        try:
            return call()
        except (SyncError, TextRefused) as error:
            self.failures[part] = f"{type(error).__name__}: {error}"
            return instead


def explain(
    ndc: str,
    query: str,
    *,
    catalog: Catalog,
    generations: Generations,
    documents: Documents,
    texts: Texts,
    index: SearchIndex,
    embedder: Embedder,
    settings: Settings,
) -> Explanation:
    """Everything about the drug of an NDC, with or without dashes. Raises no server's error."""
    asker = _Asker()
    keys = tuple(dict.fromkeys((ndc, *ndcs_of(ndc).keys)))
    rows = asker.ask(CATALOG, lambda: _rows(catalog, keys), RangeRows([], [], []))
    live = asker.ask("live index", generations.live, None)
    names = live.names if live else LiveNames("", "")
    none: Fields = {}
    fields = asker.ask("document", lambda: _document(documents, names, keys), none)
    key = fields.get("ndc") or next(iter(rows.keys), ndc)
    renderer = renderer_of(settings, names.space)
    now = renderer.document(rows.rows[0]).fields if rows.rows else {}
    text = renderer.text(now or fields) if now or fields else None

    last = asker.ask("last verification", lambda: _last_run(generations, names), None)

    def place() -> Place | None:
        if not query or not live:
            return None
        return place_of(query, fields, names, index=index, embedder=embedder, settings=settings)

    explained = Explanation(
        ndc=key,
        verdict="",
        in_catalog=bool(rows.keys),
        in_index=bool(fields),
        differs=_differs(now, fields),
        columns=_columns(now, fields),
        text=asker.ask("text record", lambda: _text_facts(texts, names, text), None),
        generation=names.generation,
        space=names.space,
        model=settings.embedding_model,
        written_by=fields.get("run_id", ""),
        written_at=fields.get("indexed_at", ""),
        verified_by=last.run_id if last else "",
        verified_at=last.started_at.isoformat(timespec="seconds") if last else "",
        rejected=next((f"{one.column}: {one.reason}" for one in rows.unreadable), ""),
        to_repair=asker.ask("repair set", lambda: _to_repair(documents, names, key), False),
        place=asker.ask("search", place, None),
        failures=asker.failures,
    )
    return explained.model_copy(update={"verdict": verdict(explained)})


def verdict(one: Explanation) -> str:
    """The problem and its remedy, in one sentence."""
    if CATALOG in one.failures or "document" in one.failures or "live index" in one.failures:
        return "part of the answer is missing: see what failed"
    if one.rejected:
        return f"its row was rejected ({one.rejected}); its indexed document stays as it was"
    if not one.in_catalog:
        if one.in_index:
            return "it left the catalog; the next sync removes it"
        return "no drug has this NDC, neither in the catalog nor in the index"
    if not one.in_index:
        return "the catalog has it and the index does not; the next sync adds it"
    if one.differs:
        return f"the index has it with other values ({', '.join(one.differs)}); start a sync"
    if one.text and one.text.refused:
        return f"found by NDC and name, not by meaning: the model refused it ({one.text.refused})"
    if one.text and not one.text.record:
        return "its text has no record, so searches by meaning do not find it; start a sync"
    return "its document matches the catalog"


def _rows(catalog: Catalog, keys: tuple[str, ...]) -> RangeRows:
    with catalog.connect() as reader:
        return reader.read_keys(keys)


def _last_run(generations: Generations, names: LiveNames) -> LastRun | None:
    """Every published run has verified first; a key range verifies a part, and is not kept here."""
    record = generations.find(names.generation) if names.generation else None
    return record.baseline.last if record else None


def _columns(now: Fields, fields: Fields) -> tuple[Column, ...]:
    return tuple(
        Column(column=name, catalog=now.get(name), index=fields.get(name))
        for name in COLUMNS
        if name in now or name in fields
    )


def _differs(now: Fields, fields: Fields) -> tuple[str, ...]:
    if not now or not fields:
        return ()
    return tuple(name for name in COLUMNS if now.get(name) != fields.get(name))


def _document(documents: Documents, names: LiveNames, keys: tuple[str, ...]) -> Fields:
    if not names.generation:
        return {}
    return next(filter(None, documents.read(names.generation, keys)), {})


def _to_repair(documents: Documents, names: LiveNames, key: str) -> bool:
    return bool(names.generation and documents.to_repair(names.generation, [key]))


def _text_facts(texts: Texts, names: LiveNames, text: Text | None) -> TextFacts | None:
    if text is None:
        return None
    record = texts.records(names.space, [text.hash])[0] if names.space else None
    origin = texts.origins(names.space, [text.hash])[0] if record else None
    return TextFacts(
        hash=text.hash,
        text=text.text,
        record=record is not None,
        refused=record.refused if record else "",
        run=run_of(origin.run) if origin else "",
        tokens=origin.tokens if origin else 0,
    )
