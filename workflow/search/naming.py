"""The texts whose names a query spells, rightly or nearly so."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from workflow.contract.ports.documents import Fields
from workflow.contract.ports.search import NameQuery, SearchIndex
from workflow.search.queries import Query, is_description
from workflow.search.ranking import Score, Term, score_names
from workflow.search.spelling import SHORTEST, corrections
from workflow.search.vocabulary import SALTS

SHORTEST_PREFIX: Final = 3
MOST_UNKNOWN: Final = 2
"""A query with more words that no text holds is a sentence; none of them is a misspelt name."""

WIDER: Final = ((2, 4), (3, 8))
"""Edits that are tried next for a single lost word of so many letters: five times the work each."""


class Found(NamedTuple):
    """Texts by hash with their columns and scores; what each word of the query was taken for."""

    terms: list[Term]
    texts: Mapping[str, Fields]
    scores: dict[str, Score]

    @property
    def corrected(self) -> dict[str, str]:
        """Misspelt words, and what is searched instead."""
        return {
            term.word: next(iter(term.meanings))
            for term in self.terms
            if term.word not in term.meanings
        }


def find_named(query: Query, space: str, index: SearchIndex, count: int) -> Found:
    """One round trip where all words are names; misspelt ones are put right, which takes more."""
    terms = _terms(query, {})
    texts = index.find_named(space, _asked(query, terms), count)
    scores = score_names(query, terms, texts)
    unsure = [word for word in query.words if _may_be_misspelt(word, query)]
    if not unsure or max((one.share for one in scores.values()), default=0.0) == 1:
        return Found(terms, texts, scores)
    meanings = _corrected(query, unsure, space, index)
    if meanings:
        terms = _terms(query, meanings)
        texts = index.find_named(space, _asked(query, terms), count)
        scores = score_names(query, terms, texts)
    return Found(terms, texts, scores)


def _may_be_misspelt(word: str, query: Query) -> bool:
    return (
        len(word) >= SHORTEST
        and word.isalpha()
        and word not in query.lay
        and not is_description(word)
    )


def _corrected(
    query: Query, words: Sequence[str], space: str, index: SearchIndex
) -> dict[str, dict[str, float]]:
    """What the unknown words mean. A word that is some drug's name is not among them."""
    near = index.spellings(space, words, 1)
    if len(near) > MOST_UNKNOWN:
        return {}
    found = {word: corrections(word, near[word]) for word in near}
    for edits, shortest in WIDER:
        lost = [word for word, meant in found.items() if not meant and len(word) >= shortest]
        if len(lost) == 1 and not query.lay:
            near = index.spellings(space, lost, edits)
            found |= {word: corrections(word, near.get(word, ())) for word in lost}
    return {word: meant for word, meant in found.items() if meant}


def _terms(query: Query, meanings: Mapping[str, Mapping[str, float]]) -> list[Term]:
    """Words mean themselves, unless they are misspelt. The last one may go on."""
    return [
        Term(word, meanings.get(word, {word: 1.0}), prefix=_may_go_on(word, query))
        for word in query.words
    ]


def _may_go_on(word: str, query: Query) -> bool:
    last = word == query.words[-1] and query.text.endswith(word)
    return last and len(word) >= SHORTEST_PREFIX and word not in query.lay


def _asked(query: Query, terms: Sequence[Term]) -> NameQuery:
    last = next((term.word for term in terms if term.prefix), "")
    return NameQuery(
        words=_telling(query, [meaning for term in terms for meaning in term.meanings]),
        prefix="" if is_description(last) else last,
        numbers=query.numbers,
        forms=query.forms,
    )


def _telling(query: Query, words: Sequence[str]) -> tuple[str, ...]:
    """Without salts and forms, which thousands share, where another word may be a name."""
    told = [word for word in words if word not in SALTS and not is_description(word)]
    may_name = any(word not in query.lay for word in told)
    return tuple(dict.fromkeys(told if may_name else words))
