"""Every setting of the servers is known, and at its extremes it changes no answer unnoticed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import redis
from mysql.connector.abstracts import MySQLConnectionAbstract
from mysql.connector.errors import Error

from handlers.wiring import Wiring
from local.servers.stack import Stack, functions_see
from tests.integration.reading import catalog_of, is_mariadb
from tests.lab import Lab
from tests.servers import CatalogTable
from tools.server_settings import every_mysql, every_redis
from workflow.adapters.mysql import session
from workflow.contract.errors import CatalogError, CatalogQueryFailed, SyncError
from workflow.contract.ports.search import ClassQuery, NameQuery
from workflow.contract.vectors import to_bytes
from workflow.steps.check_server import SEARCH_LIMITS, check_engine, check_server

VIEW = """CREATE OR REPLACE SQL SECURITY INVOKER VIEW drugs_view AS
SELECT ndc, drug_name, CONCAT_WS('|',
  (SELECT GROUP_CONCAT(ndc ORDER BY ndc) FROM base b), 1 / 3, DATE_FORMAT(made, '%M %W %v'),
  WEEK(made), ndc REGEXP 'B', drug_name LIKE '%\\\\\\\\%', made, NOW() > '2001-01-01', 3 DIV 2,
  (SELECT AVG(LENGTH(drug_name)) FROM base x), CAST(made AS DATE), CAST('10:11:12' AS TIME),
  COALESCE(NULL, 'n'), IFNULL(NULLIF(drug_name, ''), 'none'), 'a' = 'A', ndc IS NULL,
  (SELECT MAX(i) FROM (WITH RECURSIVE n AS
    (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT i FROM n) r)) AS manufacturer
FROM base"""
"""What a view may well make of columns, and what a default could change of it."""

NOT_TO_BE_SET = {"pseudo_slave_mode", "pseudo_replica_mode", "debug", "debug_sync"}


# All are known


def test_every_variable_of_the_mysql_server_has_a_line(admin: CatalogTable) -> None:
    found = {str(name).lower() for name, _ in admin.execute("SHOW GLOBAL VARIABLES")}
    found |= {str(name).lower() for name, _ in admin.execute("SHOW SESSION VARIABLES")}
    lines = list(every_mysql())
    assert len(found) > 400
    assert [name for name in sorted(found) if not any(line.has(name) for line in lines)] == []


def test_every_setting_of_the_redis_server_has_a_line(redis_client: redis.Redis) -> None:
    found = {as_str(name) for name in redis_client.config_get("*")}
    found |= {as_str(name) for name in query_engine(redis_client)}
    lines = list(every_redis())
    assert len(found) > 200
    assert [name for name in sorted(found) if not any(line.has(name) for line in lines)] == []


def as_str(name: str | bytes | None) -> str:
    return name.decode() if isinstance(name, bytes) else name or ""


def query_engine(client: redis.Redis) -> dict[bytes, bytes | None]:
    """FT.CONFIG, by either protocol."""
    found = client.execute_command("FT.CONFIG", "GET", "*")
    return found if isinstance(found, dict) else dict(found)


# MySQL


def values_of(stack: Stack, admin: CatalogTable) -> Iterator[tuple[str, str]]:
    """Each variable that a session may set, with the ends of what it may be."""
    if is_mariadb(stack):
        rows = admin.execute(
            "SELECT VARIABLE_NAME, NUMERIC_MIN_VALUE, NUMERIC_MAX_VALUE, ENUM_VALUE_LIST, "
            "VARIABLE_TYPE FROM information_schema.SYSTEM_VARIABLES "
            "WHERE READ_ONLY = 'NO' AND VARIABLE_SCOPE LIKE 'SESSION%'"
        )
    else:
        rows = admin.execute(
            "SELECT i.VARIABLE_NAME, i.MIN_VALUE, i.MAX_VALUE, NULL, s.VARIABLE_VALUE "
            "FROM performance_schema.variables_info i "
            "JOIN performance_schema.session_variables s USING (VARIABLE_NAME)"
        )
    for name, least, most, words, kind in rows:
        if str(name).lower() in NOT_TO_BE_SET:
            continue
        if words and kind in ("SET", "FLAGSET"):
            yield from ((name, repr(word)) for word in str(words).split(",") if "=" not in word)
        elif words:
            yield from ((name, repr(word)) for word in str(words).split(","))
        elif str(kind) in ("ON", "OFF"):
            yield from ((name, value) for value in ("0", "1"))
        elif least not in (None, "", "0") or most not in (None, "", "0"):
            yield from ((name, str(value)) for value in (least, most))


@pytest.fixture
def before_prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements that each new connection runs first, as `init_connect` has it."""
    statements: list[str] = []
    prepare = session.prepare

    def hostile_first(connection: MySQLConnectionAbstract, timeout_s: int) -> None:
        with connection.cursor() as cursor:
            for statement in list(statements):
                try:
                    cursor.execute(statement)
                except Error:
                    # The server has no such value for a session: nothing is tried.
                    statements.remove(statement)
        prepare(connection, timeout_s)

    monkeypatch.setattr(session, "prepare", hostile_first)
    return statements


def test_no_variable_of_a_session_changes_what_is_read(
    stack: Stack, base: CatalogTable, admin: CatalogTable, before_prepared: list[str]
) -> None:
    base.execute(VIEW)

    def read() -> object:
        with catalog_of(stack, user="root").connect() as reader:
            return reader.read_range(None, None).rows

    expected = read()
    assert len(expected) == 4  # type: ignore[arg-type]
    tried, refused = 0, {}
    for name, value in values_of(stack, admin):
        before_prepared[:] = [f"SET SESSION {name} = {value}"]
        try:
            assert read() == expected, f"{name} = {value}"
        except CatalogError as error:
            if before_prepared:
                refused[f"{name} = {value}"] = str(error)
        tried += len(before_prepared)
    assert tried > 90
    # Room that is too small for the statement is an error, and a named one.
    assert len(refused) < 60, refused


def test_a_time_that_stands_still_is_set_to_the_clock(
    stack: Stack, base: CatalogTable, before_prepared: list[str]
) -> None:
    base.execute(VIEW)
    before_prepared[:] = ["SET SESSION timestamp = 1"]
    with catalog_of(stack).connect() as reader:
        made = reader.read_range(None, None).rows[0]["manufacturer"]
    with catalog_of(stack).connect() as reader:
        assert reader.read_range(None, None).rows[0]["manufacturer"] == made
    assert made
    assert made.split("|")[7] == "1"


def test_a_server_that_passes_over_damage_is_refused(
    stack: Stack, base: CatalogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is the server's, set when it starts: its answer is changed in its place."""
    monkeypatch.setattr(session, "_there", lambda _: {"innodb_force_recovery": "4"})
    with pytest.raises(CatalogQueryFailed, match="innodb_force_recovery is 4"):
        catalog_of(stack).connect().__enter__()


# Redis


def answers(lab: Lab) -> list[Any]:
    """What a search's questions get, each form once."""
    with functions_see(lab.stack.environment(**lab.settings)):
        index = Wiring().index.search
        live = index.live()
        assert live
        vector = to_bytes([1.0, *[0.0] * (int(lab.settings["embedding_dimensions"]) - 1)])
        hashes = [hit.name for hit in index.nearest_texts(live.space, vector, 20)]
        named = [
            NameQuery(terms=((("aspirin",),),), numbers=("10",), forms=("tablet",)),
            NameQuery(terms=((("bra*",),),), numbers=(), forms=()),
            NameQuery(terms=((("war*",),),), numbers=(), forms=()),
        ]
        under = {"route": ("ORAL",)}
        return [
            sorted(hashes),
            index.find_named(live.space, named, 200),
            index.find_classed(live.space, [ClassQuery(words=("class",), exact=False)], 200),
            index.spellings(live.space, ["asprin"], 2),
            index.drugs_of_texts(live.generation, hashes, 50, {}),
            index.texts_of_drugs(live.generation, under, 1_000),
            index.drugs_like(live.generation, under, "aspirin", 100),
            index.stored_values(live.generation, "route"),
            index.count_values(live.generation, hashes, {"route": {}, "dosage_form": under}),
        ]


def is_refused(lab: Lab) -> bool:
    """By planning and by the doctor, which ask the same."""
    with functions_see(lab.stack.environment(**lab.settings)):
        found = Wiring().index
        try:
            check_server(found.server.facts(), lab.stack.redis.url)
            check_engine(found.engine, "")
        except SyncError:
            return True
    return False


ENDS = ("0", "1", "3", "100000", "false", "true", "fail", "return")


def test_no_setting_of_the_query_engine_changes_an_answer_unnamed(synced: Lab) -> None:
    client = synced.index.redis

    def put(name: str, value: str) -> None:
        client.execute_command("FT.CONFIG", "SET", name, value)

    before = {as_str(name): value for name, value in query_engine(client).items()}
    tried, refused = every_end(synced, before, put, ENDS)
    assert tried > 40
    assert set(SEARCH_LIMITS) <= refused


def every_end(
    lab: Lab, before: dict[str, Any], put: Callable[[str, str], object], ends: Sequence[str]
) -> tuple[int, set[str]]:
    """How many values were tried, and the settings of which one is refused.

    What is accepted gives the same answers as before.
    """
    expected = answers(lab)
    tried, refused = 0, set()
    for name, value in before.items():
        old = as_str(value or b"")
        for end in ends:
            try:
                put(name, end)
            except redis.RedisError:
                continue
            try:
                if is_refused(lab):
                    refused.add(name)
                else:
                    assert answers(lab) == expected, f"{name} = {end}"
                tried += 1
            finally:
                with contextlib.suppress(redis.RedisError):
                    put(name, "-1" if old == "unlimited" else old)
    return tried, refused
