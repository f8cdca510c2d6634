"""Search: what a query names, what it describes, and what is near it in meaning, each apart.

An answer is in parts. A weaker part never stands in a stronger one's place, no part is padded, and
nothing is an answer, too. A filter leaves drugs out and changes no order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import zip_longest
from typing import Final, NamedTuple

from workflow.contract.folding import fold_words
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.model import Embedder
from workflow.contract.ports.search import ClassQuery, Filters, Hit, SearchIndex
from workflow.contract.vectors import cosine, to_floats
from workflow.search import notices
from workflow.search.cards import Candidate, Drawer, OfStrength, Product
from workflow.search.filters import as_stored
from workflow.search.floor import CONSERVATIVE
from workflow.search.known import KnownNames, known_names
from workflow.search.lookup import Lookup, Named
from workflow.search.ndcs import LONGEST_KEY, dashed, ndcs_of
from workflow.search.notices import Notice
from workflow.search.queries import Query, is_description, understand
from workflow.search.ranking import (
    Match,
    by_distance,
    form_of,
    has_class,
    is_unusual,
    substances_of,
)
from workflow.search.synonyms import Synonyms, fda_synonyms

HEAD: Final = 150
"""Texts of each list: the first ten drugs of the FDA's catalog hold 4.5 distinct texts."""

UNDER_FILTERS: Final = 1000
"""Texts of each list, and the most drugs that a narrow filter leaves."""

MOST_CLASSES: Final = 12
HIDDEN: Final = 30
"""Texts of the best part that are asked what the filters hide."""

NO_FILTERS: Final[Filters] = {}


class PartKind(StrEnum):
    """Why the products of a part are there, the strongest reason first."""

    FOUND = "found"
    SAME_SUBSTANCE = "same_substance"
    OTHERS = "other_substances"
    BEGINS = "begins"
    CLASS = "class"
    USE = "use"
    MEANING = "meaning"


class Part(NamedTuple):
    """Products for one reason. `about`: the substances or classes that are meant."""

    kind: PartKind
    about: tuple[str, ...]
    products: list[Product]


class Answer(NamedTuple):
    """Parts, the strongest first, and what is to be told. `more`: there are further products."""

    parts: list[Part]
    notices: list[Notice]
    texts: list[str]
    more: bool

    @property
    def products(self) -> list[Product]:
        return [one for part in self.parts for one in part.products]

    @property
    def corrected(self) -> dict[str, str]:
        """Misspelt words, and what is searched instead."""
        read = (one for one in self.notices if one.kind == notices.NoticeKind.READ_AS)
        return {one.words: one.instead[0] for one in read}


class _Listed(NamedTuple):
    """A part's texts before their drugs are looked up."""

    kind: PartKind
    about: tuple[str, ...]
    candidates: Iterable[Candidate]


def search(
    query: str,
    names: LiveNames,
    *,
    embedder: Embedder | None,
    index: SearchIndex,
    synonyms: Synonyms | None = None,
    limit: int = 10,
    offset: int = 0,
    packages: int = 5,
    filters: Filters = NO_FILTERS,
    floor: float = CONSERVATIVE,
    as_written: bool = False,
) -> Answer:
    """`limit` products of one generation that pass the filters, behind the first `offset`.

    The embedder is asked where the query names no drug. Without one, words must do. `as_written`:
    no word is read as another.
    """
    by_key = _by_ndc(query, names, index, filters)
    if by_key is not None:
        return by_key
    filters = as_stored(filters, names, index)
    known = known_names()
    asked = understand(query, synonyms or fda_synonyms(), known)
    found = _Search(asked, names, embedder, index, filters, floor, known, as_written)
    return found.answer(limit, offset, packages)


