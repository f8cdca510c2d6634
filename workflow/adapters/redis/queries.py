"""What a search asks of Redis: FT.SEARCH, FT.AGGREGATE and FT.SPELLCHECK.

Queries keep to the form that valkey-search, ElastiCache and MemoryDB take, too, as far as these
know the command: KNN without SORTBY, sorted here. No word of a user reaches a query but letters and
digits (`word`), or a whole value with everything else escaped (`tag`).
"""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from workflow.adapters.redis.store import (
    Command,
    RedisStore,
    as_text,
    as_texts,
    document_key,
    key_set,
    text_key,
)
from workflow.contract.columns import CLASS_COLUMNS, DETAIL_COLUMNS, NAME_COLUMNS, TAG_COLUMNS
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.search import ClassQuery, Drugs, Filters, Hit, NameQuery

if TYPE_CHECKING:
    from redis import Redis

DISTANCE = "distance"
DIALECT = ("DIALECT", 2)
MOST_VALUES = 1000
MOST_RETURNED = 10_000
"""FT.SEARCH's own limit (search-max-search-results) is a million."""

NAMES = "|".join(NAME_COLUMNS)
CLASSES = "|".join(CLASS_COLUMNS)
NOTHING = "@text_hash:{none}"


SHOWN = (*NAME_COLUMNS, *DETAIL_COLUMNS, *CLASS_COLUMNS)
MOST_KEPT = 20_000
"""Texts whose columns a process keeps: about 15 MB."""


