"""What a search asks of Redis: FT.SEARCH, FT.AGGREGATE, FT.SPELLCHECK and FT.TAGVALS.

The first two are in forms that engines read alike, and not every engine has the others
(docs/decisions/query-forms.md). `probes` tries each kind before a run writes. Of what a user types,
only letters and digits reach a query (`word`), or a whole value with everything else escaped
(`tag`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workflow.adapters.redis.client import Command, RedisClient, as_text, as_texts, decoded
from workflow.adapters.redis.documents import RedisDocuments
from workflow.adapters.redis.generations import RedisGenerations
from workflow.adapters.redis.keys import (
    document_key,
    drugs_index,
    key_set,
    text_key,
    texts_index,
)
from workflow.adapters.redis.syntax import tag, word
from workflow.adapters.redis.texts import RedisTexts
from workflow.contract.columns import (
    CLASS_COLUMNS,
    DETAIL_COLUMNS,
    NAME_COLUMNS,
    TAG_COLUMNS,
    TYPE_COLUMN,
)
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import Generation, LiveNames
from workflow.contract.ports.search import ClassQuery, Drugs, Filters, Hit, NameQuery
from workflow.contract.ports.texts import TextRecord

DISTANCE = "distance"
_DISTANCE = DISTANCE.encode()
MOST_VALUES = 1000
MOST_RETURNED = 10_000
"""FT.SEARCH's own limit (search-max-search-results) is a million."""

NOTHING = "@text_hash:{none}"


SHOWN = (*NAME_COLUMNS, *DETAIL_COLUMNS, *CLASS_COLUMNS, TYPE_COLUMN)
MOST_KEPT = 20_000
"""Texts whose columns a process keeps: about 15 MB."""


