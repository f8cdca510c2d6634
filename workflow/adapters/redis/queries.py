"""What a search asks of Redis: FT.SEARCH, FT.AGGREGATE, FT.SPELLCHECK and FT.TAGVALS.

`clauses` writes the first two in forms that engines read alike; not every engine has the others.
`probes` tries each kind before a run writes.
"""

import re
from collections.abc import Mapping, Sequence

from workflow.adapters.redis import clauses, replies
from workflow.adapters.redis.client import Command, RedisClient, as_text, as_texts
from workflow.adapters.redis.documents import RedisDocuments
from workflow.adapters.redis.generations import RedisGenerations
from workflow.adapters.redis.keys import (
    document_key,
    drugs_index,
    key_set,
    text_key,
    texts_index,
)
from workflow.adapters.redis.syntax import word
from workflow.adapters.redis.texts import RedisTexts
from workflow.contract.columns import (
    CLASS_COLUMNS,
    DETAIL_COLUMNS,
    NAME_COLUMNS,
    TYPE_COLUMN,
)
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import Generation, LiveNames
from workflow.contract.ports.search import ClassQuery, Drugs, Filters, Hit, NameQuery
from workflow.contract.ports.texts import TextRecord

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
        return [fields if replies.is_document(ndc, fields) else {} for ndc, fields in found]

    def text_records(self, space: str, hashes: Sequence[str]) -> list[TextRecord | None]:
        return self._texts.records(space, hashes)

    def nearest_texts(self, space: str, vector: bytes, count: int) -> list[Hit]:
        """Nearest first. FT.SEARCH itself answers KNN unordered, ten results at most."""
        return replies.hits(
            self._client.query(*clauses.nearest(space, vector, count)), text_key(space, "")
        )

    def find_named(
        self, space: str, queries: Sequence[NameQuery], count: int
    ) -> list[dict[str, Fields]]:
        """One round trip, a second if there are too many, and one for columns not kept yet."""
        asked = {n: terms for n, one in enumerate(queries) if (terms := clauses.named(one))}
        found = self._keys(space, asked, count)
        many = {
            n: f"{asked[n]} {preferred}"
            for n, (total, _) in found.items()
            if total > count and (preferred := clauses.preferred(queries[n]))
        }
        keys = {n: of for n, (_, of) in found.items()}
        for n, (_, first) in self._keys(space, many, count).items():
            keys[n] = list(dict.fromkeys([*first, *keys[n]]))[:count]
        return self._columns_of_each(space, [keys.get(n, []) for n in range(len(queries))])

    def _keys(
        self, space: str, asked: Mapping[int, str], count: int
    ) -> dict[int, tuple[int, list[str]]]:
        """How many texts each query has, and the keys of the first."""
        commands = [clauses.keys_of_texts(space, terms, count) for terms in asked.values()]
        answers = self._client.query_all(commands) if commands else []
        return {
            n: (answer[b"total_results"], replies.names(answer, ""))
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
        answers = self._client.query_all(clauses.classed(space, queries, count))
        return [replies.names(one, text_key(space, "")) for one in answers]

    def find_near(
        self, space: str, vector: bytes, queries: Sequence[ClassQuery], count: int
    ) -> tuple[list[Hit], list[list[str]]]:
        """One round trip."""
        commands = [clauses.nearest(space, vector, count), *clauses.classed(space, queries, count)]
        nearest, *classed = self._client.query_all(commands)
        prefix = text_key(space, "")
        return replies.hits(nearest, prefix), [replies.names(one, prefix) for one in classed]

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
        index, under = drugs_index(generation), clauses.filtered(filters)
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
                sorted(replies.documents(answer, prefix).values(), key=replies.by_key),
            )
            for answer in answers
        ]

    def texts_of_drugs(self, generation: str, filters: Filters, most: int) -> list[str] | None:
        """FT.AGGREGATE stops at its LIMIT; FT.SEARCH would count every drug that passes."""
        asked = ("FT.AGGREGATE", drugs_index(generation), clauses.filtered(filters) or "*")
        some = ("LIMIT", 0, most + 1, "LOAD", 1, "@text_hash")
        by_text = ("GROUPBY", 1, "@text_hash", "REDUCE", "COUNT", 0, "AS", "drugs")
        rows = replies.rows(self._client.query(*asked, *some, *by_text, "LIMIT", 0, most + 1))
        if sum(int(row[b"drugs"]) for row in rows) > most:
            return None
        return [as_text(row[b"text_hash"]) for row in rows]

    def drugs_like(self, generation: str, filters: Filters, name: str, limit: int) -> list[Fields]:
        by_name = clauses.all_of(re.findall(r"[^\W_]+", name.lower()))
        query = f"{clauses.filtered(filters)} {by_name}".strip() or NOTHING
        most = min(limit, MOST_RETURNED)
        found = self._client.query("FT.SEARCH", drugs_index(generation), query, "LIMIT", 0, most)
        return sorted(
            replies.documents(found, document_key(generation, "")).values(), key=replies.by_key
        )

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
            query, field = f"{of_texts} {clauses.filtered(filters)}".rstrip(), f"@{word(column)}"
            # Without the filter, some engines count drugs without the column in another's group.
            given = ("LOAD", 1, field, "FILTER", f"exists({field})")
            asked = (*given, "GROUPBY", 1, field, *counted)
            commands.append(("FT.AGGREGATE", drugs_index(generation), query, *asked))
        answers = self._client.query_all(commands)
        return {
            column: replies.counts(answer) for column, answer in zip(columns, answers, strict=True)
        }


def _given(values: Sequence[bytes | None]) -> Fields:
    """Which of the columns in `SHOWN` a hash has."""
    found = zip(SHOWN, values, strict=True)
    return {name: as_text(value) for name, value in found if value is not None}
