"""What a query describes: drugs of its classes and uses, and drugs near it in meaning."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Final

from workflow.contract.folding import fold_words
from workflow.contract.ports.search import ClassQuery, Hit, SearchIndex
from workflow.contract.vectors import cosine, to_floats
from workflow.search import notices
from workflow.search.asked import Asked, Texts
from workflow.search.cards import Candidate
from workflow.search.facts import Facts
from workflow.search.filters import texts_under
from workflow.search.named import Named
from workflow.search.notices import Notice
from workflow.search.parts import Listed, PartKind
from workflow.search.queries import Query
from workflow.search.ranking import LAST, by_distance, form_of, unusual
from workflow.search.strength_met import strength_of
from workflow.search.used import WHY, Used, used

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
        usual = used(self._asked)
        classes = self._classes()
        near = self._near(named, list(classes.values()))
        lists = self._asked.classed(list(classes.values()), self._count)
        self.cut |= any(len(one) >= self._count for one in lists)
        held = {one.hash for one in (*named.found, *named.same, *named.others)}
        means = [] if named.found else [hit for hit in near if self._means(hit)]
        every = dict.fromkeys(chain(*lists, (hit.name for hit in means)))
        texts = self._asked.texts([one for one in every if one not in held])
        classed = self._classed(dict(zip(classes, lists, strict=True)), texts, near, usual)
        if classed is None and self._asked.query.classes and not held:
            self.notices.append(notices.no_such_class(self._asked.query.text, list(classes)))
        if classed is not None:
            held |= {one.hash for one in classed.candidates}
            yield classed
        ranked = sorted(
            (
                hit
                for hit in means
                if hit.name in texts
                and hit.name not in held
                and not self._is_unasked(texts[hit.name])
            ),
            key=lambda hit: self._how_usual(texts[hit.name]),
        )
        if ranked:
            yield Listed(
                PartKind.MEANING,
                (),
                [
                    Candidate(one.name, texts[one.name], "near in meaning", 1 - one.distance)
                    for one in ranked
                ],
            )

    def _classes(self) -> dict[str, ClassQuery]:
        """The classes that the query's words mean, or a class that has all its words."""
        query = self._asked.query
        named = {
            name: ClassQuery(fold_words(name), exact=True) for name in query.classes[:MOST_CLASSES]
        }
        if not (named or query.drugs) and query.of_class:
            return {" ".join(query.of_class): ClassQuery(query.of_class, exact=False)}
        return named

    def _classed(
        self, lists: Mapping[str, Sequence[str]], texts: Texts, near: Sequence[Hit], usual: Used
    ) -> Listed | None:
        """The usual drugs of the use, then one text of each class in turn."""
        places = {hit.name: place for place, hit in enumerate(near)}
        cosines = {hit.name: 1 - hit.distance for hit in near}
        turns = [
            [
                Candidate(one, texts[one], name, cosines.get(one))
                for one in self._ranked([one for one in hashes if one in texts], texts, places)
            ]
            for name, hashes in lists.items()
        ]
        every = _once([*usual.first, *_in_turn(turns), *usual.rest])
        candidates = self._of_form([one for one in every if not self._is_unasked(one.facts)])
        if not candidates:
            return None
        classed = (one.why for one in candidates if one.why != WHY)
        about = tuple(dict.fromkeys((*usual.names, *classed)))
        return Listed(_class_or_use(self._asked.query), about, candidates)

    def _of_form(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """If some have the form and the route that are asked for, they come first.

        If a form is asked for, the others are no answer: a `pain patch` is no injection. A part of
        the body is only a hint: what is swallowed may help the skin. Where drugs are named for the
        use, it changes nothing.
        """
        query = self._asked.query
        if query.drugs:
            query = query._replace(routes=())
        fit = [one for one in candidates if form_of(query, one.facts) == 1]
        if not fit:
            return list(candidates)
        rest = [] if query.forms else [one for one in candidates if one not in fit]
        return [*fit, *rest]

    def _is_unasked(self, facts: Facts) -> bool:
        """A homeopathic is no answer, whatever its class, unless one is asked for."""
        return unusual(facts, self._asked.query.words) == LAST

    def _ranked(self, hashes: Sequence[str], texts: Texts, places: Mapping[str, int]) -> list[str]:
        """Order: usual before unusual, the strength and the form asked for, the nearest, a single
        substance.

        Among texts that are not near, the commonest route of the class first, then its
        commonest substances.
        """
        query, far = self._asked.query, len(places)
        routes = Counter(texts[one].routes for one in hashes)
        drugs = Counter(texts[one].substances for one in hashes)

        def order(one: str) -> tuple[object, ...]:
            facts = texts[one]
            return (
                unusual(facts, query.words),
                -strength_of(query, facts).share,
                -form_of(query, facts),
                places.get(one, far),
                len(facts.substances),
                -routes[facts.routes],
                -drugs[facts.substances],
                facts.order,
                one,
            )

        return sorted(hashes, key=order)

    def _near(self, named: Named, classes: Sequence[ClassQuery]) -> list[Hit]:
        """Texts by their distance, the nearest first; of a narrow filter's texts, exactly."""
        asked, meaning = self._asked, self._asked.meaning
        if meaning is None:
            self.notices.append(notices.meaning_unavailable())
            return []
        words = " ".join(named.read.get(word, word) for word in asked.query.text.split())
        vector = meaning.embedder.embed([words], "query")[0].data
        under = texts_under(asked.filters, asked.names, asked.index) if asked.filters else None
        if under is not None:
            return exactly(under, vector, asked.names.space, asked.index)
        hits = asked.near(vector, classes, self._count)
        # Below the floor nothing is an answer, however many texts there are.
        self.cut |= len(hits) >= self._count and self._means(hits[-1])
        return hits

    def _means(self, hit: Hit) -> bool:
        meaning = self._asked.meaning
        return meaning is not None and 1 - hit.distance >= meaning.floor

    def _how_usual(self, facts: Facts) -> int:
        return max(unusual(facts, self._asked.query.words), int(not facts.has_class))


def _in_turn(lists: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """The first drug of each class, then the second of each; a text once."""
    turns = [_drugs_in_turn(one) for one in lists]
    row = (one for turn in zip_longest(*turns) for one in turn if one is not None)
    return _once(row)


def _once(candidates: Iterable[Candidate]) -> list[Candidate]:
    """A text once, for its first reason."""
    kept: dict[str, Candidate] = {}
    for one in candidates:
        kept.setdefault(one.hash, one)
    return list(kept.values())


def _drugs_in_turn(candidates: Sequence[Candidate]) -> list[Candidate]:
    """One text of each set of substances, then the next, so that ten cards offer ten choices."""
    drugs: dict[frozenset[str], list[Candidate]] = {}
    for one in candidates:
        drugs.setdefault(one.facts.substances, []).append(one)
    return [one for turn in zip_longest(*drugs.values()) for one in turn if one is not None]


def _class_or_use(query: Query) -> PartKind:
    """A class is meant if the query's words are words of its name, or end like names of classes."""
    said = {word.rstrip("s") for word in query.words}
    named = {word.rstrip("s") for name in query.classes for word in fold_words(name)}
    if query.drugs:
        return PartKind.USE
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
