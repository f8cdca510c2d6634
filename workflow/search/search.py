"""Search in two steps: the texts that answer best, then the drugs of those texts.

The order of texts is the same under every filter. Where the query spells a name, the texts found by
name come first. Then, or where it does not, come those that fuse best three lists of `HEAD` texts:
nearest in meaning, found by name, found by class. Behind them come all others by distance. Each of
these is asked for when the one before is used up. A filter leaves drugs out and changes no order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.model import Embedder
from workflow.contract.ports.search import ClassQuery, Drugs, Filters, Hit, SearchIndex
from workflow.contract.vectors import cosine, to_floats
from workflow.search.naming import Found, find_named
from workflow.search.queries import Query, is_description, ndcs_of, understand, words_of
from workflow.search.ranking import Ranked, are_decisive, by_distance, fuse, rank_names
from workflow.search.synonyms import Synonyms, fda_synonyms

HEAD: Final = 150
"""Texts of each list: the first ten drugs of the FDA's catalog hold 4.5 distinct texts."""

BEHIND: Final = 30
"""Texts of each list where the query spells a name, and they only fill up what it found."""

NARROW: Final = 1000
"""Filters that leave this many drugs or fewer are answered from the list of their texts."""

TRIED: Final = 30
"""Texts of the head that are tried before a filter is asked how many drugs it leaves."""

WIDER: Final = 4
LEAST_ASKED, MOST_ASKED = 5, 200
NO_FILTERS: Final[Filters] = {}


class Product(NamedTuple):
    """The drugs of one text: same names, strength, form and route, of whichever labeler.

    `packages` are some of the `total`. `parts` say where the score comes from.
    """

    score: float
    parts: Mapping[str, float]
    total: int
    packages: list[Fields]


class Answer(NamedTuple):
    """Products, best first. `corrected` has the misspelt words.

    `texts` are those that products were looked for in, then the others that the query names, or
    describes where it names none.
    """

    products: list[Product]
    corrected: dict[str, str]
    texts: list[str]


def search(
    query: str,
    names: LiveNames,
    *,
    embedder: Embedder | None,
    index: SearchIndex,
    synonyms: Synonyms | None = None,
    limit: int = 10,
    packages: int = 5,
    filters: Filters = NO_FILTERS,
) -> Answer:
    """The first `limit` products of one generation that pass the filters.

    The embedder is asked where names are too few. Without one, words must do.
    """
    drugs = _by_ndc(query, names, index, filters)
    if drugs:
        product = Product(1.0, {"ndc": 1.0}, len(drugs), drugs)
        return Answer([product], {}, [drugs[0]["text_hash"]])
    asked = understand(query, synonyms or fda_synonyms())
    found = find_named(asked, names.space, index, HEAD)

    @cache
    def vector() -> bytes | None:
        return embedder.embed([_worded(asked, found)], "query")[0].data if embedder else None

    named = rank_names(found.texts, found.scores) if are_decisive(found.scores) else []
    count = BEHIND if named else HEAD

    @cache
    def fused() -> list[Ranked]:
        related = index.find_related(names.space, vector(), _classes(asked, named), count)
        return fuse(related, {} if named else found.scores)

    head = _first_then(named, fused)
    texts = _order(head, count, vector, names, index, filters)
    products, tried = _fill(texts, names, index, filters, limit, packages)
    best = dict.fromkeys([*tried, *(one.hash for one in named or fused())])
    return Answer(products, found.corrected, list(best))


def _by_ndc(query: str, names: LiveNames, index: SearchIndex, filters: Filters) -> list[Fields]:
    """The drug whose key was asked for, in any form that an NDC is written in."""
    keys = ndcs_of(query)
    found = index.documents(names.generation, keys) if keys else []
    return [one for one in found if one and _passes(one, filters)][:1]


