"""A catalog read by the product's adapter, and by a test's own connection."""

from __future__ import annotations

from typing import Any

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract

from local.servers.stack import Stack
from tests.servers import CatalogTable
from workflow.adapters.mysql.catalog import MySQLCatalog


def drop(catalog: CatalogTable) -> None:
    catalog.execute("DROP VIEW IF EXISTS drugs_view")
    catalog.execute("DROP TABLE IF EXISTS base")


def view(catalog: CatalogTable, drug_name: str) -> None:
    catalog.execute(
        "CREATE OR REPLACE SQL SECURITY INVOKER VIEW drugs_view AS "
        f"SELECT ndc, {drug_name} AS drug_name FROM base"
    )


def connected(stack: Stack, **options: Any) -> MySQLConnectionAbstract:
    connection = mysql.connector.connect(**reached(stack, **options), use_pure=True)
    assert isinstance(connection, MySQLConnectionAbstract)
    return connection


def reached(stack: Stack, **options: Any) -> dict[str, Any]:
    found = {"unix_socket": stack.mysql.socket, "user": stack.mysql.user}
    return found | {"database": stack.mysql.database} | options


def catalog_of(stack: Stack, table: str = "drugs_view", **options: Any) -> MySQLCatalog:
    return MySQLCatalog(lambda: reached(stack, **options), table, 20)


def is_mariadb(stack: Stack) -> bool:
    return stack.mysql.version.startswith("MariaDB")