class RedisQueries(RedisStore):
    """`RedisStore` with its queries: the SearchIndex port."""

    def __init__(self, client: "Redis") -> None:
        super().__init__(client)
        self._columns: dict[str, Fields] = {}

    def nearest_texts(self, space: str, vector: bytes, count: int) -> list[Hit]:
        """Nearest first. FT.SEARCH answers KNN in no order and ten at most unless told."""
        return _hits(self.ask(*_nearest(space, vector, count)), text_key(space, ""))

    def find_named(self, space: str, query: NameQuery, count: int) -> dict[str, Fields]:
        """One round trip, a second where there are too many, and one for columns not kept yet."""
        named, lifts = _by_name(query), _lifts(query)
        if not named:
            return {}
        found = self.ask(*_keys_of_texts(space, named, count))
        if lifts and found[0] > count:
            found = self.ask(*_keys_of_texts(space, f"{named} {lifts}", count))
        return self._columns_of(space, as_texts(found[1:]))

    def _columns_of(self, space: str, keys: Sequence[str]) -> dict[str, Fields]:
        """A text's columns by its hash. They never change, so each text is asked for once."""
        kept = self._columns
        missing = [key for key in keys if key not in kept]
        if missing:
            if len(kept) + len(missing) > MOST_KEPT:
                kept = self._columns = {}
            kept.update(self._ask_columns(space, missing))
        size = len(text_key(space, ""))
        return {key[size:]: kept[key] for key in keys if key in kept}

    def _ask_columns(self, space: str, keys: Sequence[str]) -> dict[str, Fields]:
        shown = ("INKEYS", len(keys), *keys, "RETURN", len(SHOWN), *SHOWN, "LIMIT", 0, len(keys))
        found = self.ask("FT.SEARCH", f"texts:{space}", "*", *shown, *DIALECT)
        return _fields_by_name(found, "")

    def find_classed(
        self, space: str, queries: Sequence[ClassQuery], count: int
    ) -> list[dict[str, Fields]]:
        """Two round trips: all classes at once, then the columns that are not kept yet."""
        if not queries:
            return []
        found = self.ask_all(_keys_of_texts(space, _by_class(one), count) for one in queries)
        return [self._columns_of(space, as_texts(one[1:])) for one in found]

    def text_columns(self, space: str, hashes: Sequence[str]) -> dict[str, Fields]:
        return self._columns_of(space, [text_key(space, one) for one in hashes])

    def keys_beginning(self, generation: str, prefix: str, most: int) -> list[str]:
        first = prefix.encode()
        command = ("ZRANGEBYLEX", key_set(generation), b"[" + first, b"(" + first + b"\xff")
        return as_texts(self.ask(*command, "LIMIT", 0, most))

    def spellings(self, space: str, words: Sequence[str], edits: int) -> dict[str, list[str]]:
        if not words:
            return {}
        query = f"@{NAMES}:({' '.join(map(word, words))})"
        found = self.ask("FT.SPELLCHECK", f"texts:{space}", query, "DISTANCE", edits)
        return {
            as_text(unknown): [as_text(suggestion[1]) for suggestion in suggestions]
            for _, unknown, suggestions in found
        }

    def drugs_of_texts(
        self, generation: str, hashes: Sequence[str], limit: int, filters: Filters
    ) -> list[Drugs]:
        index, under, shown = (
            f"drugs:{generation}",
            filtered(filters),
            ("LIMIT", 0, limit, *DIALECT),
        )
        queries = (f"@text_hash:{{{word(one)}}} {under}".rstrip() for one in hashes)
        answers = self.ask_all(("FT.SEARCH", index, query, *shown) for query in queries)
        prefix = document_key(generation, "")
        return [
            Drugs(found[0], sorted(_fields_by_name(found, prefix).values(), key=_by_key))
            for found in answers
        ]

    def texts_of_drugs(self, generation: str, filters: Filters, most: int) -> list[str] | None:
        """FT.AGGREGATE stops at its LIMIT; FT.SEARCH would count every drug that passes."""
        asked = ("FT.AGGREGATE", f"drugs:{generation}", filtered(filters) or "*")
        count = ("LIMIT", 0, most + 1, "GROUPBY", 0, "REDUCE", "COUNT", 0, "AS", "drugs")
        counted = self.ask(*asked, *count, *DIALECT)[1:]
        if any(int(row[1]) > most for row in counted):
            return None
        texts = ("LOAD", 1, "@text_hash", "GROUPBY", 1, "@text_hash", "LIMIT", 0, most)
        return [as_text(row[1]) for row in self.ask(*asked, *texts, *DIALECT)[1:]]

    def drugs_like(self, generation: str, filters: Filters, name: str, limit: int) -> list[Fields]:
        words = [word(one) for one in re.findall(r"[^\W_]+", name.lower())]
        by_name = f"@{NAMES}:({' '.join(words)})" if words else ""
        query = f"{filtered(filters)} {by_name}".strip() or NOTHING
        found = self.ask(
            *("FT.SEARCH", f"drugs:{generation}", query),
            *("LIMIT", 0, min(limit, MOST_RETURNED), *DIALECT),
        )
        return sorted(_fields_by_name(found, "").values(), key=_by_key)

    def count_values(
        self, generation: str, hashes: Sequence[str], filters: Filters, columns: Sequence[str]
    ) -> dict[str, dict[str, int]]:
        if not hashes:
            return {column: {} for column in columns}
        query = f"@text_hash:{{{' | '.join(map(word, hashes))}}} {filtered(filters)}".rstrip()
        counted = ("REDUCE", "COUNT", 0, "AS", "drugs", "LIMIT", 0, MOST_VALUES, *DIALECT)
        index, fields = f"drugs:{generation}", [f"@{word(column)}" for column in columns]
        answers = self.ask_all(
            ("FT.AGGREGATE", index, query, "LOAD", 1, field, "GROUPBY", 1, field, *counted)
            for field in fields
        )
        return {column: _counts(answer) for column, answer in zip(columns, answers, strict=True)}


def word(text: str) -> str:
    """Letters, digits and `_` as they are. Anything else is a defect of the caller."""
    if not re.fullmatch(r"\w+", text):
        raise ValueError(f"{text!r} is no word")
    return text


