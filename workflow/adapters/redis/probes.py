"""Does the engine read our queries as they are meant?

The Engine port, for Redis. Some engines refuse a kind of query, and some answer another one without
an error: valkey-search 1.2.1 takes `\\*` at a tag's end for any ending. So each kind of query that
searches use is asked over three drugs and four texts of the probe's own, whose answers are known.
Most are written in forms that engines read alike (docs/decisions/query-forms.md).
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from workflow.adapters.redis.client import RedisClient, pairs
from workflow.adapters.redis.indexes import RedisIndexes
from workflow.adapters.redis.keys import (
    document_key,
    drugs_index,
    probe_names,
    text_key,
    texts_index,
)
from workflow.adapters.redis.queries import RedisSearch
from workflow.contract.columns import KEY
from workflow.contract.errors import IndexCommandFailed
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.search import ClassQuery, Filters, NameQuery

A, B, C, D = (digit * 32 for digit in "abcd")
DRUGS: Final = {
    "1": {"text_hash": A, "drug_name": "alphadrug", "drug_class": "statin",
          "manufacturer": "acme*", "route": "oral"},
    "2": {"text_hash": B, "drug_name": "statin helper", "drug_class": "beta blocker",
          "manufacturer": "acme*", "route": "oral"},
    "3": {"text_hash": A, "drug_name": "alphadrug", "drug_class": "statin",
          "manufacturer": "acme company"},
}  # fmt: skip
TEXTS: Final = {
    A: {"drug_name": "alphadrug", "drug_class": "statin", "strength": "10 mg"},
    B: {"drug_name": "statin helper", "drug_class": "beta blocker", "strength": "10 mg"},
    C: {"drug_name": "alphadrug", "drug_class": "statin", "strength": "20 mg"},
    D: {"drug_name": "alphadrug", "drug_class": "statin", "strength": "30 mg"},
}
VECTORS: Final = {A: (1.0, 0.0), B: (0.0, 1.0), C: (1.0, 0.5), D: (-1.0, 0.0)}
"""Their first two numbers; the others are 0."""

ACME: Final = {"manufacturer": ["acme*"]}
NAMED: Final = NameQuery(terms=((("alphadrug",),),), numbers=(), forms=())
BEGINS: Final = NameQuery(terms=((("stat*",),),), numbers=(), forms=())
MOST = 10


class Probe(NamedTuple):
    """What is asked, in words and as a command, and the one right answer."""

    what: str
    ask: Callable[[], object]
    answer: object


class RedisProbe:
    """Its keys and indexes are a generation and a space of its own, which it removes at the end.

    If it was killed, a later run removes them with other leftovers (`keys.is_being_probed`).
    """

    def __init__(
        self, client: RedisClient, indexes: RedisIndexes, search: RedisSearch, *, dimensions: int
    ) -> None:
        self._client = client
        self._indexes = indexes
        self._search = search
        self._dimensions = dimensions

    def misreadings(self) -> list[str]:
        names = probe_names(self._client.seconds())
        records = self._records(names)
        try:
            self._indexes.create_indexes(names)
            self._client.ask_all([("HSET", key, *pairs(one)) for key, one in records.items()])
            asked = Asked(self._search, self._indexes, names, self._vector(1.0, 0.1))
            found = map(_misread, [*asked.of_drugs(), *asked.of_texts()])
            return [one for one in found if one]
        finally:
            self._remove(names, list(records))

    def _records(self, names: LiveNames) -> dict[str, dict[str, Any]]:
        drugs = {
            document_key(names.generation, ndc): {KEY: ndc, **fields}
            for ndc, fields in DRUGS.items()
        }
        return drugs | {
            text_key(names.space, one): {**fields, "embedding": self._vector(*VECTORS[one])}
            for one, fields in TEXTS.items()
        }

    def _vector(self, *beginning: float) -> bytes:
        """float32[dimensions], little-endian."""
        values = [*beginning, *[0.0] * (self._dimensions - len(beginning))]
        return struct.pack(f"<{len(values)}f", *values)

    def _remove(self, names: LiveNames, keys: list[str]) -> None:
        """Also removes what is only partly there."""
        ours = {drugs_index(names.generation), texts_index(names.space)}
        there = ours.intersection(self._indexes.names())
        self._client.ask_all([("FT.DROPINDEX", one) for one in sorted(there)])
        self._client.ask("UNLINK", *keys)


class Asked:
    """Every form of query that searches and verifications use, over the records above."""

    def __init__(
        self, search: RedisSearch, indexes: RedisIndexes, names: LiveNames, near_a: bytes
    ) -> None:
        self._search, self._indexes = search, indexes
        self._generation, self._space = names.generation, names.space
        self._near_a = near_a

    def of_drugs(self) -> list[Probe]:
        return [
            Probe("a class after a manufacturer",
                  lambda: self._under({**ACME, "drug_class": ["statin"]}), [["1"], []]),
            Probe("a value that ends with an asterisk", lambda: self._under(ACME), [["1"], ["2"]]),
            Probe("one of two values", lambda: self._under({"route": ["x", "oral"]}),
                  [["1"], ["2"]]),
            Probe("a name after a manufacturer", self._named_by_acme, ["1"]),
            Probe("the texts of a manufacturer's drugs", lambda: self._texts_of_acme(2), [A, B]),
            Probe("more texts than were asked for", lambda: self._texts_of_acme(1), None),
            Probe("drugs by a column that one of them lacks", self._counted,
                  {"route": {"oral": 2}, "manufacturer": {"acme*": 2, "acme company": 1}}),
            Probe("the values of a column",
                  lambda: self._search.stored_values(self._generation, "route"), ["oral"]),
        ]  # fmt: skip

    def of_texts(self) -> list[Probe]:
        return [
            Probe("a name in any column", lambda: sorted(self._found(NAMED, MOST)), [A, C, D]),
            Probe("a strength that is preferred and not required", self._preferred, (C, 2)),
            Probe("the beginning of a name", lambda: self._found(BEGINS, MOST), [B]),
            Probe("a word of a class", lambda: self._classed("blocker", exact=False), [B]),
            Probe("words side by side", lambda: self._classed("beta", "blocker", exact=True), [B]),
            Probe("the nearest texts", self._nearest, [A, C]),
            Probe("which texts are indexed, by their keys",
                  lambda: self._indexes.indexed_texts(self._space, [A, B, "e" * 32]), 2),
            Probe("a misspelt name",
                  lambda: self._search.spellings(self._space, ["alphadrag"], 1),
                  {"alphadrag": ["alphadrug"]}),
        ]  # fmt: skip

    def _under(self, filters: Mapping[str, list[str]]) -> list[list[str]]:
        """The keys of A's and of B's drugs."""
        found = self._search.drugs_of_texts(self._generation, [A, B], MOST, filters)
        return [[one[KEY] for one in drugs.some] for drugs in found]

    def _named_by_acme(self) -> list[str]:
        found = self._search.drugs_like(self._generation, ACME, "alphadrug", MOST)
        return [one[KEY] for one in found]

    def _texts_of_acme(self, most: int) -> list[str] | None:
        found = self._search.texts_of_drugs(self._generation, ACME, most)
        return None if found is None else sorted(found)

    def _counted(self) -> dict[str, dict[str, int]]:
        columns: dict[str, Filters] = {"route": {}, "manufacturer": {}}
        return self._search.count_values(self._generation, [A, B], columns)

    def _found(self, query: NameQuery, count: int) -> list[str]:
        (found,) = self._search.find_named(self._space, [query], count)
        return list(found)

    def _preferred(self) -> tuple[str, int]:
        """Three have this name and two are wanted: the one with the strength comes first."""
        found = self._found(NAMED._replace(numbers=("20",)), 2)
        return (found[0] if found else "", len(found))

    def _classed(self, *words: str, exact: bool) -> list[str]:
        (found,) = self._search.find_classed(self._space, [ClassQuery(words, exact)], MOST)
        return list(found)

    def _nearest(self) -> list[str]:
        return [hit.name for hit in self._search.nearest_texts(self._space, self._near_a, 2)]


def _misread(probe: Probe) -> str:
    """What is wrong, in words; empty if the answer is right."""
    try:
        found = probe.ask()
    except IndexCommandFailed as error:
        return f"{probe.what}: {error}"
    if found == probe.answer:
        return ""
    return f"{probe.what}: {_short(found)} in place of {_short(probe.answer)}"


def _short(answer: object) -> str:
    text = str(answer)
    for name in (A, B, C, D):
        text = text.replace(name, f"text {name[0]}")
    return text
