"""A reader endpoint whose lag is too large, or unknown, is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

import mysql.connector
import pytest

from local.servers.stack import Stack
from tests.lab import Lab
from tests.servers import CatalogTable
from workflow.adapters.mysql.catalog import MySQLCatalog
from workflow.adapters.mysql.lag import of_aurora, of_replica
from workflow.contract.errors import CatalogAccessDenied, CatalogLagging


def reader(stack: Stack, user: str, most_lag_s: int = 5) -> MySQLCatalog:
    options = {"unix_socket": stack.mysql.socket, "user": user, "database": stack.mysql.database}
    return MySQLCatalog(lambda: options, "drugs", 20, most_lag_s)


@pytest.fixture
def admin(stack: Stack) -> Iterator[CatalogTable]:
    """The server's root, who may ask how far a replica is behind."""
    connection = mysql.connector.connect(
        unix_socket=stack.mysql.socket, user="root", use_pure=True, autocommit=True
    )
    assert isinstance(connection, mysql.connector.connection.MySQLConnection)
    yield CatalogTable(connection)
    connection.close()


@pytest.fixture
def standing_still(stack: Stack, admin: CatalogTable) -> Iterator[None]:
    """The server is a replica whose replication was never started."""
    if stack.mysql.version.startswith("MariaDB"):
        admin.execute("CHANGE MASTER TO MASTER_HOST = '127.0.0.2', MASTER_USER = 'nobody'")
        yield
        admin.execute("RESET SLAVE ALL")
    else:
        admin.execute("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.2', SOURCE_USER = 'x'")
        yield
        admin.execute("RESET REPLICA ALL")


def test_a_server_that_follows_no_other_is_not_behind(
    stack: Stack, catalog: CatalogTable, admin: CatalogTable
) -> None:
    with reader(stack, "root", 0).connect() as opened:
        assert opened.is_empty()


def test_a_replica_that_stands_still_is_refused_by_name(stack: Stack, standing_still: None) -> None:
    with (
        pytest.raises(CatalogLagging, match=r"so its lag is unknown, and 5 s are"),
        reader(stack, "root").connect(),
    ):
        pass


def test_a_reader_that_follows_nobody_is_refused_by_name(
    stack: Stack, admin: CatalogTable, catalog: CatalogTable
) -> None:
    """A secondary of a replication group, or a replica that was detached: both are read only."""
    admin.execute("SET GLOBAL read_only = 1")
    try:
        with (
            pytest.raises(CatalogLagging, match="without running replication"),
            reader(stack, "root").connect(),
        ):
            pass
    finally:
        admin.execute("SET GLOBAL read_only = 0")


def test_a_lag_that_nobody_may_know_is_refused_with_the_grant(
    stack: Stack, admin: CatalogTable
) -> None:
    admin.execute("CREATE USER 'odd'@'localhost'")
    admin.execute(f"GRANT SELECT ON {stack.mysql.database}.* TO 'odd'@'localhost'")
    try:
        with (
            pytest.raises(CatalogAccessDenied, match="REPLICATION CLIENT"),
            reader(stack, "odd").connect(),
        ):
            pass
    finally:
        admin.execute("DROP USER 'odd'@'localhost'")


def test_without_a_reader_endpoint_nobody_asks(lab: Lab, standing_still: None) -> None:
    assert lab.succeed().status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("row", "lag_s"),
    [
        ({"Replica_IO_State": "", "Seconds_Behind_Source": 7}, 7),
        ({"Slave_IO_State": "", "Seconds_Behind_Master": 0}, 0),
        ({"Seconds_Behind_Source": None}, inf),
    ],
)
def test_the_lag_of_a_replica_is_read_as_servers_write_it(
    row: dict[str, Any], lag_s: float
) -> None:
    assert of_replica(row) == lag_s


@pytest.mark.parametrize(("said", "lag_s"), [(21.5, 0.0215), (12000, 12), (None, inf)])
def test_the_lag_of_an_aurora_reader_is_in_milliseconds(said: float | None, lag_s: float) -> None:
    assert of_aurora({"replica_lag_in_milliseconds": said}) == lag_s
