"""Replace whole tables: rows go into a draft, which then takes the old table's name.

DDL commits by itself in MySQL. A load that fails half way leaves the old table as it was. Rows go
in by LOAD DATA LOCAL, three times as fast as INSERT; the connection must allow it
(``allow_local_infile``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from mysql.connector.abstracts import MySQLConnectionAbstract

from local.errors import LocalError

Progress = Callable[[int, int], None]
Row = Sequence[str | int | None]

BATCH = 20_000
LOCK_WAIT_S = 30  # MariaDB's default wait of DDL for an open transaction is a day
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n"})


@dataclass(frozen=True)
class Table:
    """``columns`` is what stands between the parentheses of CREATE TABLE."""

    name: str
    columns: str

    @property
    def draft(self) -> str:
        return f"{self.name}_draft"


def fill_draft(
    connection: MySQLConnectionAbstract,
    table: Table,
    rows: Iterable[Row],
    report: Callable[[int], None],
) -> int:
    """Create the draft and insert ``rows``; ``report`` gets the size of each batch."""
    execute(connection, f"DROP TABLE IF EXISTS {table.draft}")
    execute(
        connection,
        f"CREATE TABLE {table.draft} ({table.columns}) "
        "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    )
    left, total = iter(rows), 0
    while batch := list(islice(left, BATCH)):
        _insert(connection, table.draft, batch)
        total += len(batch)
        report(len(batch))
    return total


def publish_drafts(connection: MySQLConnectionAbstract, tables: Sequence[Table]) -> None:
    """Give all drafts their names in one statement, in place of the tables that had them."""
    replaced = [table.name for table in tables if kind(connection, table.name) == "BASE TABLE"]
    old = ", ".join(f"{table.name}_old" for table in tables)
    renames = [f"{name} TO {name}_old" for name in replaced]
    renames += [f"{table.draft} TO {table.name}" for table in tables]
    execute(connection, f"SET SESSION lock_wait_timeout = {LOCK_WAIT_S}")
    execute(connection, f"DROP TABLE IF EXISTS {old}")
    execute(connection, f"RENAME TABLE {', '.join(renames)}")
    execute(connection, f"DROP TABLE IF EXISTS {old}")
    # Otherwise MySQL takes the new tables for empty, and sorts instead of reading by the key.
    execute(connection, f"ANALYZE TABLE {', '.join(table.name for table in tables)}")


def kind(connection: MySQLConnectionAbstract, name: str) -> str | None:
    """``BASE TABLE``, ``VIEW`` or None."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT TABLE_TYPE FROM information_schema.TABLES "
            "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s",
            (name,),
        )
        found = [str(row[0]) for row in cursor if isinstance(row, tuple)]
    return found[0] if found else None


def execute(connection: MySQLConnectionAbstract, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        if cursor.description:
            cursor.fetchall()


def _insert(connection: MySQLConnectionAbstract, name: str, rows: Sequence[Row]) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="\n", suffix=".tsv") as file:
        file.writelines("\t".join(map(_field, row)) + "\n" for row in rows)
        file.flush()
        with connection.cursor() as cursor:
            cursor.execute(
                f"LOAD DATA LOCAL INFILE %s INTO TABLE {name} CHARACTER SET utf8mb4",
                (file.name,),
            )
            loaded, warnings = cursor.rowcount, cursor.warning_count
    if warnings or loaded != len(rows):
        refusal = _refusal(connection, name)
        connection.rollback()
        raise LocalError(refusal)
    connection.commit()


def _refusal(connection: MySQLConnectionAbstract, name: str) -> str:
    """LOCAL turns errors into warnings: a value cut short, a row left out."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW WARNINGS LIMIT 1")
        first = [str(row[2]) for row in cursor if isinstance(row, tuple)]
    return f"MySQL did not take every row for {name} as it is: {'; '.join(first)}"


def _field(value: str | int | None) -> str:
    """In the format of LOAD DATA: tab-separated, backslash-escaped, NULL as \\N."""
    if value is None:
        return r"\N"
    text = str(value)
    if text.isprintable() and "\\" not in text:
        return text
    return text.translate(ESCAPES)
