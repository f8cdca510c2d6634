"""The server and its FT indexes: the Server port, for the Redis Query Engine."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from workflow.adapters.redis.client import Command, RedisClient, as_text
from workflow.adapters.redis.keys import (
    LIVE,
    document_key,
    drugs_index,
    has_our_form,
    text_key,
    texts_index,
)
from workflow.adapters.redis.syntax import tag
from workflow.contract.columns import (
    CLASS_COLUMNS,
    DETAIL_COLUMNS,
    NAME_COLUMNS,
    TAG_COLUMNS,
    TAG_SEPARATOR,
    TEXT_COLUMNS,
)
from workflow.contract.errors import IndexCommandFailed, IndexFeatureMissing
from workflow.contract.holder import Holder
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.server import IndexFacts, IndexKind, ServerFacts

NO_INDEX = ("unknown index", "no such index", "not found")
KINDS: Final = {"TAG", "TEXT", "VECTOR"}
TELLING: Final = frozenset({*KINDS, "NOSTEM", "FLAT", "HNSW", "SVS-VAMANA"})
"""Words of a field that FT.CREATE and FT.INFO write alike. Of an algorithm's options, no server
tells all: what they decide is measured (recall)."""

MOST_ARGUMENTS = 8


class RedisIndexes:
    """Schemas, FT.INFO, aliases. `options` are attributes of the vector field, such as M."""

    def __init__(
        self, client: RedisClient, *, dimensions: int, algorithm: str, options: Mapping[str, Any]
    ) -> None:
        """An option that is None is left to the server."""
        self._client = client
        given = {name: value for name, value in options.items() if value is not None}
        attributes = {"TYPE": "FLOAT32", "DIM": dimensions, "DISTANCE_METRIC": "COSINE", **given}
        parts = [part for pair in attributes.items() for part in pair]
        self._vector = (algorithm, len(parts), *parts)

    # The server

    def facts(self) -> ServerFacts:
        facts = self._client.ask("INFO")
        version = str(facts.get("redis_version", ""))
        try:
            self._list()
        except IndexCommandFailed as error:
            raise IndexFeatureMissing(
                f"Redis {version} has no search (FT._LIST: {error}); use Redis 8 with its query "
                "engine"
            ) from error
        return ServerFacts(
            version=version,
            max_memory=int(facts.get("maxmemory", 0)),
            used_memory=int(facts.get("used_memory", 0)),
            machine_memory=int(facts.get("total_system_memory", 0)),
            eviction_policy=str(facts.get("maxmemory_policy", "")),
            cluster=int(facts.get("cluster_enabled", 0)) == 1,
            limits=self._limits(),
        )

    def _limits(self) -> dict[str, int]:
        """Not every server lets its configuration be read; then a query tells."""
        try:
            answer = self._client.ask("FT.CONFIG", "GET", "*")
        except IndexCommandFailed:
            return {}
        found = answer.items() if isinstance(answer, dict) else [tuple(one) for one in answer]
        said = ((as_text(name), as_text(value)) for name, value in found if value is not None)
        return {name: int(value) for name, value in said if value.isdigit()}

    def denied(self, commands: Sequence[str]) -> list[str]:
        user = as_text(self._client.ask("ACL WHOAMI"))
        return [one for one in commands if not self._may(user, one)]

    def _may(self, user: str, command: str) -> bool:
        """ACL DRYRUN executes nothing; it needs as many arguments as the command does."""
        words = command.split("|")
        for count in range(MOST_ARGUMENTS):
            arguments = [*words, *[LIVE] * count]
            try:
                answer = self._client.ask("ACL DRYRUN", user, *arguments)
            except IndexCommandFailed as error:
                if "wrong number of arguments" not in str(error).lower():
                    raise
            else:
                return bool(answer == b"OK")
        return False

    # Schemas

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
        """Words of names are searched as they are spelled, words of classes by their stem."""
        columns = (*NAME_COLUMNS, *DETAIL_COLUMNS)
        exact = [part for column in columns for part in (column, "TEXT", "NOSTEM")]
        stemmed = [part for column in CLASS_COLUMNS for part in (column, "TEXT")]
        return (*_create(name, prefix), *exact, *stemmed, "embedding", "VECTOR", *self._vector)

    def create_indexes(self, names: LiveNames) -> None:
        """Raises IndexFeatureMissing with the server's words about what it refuses."""
        present = self._list()
        texts, drugs = texts_index(names.space), drugs_index(names.generation)
        schemas = {
            texts: self._texts_schema(texts, text_key(names.space, "")),
            drugs: self._drugs_schema(drugs, document_key(names.generation, "")),
        }
        for name, schema in schemas.items():
            if name not in present:
                self._create(name, schema)

    def rebuild_index(self, kind: IndexKind, names: LiveNames, holder: Holder) -> None:
        """Dropping an index drops its alias; `point_aliases` brings it back."""
        self.drop(
            drugs_index(names.generation) if kind == "drugs" else texts_index(names.space), holder
        )
        self.create_indexes(names)

    def drop(self, name: str, holder: Holder) -> None:
        """The hashes stay. An index that somebody else dropped meanwhile is dropped, too."""
        if name not in self._list():
            return
        try:
            self._client.write_fenced(holder, [("FT.DROPINDEX", name)])
        except IndexCommandFailed as error:
            if not _says_no_index(error):
                raise

    def _create(self, name: str, schema: Command) -> None:
        try:
            self._client.ask(*schema)
        except IndexCommandFailed as error:
            algorithm, _, *options = self._vector
            raise IndexFeatureMissing(
                f"Redis refused to create {name} with {algorithm} "
                f"{' '.join(map(str, options))}: {error}; change index_algorithm or set the option "
                "that it names to none"
            ) from error

    # What they hold

    def names(self) -> list[str]:
        """Every FT index of the server that is ours. Its name says which keys it covers."""
        return [name for name in self._list() if self._is_ours(name)]

    def _list(self) -> list[str]:
        return sorted(map(as_text, self._client.ask("FT._LIST")))

    def _is_ours(self, name: str) -> bool:
        """On a shared server, others may use such a name for an index, too."""
        kind, _, of = name.partition(":")
        prefixes = {"drugs": document_key(of, ""), "texts": text_key(of, "")}
        prefix = prefixes.get(kind, "")
        if not has_our_form(f"{prefix}{'0' * 32}"):
            return False
        found = self._info(name)
        return found is not None and _prefixes(found["index_definition"]) == [prefix]

    def index(self, kind: IndexKind, name: str) -> IndexFacts | None:
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
            # While Redis loads its data, it divides by the keys that it has so far: "956800 %".
            percent=min(percent, 1.0),
            unlike=self._unlike(kind, found["attributes"]),
        )

    def _unlike(self, kind: IndexKind, attributes: Sequence[Any]) -> tuple[str, ...]:
        """What a user made by hand under our name may have other fields."""
        make = self._drugs_schema if kind == "drugs" else self._texts_schema
        wanted = _fields(make("", ""))
        found = dict(map(_field, attributes))
        names = wanted.keys() | found.keys()
        return tuple(sorted(one for one in names if wanted.get(one) != found.get(one)))

    def indexed_texts(self, space: str, hashes: Sequence[str]) -> int:
        if not hashes:
            return 0
        keys = [text_key(space, one) for one in hashes]
        only = ("INKEYS", len(keys), *keys, "LIMIT", 0, 0)
        try:
            answer = self._client.query("FT.SEARCH", texts_index(space), "*", *only)
        except IndexCommandFailed as error:
            if _says_no_index(error):
                return 0
            raise
        return int(answer[b"total_results"])

    def drugs_naming(self, generation: str, hashes: Sequence[str]) -> list[int]:
        """How many documents name each text."""
        if not hashes:
            return []
        index = drugs_index(generation)
        queries = [
            ("FT.SEARCH", index, f"@text_hash:{{{tag(one)}}}", "LIMIT", 0, 0) for one in hashes
        ]
        return [int(answer[b"total_results"]) for answer in self._client.query_all(queries)]

    def _info(self, name: str) -> dict[str, Any] | None:
        try:
            found = self._client.ask("FT.INFO", name)
        except IndexCommandFailed as error:
            if _says_no_index(error):
                return None
            raise
        return {as_text(key): _plain(value) for key, value in found.items()}

    # Aliases

    def aliases_point_at(self, names: LiveNames) -> bool:
        if not self._has_aliases():
            return True
        return all(
            (found := self._info(alias)) is not None and found["index_name"] == name
            for alias, name in _aliases(names).items()
        )

    def point_aliases(self, names: LiveNames, holder: Holder) -> None:
        if not self.aliases_point_at(names):
            self._client.write_fenced(holder, self.alias_commands(names))

    def alias_commands(self, names: LiveNames) -> list[Command]:
        """None if the engine has no aliases."""
        if not self._has_aliases():
            return []
        return [("FT.ALIASUPDATE", alias, name) for alias, name in _aliases(names).items()]

    def _has_aliases(self) -> bool:
        # As one word, because redis-py's parser of COMMAND fails on a command that does not exist.
        answer = self._client.ask("COMMAND INFO", "FT.ALIASUPDATE")
        return any(answer.values() if isinstance(answer, dict) else answer)


