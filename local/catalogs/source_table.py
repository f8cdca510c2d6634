"""Look at a user's own tables over their connection. Reads, and creates only what was agreed."""

from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract

from local.catalogs.catalog import CATALOGS
from local.catalogs.proposal import Proposal, SourceColumn, place, propose, quoted, template_of
from local.catalogs.tables import execute, kind
from local.errors import LocalError
from workflow.adapters.mysql import session
from workflow.adapters.mysql.catalog import MySQLReader
from workflow.adapters.mysql.errors import translated
from workflow.contract.columns import COLUMNS
from workflow.contract.ports.catalog import Row
from workflow.contract.rows import SAMPLE_ROWS, check_sample

FIRST_DATABANK = {"rndc14", "rgcnseq4", "rlblrid3"}
ROWS_WORTH_AN_INDEX = 2000


class SourceTables:
    """The tables of one database."""

    def __init__(self, connection: MySQLConnectionAbstract) -> None:
        self._connection = connection
        with translated("the database"):
            session.prepare(connection, timeout_s=60)

    def names(self) -> list[str]:
        return [str(row[0]) for row in self._rows("SHOW TABLES")]

    def propose(self, table: str, view: str, chosen: Mapping[str, str]) -> Proposal:
        """A mapping of the table. Raises LocalError, CatalogError."""
        names = {name.lower(): name for name in self.names()}
        if table.lower() not in names:
            raise LocalError(f"there is no table {table}; there are: {', '.join(names.values())}")
        if table.lower() == "rndc14" and set(names) >= FIRST_DATABANK and not chosen:
            return self._first_databank(table, view)
        found = propose(table, view, self.columns(table), self.sample(table), chosen)
        if found.alter and kind(self._connection, table) == "VIEW":
            raise LocalError(
                f"{table} is a view, and its key must be made where it is stored: map the table "
                "that it reads, or give that table this key: " + "; ".join(found.notes)
            )
        return found

    def _first_databank(self, table: str, view: str) -> Proposal:
        sql = (CATALOGS / "first_databank.sql").read_text(encoding="utf-8").strip().rstrip(";")
        columns = {name: name for name in COLUMNS}
        return Proposal(
            table,
            view,
            columns,
            notes=("these are First Databank's tables, for which a view is shipped",),
            given=sql,
            template=template_of(columns),
        )

    def columns(self, table: str) -> list[SourceColumn]:
        shown = self._rows(f"SHOW FULL COLUMNS FROM {quoted(table)}")
        unique = self._unique(table)
        return [SourceColumn(str(row[0]), str(row[1]), str(row[0]) in unique) for row in shown]

    def _unique(self, table: str) -> set[str]:
        """Columns that are a unique key by themselves."""
        keys: dict[str, list[str]] = {}
        for row in self._rows(f"SHOW INDEX FROM {quoted(table)}"):
            if not row[1]:
                keys.setdefault(str(row[2]), []).append(str(row[4]))
        return {columns[0] for columns in keys.values() if len(columns) == 1}

    def sample(self, table: str) -> list[Row]:
        """The first rows as text."""
        return self._read(f"SELECT * FROM {quoted(table)} LIMIT {SAMPLE_ROWS}")  # noqa: S608 - quoted

    def preview(self, proposal: Proposal) -> list[Row]:
        """The first rows as the view would give them, before it exists."""
        if proposal.given:
            body = proposal.given.partition(" AS\n")[2]
            return self._read(f"{body} LIMIT {SAMPLE_ROWS}")
        wanted = ", ".join(f"{sql} AS {name}" for name, sql in proposal.now.items())
        source = f"FROM {quoted(proposal.table)} t"
        return self._read(f"SELECT {wanted} {source} LIMIT {SAMPLE_ROWS}")

    def grant(self, view: str) -> str:
        """What whoever makes the view must give this user, who reads it."""
        ((user,),) = self._rows("SELECT CURRENT_USER()")
        name, _, host = str(user).rpartition("@")
        them = "@".join("'{}'".format(one.replace("'", "''")) for one in (name, host))
        return f"GRANT SELECT, SHOW VIEW ON {place(view)} TO {them};\n"

    def check(self, view: str) -> None:
        """As a run reads it: columns, key, first rows. Raises CatalogError."""
        reader = MySQLReader(self._connection, view)
        reader.columns()
        reader.check_key(ROWS_WORTH_AN_INDEX)
        check_sample(reader.read_range(None, None, SAMPLE_ROWS))

    def create(self, proposal: Proposal) -> None:
        """Run the statements. Raises LocalError: what was run before stays."""
        with suppress(mysql.connector.Error):
            execute(self._connection, "SET SESSION TRANSACTION READ WRITE")
        for statement in (*proposal.alter, proposal.create):
            try:
                if statement:
                    execute(self._connection, statement)
            except mysql.connector.Error as error:
                raise LocalError(f"MySQL refused: {error.msg} ({statement})") from error
        with translated(proposal.view):
            session.prepare(self._connection, timeout_s=60)

    def _read(self, sql: str) -> list[Row]:
        with translated("the table"), closing(self._connection.cursor(raw=True)) as cursor:
            cursor.execute(sql)
            names = list(cursor.column_names)
            rows: Sequence[Any] = cursor.fetchall()
        return [dict(zip(names, map(_text, row), strict=True)) for row in rows]

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with translated("the table"), closing(self._connection.cursor()) as cursor:
            cursor.execute(sql)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _text(value: bytes | bytearray | None) -> str | None:
    return None if value is None else bytes(value).decode(errors="backslashreplace")
