"""Search in two steps: the texts that answer best, then the drugs of those texts.

The order of texts is the same under every filter. Its head fuses three lists of `HEAD` texts:
nearest in meaning, found by name, found by class. Behind it come all other texts by distance. A
filter leaves drugs out and changes no order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from workflow.ports import (
    Drugs,
    Embedder,
    Fields,
    Filters,
    Hit,
    LiveNames,
    SearchIndex,
    TextQuery,
)
from workflow.queries import Query, is_description, ndcs_of, understand, words_of
from workflow.ranking import Ranked, Term, by_distance, fuse, score_names
from workflow.spelling import corrections
from workflow.synonyms import Synonyms, fda_synonyms
from workflow.vectors import cosine, to_floats

HEAD: Final = 150
"""Texts of each list: the first ten drugs of the FDA's catalog hold 4.5 distinct texts."""

NARROW: Final = 1000
"""Filters that leave this many drugs or fewer are answered from the list of their texts."""

TRIED: Final = 30
"""Texts of the head that are tried before a filter is asked how many drugs it leaves."""

WIDER: Final = 4
MOST_ASKED: Final = 200
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
    """Products, best first. `corrected` has the misspelt words, `texts` the head of the order."""

    products: list[Product]
    corrected: dict[str, str]
    texts: list[str]


def search(
    query: str,
    names: LiveNames,
    *,
    embedder: Embedder,
    index: SearchIndex,
    synonyms: Synonyms | None = None,
    limit: int = 10,
    packages: int = 5,
    filters: Filters = NO_FILTERS,
) -> Answer:
    """The first `limit` products of one generation that pass the filters."""
    drugs = _by_ndc(query, names, index, filters)
    if drugs:
        product = Product(1.0, {"ndc": 1.0}, len(drugs), drugs)
        return Answer([product], {}, [drugs[0]["text_hash"]])
    asked = understand(query, synonyms or fda_synonyms())
    terms = _terms(asked, index.spellings(names.space, asked.words))
    vector = embedder.embed([_worded(asked, terms)], "query")[0].data
    head = rank_head(asked, terms, vector, names.space, index)
    texts = _order(head, vector, names, index, filters)
    products = _fill(texts, names, index, filters, limit, packages)
    corrected = {term.word: next(iter(term.meanings)) for term in terms if _is_corrected(term)}
    return Answer(products, corrected, [one.hash for one in head])


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


def _terms(query: Query, unknown: Mapping[str, Sequence[str]]) -> list[Term]:
    """Known words mean themselves; unknown ones what they are like. The last may go on."""
    terms = []
    for word in query.words:
        meanings = {word: 1.0}
        if word in unknown and word not in query.lay and not is_description(word):
            meanings = corrections(word, unknown[word]) or meanings
        last = word == query.words[-1] and query.text.endswith(word)
        terms.append(Term(word, meanings, last and len(word) > 2 and word not in query.lay))
    return terms


def _is_corrected(term: Term) -> bool:
    return term.word not in term.meanings


def _worded(query: Query, terms: Sequence[Term]) -> str:
    """The query with its misspelt words put right: what is embedded."""
    meant = {term.word: next(iter(term.meanings)) for term in terms if _is_corrected(term)}
    return " ".join(meant.get(word, word) for word in query.text.split())


def rank_head(
    query: Query, terms: Sequence[Term], vector: bytes, space: str, index: SearchIndex
) -> list[Ranked]:
    """The fused head of the order."""
    prefix = next((term.word for term in terms if term.prefix), "")
    hits = index.find_texts(
        space,
        TextQuery(
            vector=vector,
            names=tuple(dict.fromkeys(word for term in terms for word in term.meanings)),
            prefix=prefix,
            numbers=query.numbers,
            forms=query.forms,
            classes=tuple(words_of(name) for name in query.classes),
            class_words=tuple(word for word in query.words if not is_description(word)),
        ),
        HEAD,
    )
    scores = {one: score_names(query, terms, fields) for one, fields in hits.named.items()}
    return fuse(hits, scores)


def _order(
    head: Sequence[Ranked], vector: bytes, names: LiveNames, index: SearchIndex, filters: Filters
) -> Iterator[Ranked]:
    """Every text, best first; behind the first ones only those that a narrow filter leaves."""
    yield from head[:TRIED]
    rest = head[TRIED:]
    listed = index.texts_of_drugs(names.generation, filters, NARROW) if filters else None
    if listed is None:
        yield from rest
        yield from _widening(head, vector, names.space, index)
        return
    under = set(listed)
    yield from (one for one in rest if one.hash in under)
    behind = sorted(under - {one.hash for one in head})
    yield from map(_of_tail, _exactly(behind, vector, names.space, index))


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
    head: Sequence[Ranked], vector: bytes, space: str, index: SearchIndex
) -> Iterator[Ranked]:
    """The texts behind the head, asked for in ever larger numbers until there are no more."""
    seen = {one.hash for one in head}
    count = HEAD
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
    texts: Iterable[Ranked],
    names: LiveNames,
    index: SearchIndex,
    filters: Filters,
    limit: int,
    packages: int,
) -> list[Product]:
    """The first texts that have drugs under the filters; more are asked for while few have."""
    products: list[Product] = []
    remaining = iter(texts)
    asked = limit
    while len(products) < limit and (part := list(islice(remaining, asked))):
        hashes = [one.hash for one in part]
        found = index.drugs_of_texts(names.generation, hashes, packages, filters)
        products += [
            _product(one, drugs) for one, drugs in zip(part, found, strict=True) if drugs.some
        ]
        asked = min(2 * asked, MOST_ASKED)
    return products[:limit]


def _product(text: Ranked, drugs: Drugs) -> Product:
    return Product(text.score, text.parts, drugs.total, drugs.some)
