"""The catalog in MySQL (Aurora MySQL 3, MySQL 8 and 9, MariaDB), read with mysql-connector.

Pure Python driver: on some machines its C extension fails to load OpenSSL, and it is 21 MB.
Only SQL that all these servers know; keys are compared in SQL for paging and never folded here.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

from mysql.connector import connect
from mysql.connector.abstracts import MySQLConnectionAbstract

from workflow.adapters.mysql import session
from workflow.adapters.mysql.buffered import buffer_answers
from workflow.adapters.mysql.columns import Column, column_of
from workflow.adapters.mysql.errors import greeted, translated
from workflow.adapters.mysql.lag import check_lag
from workflow.adapters.mysql.reading import read_rows, text
from workflow.contract.columns import COLUMNS, KEY, REQUIRED
from workflow.contract.errors import CatalogQueryFailed, ColumnMissing, KeyBlank, KeyNotIndexed
from workflow.contract.ports.catalog import RangeRows

CONNECT_S: Final = 5
"""A running server answers at once; wait this long for one that does not."""

CUT: Final = {1260, 1301, 1931}
"""Warnings that a value or row was left out: GROUP_CONCAT, packet size, rows examined."""


def open_connection(options: dict[str, Any], table: str, timeout_s: int) -> MySQLConnectionAbstract:
    """As the driver leaves it, but with buffered answers. `table` is for messages."""
    with translated(table), greeted():
        connection = connect(
            **options,
            use_pure=True,
            charset=session.CHARSET,
            collation=session.COLLATION,
            use_unicode=True,
            autocommit=True,
            connection_timeout=min(CONNECT_S, timeout_s),
            read_timeout=timeout_s,
            write_timeout=timeout_s,
        )
    buffer_answers(connection)
    return connection


class MySQLCatalog:
    """One table or view. Each step opens one connection and closes it at its end."""

    def __init__(
        self,
        options: Callable[[], dict[str, Any]],
        table: str,
        timeout_s: int,
        most_lag_s: int | None = None,
    ) -> None:
        """`options` returns host, user, password, TLS and so on; it is called for each connection.

        `most_lag_s` is how far a reader endpoint may be behind.
        """
        self._options = options
        self._table = table
        self._timeout_s = timeout_s
        self._most_lag_s = most_lag_s

    @contextmanager
    def connect(self) -> Iterator["MySQLReader"]:
        options = self._options()
        connection = open_connection(options, self._table, self._timeout_s)
        with closing(connection):
            with translated(self._table):
                session.prepare(connection, self._timeout_s)
                if self._most_lag_s is not None:
                    check_lag(connection, options.get("host", ""), self._most_lag_s)
            yield MySQLReader(connection, self._table)


class MySQLReader:
    """Reads the catalog over one connection."""

    def __init__(self, connection: MySQLConnectionAbstract, table: str) -> None:
        self._connection = connection
        self._name = table
        self._table = ".".join(f"`{part}`" for part in table.split("."))
        self._present: list[Column] | None = None

    def server(self) -> str:
        return session.server_of(self._connection)

    def columns(self) -> tuple[str, ...]:
        """Raises CatalogMissing, ColumnMissing, ColumnUnreadable."""
        return tuple(column.name for column in self._columns())

    def _columns(self) -> list[Column]:
        """Includes invisible columns, which SELECT * leaves out."""
        if self._present is None:
            shown, _ = self._query(f"SHOW FULL COLUMNS FROM {self._table}")
            found = {str(row[0]).lower(): (text(row[1]), row[2]) for row in shown}
            missing = [column for column in REQUIRED if column not in found]
            if missing:
                raise ColumnMissing(
                    f"{self._name} has no column {', '.join(missing)} that the user may read; add "
                    f"it to the view (its columns: {', '.join(found)})"
                )
            self._present = [column_of(name, *found[name]) for name in COLUMNS if name in found]
        return self._present

    def check_key(self, rows_worth_an_index: int) -> None:
        """Raises KeyBlank, KeyNotIndexed. EXPLAIN also works for views, which have no indexes."""
        blank, _ = self._query(
            f"SELECT 1 FROM {self._table} t WHERE t.`{KEY}` IS NULL OR t.`{KEY}` = '' LIMIT 1"
        )
        if blank:
            raise KeyBlank(
                f"{self._name} has a row whose {KEY} is NULL or empty; give it a key or leave it "
                "out of the view"
            )
        sql, values = self._keys(None, None, 2, rows_worth_an_index - 1)
        # The format is named, because MySQL 9 otherwise answers with a tree of text.
        steps, names = self._query(f"EXPLAIN FORMAT=TRADITIONAL {sql}", values)
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
        # Two rows: the page's last and, if the catalog continues, the next page's first.
        found, _ = self._query(*self._keys(after, through, 2, rows - 1))
        return text(found[0][0]) if len(found) == 2 else None

    def key_at(self, after: str | None, through: str | None, offset: int) -> str | None:
        found, _ = self._query(*self._keys(after, through, 1, offset))
        return text(found[0][0]) if found else None

    def count(self, after: str | None, through: str | None) -> int:
        where, values = _range(after, through)
        found, _ = self._query(f"SELECT COUNT(*) FROM {self._table} t WHERE {where}", values)
        return int(found[0][0])

    def _keys(
        self, after: str | None, through: str | None, limit: int, offset: int
    ) -> tuple[str, tuple[str, ...]]:
        where, values = _range(after, through)
        key = f"t.`{KEY}`"
        sql = (
            f"SELECT {key} FROM {self._table} t WHERE {where} "
            f"ORDER BY {key} LIMIT {limit} OFFSET {offset}"
        )
        return sql, values

    def keys(self, after: str | None, through: str | None) -> list[str]:
        where, values = _range(after, through)
        sql = f"SELECT t.`{KEY}` FROM {self._table} t WHERE {where} ORDER BY t.`{KEY}`"
        found, _ = self._query(sql, values)
        return [text(row[0]) for row in found]

    def read_range(
        self, after: str | None, through: str | None, limit: int | None = None
    ) -> RangeRows:
        where, values = _range(after, through)
        most = "" if limit is None else f" LIMIT {limit}"
        return self._rows(f"{where} ORDER BY t.`{KEY}`{most}", values)

    def read_keys(self, keys: Sequence[str]) -> RangeRows:
        if not keys:
            return RangeRows([], [], [])
        marks = ", ".join(["%s"] * len(keys))
        return self._rows(f"t.`{KEY}` IN ({marks}) ORDER BY t.`{KEY}`", tuple(keys))

    def _rows(self, where: str, values: tuple[str, ...]) -> RangeRows:
        columns = self._columns()
        wanted = [column.value for column in columns]
        wanted += [column.check for column in columns if column.check]
        sql = f"SELECT {', '.join(wanted)} FROM {self._table} t WHERE {where}"
        # Raw: the driver's conversion takes half of the time, and turns zero dates into None.
        # All at once: fetchmany makes five calls for each row.
        with translated(self._name), closing(self._connection.cursor(raw=True)) as cursor:
            cursor.execute(sql, values)
            found = cursor.fetchall()
            warnings = cursor.warning_count
        if warnings:
            self._refuse_cut_answers()
        return read_rows(columns, found)

    def _refuse_cut_answers(self) -> None:
        shown, _ = self._query("SHOW WARNINGS")
        cut = [str(words) for _, number, words in shown if number in CUT]
        if cut:
            raise CatalogQueryFailed(
                f"MySQL left out part of {self._name}: {cut[0]}; correct the view, or raise what "
                "the message names"
            )

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
