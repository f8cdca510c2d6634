"""What a search asks of Redis: FT.SEARCH, FT.AGGREGATE and FT.SPELLCHECK.

Queries keep to the form that valkey-search, ElastiCache and MemoryDB take, too, as far as these
know the command: KNN without SORTBY, sorted here. No word of a user reaches a query but letters and
digits (`word`), or a whole value with everything else escaped (`tag`).
"""

import re
from collections.abc import Sequence
from typing import Any

from workflow.adapters.redis import Command, RedisStore, as_text, decoded, document_key, text_key
from workflow.columns import CLASS_COLUMNS, DETAIL_COLUMNS, NAME_COLUMNS, TAG_COLUMNS
from workflow.ports import Drugs, Fields, Filters, Hit, TextHits, TextQuery

DISTANCE = "distance"
DIALECT = ("DIALECT", 2)
NEAR_SPELLING, FAR_SPELLING = 2, 3
LONG_WORD = 8
MOST_VALUES = 1000
MOST_RETURNED = 10_000
"""FT.SEARCH's own limit (search-max-search-results) is a million."""

NAMES = "|".join(NAME_COLUMNS)
CLASSES = "|".join(CLASS_COLUMNS)
NOTHING = "@text_hash:{none}"


class RedisQueries(RedisStore):
    """`RedisStore` with its queries: the SearchIndex port."""

    def nearest_texts(self, space: str, vector: bytes, count: int) -> list[Hit]:
        """Nearest first. FT.SEARCH answers KNN in no order and ten at most unless told."""
        return _hits(self.ask(*_nearest(space, vector, count)), text_key(space, ""))

    def find_texts(self, space: str, query: TextQuery, count: int) -> TextHits:
        """One round trip."""
        named, classed = _by_name(query), _by_class(query)
        columns = (*NAME_COLUMNS, *DETAIL_COLUMNS)
        commands: list[Command] = [_nearest(space, query.vector, count)]
        if named:
            shown = ("RETURN", len(columns), *columns, "LIMIT", 0, count, *DIALECT)
            commands.append(("FT.SEARCH", f"texts:{space}", named, *shown))
        if classed:
            keys = ("NOCONTENT", "LIMIT", 0, count, *DIALECT)
            commands.append(("FT.SEARCH", f"texts:{space}", classed, *keys))
        answers = iter(self.ask_all(commands))
        prefix = text_key(space, "")
        return TextHits(
            nearest=_hits(next(answers), prefix),
            named=_fields_by_name(next(answers), prefix) if named else {},
            classed=[_name(key, prefix) for key in next(answers)[1:]] if classed else [],
        )

    def spellings(self, space: str, words: Sequence[str]) -> dict[str, list[str]]:
        """Wider for long words that nothing is near: that takes Redis ten times as long."""
        found = self._spellings(space, words, NEAR_SPELLING)
        hopeless = [one for one, near in found.items() if not near and len(one) >= LONG_WORD]
        return found | self._spellings(space, hopeless, FAR_SPELLING)

    def _spellings(self, space: str, words: Sequence[str], distance: int) -> dict[str, list[str]]:
        if not words:
            return {}
        query = f"@{NAMES}:({' '.join(map(word, words))})"
        found = self.ask("FT.SPELLCHECK", f"texts:{space}", query, "DISTANCE", distance)
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
        index, query = f"drugs:{generation}", filtered(filters) or "*"
        total = self.ask("FT.SEARCH", index, query, "LIMIT", 0, 0, *DIALECT)[0]
        if total > most:
            return None
        shown = ("RETURN", 1, "text_hash", "LIMIT", 0, most)
        found = self.ask("FT.SEARCH", index, query, *shown, *DIALECT)
        hashes = (as_text(values[1]) for values in found[2::2] if values)
        return list(dict.fromkeys(hashes))

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
    for column, value in filters.items():
        if column in TAG_COLUMNS:
            clauses.append(f"@{column}:{{{tag(value)}}}")
        elif column in CLASS_COLUMNS:
            clauses.append(f'@{column}:("{" ".join(_words(value))}")')
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


def _by_name(query: TextQuery) -> str:
    """The words that must be there weigh most; numbers and forms only order what they found."""
    wanted = [word(one) for one in query.names]
    if query.prefix:
        wanted.append(f"{word(query.prefix)}*")
    if not wanted:
        return ""
    lifts = [f"~@strength:({word(one)})" for one in query.numbers]
    lifts += [f"~@dosage_form:({word(one)})" for one in query.forms]
    return " ".join([f"@{NAMES}:({'|'.join(wanted)})", *lifts])


def _by_class(query: TextQuery) -> str:
    phrases = [f'@{CLASSES}:("{" ".join(map(word, one))}")' for one in query.classes]
    if query.class_words:
        phrases.append(f"@{CLASSES}:({' '.join(map(word, query.class_words))})")
    return " | ".join(f"({phrase})" for phrase in phrases)


def _hits(found: list[Any], prefix: str) -> list[Hit]:
    hits = [
        Hit(_name(key, prefix), float(values[1]))
        for key, values in zip(found[1::2], found[2::2], strict=True)
    ]
    return sorted(hits, key=lambda hit: (hit.distance, hit.name))


def _fields_by_name(found: list[Any], prefix: str) -> dict[str, Fields]:
    """A hash that expired or was removed meanwhile has no values."""
    return {
        _name(key, prefix): decoded(dict(zip(values[::2], values[1::2], strict=True)))
        for key, values in zip(found[1::2], found[2::2], strict=True)
        if values
    }


def _name(key: bytes, prefix: str) -> str:
    return as_text(key).removeprefix(prefix)


def _by_key(fields: Fields) -> str:
    return fields.get("ndc", "")


def _counts(answer: list[Any]) -> dict[str, int]:
    """Drugs that lack the column are not counted."""
    rows = [dict(zip(row[::2], row[1::2], strict=True)) for row in answer[1:]]
    found = {as_text(value): int(row[b"drugs"]) for row in rows if (value := _first(row))}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _first(row: dict[bytes, bytes | None]) -> bytes | None:
    return next(value for name, value in row.items() if name != b"drugs")
