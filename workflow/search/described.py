"""What a query describes: drugs of its classes and uses, and drugs near it in meaning."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Final

from workflow.contract.folding import fold_words
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.search import ClassQuery, Hit, SearchIndex
from workflow.contract.vectors import cosine, to_floats
from workflow.search import notices
from workflow.search.asked import UNDER_FILTERS, Asked, Texts
from workflow.search.cards import Candidate
from workflow.search.facts import facts_of
from workflow.search.known import KnownNames
from workflow.search.lookup import Named
from workflow.search.notices import Notice
from workflow.search.parts import Listed, PartKind
from workflow.search.queries import Query
from workflow.search.ranking import LAST, by_distance, form_of, unusual

MOST_CLASSES: Final = 12


class Described:
    """The weaker parts of an answer, of `count` texts a list; `cut` says that there are more;
    `notices` are about them.
    """

    def __init__(self, asked: Asked, count: int) -> None:
        self._asked = asked
        self._count = count
        self.notices: list[Notice] = []
        self.cut = False

    def parts(self, named: Named) -> Iterator[Listed]:
        """The class or use that the words mean, and what is near in meaning."""
        near = self._near(named)
        held = {one.hash for one in (*named.found, *named.same, *named.others)}
        classed = self._classed(near, held)
        if classed is not None:
            held |= {one.hash for one in classed.candidates}
            yield classed
        if named.found:
            return
        hits = [hit for hit in near if self._means(hit) and hit.name not in held]
        fields = self._asked.index.text_columns(self._asked.names.space, [hit.name for hit in hits])
        ranked = sorted(
            (hit for hit in hits if hit.name in fields),
            key=lambda hit: self._how_usual(fields[hit.name]),
        )
        if ranked:
            yield Listed(
                PartKind.MEANING,
                (),
                [
                    Candidate(one.name, fields[one.name], "near in meaning", 1 - one.distance)
                    for one in ranked
                ],
            )

    def _classed(self, near: Sequence[Hit], held: set[str]) -> Listed | None:
        """The classes that the query's words mean, one text of each in turn."""
        query = self._asked.query
        names = query.classes[:MOST_CLASSES]
        asked = [ClassQuery(fold_words(name), exact=True) for name in names]
        if not asked and query.undescribed:
            asked, names = (
                [ClassQuery(query.undescribed, exact=False)],
                (" ".join(query.undescribed),),
            )
        lists = self._asked.classed(asked, self._count)
        self.cut |= any(len(one) >= self._count for one in lists)
        places = {hit.name: place for place, hit in enumerate(near)}
        cosines = {hit.name: 1 - hit.distance for hit in near}
        ranked = [self._ranked(texts, places, held) for texts in lists]
        turns = [
            [Candidate(hash_, texts[hash_], name, cosines.get(hash_)) for hash_ in order]
            for order, texts, name in zip(ranked, lists, names, strict=True)
        ]
        candidates = sorted(_in_turn(turns, self._asked.known), key=self._is_homeopathic)
        if not candidates:
            return None
        about = tuple(dict.fromkeys(one.why for one in candidates))
        return Listed(_class_or_use(query), about, candidates)

    def _is_homeopathic(self, one: Candidate) -> bool:
        """Last whatever its class, unless one is asked for."""
        return unusual(facts_of(one.fields, self._asked.known), self._asked.query.words) == LAST

    def _ranked(self, texts: Texts, places: Mapping[str, int], held: set[str]) -> list[str]:
        """Order: usual before unusual, the form asked for, the nearest, a single substance.

        Of what is not near, the commonest route of the class first, then its commonest substances.
        """
        query, known, far = self._asked.query, self._asked.known, len(places)
        every = [facts_of(fields, known) for fields in texts.values()]
        routes = Counter(facts.routes for facts in every)
        drugs = Counter(facts.substances for facts in every)
        order = {
            one: (
                unusual(facts := facts_of(fields, known), query.words),
                -round(form_of(query, facts), 1),
                places.get(one, far),
                len(facts.substances),
                -routes[facts.routes],
                -drugs[facts.substances],
                facts.order,
                one,
            )
            for one, fields in texts.items()
            if one not in held
        }
        return sorted(order, key=order.__getitem__)

    def _near(self, named: Named) -> list[Hit]:
        """Texts by their distance, the nearest first; of a narrow filter's texts, exactly."""
        meaning = self._asked.meaning
        if meaning is None:
            self.notices.append(notices.meaning_unavailable())
            return []
        words = " ".join(named.read.get(word, word) for word in self._asked.query.text.split())
        vector = meaning.embedder.embed([words], "query")[0].data
        space, index = self._asked.names.space, self._asked.index
        if self._asked.filters:
            under = index.texts_of_drugs(
                self._asked.names.generation, self._asked.filters, UNDER_FILTERS
            )
            if under is not None:
                return exactly(under, vector, space, index)
        hits = index.nearest_texts(space, vector, self._count)
        # Below the floor nothing is an answer, however many texts there are.
        self.cut |= len(hits) >= self._count and self._means(hits[-1])
        return hits

    def _means(self, hit: Hit) -> bool:
        meaning = self._asked.meaning
        return meaning is not None and 1 - hit.distance >= meaning.floor

    def _how_usual(self, fields: Fields) -> int:
        facts = facts_of(fields, self._asked.known)
        return max(unusual(facts, self._asked.query.words), int(not facts.has_class))


def _in_turn(lists: Sequence[Sequence[Candidate]], known: KnownNames) -> list[Candidate]:
    """The first drug of each class, then the second of each; a text once."""
    turns = [_drugs_in_turn(one, known) for one in lists]
    row = (one for turn in zip_longest(*turns) for one in turn if one is not None)
    return list({one.hash: one for one in row}.values())


def _drugs_in_turn(candidates: Sequence[Candidate], known: KnownNames) -> list[Candidate]:
    """One text of each set of substances, then the next, so that ten cards are ten choices."""
    drugs: dict[frozenset[str], list[Candidate]] = {}
    for one in candidates:
        drugs.setdefault(facts_of(one.fields, known).substances, []).append(one)
    return [one for turn in zip_longest(*drugs.values()) for one in turn if one is not None]


def _class_or_use(query: Query) -> PartKind:
    """A class is meant if the query's words are words of its name, or end like names of classes."""
    said = {word.rstrip("s") for word in query.words}
    named = {word.rstrip("s") for name in query.classes for word in fold_words(name)}
    return PartKind.CLASS if not query.classes or said & named else PartKind.USE


def exactly(hashes: Sequence[str], vector: bytes, space: str, index: SearchIndex) -> list[Hit]:
    """These texts by their distance, computed here."""
    wanted = to_floats(vector)
    records = zip(hashes, index.text_records(space, hashes), strict=True)
    return by_distance(
        Hit(one, 1 - cosine(wanted, to_floats(record.vector)))
        for one, record in records
        if record and len(record.vector) == len(vector)
    )