class RedisSearch:
    """The SearchIndex port: what searches ask, built on what the other ports read."""

    def __init__(
        self,
        client: RedisClient,
        generations: RedisGenerations,
        documents: RedisDocuments,
        texts: RedisTexts,
    ) -> None:
        self._client = client
        self._generations = generations
        self._documents = documents
        self._texts = texts
        self._columns: dict[str, Fields] = {}

    def live(self) -> LiveNames | None:
        live = self._generations.live()
        return live.names if live else None

    def generation(self, name: str) -> Generation | None:
        return self._generations.find(name)

    def count(self, generation: str) -> int:
        return self._documents.count(generation)

    def documents(self, generation: str, ndcs: Sequence[str]) -> list[Fields]:
        found = zip(ndcs, self._documents.read(generation, ndcs), strict=True)
        return [fields if _is_document(ndc, fields) else {} for ndc, fields in found]

    def text_records(self, space: str, hashes: Sequence[str]) -> list[TextRecord | None]:
        return self._texts.records(space, hashes)

    def nearest_texts(self, space: str, vector: bytes, count: int) -> list[Hit]:
        """Nearest first. FT.SEARCH itself answers KNN unordered, ten results at most."""
        return _hits(self._client.query(*_nearest(space, vector, count)), text_key(space, ""))

    def find_named(
        self, space: str, queries: Sequence[NameQuery], count: int
    ) -> list[dict[str, Fields]]:
        """One round trip, a second if there are too many, and one for columns not kept yet."""
        asked = {n: clauses for n, one in enumerate(queries) if (clauses := _by_name(one))}
        found = self._keys(space, asked, count)
        many = {
            n: f"{asked[n]} {preferred}"
            for n, (total, _) in found.items()
            if total > count and (preferred := _preferred(queries[n]))
        }
        keys = {n: of for n, (_, of) in found.items()}
        for n, (_, first) in self._keys(space, many, count).items():
            keys[n] = list(dict.fromkeys([*first, *keys[n]]))[:count]
        return self._columns_of_each(space, [keys.get(n, []) for n in range(len(queries))])

    def _keys(
        self, space: str, asked: Mapping[int, str], count: int
    ) -> dict[int, tuple[int, list[str]]]:
        """How many texts each query has, and the keys of the first."""
        commands = [_keys_of_texts(space, clauses, count) for clauses in asked.values()]
        answers = self._client.query_all(commands) if commands else []
        return {
            n: (answer[b"total_results"], _names(answer, ""))
            for n, answer in zip(asked, answers, strict=True)
        }

    def _columns_of_each(
        self, space: str, lists: Sequence[Sequence[str]]
    ) -> list[dict[str, Fields]]:
        """One round trip for all columns that are not kept yet."""
        every = self._columns_of(space, list(dict.fromkeys(key for keys in lists for key in keys)))
        size = len(text_key(space, ""))
        return [
            {name: every[name] for key in keys if (name := key[size:]) in every} for keys in lists
        ]

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
        """A fifth faster than FT.SEARCH with INKEYS, which not every engine has."""
        answers = self._client.ask_hashes([("HMGET", key, *SHOWN) for key in keys])
        read = zip(keys, answers, strict=True)
        return {key: found for key, values in read if (found := _given(values or ()))}

    def find_classed(
        self, space: str, queries: Sequence[ClassQuery], count: int
    ) -> list[list[str]]:
        """One round trip."""
        answers = self._client.query_all(_classed(space, queries, count))
        return [_names(one, text_key(space, "")) for one in answers]

    def find_near(
        self, space: str, vector: bytes, queries: Sequence[ClassQuery], count: int
    ) -> tuple[list[Hit], list[list[str]]]:
        """One round trip."""
        commands = [_nearest(space, vector, count), *_classed(space, queries, count)]
        nearest, *classed = self._client.query_all(commands)
        prefix = text_key(space, "")
        return _hits(nearest, prefix), [_names(one, prefix) for one in classed]

    def text_columns(self, space: str, hashes: Sequence[str]) -> dict[str, Fields]:
        return self._columns_of(space, [text_key(space, one) for one in hashes])

    def keys_beginning(self, generation: str, prefix: str, most: int) -> list[str]:
        first = prefix.encode()
        ends = (b"[" + first, b"(" + first + b"\xff")
        found = self._client.ask("ZRANGEBYLEX", key_set(generation), *ends, "LIMIT", 0, most)
        return list(as_texts(found))

    def spellings(self, space: str, words: Sequence[str], edits: int) -> dict[str, list[str]]:
        if not words:
            return {}
        query = f"@{'|'.join(NAME_COLUMNS)}:({' '.join(map(word, words))})"
        asked = ("DISTANCE", edits, "DIALECT", 2)
        answer = self._client.ask("FT.SPELLCHECK", texts_index(space), query, *asked)
        return {
            as_text(unknown): [as_text(name) for near in suggestions for name in near]
            for unknown, suggestions in answer[b"results"].items()
        }

    def drugs_of_texts(
        self, generation: str, hashes: Sequence[str], limit: int, filters: Filters
    ) -> list[Drugs]:
        index, under = drugs_index(generation), filtered(filters)
        answers = self._client.query_all(
            [
                (
                    "FT.SEARCH",
                    index,
                    f"@text_hash:{{{word(one)}}} {under}".rstrip(),
                    "LIMIT",
                    0,
                    limit,
                )
                for one in hashes
            ]
        )
        prefix = document_key(generation, "")
        return [
            Drugs(
                answer[b"total_results"],
                sorted(_documents(answer, prefix).values(), key=_by_key),
            )
            for answer in answers
        ]

    def texts_of_drugs(self, generation: str, filters: Filters, most: int) -> list[str] | None:
        """FT.AGGREGATE stops at its LIMIT; FT.SEARCH would count every drug that passes."""
        asked = ("FT.AGGREGATE", drugs_index(generation), filtered(filters) or "*")
        some = ("LIMIT", 0, most + 1, "LOAD", 1, "@text_hash")
        by_text = ("GROUPBY", 1, "@text_hash", "REDUCE", "COUNT", 0, "AS", "drugs")
        rows = _rows(self._client.query(*asked, *some, *by_text, "LIMIT", 0, most + 1))
        if sum(int(row[b"drugs"]) for row in rows) > most:
            return None
        return [as_text(row[b"text_hash"]) for row in rows]

    def drugs_like(self, generation: str, filters: Filters, name: str, limit: int) -> list[Fields]:
        by_name = _all_of(re.findall(r"[^\W_]+", name.lower()))
        query = f"{filtered(filters)} {by_name}".strip() or NOTHING
        most = min(limit, MOST_RETURNED)
        found = self._client.query("FT.SEARCH", drugs_index(generation), query, "LIMIT", 0, most)
        return sorted(_documents(found, document_key(generation, "")).values(), key=_by_key)

    def stored_values(self, generation: str, column: str) -> list[str]:
        return sorted(
            as_texts(self._client.ask("FT.TAGVALS", drugs_index(generation), word(column)))
        )

    def count_values(
        self, generation: str, hashes: Sequence[str], columns: Mapping[str, Filters]
    ) -> dict[str, dict[str, int]]:
        """One round trip."""
        if not hashes:
            return {column: {} for column in columns}
        of_texts = f"@text_hash:{{{' | '.join(map(word, hashes))}}}"
        counted = ("REDUCE", "COUNT", 0, "AS", "drugs", "LIMIT", 0, MOST_VALUES)
        commands: list[Command] = []
        for column, filters in columns.items():
            query, field = f"{of_texts} {filtered(filters)}".rstrip(), f"@{word(column)}"
            # Without the filter, some engines count drugs without the column in another's group.
            given = ("LOAD", 1, field, "FILTER", f"exists({field})")
            asked = (*given, "GROUPBY", 1, field, *counted)
            commands.append(("FT.AGGREGATE", drugs_index(generation), query, *asked))
        answers = self._client.query_all(commands)
        return {column: _counts(answer) for column, answer in zip(columns, answers, strict=True)}


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


