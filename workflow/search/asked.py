"""One query and the index's answers, cached so that no search requests the same thing twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.search import ClassQuery, Filters, Hit, NameQuery, SearchIndex
from workflow.search.facts import Facts, facts_of
from workflow.search.floor import Meaning
from workflow.search.known import KnownNames
from workflow.search.queries import Query

HEAD: Final = 150
"""Texts of each list: the first ten drugs of the FDA's catalog hold 4.5 distinct texts."""

UNDER_FILTERS: Final = 1000
"""Texts of each list under a narrow filter, which leaves this many drugs or fewer."""

Texts = Mapping[str, Facts]
"""By their hashes."""


@dataclass(frozen=True)
class Asked:
    """What is asked, and of which generation. Without `meaning`, only words are searched."""

    query: Query
    names: LiveNames
    meaning: Meaning | None
    index: SearchIndex
    filters: Filters
    known: KnownNames
    _foreseen: list[NameQuery] = field(default_factory=list)
    _named: dict[tuple[NameQuery, int], Texts] = field(default_factory=dict)
    _classed: dict[tuple[ClassQuery, int], list[str]] = field(default_factory=dict)

    @property
    def name_count(self) -> int:
        """Texts of a name: few names have more than the first lists hold."""
        return UNDER_FILTERS if self.filters else HEAD

    def foresee(self, queries: Sequence[NameQuery]) -> None:
        """These will be wanted: they are asked for in the round trip of the next names."""
        self._foreseen.extend(queries)

    def named(self, queries: Sequence[NameQuery]) -> list[Texts]:
        """The texts of each name, all in one round trip."""
        count = self.name_count
        if any((one, count) not in self._named for one in queries):
            every = dict.fromkeys((*queries, *self._foreseen))
            new = [one for one in every if (one, count) not in self._named]
            self._foreseen.clear()
            found = self.index.find_named(self.names.space, new, count)
            for one, texts in zip(new, found, strict=True):
                self._named[one, count] = self._facts(texts)
        return [self._named[one, count] for one in queries]

    def classed(self, queries: Sequence[ClassQuery], count: int) -> list[list[str]]:
        """The hashes of each class's texts, all in one round trip."""
        new = self._not_asked(queries, count)
        if new:
            found = self.index.find_classed(self.names.space, new, count)
            self._classed.update(((one, count), of) for one, of in zip(new, found, strict=True))
        return [self._classed[one, count] for one in queries]

    def near(self, vector: bytes, queries: Sequence[ClassQuery], count: int) -> list[Hit]:
        """The texts nearest to a vector; those of the classes come in the same round trip."""
        new = self._not_asked(queries, count)
        hits, found = self.index.find_near(self.names.space, vector, new, count)
        self._classed.update(((one, count), of) for one, of in zip(new, found, strict=True))
        return hits

    def texts(self, hashes: Sequence[str]) -> Texts:
        """In one round trip at most; a text that does not exist is left out."""
        return self._facts(self.index.text_columns(self.names.space, hashes))

    def _not_asked(self, queries: Sequence[ClassQuery], count: int) -> list[ClassQuery]:
        return [one for one in dict.fromkeys(queries) if (one, count) not in self._classed]

    def _facts(self, texts: Mapping[str, Fields]) -> Texts:
        """Without those that the query excludes, and the same drugs that have no class here."""
        found = {name: facts_of(fields, self.known) for name, fields in texts.items()}
        without = self.query.without
        if not without.words:
            return found
        out = {of.substances for of in found.values() if of.is_of(without.classes)}
        return {
            name: of
            for name, of in found.items()
            if not (of.has(without) or (of.substances in out and not of.has_class))
        }
