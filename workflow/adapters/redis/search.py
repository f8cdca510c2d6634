"""The search indexes: Redis Query Engine (Redis 8, Redis Stack), and engines that speak like it.

`redis_queries.py` asks them.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from redis import Redis

from workflow.adapters.redis.queries import RedisQueries
from workflow.adapters.redis.store import (
    GENERATION,
    LIVE,
    Command,
    as_text,
    document_key,
    key_set,
    record_command,
    repair_set,
    text_key,
)
from workflow.contract.columns import (
    CLASS_COLUMNS,
    DETAIL_COLUMNS,
    NAME_COLUMNS,
    TAG_COLUMNS,
    TAG_SEPARATOR,
    TEXT_COLUMNS,
)
from workflow.contract.errors import IndexCommandFailed, IndexFeatureMissing
from workflow.contract.ports.generations import Generation, LiveNames
from workflow.contract.ports.server import IndexFacts, IndexKind, ServerFacts


class RedisIndex(RedisQueries):
    """The whole Index port: `RedisStore`, its queries and its search indexes."""

    def __init__(
        self, client: "Redis", *, dimensions: int, algorithm: str, options: Mapping[str, Any]
    ) -> None:
        """`options` are attributes of the vector field, such as M; None leaves one out."""
        super().__init__(client)
        given = {name: value for name, value in options.items() if value is not None}
        attributes = {"TYPE": "FLOAT32", "DIM": dimensions, "DISTANCE_METRIC": "COSINE", **given}
        pairs = [part for pair in attributes.items() for part in pair]
        self._vector = (algorithm, len(pairs), *pairs)

    # The indexes

    def server(self) -> ServerFacts:
        """Raises IndexFeatureMissing where the server has no search."""
        facts = super().server()
        try:
            self.ask("FT._LIST")
        except IndexCommandFailed as error:
            raise IndexFeatureMissing(
                f"Redis {facts.version} has no search (FT._LIST: {error}); use Redis 8, Redis "
                "Stack or another server with vector search"
            ) from error
        return facts

    def schema_digest(self) -> str:
        schema = [*self._drugs_schema("", ""), *self._texts_schema("", "")]
        return hashlib.blake2b(repr(schema).encode(), digest_size=8).hexdigest()

    def _drugs_schema(self, name: str, prefix: str) -> Command:
        tags = [
            part
            for column in ("text_hash", *TAG_COLUMNS)
            for part in (column, "TAG", "SEPARATOR", TAG_SEPARATOR)
        ]
        texts = [part for column in TEXT_COLUMNS for part in (column, "TEXT", "NOSTEM")]
        return (*_create(name, prefix), *tags, *texts)

    def _texts_schema(self, name: str, prefix: str) -> Command:
        """Words of names are searched as they are spelt; those of classes by their stem."""
        columns = (*NAME_COLUMNS, *DETAIL_COLUMNS)
        exact = [part for column in columns for part in (column, "TEXT", "NOSTEM")]
        stemmed = [part for column in CLASS_COLUMNS for part in (column, "TEXT")]
        return (*_create(name, prefix), *exact, *stemmed, "embedding", "VECTOR", *self._vector)

    def create_indexes(self, names: LiveNames) -> None:
        """Raises IndexFeatureMissing with the server's words about what it does not take."""
        present = self._list()
        schemas = {
            f"texts:{names.space}": self._texts_schema(
                f"texts:{names.space}", text_key(names.space, "")
            ),
            f"drugs:{names.generation}": self._drugs_schema(
                f"drugs:{names.generation}", document_key(names.generation, "")
            ),
        }
        for name, schema in schemas.items():
            if name not in present:
                self._create(name, schema)

    def rebuild_index(self, kind: IndexKind, names: LiveNames, run_id: str) -> None:
        name = f"drugs:{names.generation}" if kind == "drugs" else f"texts:{names.space}"
        self._drop_index(name, run_id)
        self.create_indexes(names)

    def _create(self, name: str, schema: Command) -> None:
        try:
            self.ask(*schema)
        except IndexCommandFailed as error:
            algorithm, _, *pairs = self._vector
            raise IndexFeatureMissing(
                f"Redis refused to create {name} with {algorithm} "
                f"{' '.join(map(str, pairs))}: {error}; change index_algorithm or set the option "
                "that it names to none"
            ) from error

    def _list(self) -> list[str]:
        return [as_text(name) for name in self.ask("FT._LIST")]

    def spaces(self) -> list[str]:
        return [name.removeprefix("texts:") for name in self._list() if name.startswith("texts:")]

    def facts(self, kind: IndexKind, name: str) -> IndexFacts | None:
        found = self._info(f"{kind}:{name}")
        if found is None:
            return None
        # valkey-search reports a backfill, the Redis Query Engine the share it has indexed.
        percent = float(found.get("percent_indexed", found.get("backfill_complete_percent", 1)))
        busy = int(found.get("indexing", found.get("backfill_in_progress", 0)))
        return IndexFacts(
            documents=int(found["num_docs"]),
            failures=int(found.get("hash_indexing_failures", 0)),
            building=bool(busy) or percent < 1,
            percent=percent,
        )

    def _info(self, name: str) -> dict[str, Any] | None:
        try:
            found = self.ask("FT.INFO", name)
        except IndexCommandFailed as error:
            if any(words in str(error).lower() for words in ("unknown index", "no such index")):
                return None
            if "not found" in str(error).lower():
                return None
            raise
        pairs = zip(found[::2], found[1::2], strict=True)
        return {as_text(key): _plain(value) for key, value in pairs}

    # Aliases

    def aliases_point_at(self, names: LiveNames) -> bool:
        if not self._has_aliases():
            return True
        return all(
            (found := self._info(alias)) is not None and found["index_name"] == name
            for alias, name in _aliases(names).items()
        )

    def point_aliases(self, names: LiveNames, run_id: str) -> None:
        if not self.aliases_point_at(names):
            self.write_fenced(run_id, self._alias_commands(names))

    def _alias_commands(self, names: LiveNames) -> list[Command]:
        if not self._has_aliases():
            return []
        return [("FT.ALIASUPDATE", alias, name) for alias, name in _aliases(names).items()]

    def _has_aliases(self) -> bool:
        # As one word: redis-py's own parser of COMMAND fails on a command that is not there.
        return any(self.ask("COMMAND INFO", "FT.ALIASUPDATE"))

    # Switching

    def publish(self, generation: Generation, previous: str | None, run_id: str) -> None:
        names = LiveNames(generation.name, generation.space)
        live = ("HSET", LIVE, "generation", names.generation, "space", names.space)
        commands = [live, *self._alias_commands(names), record_command(generation)]
        if previous is not None:
            commands.append(("HSET", GENERATION + previous, "state", "previous"))
        self.write_fenced(run_id, commands)

    def drop_generation(self, generation: str, run_id: str) -> None:
        """The record goes last: a drop that was cut off is found and ended by the next run."""
        self._drop_index(f"drugs:{generation}", run_id)
        self._unlink(run_id, self._scan(document_key(generation, "*")))
        keys = (key_set(generation), repair_set(generation), GENERATION + generation)
        self._unlink(run_id, keys)

    def drop_space(self, space: str, run_id: str) -> None:
        """The index goes last, for the same reason."""
        self._unlink(run_id, self._scan(text_key(space, "*")))
        self._drop_index(f"texts:{space}", run_id)

    def _drop_index(self, name: str, run_id: str) -> None:
        if name in self._list():
            self.write_fenced(run_id, [("FT.DROPINDEX", name)])


def _create(name: str, prefix: str) -> Command:
    # No stop words: every word of a name can be searched.
    return ("FT.CREATE", name, "ON", "HASH", "PREFIX", 1, prefix, "STOPWORDS", 0, "SCHEMA")


def _aliases(names: LiveNames) -> dict[str, str]:
    return {"drugs": f"drugs:{names.generation}", "texts": f"texts:{names.space}"}


def _plain(value: Any) -> Any:
    return as_text(value) if isinstance(value, bytes) else value