class _Search:
    """One query, asked of one generation."""

    def __init__(
        self,
        query: Query,
        names: LiveNames,
        embedder: Embedder | None,
        index: SearchIndex,
        filters: Filters,
        floor: float,
        known: KnownNames,
        as_written: bool,
    ) -> None:
        self._as_written = as_written
        self._query, self._names, self._index = query, names, index
        self._embedder, self._filters = embedder, filters
        self._floor, self._known = floor, known
        self._count = UNDER_FILTERS if filters else HEAD
        self._notices: list[Notice] = []

    def answer(self, limit: int, offset: int, packages: int) -> Answer:
        lookup = Lookup(
            self._query,
            self._names.space,
            self._index,
            self._known,
            self._count,
            as_written=self._as_written,
        )
        named = lookup.named()
        listed = list(self._parts(named))
        drawer = Drawer(self._names.generation, self._index, self._filters, packages, self._known)
        texts: list[str] = []
        taken = _take(listed, drawer, limit + 1, offset, texts)
        more = sum(len(part.products) for part in taken) > limit
        parts = _without_last(taken) if more else taken
        told = [*named.notices, *self._notices, *self._last_notices(parts, listed, drawer, offset)]
        return Answer(parts, told, texts, more)

    def _parts(self, named: Named) -> Iterator[_Listed]:
        about = tuple(sorted(named.about))
        for kind, matches in (
            (PartKind.FOUND, named.found),
            (PartKind.SAME_SUBSTANCE, named.same),
            (PartKind.OTHERS, named.others),
            (PartKind.BEGINS, named.begins),
        ):
            if matches:
                said = about if kind in (PartKind.FOUND, PartKind.SAME_SUBSTANCE) else ()
                yield _Listed(kind, said, _candidates(matches, named.texts, _why(kind, said)))
        if named.decided or (named.found and not self._query.lay):
            return
        yield from self._described(named)

    def _described(self, named: Named) -> Iterator[_Listed]:
        near = self._near(named)
        held = {one.hash for one in (*named.found, *named.same, *named.others)}
        classed = self._classed(near, held)
        if classed is not None:
            held |= {one.hash for one in classed.candidates}
            yield classed
        if named.found:
            return
        hits = [hit for hit in near if 1 - hit.distance >= self._floor and hit.name not in held]
        fields = self._index.text_columns(self._names.space, [hit.name for hit in hits])
        ranked = sorted(
            (hit for hit in hits if hit.name in fields),
            key=lambda hit: _is_last(fields[hit.name], self._query),
        )
        if ranked:
            yield _Listed(
                PartKind.MEANING,
                (),
                [
                    Candidate(one.name, fields[one.name], "near in meaning", 1 - one.distance)
                    for one in ranked
                ],
            )

    def _classed(self, near: Sequence[Hit], held: set[str]) -> _Listed | None:
        """The classes that the query's words mean, one text of each in turn."""
        query = self._query
        phrases = tuple(fold_words(name) for name in query.classes[:MOST_CLASSES])
        words = () if phrases else tuple(w for w in query.telling if not is_description(w))
        asked = [ClassQuery(one, exact=True) for one in phrases]
        asked += [ClassQuery(words, exact=False)] if words else []
        lists = self._index.find_classed(self._names.space, asked, self._count) if asked else []
        places = {hit.name: place for place, hit in enumerate(near)}
        cosines = {hit.name: 1 - hit.distance for hit in near}
        ranked = [self._ranked(texts, places, held) for texts in lists]
        names = query.classes[:MOST_CLASSES] or (" ".join(words),)
        turns = [
            [Candidate(hash_, texts[hash_], name, cosines.get(hash_)) for hash_ in order]
            for order, texts, name in zip(ranked, lists, names, strict=False)
        ]
        candidates = _in_turn(turns, self._known)
        if not candidates:
            return None
        about = tuple(dict.fromkeys(one.why for one in candidates))
        return _Listed(_class_or_use(query), about, candidates)

    def _ranked(
        self, texts: Mapping[str, Fields], places: Mapping[str, int], held: set[str]
    ) -> list[str]:
        """The usual before the unusual, the form asked for, the nearest, one substance."""
        far = len(places)
        return sorted(
            (one for one in texts if one not in held),
            key=lambda one: (
                is_unusual(texts[one], self._query.words),
                -round(form_of(self._query, texts[one]), 1),
                places.get(one, far),
                len(substances_of(texts[one], self._known)),
                sorted(texts[one].items()),
                one,
            ),
        )

    def _near(self, named: Named) -> list[Hit]:
        """Texts by their distance, the nearest first; of a narrow filter's texts, exactly."""
        if self._embedder is None:
            self._notices.append(notices.meaning_unavailable())
            return []
        words = " ".join(named.read.get(word, word) for word in self._query.text.split())
        vector = self._embedder.embed([words], "query")[0].data
        space, index = self._names.space, self._index
        if self._filters:
            under = index.texts_of_drugs(self._names.generation, self._filters, UNDER_FILTERS)
            if under is not None:
                return exactly(under, vector, space, index)
        return index.nearest_texts(space, vector, self._count)

    def _last_notices(
        self, parts: Sequence[Part], listed: Sequence[_Listed], drawer: Drawer, offset: int
    ) -> Iterator[Notice]:
        shown = {part.kind for part in parts}
        best = next(iter(listed), None)
        if self._filters and best and best.kind not in shown and not offset:
            hashes = [one.hash for one in best.candidates][:HIDDEN]
            hidden = drawer.hidden(hashes)
            if hidden:
                yield notices.filters_hide(hidden)
        if drawer.cut:
            yield notices.cut_short()
        if not parts and not offset:
            yield notices.nothing_found(self._query.text)


def _take(
    listed: Sequence[_Listed], drawer: Drawer, limit: int, offset: int, texts: list[str]
) -> list[Part]:
    """The products of all parts in a row, without the first `offset`."""
    parts = []
    left, skipped = limit, offset
    for one in listed:
        candidates = list(one.candidates)
        texts += [candidate.hash for candidate in candidates]
        products = []
        for card in drawer.cards(candidates) if left else ():
            if skipped:
                skipped -= 1
                continue
            products.append(card)
            left -= 1
            if not left:
                break
        if products:
            parts.append(Part(one.kind, one.about, products))
    return parts


