"""Whatever a server, a user or a proxy sets by default, a session reads the same rows and values.

Each hostile default is shown to change an answer where the session does not set its own.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mysql.connector.abstracts import MySQLConnectionAbstract

from local.servers.stack import Stack
from tests.integration.reading import catalog_of, connected, is_mariadb, reached, view
from tests.rows import make_rows
from tests.servers import CatalogTable
from workflow.adapters.mysql import catalog as adapter
from workflow.adapters.mysql import session
from workflow.adapters.mysql.buffered import BufferedBroker
from workflow.contract.errors import (
    CatalogAccessDenied,
    CatalogError,
    CatalogMissing,
    CatalogQueryFailed,
    CatalogUnavailable,
    KeyNotIndexed,
)
from workflow.contract.ports.catalog import RangeRows

PASSWORD = "right"


def test_rows_are_read_by_way_of_the_buffer(stack: Stack) -> None:
    """The pinned driver has its reader where it is replaced."""
    with contextlib.closing(adapter.open_connection(reached(stack), "drugs", 20)) as connection:
        sock: Any = vars(connection)["_socket"]
        assert isinstance(sock._netbroker, BufferedBroker)


def read(stack: Stack, after: str | None = None, **options: Any) -> RangeRows:
    with catalog_of(stack, **options).connect() as reader:
        return reader.read_range(after, None)


HOSTILE = {
    "sql_select_limit": ("sql_select_limit = 2", "drug_name"),
    "PAD_CHAR_TO_FULL_LENGTH": ("sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'", "drug_name"),
    "time_zone": ("time_zone = '+09:00'", "CAST(made AS CHAR)"),
    "group_concat_max_len": (
        "group_concat_max_len = 4",
        "(SELECT GROUP_CONCAT(ndc ORDER BY ndc) FROM base b)",
    ),
    "max_join_size": ("sql_big_selects = 0, max_join_size = 1", "drug_name"),
    "div_precision_increment": ("div_precision_increment = 0", "CAST(1 / 3 AS CHAR)"),
    "lc_time_names": ("lc_time_names = 'de_DE'", "DATE_FORMAT(made, '%M')"),
    "character_set_results": ("character_set_results = 'latin1'", "drug_name"),
}


@pytest.mark.parametrize(("hostile", "drug_name"), HOSTILE.values(), ids=HOSTILE)
def test_a_default_of_the_server_changes_no_answer(
    stack: Stack,
    base: CatalogTable,
    monkeypatch: pytest.MonkeyPatch,
    hostile: str,
    drug_name: str,
) -> None:
    view(base, drug_name)
    # The first reading is not to depend on this server's own defaults.
    expected = [read(stack, after) for after in (None, "a\\")]
    assert [len(found.rows) for found in expected] == [4, 2]
    set_hostile = hostile_to(monkeypatch, f"SET SESSION {hostile}")
    assert [read(stack, after) for after in (None, "a\\")] == expected
    monkeypatch.setattr(session, "prepare", set_hostile)
    assert differs(lambda: [read(stack, after) for after in (None, "a\\")], expected)


def hostile_to(monkeypatch: pytest.MonkeyPatch, statement: str) -> Callable[..., None]:
    """Run a statement on each new connection, as `init_connect` does, before it is prepared."""
    prepare = session.prepare

    def only_hostile(connection: MySQLConnectionAbstract, _timeout_s: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    def hostile_first(connection: MySQLConnectionAbstract, timeout_s: int) -> None:
        only_hostile(connection, timeout_s)
        prepare(connection, timeout_s)

    monkeypatch.setattr(session, "prepare", hostile_first)
    return only_hostile


def differs(answer: Callable[[], object], expected: object) -> bool:
    try:
        return answer() != expected
    except CatalogError:
        return True


def test_what_another_transaction_has_not_committed_is_not_read(
    stack: Stack, base: CatalogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_hostile = hostile_to(
        monkeypatch, "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"
    )
    with contextlib.closing(connected(stack)) as other:
        other.autocommit = False
        CatalogTable(other).execute("INSERT INTO base VALUES ('d', 'Drug d', NULL)")
        assert len(read(stack).rows) == 4
        monkeypatch.setattr(session, "prepare", only_hostile)
        assert len(read(stack).rows) == 5


def test_a_recursive_view_is_read_to_its_end(
    stack: Stack, base: CatalogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_mariadb(stack):
        pytest.skip("MySQL stops a recursion that is too deep with an error of its own")
    base.execute(
        "CREATE OR REPLACE VIEW drugs_view AS WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL "
        "SELECT i + 1 FROM n WHERE i < 50) SELECT LPAD(i, 11, '0') AS ndc, 'D' AS drug_name FROM n"
    )
    only_hostile = hostile_to(monkeypatch, "SET SESSION max_recursive_iterations = 10")
    assert len(read(stack).rows) == 50
    monkeypatch.setattr(session, "prepare", only_hostile)
    with pytest.raises(CatalogQueryFailed, match=r"left out part.*max_recursive_iterations = 10"):
        read(stack)


@pytest.mark.parametrize("form", ["TREE", "JSON"])
def test_a_key_without_an_index_is_refused_whatever_form_a_plan_has_by_default(
    stack: Stack, base: CatalogTable, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    base.execute("ALTER TABLE base DROP PRIMARY KEY")
    if not is_mariadb(stack):
        hostile_to(monkeypatch, f"SET SESSION explain_format = '{form}'")
    with catalog_of(stack).connect() as reader:
        with pytest.raises(KeyNotIndexed, match="scans or sorts 4 rows of base"):
            reader.check_key(rows_worth_an_index=3)
        base.execute("ALTER TABLE base ADD PRIMARY KEY (ndc)")
        reader.check_key(rows_worth_an_index=3)


def test_a_session_can_write_nothing(stack: Stack, base: CatalogTable) -> None:
    with (
        catalog_of(stack).connect() as reader,
        pytest.raises(CatalogQueryFailed, match="READ ONLY"),
    ):
        reader._query("DELETE FROM base")


def test_what_is_set_is_what_the_session_has(stack: Stack) -> None:
    with contextlib.closing(connected(stack)) as connection:
        session.prepare(connection, 20)
        table = CatalogTable(connection)
        found = {name: table.execute(f"SELECT @@SESSION.{name}")[0][0] for name in session.COMMON}
    assert {name: str(value) for name, value in found.items()} == {
        name: str(value) for name, value in session.COMMON.items()
    }


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ({"sql_mode": "", "time_zone": "SYSTEM", "sql_select_limit": 9}, "time_zone = SYSTEM"),
        ({"sql_mode": "ANSI_QUOTES", "time_zone": "+00:00", "sql_select_limit": 9}, "ANSI_QUOTES"),
        ({"sql_mode": "", "time_zone": "+00:00", "sql_select_limit": 2}, "sql_select_limit = 2"),
    ],
)
def test_a_proxy_that_swallows_a_setting_is_named(found: dict[str, object], named: str) -> None:
    with pytest.raises(CatalogQueryFailed, match=named):
        session._check(found, {"time_zone": "+00:00", "sql_select_limit": 9})


def test_an_invisible_column_is_read(stack: Stack, base: CatalogTable) -> None:
    base.execute("ALTER TABLE base ADD COLUMN route VARCHAR(20) INVISIBLE DEFAULT 'ORAL'")
    with catalog_of(stack, "base").connect() as reader:
        assert reader.columns() == ("ndc", "drug_name", "route")
        assert {row["route"] for row in reader.read_range(None, None).rows} == {"ORAL"}


def test_names_are_as_the_server_reads_them(stack: Stack, base: CatalogTable) -> None:
    ignores_case = base.execute("SELECT @@lower_case_table_names")[0][0] != 0
    with catalog_of(stack, "DRUGS_VIEW").connect() as reader:
        if ignores_case:
            assert len(reader.read_range(None, None).rows) == 4
        else:
            with pytest.raises(CatalogMissing, match="including upper and lower case"):
                reader.columns()


# Access


def user(admin: CatalogTable, rights: str, options: str = "") -> dict[str, str]:
    admin.execute("DROP USER IF EXISTS 'odd'@'localhost'")
    admin.execute(f"CREATE USER 'odd'@'localhost' IDENTIFIED BY '{PASSWORD}' {options}")
    if rights:
        admin.execute(f"GRANT {rights} ON drugs.drugs_view TO 'odd'@'localhost'")
    return {"user": "odd", "password": PASSWORD}


def test_a_reader_needs_no_more_than_the_documented_grants(
    stack: Stack, base: CatalogTable, admin: CatalogTable
) -> None:
    login = user(admin, "SELECT, SHOW VIEW")
    admin.execute("GRANT SELECT ON drugs.base TO 'odd'@'localhost'")
    with catalog_of(stack, **login).connect() as reader:
        reader.columns()
        reader.check_key(rows_worth_an_index=3)
        assert len(reader.read_range(None, None).rows) == 4
        with pytest.raises(CatalogError):
            reader._query("SELECT * FROM drugs")


def test_a_view_whose_plan_may_not_be_seen_is_named_with_the_grant(
    stack: Stack, base: CatalogTable, admin: CatalogTable
) -> None:
    base.execute("CREATE OR REPLACE VIEW drugs_view AS SELECT ndc, drug_name FROM base")
    login = user(admin, "SELECT")
    with (
        catalog_of(stack, **login).connect() as reader,
        pytest.raises(CatalogAccessDenied, match="GRANT SELECT, SHOW VIEW ON drugs_view"),
    ):
        reader.check_key(rows_worth_an_index=3)


@pytest.mark.parametrize(
    ("options", "login"),
    [
        ("", {"password": "wrong"}),
        ("ACCOUNT LOCK", {}),
        ("PASSWORD EXPIRE", {}),
        ("REQUIRE SSL", {"ssl_disabled": True}),
    ],
    ids=["wrong password", "locked", "expired", "without TLS"],
)
def test_a_user_who_is_not_let_in_is_told_so_and_not_tried_again(
    stack: Stack,
    base: CatalogTable,
    admin: CatalogTable,
    options: str,
    login: dict[str, Any],
) -> None:
    valid = user(admin, "SELECT", options)
    with pytest.raises(CatalogAccessDenied, match="MySQL refused the user"):
        read(stack, **(valid | login))


def test_an_unknown_database_is_named(stack: Stack, admin: CatalogTable) -> None:
    with pytest.raises(CatalogMissing, match=r"nowhere.*check catalog_table and mysql_database"):
        read(stack, user="root", database="nowhere")


def test_a_view_that_has_lost_its_table_is_named(stack: Stack, base: CatalogTable) -> None:
    base.execute("DROP TABLE base")
    with pytest.raises(CatalogMissing, match="correct the view drugs_view"):
        read(stack)


# Servers that are none


@contextlib.contextmanager
def answering(greeting: bytes | None) -> Iterator[int]:
    """A port that greets with these bytes, or accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    accepted, _ = server.accept()
                    held.append(accepted)
                    if greeting is not None:
                        accepted.sendall(greeting)
                        accepted.close()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for one in held:
            one.close()


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"-ERR unknown command\r\n",
        bytes(range(256)),
        b"\x01\x00\x00\x00\x0a",
        b"\x05\x00\x00\x00\x09a\x00\x00\x00",
    ],
    ids=["closes", "ssh", "http", "redis", "bytes", "short", "old"],
)
def test_a_port_where_another_server_answers_is_named(stack: Stack, greeting: bytes) -> None:
    with answering(greeting) as port, pytest.raises(CatalogUnavailable):
        read(stack, unix_socket=None, host="127.0.0.1", port=port)


def test_a_port_where_nobody_speaks_is_given_up_after_seconds(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert adapter.CONNECT_S <= 5
    monkeypatch.setattr(adapter, "CONNECT_S", 1)
    started = time.monotonic()
    with answering(None) as port, pytest.raises(CatalogUnavailable):
        read(stack, unix_socket=None, host="127.0.0.1", port=port)
    assert time.monotonic() - started < 3


def test_a_server_says_what_it_is(stack: Stack) -> None:
    with catalog_of(stack, "drugs").connect() as reader:
        assert reader.server() == stack.mysql.version


def test_a_page_can_be_read_in_part(stack: Stack, catalog: CatalogTable) -> None:
    catalog.insert(*make_rows(6))
    with catalog_of(stack, "drugs").connect() as reader:
        found = reader.read_range(None, None, 4)
    assert (len(found.rows), len(found.keys)) == (4, 4)
