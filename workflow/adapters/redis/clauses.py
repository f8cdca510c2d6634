"""The clauses of queries, in forms that engines read alike (docs/decisions/query-forms.md).

Of what a user types, only letters and digits reach a query (`word`), or a whole value with
everything else escaped (`tag`).
"""

import re
from collections.abc import Iterable, Sequence

from workflow.adapters.redis.client import Command
from workflow.adapters.redis.keys import texts_index
from workflow.adapters.redis.syntax import tag, word
from workflow.contract.columns import CLASS_COLUMNS, NAME_COLUMNS, TAG_COLUMNS
from workflow.contract.ports.search import ClassQuery, Filters, NameQuery

DISTANCE = "distance"


def filtered(filters: Filters) -> str:
    """The clauses of a query under which a drug must pass every filter."""
    clauses = []
    for column, values in filters.items():
        if column in TAG_COLUMNS:
            clauses.append(f"@{column}:{{{' | '.join(map(tag, values))}}}")
        elif column in CLASS_COLUMNS:
            phrases = [f'@{column}:"{" ".join(_words(value))}"' for value in values]
            clauses.append(_any_of(phrases))
        else:
            raise ValueError(f"{column!r} is not a filter column")
    return " ".join(clauses)


def _words(value: str) -> list[str]:
    """The words of a value; if it has none, a word that no text holds."""
    return [word(one) for one in re.findall(r"[^\W_]+", value.lower())] or ["none"]


def nearest(space: str, vector: bytes, count: int) -> Command:
    query = f"*=>[KNN {count} @embedding $vector AS {DISTANCE}]"
    asked = ("PARAMS", 2, "vector", vector, "RETURN", 1, DISTANCE, "LIMIT", 0, count)
    return ("FT.SEARCH", texts_index(space), query, *asked)


def keys_of_texts(space: str, query: str, count: int) -> Command:
    return ("FT.SEARCH", texts_index(space), query, "NOCONTENT", "LIMIT", 0, count)


def classed(space: str, queries: Sequence[ClassQuery], count: int) -> list[Command]:
    return [keys_of_texts(space, _by_class(one), count) for one in queries]


def named(query: NameQuery) -> str:
    """Every term must match: any of its alternatives, with all its words."""
    return " ".join(
        "(" + "|".join(f"({all_of(words)})" for words in dict.fromkeys(term)) + ")"
        for term in query.terms
    )


def all_of(words: Iterable[str]) -> str:
    return " ".join(_in_any_name(_word(one)) for one in dict.fromkeys(words))


def _word(one: str) -> str:
    """With the star of a beginning."""
    begun = one.removesuffix("*")
    return word(begun) + one[len(begun) :]


def _in_any_name(word_: str) -> str:
    return _any_of(f"@{column}:{word_}" for column in NAME_COLUMNS)


def preferred(query: NameQuery) -> str:
    """The clause of the texts that come first; empty where all are alike."""
    wanted = [f"@strength:{word(one)}" for one in query.numbers]
    wanted += [f"@dosage_form:{word(one)}" for one in query.forms]
    return _any_of(wanted) if wanted else ""


def _any_of(clauses: Iterable[str]) -> str:
    """Engines agree on alternatives that each name their field; of `@field:(a|b)` some lose it.

    `@a|b:c` is no faster (docs/decisions/query-forms.md).
    """
    return f"({' | '.join(clauses)})"


def _by_class(query: ClassQuery) -> str:
    words = [word(one) for one in query.words]
    asked = [f'"{" ".join(words)}"'] if query.exact else words
    return " ".join(_any_of(f"@{column}:{one}" for column in CLASS_COLUMNS) for one in asked)