def _passes(fields: Fields, filters: Filters) -> bool:
    """What the index would say of one drug."""
    for column, value in filters.items():
        held = fields.get(column, "")
        if column.endswith("_class"):
            if f" {' '.join(words_of(value))} " not in f" {' '.join(words_of(held))} ":
                return False
        elif held.lower() != value.lower():
            return False
    return True


def _worded(query: Query, found: Found) -> str:
    """The query with its misspelt words put right: what is embedded."""
    meant = found.corrected
    return " ".join(meant.get(word, word) for word in query.text.split())


def _classes(query: Query, named: Sequence[Ranked]) -> ClassQuery:
    """Where the query spells a name, its words are looked for in no class."""
    words = () if named else query.words
    return ClassQuery(
        phrases=tuple(words_of(name) for name in query.classes),
        words=tuple(word for word in words if not is_description(word)),
    )


def _first_then(named: Sequence[Ranked], fused: Callable[[], list[Ranked]]) -> Iterator[Ranked]:
    yield from named
    held = {one.hash for one in named}
    yield from (one for one in fused() if one.hash not in held)


def _order(
    head: Iterator[Ranked],
    count: int,
    vector: Callable[[], bytes | None],
    names: LiveNames,
    index: SearchIndex,
    filters: Filters,
) -> Iterator[Ranked]:
    """Every text, best first; behind the first ones only those that a narrow filter leaves."""
    seen = set()
    for one in islice(head, TRIED):
        seen.add(one.hash)
        yield one
    listed = index.texts_of_drugs(names.generation, filters, NARROW) if filters else None
    under = None if listed is None else set(listed)
    for one in head:
        seen.add(one.hash)
        if under is None or one.hash in under:
            yield one
    wanted = vector()
    if wanted is None:
        return
    if under is None:
        yield from _widening(seen, count, wanted, names.space, index)
    else:
        yield from map(_of_tail, _exactly(sorted(under - seen), wanted, names.space, index))


def _exactly(hashes: Sequence[str], vector: bytes, space: str, index: SearchIndex) -> list[Hit]:
    """These texts by their distance, computed here."""
    wanted = to_floats(vector)
    records = zip(hashes, index.text_records(space, hashes), strict=True)
    return by_distance(
        Hit(one, 1 - cosine(wanted, to_floats(record.vector)))
        for one, record in records
        if record and len(record.vector) == len(vector)
    )


def _widening(
    seen: set[str], count: int, vector: bytes, space: str, index: SearchIndex
) -> Iterator[Ranked]:
    """The texts behind the nearest `count`, ever more of them until there are no more."""
    while True:
        count *= WIDER
        hits = index.nearest_texts(space, vector, count)
        yield from (_of_tail(hit) for hit in hits if hit.name not in seen)
        seen.update(hit.name for hit in hits)
        if len(hits) < count:
            return


def _of_tail(hit: Hit) -> Ranked:
    return Ranked(hit.name, 0.0, {"cosine": 1 - hit.distance})


def _fill(
    texts: Iterator[Ranked],
    names: LiveNames,
    index: SearchIndex,
    filters: Filters,
    limit: int,
    packages: int,
) -> tuple[list[Product], list[str]]:
    """The first texts that have drugs under the filters, and all texts that were tried.

    More are asked for while few have: as many as are missing, by the share that had some so far.
    """
    products: list[Product] = []
    tried: list[str] = []
    asked = limit
    while len(products) < limit and (part := list(islice(texts, asked))):
        hashes = [one.hash for one in part]
        found = index.drugs_of_texts(names.generation, hashes, packages, filters)
        products += [
            _product(one, drugs) for one, drugs in zip(part, found, strict=True) if drugs.some
        ]
        tried += hashes
        missing = (limit - len(products)) * len(tried) // max(1, len(products))
        asked = max(LEAST_ASKED, min(missing + missing // 4, MOST_ASKED))
    return products[:limit], tried


def _product(text: Ranked, drugs: Drugs) -> Product:
    return Product(text.score, text.parts, drugs.total, drugs.some)
