"""The catalog in MySQL (Aurora MySQL 3, MySQL 8, MariaDB 10.11), read with mysql-connector.

Pure Python driver: on some machines its C extension fails to load OpenSSL, and it is 21 MB.
Only SQL that all three servers know; keys are compared in SQL for paging and never folded here.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from mysql.connector import connect
from mysql.connector.abstracts import MySQLConnectionAbstract
from mysql.connector.errors import Error

from workflow.contract.columns import COLUMNS, KEY, REQUIRED
from workflow.contract.errors import (
    CatalogAccessDenied,
    CatalogError,
    CatalogMissing,
    CatalogQueryFailed,
    CatalogUnavailable,
    ColumnMissing,
    KeyBlank,
    KeyNotIndexed,
)
from workflow.contract.ports.catalog import Row

DENIED = {1044, 1045, 1142, 1143, 1227, 1698, 3118, 3159}
MISSING = {1049, 1146}
UNAVAILABLE = {
    *(1040, 1053, 1080, 1129, 1152, 1158, 1159, 1160, 1161, 1203, 1226),  # connections, network
    *(1205, 1213, 1317, 1927, 3024, 3572, 1969),  # locks, killed or timed-out statements
    *(2002, 2003, 2005, 2006, 2012, 2013, 2014, 2026, 2055),  # the client's own
}


class MySQLCatalog:
    """One table or view. A connection lives as long as a step needs it: pages are few."""

    def __init__(self, options: Callable[[], dict[str, Any]], table: str, timeout_s: int) -> None:
        """`options` gives host, user, password, TLS and so on, anew for each connection."""
        self._options = options
        self._table = table
        self._timeout_s = timeout_s

    @contextmanager
    def connect(self) -> Iterator["MySQLReader"]:
        with translated(self._table):
            connection = connect(
                **self._options(),
                use_pure=True,
                charset="utf8mb4",
                collation="utf8mb4_bin",
                use_unicode=True,
                autocommit=True,
                connection_timeout=self._timeout_s,
                read_timeout=self._timeout_s,
                write_timeout=self._timeout_s,
            )
        with closing(connection):
            yield MySQLReader(connection, self._table)


class MySQLReader:
    """Reads the catalog over one connection."""

    def __init__(self, connection: MySQLConnectionAbstract, table: str) -> None:
        self._connection = connection
        self._name = table
        self._table = ".".join(f"`{part}`" for part in table.split("."))
        self._present: tuple[str, ...] | None = None

    def columns(self) -> tuple[str, ...]:
        """Raises CatalogMissing, ColumnMissing."""
        if self._present is None:
            _, names = self._query(f"SELECT * FROM {self._table} LIMIT 0")
            found = {name.lower() for name in names}
            missing = [column for column in REQUIRED if column not in found]
            if missing:
                raise ColumnMissing(
                    f"{self._name} has no column {', '.join(missing)}; add it to the view "
                    f"(its columns: {', '.join(names)})"
                )
            self._present = tuple(column for column in COLUMNS if column in found)
        return self._present

    def check_key(self, rows_worth_an_index: int) -> None:
        """Raises KeyBlank, KeyNotIndexed. EXPLAIN tells of views, too, which have no indexes."""
        blank, _ = self._query(
            f"SELECT 1 FROM {self._table} t WHERE t.`{KEY}` IS NULL OR t.`{KEY}` = '' LIMIT 1"
        )
        if blank:
            raise KeyBlank(
                f"{self._name} has a row whose {KEY} is NULL or empty; give it a key or leave it "
                "out of the view"
            )
        sql, values = self._page_end(None, None, rows_worth_an_index)
        steps, names = self._query(f"EXPLAIN {sql}", values)
        for step in steps:
            plan = dict(zip((name.lower() for name in names), step, strict=True))
            scanned = int(plan.get("rows") or 0)
            slow = plan.get("type") == "ALL" or "filesort" in str(plan.get("extra"))
            if slow and scanned > rows_worth_an_index:
                raise KeyNotIndexed(
                    f"reading {self._name} by {KEY} scans or sorts {scanned:,} rows of "
                    f"{plan.get('table')}; store {KEY} in a column with a unique index and let the "
                    "view read from that table"
                )

    def is_empty(self) -> bool:
        rows, _ = self._query(f"SELECT 1 FROM {self._table} LIMIT 1")
        return not rows

    def page_end(self, after: str | None, through: str | None, rows: int) -> str | None:
        sql, values = self._page_end(after, through, rows)
        found, _ = self._query(sql, values)
        return found[0][0] if len(found) == 2 else None

    def _page_end(
        self, after: str | None, through: str | None, rows: int
    ) -> tuple[str, tuple[str, ...]]:
        where, values = _range(after, through)
        key = f"t.`{KEY}`"
        # Two rows: the page's last and, where the catalog goes on, the next page's first.
        sql = (
            f"SELECT CAST({key} AS CHAR) FROM {self._table} t WHERE {where} "
            f"ORDER BY {key} LIMIT 2 OFFSET {rows - 1}"
        )
        return sql, values

    def read_range(self, after: str | None, through: str | None) -> Iterator[Row]:
        where, values = _range(after, through)
        return self._rows(f"{where} ORDER BY t.`{KEY}`", values)

    def read_keys(self, keys: Sequence[str]) -> Iterator[Row]:
        if not keys:
            return iter(())
        return self._rows(f"t.`{KEY}` IN ({', '.join(['%s'] * len(keys))})", tuple(keys))

    def _rows(self, where: str, values: tuple[str, ...]) -> Iterator[Row]:
        present = self.columns()
        # CAST gives zero dates, decimals and booleans one form in every server and driver.
        casts = ", ".join(f"CAST(t.`{column}` AS CHAR) AS `{column}`" for column in present)
        # t.ndc in ORDER BY is the column, not the CAST of the same name, which has no index.
        sql = f"SELECT {casts} FROM {self._table} t WHERE {where}"
        # Raw: every value is text already, and the driver's conversion takes half of its time.
        # All at once: fetchmany goes through five calls a row.
        with translated(self._name), closing(self._connection.cursor(raw=True)) as cursor:
            cursor.execute(sql, values)
            for row in cursor.fetchall():
                values_of = [None if one is None else one.decode() for one in row]
                yield dict(zip(present, values_of, strict=True))

    def _query(
        self, sql: str, values: tuple[str, ...] = ()
    ) -> tuple[list[tuple[Any, ...]], list[str]]:
        """All rows and the names of their columns."""
        with translated(self._name), closing(self._connection.cursor()) as cursor:
            cursor.execute(sql, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows, list(cursor.column_names)


def _range(after: str | None, through: str | None) -> tuple[str, tuple[str, ...]]:
    bounds = [(f"t.`{KEY}` > %s", after), (f"t.`{KEY}` <= %s", through)]
    used = [(sql, value) for sql, value in bounds if value is not None]
    where = " AND ".join(sql for sql, _ in used) or "TRUE"
    return where, tuple(value for _, value in used)


@contextmanager
def translated(table: str) -> Iterator[None]:
    """Turn the driver's errors into ours, once, with the cause kept."""
    try:
        yield
    except Error as error:
        raise _translate(error, table) from error
    except (OSError, EOFError) as error:
        raise CatalogUnavailable(f"the connection to MySQL broke: {error}") from error


def _translate(error: Error, table: str) -> CatalogError:
    number = error.errno
    if number in DENIED:
        return CatalogAccessDenied(
            f"MySQL refused the user: {error.msg}; check mysql_user, its secret and the grant "
            f"SELECT on {table}"
        )
    if number in MISSING:
        return CatalogMissing(f"MySQL: {error.msg}; check catalog_table and mysql_database")
    if number in UNAVAILABLE or number in (-1, None):
        return CatalogUnavailable(f"MySQL did not answer: {error}")
    if number == 1054:
        return ColumnMissing(f"MySQL: {error.msg} (it was there when the page began)")
    return CatalogQueryFailed(f"MySQL refused a statement on {table}: {error}")
