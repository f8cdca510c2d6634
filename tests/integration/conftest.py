"""Fixtures of tests that look at what the functions read, statement by statement."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.servers.stack import Stack
from tests.integration.reading import connected, drop, view
from tests.servers import CatalogTable


@pytest.fixture
def admin(stack: Stack) -> Iterator[CatalogTable]:
    """The server's root, who is let in by the socket only; the users `odd` are dropped again."""
    connection = connected(stack, user="root")
    connection.autocommit = True
    table = CatalogTable(connection)
    yield table
    table.execute("DROP USER IF EXISTS 'odd'@'localhost'")
    connection.close()


@pytest.fixture
def base(catalog: CatalogTable) -> Iterator[CatalogTable]:
    """`base` has an indexed key and whatever a test puts beside; the view `drugs_view` reads it."""
    drop(catalog)
    catalog.execute(
        "CREATE TABLE base (ndc VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY, drug_name CHAR(20), "
        "made TIMESTAMP NULL)"
    )
    for key in ("a", "a\\", "b", "c"):
        catalog.execute(
            "INSERT INTO base VALUES (%s, %s, '2020-03-01 00:00:00')", [key, f"Drug {key} \N{PILL}"]
        )
    view(catalog, "drug_name")
    yield catalog
    drop(catalog)
