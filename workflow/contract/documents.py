"""Row -> text -> hashes -> document. The one definition of each."""

import hashlib
import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from string import Formatter
from typing import Final

import orjson
from pydantic import BaseModel, ConfigDict

from workflow.contract import versions
from workflow.contract.columns import (
    CLASS_COLUMNS,
    COLUMNS,
    DETAIL_COLUMNS,
    KEY,
    NAME_COLUMNS,
    TYPE_COLUMN,
)
from workflow.contract.folding import fold, plain
from workflow.contract.ports.catalog import Row
from workflow.contract.ports.documents import Document, Fields
from workflow.contract.ports.texts import Text, TextRecord
from workflow.contract.settings import Settings
from workflow.contract.vectors import fault

HASH_BYTES: Final = 16
NOT_CATALOG: Final = ("content_hash", "run_id", "indexed_at")
"""Fields of a document that its content hash does not cover."""

REMEMBERED: Final = 1024
"""Texts that a renderer keeps: the packages of a product stand side by side and share theirs."""

SEARCHED_COLUMNS: Final = (*NAME_COLUMNS, *CLASS_COLUMNS, *DETAIL_COLUMNS, TYPE_COLUMN)
"""What a text record holds besides its vector, whatever the template renders."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class Space(BaseModel):
    """What makes vectors comparable. Vectors of two spaces never meet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    dimensions: int
    normalize: bool
    input_type: str
    template: str
    max_chars: int
    text_version: int
    revision: str

    @cached_property
    def id(self) -> str:
        """16 hex digits, the same wherever the same space is described."""
        return _digest(orjson.dumps(self.model_dump(), option=orjson.OPT_SORT_KEYS), size=8)


def space_of(settings: Settings, revision: str) -> Space:
    """The space that the settings describe. `revision` is "0" or the run that embedded again."""
    input_types = settings.family.input_types
    return Space(
        model=settings.named_model,
        dimensions=settings.embedding_dimensions,
        normalize=settings.embedding_normalize,
        input_type=input_types[0] if input_types else "",
        template=settings.embedding_template,
        max_chars=settings.max_chars,
        text_version=versions.TEXTS,
        revision=revision,
    )


def _digest(data: bytes, size: int = HASH_BYTES) -> str:
    return hashlib.blake2b(data, digest_size=size).hexdigest()


def text_hash(text: str, columns: Fields) -> str:
    """BLAKE2b-128, in hex, of a text and the columns that its record is searched by.

    The columns are included because drugs with the same text may have different names.
    """
    return _digest(orjson.dumps([text, columns], option=orjson.OPT_SORT_KEYS))


def record_hash(text: str, columns: Fields, vector: bytes, refused: str) -> str:
    """Binds a text record together: an edited, swapped or truncated part no longer matches."""
    words = orjson.dumps([text, columns, refused], option=orjson.OPT_SORT_KEYS)
    return _digest(_digest(words).encode() + vector)


def record_of(text: Text, vector: bytes, refused: str = "") -> TextRecord:
    """The record of a text with its vector, or with the model's reason to refuse it."""
    own = record_hash(text.text, text.columns, vector, refused)
    return TextRecord(text.text, text.columns, vector, refused, own)


def record_fault(key: str, record: TextRecord, dimensions: int) -> str | None:
    """What is wrong with a record, compared with its key, its own hash and the vector's length."""
    if text_hash(record.text, record.columns) != key:
        return "its text does not belong to its key"
    own = record_hash(record.text, record.columns, record.vector, record.refused)
    if own != record.record_hash:
        return "it does not match its own hash"
    if record.refused:
        return None
    reason = fault(record.vector, dimensions)
    return f"its vector {reason}" if reason else None


def content_hash(fields: Fields, space: str) -> str:
    """BLAKE2b-128 of the canonical JSON of a document's catalog fields, text hash and space."""
    content = {**fields, "space": space}
    for name in NOT_CATALOG:
        content.pop(name, None)
    return _digest(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))


def catalog_fields(fields: Fields) -> Fields:
    """The fields of a document that come from the catalog's columns."""
    return {name: value for name, value in fields.items() if name in COLUMNS}


def clean(value: str | None) -> str:
    """A column's value as it is stored: trimmed, control characters blank. NULL is ''."""
    if value is None:
        return ""
    if not value.isprintable():
        value = _UNPRINTABLE.sub(" ", value)
    return value.strip()


def _cleaned(row: Row) -> Fields:
    """The values that are not blank, as `clean` has them: most are printable, and only trimmed."""
    return {
        name: kept
        for name, value in row.items()
        if value and (kept := value.strip() if value.isprintable() else clean(value))
    }


def normalized(value: str) -> str:
    """Lower case, white space folded: what a text is made of."""
    return " ".join(value.lower().split())


def _as_searched(column: str, value: str) -> str:
    """Folded as searches fold their words. A strength keeps its punctuation: `2.5` is not `2 5`."""
    return plain(value) if column == "strength" else fold(value)


class Renderer:
    """Turns rows into documents and texts under one template and one space."""

    def __init__(self, template: str, max_chars: int, space: str) -> None:
        parts = [(literal, name or "") for literal, name, _, _ in Formatter().parse(template)]
        self._text_columns = tuple(dict.fromkeys(name for _, name in parts if name))
        self._columns = tuple(dict.fromkeys((*self._text_columns, *SEARCHED_COLUMNS)))
        self._text = _texts(parts, self._columns, max_chars)
        self._space = space

    def document(self, row: Row) -> Document:
        """A row's document. The key is kept byte for byte."""
        fields = _cleaned(row)
        fields[KEY] = row[KEY] or ""
        fields["text_hash"] = self.text(fields).hash
        fields["content_hash"] = content_hash(fields, self._space)
        return Document(fields[KEY], fields)

    def text(self, fields: Fields) -> Text:
        """The text of a document's fields, with the columns that searches ask for by word.

        If all columns of the template are blank, it is the drug's name or key.
        """
        get = fields.get
        instead = None
        if not any(map(get, self._text_columns)):
            instead = get("drug_name") or fields[KEY]
        return self._text(tuple(map(get, self._columns)), instead)


Rendered = Callable[[tuple[str | None, ...], str | None], Text]


def _texts(parts: list[tuple[str, str]], names: tuple[str, ...], max_chars: int) -> Rendered:
    """Values of the named columns -> text: rendered, folded and cut."""

    @lru_cache(REMEMBERED)
    def text(values: tuple[str | None, ...], instead: str | None) -> Text:
        fields = {name: value for name, value in zip(names, values, strict=True) if value}
        get = fields.get
        if instead is None:
            instead = "".join([literal + get(name, "") for literal, name in parts])
        words = normalized(instead)[:max_chars].rstrip()
        columns: Fields = {
            name: searched
            for name in SEARCHED_COLUMNS
            if name in fields and (searched := _as_searched(name, fields[name]))
        }
        return Text(text_hash(words, columns), words, columns)

    return text


def renderer_of(settings: Settings, space: str) -> Renderer:
    """The renderer that the settings describe, for documents of this space."""
    return Renderer(settings.embedding_template, settings.max_chars, space)