def _says_no_index(error: IndexCommandFailed) -> bool:
    return any(words in str(error).lower() for words in NO_INDEX)


def _create(name: str, prefix: str) -> Command:
    # No stop words: every word of a name can be searched.
    return ("FT.CREATE", name, "ON", "HASH", "PREFIX", 1, prefix, "STOPWORDS", 0, "SCHEMA")


def _fields(schema: Command) -> dict[str, frozenset[str]]:
    """Of FT.CREATE: each field's kind and what decides its answers."""
    words = [str(one) for one in schema[schema.index("SCHEMA") + 1 :]]
    starts = [at for at, word in enumerate(words) if word in KINDS]
    ends = [*(at - 1 for at in starts[1:]), len(words)]
    return {
        words[at - 1]: frozenset(words[at:end]) & TELLING | _values(words[at:end])
        for at, end in zip(starts, ends, strict=True)
    }


def _field(attribute: Any) -> tuple[str, frozenset[str]]:
    """Of FT.INFO: the same."""
    words = [
        as_text(word) if isinstance(word, bytes) else str(word)
        for pair in (attribute.items() if isinstance(attribute, dict) else [attribute])
        for one in pair
        for word in (one if isinstance(one, list) else [one])
    ]
    return words[words.index("attribute") + 1], frozenset(words) & TELLING | _values(words)


def _values(words: Sequence[str]) -> frozenset[str]:
    """A vector's dimensions and metric."""
    pairs = {name.lower(): value for name, value in pairwise(words)}
    return frozenset(pairs[name] for name in ("dim", "distance_metric") if name in pairs)


def _aliases(names: LiveNames) -> dict[str, str]:
    return {"drugs": drugs_index(names.generation), "texts": texts_index(names.space)}


def _prefixes(definition: Any) -> list[str]:
    """The answer of FT.INFO: a map on some servers, a flat list of names and values on others."""
    pairs = (
        definition.items()
        if isinstance(definition, dict)
        else zip(definition[::2], definition[1::2], strict=True)
    )
    facts = {as_text(name): value for name, value in pairs}
    return [as_text(one) for one in facts["prefixes"]]


def _plain(value: Any) -> Any:
    return as_text(value) if isinstance(value, bytes) else value