def _without_last(parts: Sequence[Part]) -> list[Part]:
    """The one product too many only told that there are more."""
    *most, last = parts
    kept = last._replace(products=last.products[:-1])
    return [*most, kept] if kept.products else most


def _candidates(matches: Sequence[Match], texts: Mapping[str, Fields], why: str) -> list[Candidate]:
    return [Candidate(one.hash, texts[one.hash], why) for one in matches]


def _why(kind: PartKind, about: Sequence[str]) -> str:
    if kind == PartKind.FOUND:
        return "has the name"
    if kind == PartKind.BEGINS:
        return "its name begins so"
    if kind == PartKind.OTHERS:
        return "has the name, and other substances"
    return f"is {notices.listed(about)}" if about else "has the same substances"


def _class_or_use(query: Query) -> PartKind:
    """A class where the query's words are words of its name, or end as classes' names do."""
    said = {word.rstrip("s") for word in query.words}
    named = {word.rstrip("s") for name in query.classes for word in fold_words(name)}
    return PartKind.CLASS if not query.classes or said & named else PartKind.USE


def _in_turn(lists: Sequence[Sequence[Candidate]], known: KnownNames) -> list[Candidate]:
    """The first drug of each class, then the second of each; a text once."""
    turns = [_drugs_in_turn(one, known) for one in lists]
    row = (one for turn in zip_longest(*turns) for one in turn if one is not None)
    return list({one.hash: one for one in row}.values())


def _drugs_in_turn(candidates: Sequence[Candidate], known: KnownNames) -> list[Candidate]:
    """One text of each set of substances, then the next: ten cards are ten choices."""
    drugs: dict[frozenset[str], list[Candidate]] = {}
    for one in candidates:
        drugs.setdefault(substances_of(one.fields, known), []).append(one)
    return [one for turn in zip_longest(*drugs.values()) for one in turn if one is not None]


def _is_last(fields: Fields, query: Query) -> bool:
    return not has_class(fields) or is_unusual(fields, query.words)


def exactly(hashes: Sequence[str], vector: bytes, space: str, index: SearchIndex) -> list[Hit]:
    """These texts by their distance, computed here."""
    wanted = to_floats(vector)
    records = zip(hashes, index.text_records(space, hashes), strict=True)
    return by_distance(
        Hit(one, 1 - cosine(wanted, to_floats(record.vector)))
        for one, record in records
        if record and len(record.vector) == len(vector)
    )


def _by_ndc(query: str, names: LiveNames, index: SearchIndex, filters: Filters) -> Answer | None:
    """The drugs whose key was asked for, in any form; nothing else stands for an NDC."""
    written = query.strip()
    asked = ndcs_of(written)
    as_typed = (written,) if 0 < len(written) <= LONGEST_KEY else ()
    keys = tuple(dict.fromkeys((*as_typed, *asked.keys)))
    held = [one for one in index.documents(names.generation, keys) if one]
    held += [one for prefix in asked.prefixes for one in _of_product(prefix, names, index)]
    if not held:
        is_none = bool(asked.keys or asked.prefixes)
        return Answer([], [notices.no_such_ndc(written)], [], False) if is_none else None
    return _of_keys(written, held, filters, several=len(held) > 1 and not asked.prefixes)


def _of_product(prefix: str, names: LiveNames, index: SearchIndex) -> list[Fields]:
    keys = index.keys_beginning(names.generation, prefix, UNDER_FILTERS)
    return [one for one in index.documents(names.generation, keys) if one]


def _of_keys(written: str, held: Sequence[Fields], filters: Filters, *, several: bool) -> Answer:
    passed = [one for one in held if passes(one, filters)]
    told = []
    if several:
        told.append(notices.several_drugs(written, [dashed(one["ndc"]) for one in held]))
    if len(passed) < len(held):
        told.append(notices.filters_hide(len(held) - len(passed)))
    groups: dict[str, list[Fields]] = {}
    for one in passed:
        groups.setdefault(one["text_hash"], []).append(one)
    products = [
        Product("has the NDC", None, (OfStrength(group[0].get("strength", ""), len(group), group),))
        for group in groups.values()
    ]
    parts = [Part(PartKind.FOUND, (), products)] if products else []
    return Answer(parts, told, list(groups), False)


def passes(fields: Fields, filters: Filters) -> bool:
    """What the index would say of one drug."""
    return all(
        any(_has(column, fields.get(column, ""), value) for value in values)
        for column, values in filters.items()
    )


def _has(column: str, held: str, value: str) -> bool:
    wanted, words = fold_words(value), fold_words(held)
    if column.endswith("_class"):
        return f" {' '.join(wanted)} " in f" {' '.join(words)} "
    return wanted == words
