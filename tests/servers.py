"""The catalog and the index of a test, reached without the product's adapters."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import redis
from mysql.connector.abstracts import MySQLConnectionAbstract

from tests.rows import COLUMNS, Row, fields_of, text_hash_of, text_of, vector_of
from workflow.contract.holder import Holder

OWN_FIELDS = {"text_hash", "content_hash", "run_id", "indexed_at"}
"""What a document has beside the catalog's columns."""

DEFINITION = ", ".join(
    ["ndc VARCHAR(64) NOT NULL PRIMARY KEY", *(f"{name} TEXT NULL" for name in COLUMNS[1:])]
)


class CatalogTable:
    """The table `drugs`, with the documented columns."""

    name = "drugs"

    def __init__(self, connection: MySQLConnectionAbstract) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Any statement, for tables and views of other shapes.

        Interceptors call it from every page at once, and a connection serves one at a time.
        """
        with self._lock, self._connection.cursor() as cursor:
            cursor.execute(statement, tuple(values))
            return list(cursor.fetchall()) if cursor.description else []

    def create(self) -> None:
        self.execute(f"DROP TABLE IF EXISTS {self.name}")
        self.execute(f"CREATE TABLE {self.name} ({DEFINITION}) COLLATE utf8mb4_bin")

    def clear(self) -> None:
        self.execute(f"DELETE FROM {self.name}")

    def insert(self, *rows: Row, table: str = name) -> None:
        for row in rows:
            columns = ", ".join(f"`{column}`" for column in row)
            marks = ", ".join(["%s"] * len(row))
            self.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", [*row.values()])

    def update(self, key: str, /, **columns: str | None) -> None:
        changes = ", ".join(f"`{column}` = %s" for column in columns)
        self.execute(f"UPDATE {self.name} SET {changes} WHERE ndc = %s", [*columns.values(), key])

    def update_all(self, **columns: str | None) -> None:
        changes = ", ".join(f"`{column}` = %s" for column in columns)
        self.execute(f"UPDATE {self.name} SET {changes}", [*columns.values()])

    def delete(self, *ndcs: str) -> None:
        for ndc in ndcs:
            self.execute(f"DELETE FROM {self.name} WHERE ndc = %s", [ndc])

    def rows(self) -> dict[str, Row]:
        """Every row, by its key."""
        columns = ", ".join(f"`{column}`" for column in COLUMNS)
        found = self.execute(f"SELECT {columns} FROM {self.name} ORDER BY ndc")
        return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in found}


class IndexReader:
    """Reads Redis back, with its own idea of keys and names."""

    def __init__(self, client: redis.Redis) -> None:
        self.redis: Any = client

    def live(self) -> tuple[str, str]:
        """The live generation and its space."""
        names = self._hash("drugs:live")
        return names["generation"], names["space"]

    def holder(self) -> Holder:
        """Who has the fence now."""
        token = self.redis.get("drugs:writer").decode()
        started, _, run_id = token.partition(" ")
        return Holder(run_id, datetime.fromtimestamp(int(started) / 1000, UTC))

    def generation(self, name: str | None = None) -> dict[str, str]:
        """The record of a generation; of the live one unless named."""
        return self._hash(f"drugs:generation:{name or self.live()[0]}")

    def generations(self) -> dict[str, str]:
        """Each generation's state, by its name."""
        prefix = "drugs:generation:"
        return {
            key.removeprefix(prefix): self._hash(key)["state"] for key in self._keys(f"{prefix}*")
        }

    def states(self) -> dict[str, str]:
        """Each generation's state, by the run that built it."""
        records = [self.generation(name) for name in self.generations()]
        return {record["run_id"]: record["state"] for record in records}

    def built_by(self, run_id: str) -> str:
        """The name of the generation that a run built."""
        names = self.generations()
        return next(name for name in names if self.generation(name)["run_id"] == run_id)

    def live_run(self) -> str:
        """The run that built the live generation."""
        return self.generation()["run_id"]

    def documents(self, generation: str | None = None) -> dict[str, dict[str, str]]:
        """Each document's hash, by the key it is stored under."""
        prefix = f"drug:{generation or self.live()[0]}:"
        return {key.removeprefix(prefix): self._hash(key) for key in self._keys(f"{prefix}*")}

    def texts(self, space: str | None = None) -> dict[str, dict[bytes, bytes]]:
        """Each text record's hash, by the text hash that it is stored under."""
        prefix = f"text:{space or self.live()[1]}:"
        return {
            key.removeprefix(prefix): self.redis.hgetall(key) for key in self._keys(f"{prefix}*")
        }

    def key_set(self, generation: str | None = None) -> list[str]:
        name = f"drugs:keys:{generation or self.live()[0]}"
        return [key.decode() for key in self.redis.zrange(name, 0, -1)]

    def repair(self, generation: str | None = None) -> set[str]:
        name = f"drugs:repair:{generation or self.live()[0]}"
        return {key.decode() for key in self.redis.smembers(name)}

    def indexes(self) -> set[str]:
        return {name.decode() for name in self.redis.execute_command("FT._LIST")}

    def alias(self, name: str) -> str:
        """The index that an alias stands for."""
        found = self.redis.execute_command("FT.INFO", name)
        facts = dict(zip(found[::2], found[1::2], strict=True))
        return str(facts[b"index_name"].decode())

    def dump(self) -> dict[str, Any]:
        """All that the server holds but the rate limiter's key, to compare before and after."""
        keys = [key for key in self._keys("*") if not key.startswith("drugs:quota:")]
        held: dict[str, Any] = {key: self.redis.dump(key) for key in keys}
        return {"keys": held, "indexes": self.indexes()}

    def nearest(self, text: str, count: int = 1) -> list[dict[str, str]]:
        """What a search answers from the live names: the drugs of the nearest texts."""
        query = f"*=>[KNN {count} @embedding $v AS distance]"
        found = self._search("texts", query, "PARAMS", 2, "v", vector_of(text), "LIMIT", 0, count)
        hashes = [key.decode().rpartition(":")[2] for key in found[1::2]]
        drugs: list[dict[str, str]] = []
        for one in hashes:
            answer = self._search("drugs", f"@text_hash:{{{one}}}", "LIMIT", 0, 100)
            drugs += [_decoded(dict(zip(v[::2], v[1::2], strict=True))) for v in answer[2::2]]
        return sorted(drugs, key=lambda drug: drug["ndc"])

    def _search(self, index: str, query: str, *options: Any) -> list[Any]:
        found: list[Any] = self.redis.execute_command(
            *("FT.SEARCH", index, query), *options, *("DIALECT", 2)
        )
        return found

    def _keys(self, pattern: str) -> list[str]:
        return sorted(key.decode() for key in self.redis.scan_iter(pattern, count=1000))

    def _hash(self, key: str) -> dict[str, str]:
        return _decoded(self.redis.hgetall(key))


def _decoded(found: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in found.items()}


def assert_in_step(index: IndexReader, rows: Iterable[Row]) -> None:
    """The live generation is the catalog, no more and no less, and each text has its own vector."""
    expected = {row["ndc"]: row for row in rows}
    documents, texts = index.documents(), index.texts()
    found = {
        ndc: {name: value for name, value in document.items() if name not in OWN_FIELDS}
        for ndc, document in documents.items()
    }
    assert found == {ndc: fields_of(row) for ndc, row in expected.items()}
    assert index.key_set() == sorted(expected, key=lambda key: str(key).encode())
    assert {ndc: document["text_hash"] for ndc, document in documents.items()} == {
        ndc: text_hash_of(row) for ndc, row in expected.items()
    }
    for row in expected.values():
        record = texts[text_hash_of(row)]
        assert record[b"text"].decode() == text_of(row)
        assert record[b"embedding"] == vector_of(text_of(row))
