"""Documents."""

from collections.abc import Sequence
from typing import NamedTuple

Fields = dict[str, str]
"""A Redis hash as text: only fields that have a value."""


class Document(NamedTuple):
    """One drug as it is stored: the catalog's fields with `text_hash` and `content_hash`."""

    ndc: str
    fields: Fields

    @property
    def text_hash(self) -> str:
        return self.fields["text_hash"]

    @property
    def content_hash(self) -> str:
        return self.fields["content_hash"]


class Change(NamedTuple):
    """One document to write. `old` is the content hash that is stored now, if any."""

    document: Document
    old: str | None


class Batch(NamedTuple):
    """What one transaction of LoadPage writes and removes."""

    upserts: Sequence[Document]
    removals: Sequence[str]