def tag(value: str) -> str:
    """A whole value for `@column:{...}`: everything but letters and digits is escaped."""
    # No stored value has a control character, and NUL would end the query.
    return re.sub(r"([^\w])", r"\\\1", re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", value))


def filtered(filters: Filters) -> str:
    """The clauses of a query under which a drug must pass every filter."""
    clauses = []
    for column, values in filters.items():
        if column in TAG_COLUMNS:
            clauses.append(f"@{column}:{{{' | '.join(map(tag, values))}}}")
        elif column in CLASS_COLUMNS:
            phrases = (f'"{" ".join(_words(value))}"' for value in values)
            clauses.append(f"@{column}:({' | '.join(phrases)})")
        else:
            raise ValueError(f"{column!r} is no column to filter by")
    return " ".join(clauses)


def _words(value: str) -> list[str]:
    """The words of a value; one that no text holds where there are none."""
    return [word(one) for one in re.findall(r"[^\W_]+", value.lower())] or ["none"]


def _nearest(space: str, vector: bytes, count: int) -> Command:
    query = f"*=>[KNN {count} @embedding $vector AS {DISTANCE}]"
    asked = ("PARAMS", 2, "vector", vector, "RETURN", 1, DISTANCE, "LIMIT", 0, count, *DIALECT)
    return ("FT.SEARCH", f"texts:{space}", query, *asked)


def _keys_of_texts(space: str, query: str, count: int) -> Command:
    return ("FT.SEARCH", f"texts:{space}", query, "NOCONTENT", "LIMIT", 0, count, *DIALECT)


def _by_name(query: NameQuery) -> str:
    """Every term; of each, any alternative with all its words."""
    clauses = [
        "(" + "|".join(f"({_all_of(words)})" for words in dict.fromkeys(term)) + ")"
        for term in query.terms
    ]
    if query.prefix:
        clauses.append(f"@{NAMES}:({word(query.prefix)}*)")
    return " ".join(clauses)


def _all_of(words: Iterable[str]) -> str:
    return " ".join(f"@{NAMES}:({word(one)})" for one in dict.fromkeys(words))


def _lifts(query: NameQuery) -> str:
    """Clauses that leave nothing out and put first what they hold."""
    lifts = [f"~@strength:({word(one)})" for one in query.numbers]
    lifts += [f"~@dosage_form:({word(one)})" for one in query.forms]
    return " ".join(lifts)


def _by_class(query: ClassQuery) -> str:
    words = " ".join(map(word, query.words))
    return f'@{CLASSES}:("{words}")' if query.exact else f"@{CLASSES}:({words})"


def _hits(found: list[Any], prefix: str) -> list[Hit]:
    distances = [float(values[1]) for values in found[2::2]]
    pairs = sorted(zip(distances, _names(found[1::2], prefix), strict=True))
    return [Hit(name, distance) for distance, name in pairs]


def _fields_by_name(found: list[Any], prefix: str) -> dict[str, Fields]:
    """A hash that expired or was removed meanwhile has no values."""
    return {
        name: dict(zip(as_texts(values[::2]), as_texts(values[1::2]), strict=True))
        for name, values in zip(_names(found[1::2], prefix), found[2::2], strict=True)
        if values
    }


def _names(keys: Iterable[bytes], prefix: str) -> list[str]:
    return [key[len(prefix) :] for key in as_texts(keys)]


def _by_key(fields: Fields) -> str:
    return fields.get("ndc", "")


def _counts(answer: list[Any]) -> dict[str, int]:
    """Drugs that lack the column are not counted."""
    rows = [dict(zip(row[::2], row[1::2], strict=True)) for row in answer[1:]]
    found = {as_text(value): int(row[b"drugs"]) for row in rows if (value := _first(row))}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _first(row: dict[bytes, bytes | None]) -> bytes | None:
    return next(value for name, value in row.items() if name != b"drugs")
