"""The drugs of a use that a catalog has, in the order in which they are tried."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import chain, zip_longest
from typing import Final, NamedTuple

from workflow.contract.ports.search import NameQuery
from workflow.search.asked import Asked, Texts
from workflow.search.cards import Candidate
from workflow.search.facts import Facts
from workflow.search.known import KnownNames, Substances
from workflow.search.ranking import form_of, unusual
from workflow.search.strength_met import strength_of

MOST_DRUGS: Final = 12
"""Of one query: each is a command."""


WHY: Final = "is used for it"


class UseDrug(NamedTuple):
    """`parts`: the words of each substance. `how`: routes and forms, one of which it has."""

    name: str
    parts: tuple[tuple[str, ...], ...]
    how: tuple[str, ...]

    def query(self, forms: Sequence[str], known: KnownNames) -> NameQuery:
        terms = tuple(_spellings(words, known) for words in self.parts)
        return NameQuery(terms, (), tuple(dict.fromkeys((*forms, *self.how))))

    def is_held(self, facts: Facts) -> bool:
        """It has these substances and no other, in this form or by this route."""
        if self.how and facts.routes.isdisjoint(self.how) and facts.form.isdisjoint(self.how):
            return False
        return self.is_made_of(facts.substances)

    def is_made_of(self, substances: Substances) -> bool:
        """`triamcinolone` is also its acetonide."""
        if len(substances) != len(self.parts):
            return False
        held = [frozenset(one.split()) for one in substances]
        return all(any(of.issuperset(words) for of in held) for words in self.parts)


def _spellings(words: tuple[str, ...], known: KnownNames) -> tuple[tuple[str, ...], ...]:
    """As written here, and as the table of names has it."""
    means = known.means(" ".join(words))
    own = (tuple(next(iter(of)).split()) for of in sorted(means, key=sorted) if len(of) == 1)
    return tuple(dict.fromkeys((words, *own)))


@cache
def drug_of(text: str) -> UseDrug:
    """Of one drug as a line has it."""
    name, _, how = text.partition("@")
    parts = tuple(tuple(part.split()) for part in name.split("+"))
    return UseDrug(" and ".join(map(" ".join, parts)), parts, tuple(how.split("/")) if how else ())


class Used(NamedTuple):
    """`names`: the drugs; `first`: a text of each; `rest`: the others, one of each drug in turn."""

    names: tuple[str, ...]
    first: list[Candidate]
    rest: list[Candidate]


def used(asked: Asked) -> Used:
    """The texts of the drugs that the query's lay words name. One round trip, or two.

    A drug that has the form that is asked for comes before one that lacks it: `pill`, `shot`.
    """
    query = asked.query
    drugs = [drug_of(one) for one in query.drugs[:MOST_DRUGS]]
    found = asked.named(queries_of(asked))
    lists: list[tuple[str, list[Candidate]]] = []
    for drug, texts in zip(drugs, found, strict=True):
        held = [hash_ for hash_, facts in texts.items() if drug.is_held(facts)]
        if ordered := _ordered(held, texts, asked):
            lists.append((drug.name, [Candidate(one, texts[one], WHY) for one in ordered]))
    formed = query._replace(routes=())
    lists.sort(key=lambda of: -form_of(formed, of[1][0].facts))
    rest = chain.from_iterable(zip_longest(*(of[1:] for _, of in lists)))
    names = tuple(name for name, _ in lists)
    return Used(names, [of[0] for _, of in lists], [one for one in rest if one is not None])


def queries_of(asked: Asked) -> list[NameQuery]:
    """One for each of the drugs that are asked for, in their order."""
    forms = tuple(word for form in asked.query.forms for word in form)
    drugs = map(drug_of, asked.query.drugs[:MOST_DRUGS])
    return [one.query(forms, asked.known) for one in drugs]


def _ordered(hashes: Sequence[str], texts: Texts, asked: Asked) -> list[str]:
    """The usual ones first, then the strength, the form and the commonest route and form."""
    query = asked.query
    kinds = Counter((texts[one].routes, texts[one].form) for one in hashes)

    def order(one: str) -> tuple[object, ...]:
        facts = texts[one]
        return (
            unusual(facts, query.words),
            -strength_of(query, facts).share,
            -form_of(query, facts),
            -kinds[facts.routes, facts.form],
            facts.order,
            one,
        )

    return sorted(hashes, key=order)
