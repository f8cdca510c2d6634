"""MySQL refuses, breaks off, lags behind, or answers what no catalog should."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.servers.servers import connect, running_mysql, start_mysql, stop_mysql
from tests.faults.conftest import ROWS
from tests.faults.lab import FaultLab, OnTry
from tests.faults.proxy import Cut, Proxy, proxy_to
from tests.faults.tally import RETRIED, named
from tests.lab import before
from tests.rows import make_row, make_rows, ndc
from tests.servers import CatalogTable
from workflow.contract.retries import OUTAGE

ONE_BY_ONE = {"diff_concurrency": "1", "verify_concurrency": "1"}
BROKEN = "CatalogUnavailable"


@pytest.fixture
def view(lab: FaultLab) -> Iterator[Callable[[str], None]]:
    """Makes the view that the functions read: `drugs` with another `manufacturer`."""
    run = lab.catalog.execute
    columns = ", ".join(f"`{column}`" for column in make_row(0) if column != "manufacturer")
    lab.settings["catalog_table"] = "faulty"

    def make(expression: str) -> None:
        run(f"CREATE OR REPLACE VIEW faulty AS SELECT {columns}, {expression} FROM drugs")

    yield make
    run("DROP VIEW IF EXISTS faulty")
    run("DROP FUNCTION IF EXISTS failing")


@pytest.fixture
def proxy(lab: FaultLab) -> Iterator[Proxy]:
    """Between the functions and MariaDB."""
    mysql = lab.stack.mysql
    with proxy_to(Path(mysql.socket)) as made:
        lab.settings |= {"mysql_socket": "", "mysql_host": "127.0.0.1", "mysql_tls": "false"}
        lab.settings["mysql_port"] = str(made.port)
        yield made


def errors(lab: FaultLab) -> list[str | None]:
    return [one.error for one in lab.invocations if one.error]


@pytest.mark.fault("MySQL", "connection refused", "PlanPages", named(BROKEN))
def test_a_server_that_refuses_connections_fails_the_run_by_name(synced: FaultLab) -> None:
    nobody = {"mysql_socket": "", "mysql_host": "127.0.0.1", "mysql_port": "1"}
    synced.fail(BROKEN, settings=nobody | {"mysql_tls": "false"})
    assert synced.tries("PlanPages") == {None: 1 + OUTAGE.attempts}
    synced.converge()


@pytest.mark.fault("MySQL", "the reader endpoint is down", "VerifyPage", named(BROKEN))
def test_verification_reads_from_the_reader_endpoint(lab: FaultLab, proxy: Proxy) -> None:
    lab.succeed(run_id="first")
    lab.fail(BROKEN, settings={"mysql_reader_host": "127.0.0.2"})  # where nobody listens
    assert set(lab.states()) >= {"PlanPages", "DiffPage", "VerifyPage"}
    assert {one.state for one in lab.invocations if one.error} == {"VerifyPage"}


@pytest.mark.parametrize("state", ["PlanPages", "DiffPage", "VerifyPage"])
@pytest.mark.fault("MySQL", "connection dropped in the middle of an answer", "(each)", RETRIED)
def test_a_connection_that_drops_in_the_middle_of_an_answer_is_opened_again(
    lab: FaultLab, proxy: Proxy, state: str
) -> None:
    def arm() -> None:
        # A key of the second page: its name is in answers to each of these steps.
        proxy.cut = Cut(ndc(9 if state == "PlanPages" else 13).encode())

    lab.succeed(intercept=before(state, arm), settings=ONE_BY_ONE)
    assert proxy.cut.done == 1
    assert errors(lab) == [BROKEN]
    assert lab.page_tries(state)[0] == 2
    lab.assert_in_step()


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(one, marks=pytest.mark.fault("MySQL", one.lower(), "DiffPage", RETRIED))
        for one in ("KILL QUERY", "KILL CONNECTION")
    ],
)
def test_a_killed_statement_repeats_its_page_only(
    lab: FaultLab, view: Callable[[str], None], command: str
) -> None:
    view("manufacturer")
    lab.succeed()
    view(f"CONCAT(manufacturer, IF(ndc = '{ndc(13)}' AND SLEEP(0.5), '', '')) AS manufacturer")
    killer = threading.Thread(target=kill_reader, args=(lab, command))
    lab.succeed("backfill", intercept=before("DiffPage", killer.start))
    killer.join()
    assert errors(lab) == [BROKEN]
    assert lab.page_tries("DiffPage") == [2, 1]
    lab.assert_in_step()


def kill_reader(lab: FaultLab, command: str) -> None:
    """Kill the statement that reads the view, once there is one."""
    query = (
        "SELECT id FROM information_schema.processlist "
        "WHERE state = 'User sleep' AND info LIKE '%faulty%'"
    )
    with contextlib.closing(connect(lab.stack.mysql)) as connection:
        connection.autocommit = True
        table = CatalogTable(connection)
        deadline = time.monotonic() + 20
        while not (found := table.execute(query)) and time.monotonic() < deadline:
            time.sleep(0.005)
        table.execute(f"{command} {found[0][0]}")


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(number, id=what, marks=pytest.mark.fault("MySQL", what, "DiffPage", RETRIED))
        for number, what in [
            (1213, "deadlock"),
            (1205, "lock wait timeout"),
            (3024, "statement timeout"),
            (1053, "shutdown in progress"),
            (1226, "too many queries of the user"),
            (1412, "the table was altered under the statement"),
            (1114, "a temporary table was full"),
            (1105, "the proxy found no connection in time"),
            (4031, "disconnected for want of activity"),
        ]
    ],
)
def test_an_error_that_passes_repeats_its_page_only(
    lab: FaultLab, view: Callable[[str], None], number: int
) -> None:
    lab.catalog.execute("DROP FUNCTION IF EXISTS failing")
    lab.catalog.execute(
        "CREATE FUNCTION failing(key_ TEXT, value_ TEXT) RETURNS TEXT BEGIN "
        f"IF key_ = '{ndc(13)}' THEN SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = {number}; END IF; "
        "RETURN value_; END"
    )
    view("manufacturer")
    # One by one, the second page fails, and its second try is the third of all.
    turn = {
        1: lambda: view("failing(ndc, manufacturer) AS manufacturer"),
        3: lambda: view("manufacturer"),
    }
    lab.succeed(intercept=OnTry("DiffPage", before=turn), settings=ONE_BY_ONE)
    assert errors(lab) == [BROKEN]
    assert lab.page_tries("DiffPage") == [2, 1]
    lab.assert_in_step()


@pytest.mark.fault("MySQL", "the table is locked for longer than the timeout", "DiffPage", RETRIED)
def test_a_locked_table_is_read_once_it_is_free(lab: FaultLab) -> None:
    with contextlib.closing(connect(lab.stack.mysql)) as connection:
        other = CatalogTable(connection)
        turn = OnTry(
            "DiffPage",
            before={
                1: lambda: other.execute("LOCK TABLES drugs WRITE"),
                2: lambda: other.execute("UNLOCK TABLES"),
            },
        )
        lab.succeed(intercept=turn, settings=ONE_BY_ONE | {"mysql_timeout_s": "1"})
    assert errors(lab) == [BROKEN]
    lab.assert_in_step()


@pytest.mark.fault("MySQL", "SIGKILL and restart", "DiffPage", RETRIED)
def test_a_server_that_restarts_is_asked_again(lab: FaultLab, tmp_path: Path) -> None:
    server = start_mysql(tmp_path)
    try:
        with contextlib.closing(connect(server)) as connection:
            connection.autocommit = True
            table = CatalogTable(connection)
            table.create()
            table.insert(*make_rows(ROWS))

        def crash() -> None:
            found = running_mysql(tmp_path)
            assert found
            os.kill(found.pid, signal.SIGKILL)
            os.waitpid(found.pid, 0)

        own = FaultLab(
            replace(lab.stack, mysql=server), lab.catalog, lab.index, settings=lab.settings
        )
        turn = OnTry("DiffPage", after={1: crash}, before={3: lambda: start_mysql(tmp_path)})
        own.succeed(intercept=turn, settings=ONE_BY_ONE)
        assert errors(own) == [BROKEN]
        own.assert_in_step()
    finally:
        stop_mysql(tmp_path)