def _nearest(space: str, vector: bytes, count: int) -> Command:
    query = f"*=>[KNN {count} @embedding $vector AS {DISTANCE}]"
    asked = ("PARAMS", 2, "vector", vector, "RETURN", 1, DISTANCE, "LIMIT", 0, count)
    return ("FT.SEARCH", texts_index(space), query, *asked)


def _keys_of_texts(space: str, query: str, count: int) -> Command:
    return ("FT.SEARCH", texts_index(space), query, "NOCONTENT", "LIMIT", 0, count)


def _classed(space: str, queries: Sequence[ClassQuery], count: int) -> list[Command]:
    return [_keys_of_texts(space, _by_class(one), count) for one in queries]


def _by_name(query: NameQuery) -> str:
    """Every term must match: any of its alternatives, with all its words."""
    return " ".join(
        "(" + "|".join(f"({_all_of(words)})" for words in dict.fromkeys(term)) + ")"
        for term in query.terms
    )


def _all_of(words: Iterable[str]) -> str:
    return " ".join(_in_any_name(_word(one)) for one in dict.fromkeys(words))


def _word(one: str) -> str:
    """With the star of a beginning."""
    begun = one.removesuffix("*")
    return word(begun) + one[len(begun) :]


def _in_any_name(word_: str) -> str:
    return _any_of(f"@{column}:{word_}" for column in NAME_COLUMNS)


def _preferred(query: NameQuery) -> str:
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


def _rows(answer: dict[bytes, Any]) -> list[dict[bytes, bytes]]:
    """The fields of each result."""
    return [result[b"extra_attributes"] for result in answer[b"results"]]


def _names(answer: dict[bytes, Any], prefix: str) -> list[str]:
    """The keys that were found, without their prefix, in the server's order."""
    size = len(prefix.encode())
    return as_texts([result[b"id"][size:] for result in answer[b"results"]])


def _hits(answer: dict[bytes, Any], prefix: str) -> list[Hit]:
    """A hash that was removed meanwhile has no distance."""
    found = zip(_names(answer, prefix), _rows(answer), strict=True)
    pairs = [(float(row[_DISTANCE]), name) for name, row in found if row]
    return [Hit(name, distance) for distance, name in sorted(pairs)]


def _given(values: Sequence[bytes | None]) -> Fields:
    """Which of the columns in `SHOWN` a hash has."""
    found = zip(SHOWN, values, strict=True)
    return {name: as_text(value) for name, value in found if value is not None}


def _fields_by_name(answer: dict[bytes, Any], prefix: str) -> dict[str, Fields]:
    """A hash that expired or was removed meanwhile has no values."""
    found = zip(_names(answer, prefix), _rows(answer), strict=True)
    return {name: decoded(row) for name, row in found if row}


def _documents(answer: dict[bytes, Any], prefix: str) -> dict[str, Fields]:
    """Documents by their drug's key; what only looks like one is left out."""
    found = _fields_by_name(answer, prefix)
    return {ndc: fields for ndc, fields in found.items() if _is_document(ndc, fields)}


def _is_document(ndc: str, fields: Fields) -> bool:
    """Whether a hash is the document of its own key. Others are damage, which a run reports.

    Shown, one would be another drug's NDC on this drug's name.
    """
    return fields.get("ndc") == ndc and bool(fields.get("text_hash") and fields.get("drug_name"))


def _by_key(fields: Fields) -> str:
    return fields.get("ndc", "")


def _counts(answer: dict[bytes, Any]) -> dict[str, int]:
    """Drugs that lack the column are not counted."""
    found = {as_text(value): int(row[b"drugs"]) for row in _rows(answer) if (value := _value(row))}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _value(row: Mapping[bytes, bytes | None]) -> bytes | None:
    return next((value for name, value in row.items() if name != b"drugs"), None)
