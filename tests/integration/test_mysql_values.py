"""Every type and character set of MySQL: a value arrives whole, or its row is left out by name.

The lines of the table in docs/catalog.md are the cases.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from mysql.connector.errors import Error

from local.servers.servers import connect
from local.servers.stack import Stack
from tests.integration.reading import catalog_of
from tests.servers import CatalogTable
from workflow.adapters.mysql.columns import SHAPES, SUBSTITUTES
from workflow.contract.errors import ColumnUnreadable
from workflow.contract.ports.catalog import RangeRows

DOCS = Path(__file__).parents[2] / "docs/catalog.md"
LINE = re.compile(r"^\| `([^`]+)`(?: \(([^)]+)\))? \| `([^`]+)` \| (.+) \|$", re.MULTILINE)
LEFT_OUT = "left out: "
REFUSED = "refused"
NO_SUCH_TYPE = {1064, 4161}
COLUMN = "manufacturer"


class Case(NamedTuple):
    declared: str
    servers: str
    stored: str
    outcome: str


CASES = [Case(*found) for found in LINE.findall(DOCS.read_text(encoding="utf-8"))]


@pytest.fixture
def values(stack: Stack) -> Iterator[CatalogTable]:
    """A connection that may store what the strict mode refuses."""
    with contextlib.closing(connect(stack.mysql)) as connection:
        connection.autocommit = True
        table = CatalogTable(connection)
        table.execute("SET SESSION sql_mode = '', time_zone = '+00:00'")
        yield table
        table.execute("DROP TABLE IF EXISTS typed")


def typed(table: CatalogTable, declared: str, key: str = "VARCHAR(20)") -> None:
    table.execute("DROP TABLE IF EXISTS typed")
    table.execute(
        f"CREATE TABLE typed (ndc {key} PRIMARY KEY, drug_name TEXT, {COLUMN} {declared} NULL)"
    )


def read(stack: Stack) -> RangeRows:
    with catalog_of(stack, "typed").connect() as reader:
        return reader.read_range(None, None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.declared} {case.stored[:30]}")
def test_a_value_of_each_type_arrives_as_documented(
    stack: Stack, values: CatalogTable, case: Case
) -> None:
    try:
        typed(values, case.declared)
    except Error as error:
        if case.servers and error.errno in NO_SUCH_TYPE:
            pytest.skip(f"{stack.mysql.version} has no type {case.declared}, only {case.servers}")
        raise
    values.execute(f"INSERT INTO typed VALUES ('1', 'Drug', {case.stored})")
    if case.outcome == REFUSED:
        with pytest.raises(ColumnUnreadable, match=COLUMN):
            read(stack)
        return
    found = read(stack)
    assert found.keys == ["1"]
    if case.outcome.startswith(LEFT_OUT):
        (row,) = found.unreadable
        assert (row.ndc, row.column) == ("1", COLUMN)
        assert row.reason.startswith(case.outcome.removeprefix(LEFT_OUT).partition(" (")[0])
        assert row.value
    else:
        (text,) = [row[COLUMN] for row in found.rows]
        assert text == case.outcome.split("`")[1]


def test_the_table_has_every_type() -> None:
    types = {case.declared.partition("(")[0].split()[0].lower() for case in CASES}
    assert {
        *("tinyint", "bool", "smallint", "mediumint", "int", "bigint", "decimal", "float"),
        *("double", "bit", "date", "time", "datetime", "timestamp", "year", "char", "varchar"),
        *("tinytext", "text", "mediumtext", "longtext", "enum", "set", "json", "binary"),
        *("varbinary", "tinyblob", "blob", "mediumblob", "longblob", "uuid", "inet4", "inet6"),
        *(SHAPES - {"geomcollection"}),
    } == types


def test_the_bytes_of_a_value_that_is_left_out_are_shown(
    stack: Stack, values: CatalogTable
) -> None:
    typed(values, "VARBINARY(20)")
    values.execute("INSERT INTO typed VALUES ('1', 'Drug', 0x41FF), ('2', 'Drug', 'fine')")
    found = read(stack)
    assert found.unreadable[0].value == "0x41ff"
    assert [row["ndc"] for row in found.rows] == ["2"]
    assert found.keys == ["1", "2"]


# Character sets


def test_no_character_of_any_character_set_becomes_another(
    stack: Stack, values: CatalogTable
) -> None:
    for charset in charsets(values):
        typed(values, f"VARCHAR(20) CHARACTER SET {charset}")
        values.execute(f"INSERT INTO typed VALUES {', '.join(codes(charset))}")
        stored = dict(values.execute(f"SELECT ndc, HEX({COLUMN}) FROM typed"))
        found = read(stack)
        assert len(found.keys) == len(stored), charset
        assert len(found.rows) > 100, charset
        for row in found.rows:
            value, original = row[COLUMN] or "", bytes.fromhex(stored[str(row["ndc"])])
            substituted = sum(value.count(mark) for mark in SUBSTITUTES)
            assert substituted <= original.count(b"?"), (charset, original, value)


def codes(charset: str) -> Iterator[str]:
    """Rows of every code of one byte, and of some thousand of two."""
    size = {"ucs2": 2, "utf16": 2, "utf16le": 2, "utf32": 4}.get(charset, 1)
    for code in [*range(1, 256), *range(0x8100, 0x10000, 13)]:
        length = max(size, (code.bit_length() + 7) // 8)
        order = "little" if charset == "utf16le" else "big"
        yield f"('{code}', 'Drug', 0x{code.to_bytes(length, order).hex()})"


def charsets(table: CatalogTable) -> list[str]:
    found = table.execute("SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS")
    return sorted(name for (name,) in found if name != "binary")


@pytest.mark.parametrize(
    ("text", "among"),
    [
        ("café", ["latin1", "cp1250", "dec8", "hp8", "macroman", "cp850", "latin5", "latin7"]),
        ("Żółć", ["latin2", "cp1250", "cp852", "macce"]),
        ("Ж?ш", ["cp1251", "koi8r", "koi8u", "cp866"]),
        ("日本?", ["sjis", "cp932", "ujis", "eucjpms", "gbk", "gb2312", "big5"]),
        ("한국", ["euckr"]),
        ("Ωμέγα", ["greek"]),
        ("שלום", ["hebrew"]),
        ("ไทย", ["tis620"]),
        ("عربي", ["cp1256"]),
        ("naïve 💊", ["utf8mb4", "utf16", "utf16le", "utf32"]),
        ("naïve ☕", ["utf8mb3", "ucs2"]),
    ],
)
def test_a_text_arrives_whatever_its_character_set(
    stack: Stack, values: CatalogTable, text: str, among: list[str]
) -> None:
    for charset in set(among) & set(charsets(values)):
        typed(values, f"VARCHAR(20) CHARACTER SET {charset}")
        values.execute("INSERT INTO typed VALUES ('1', 'Drug', %s)", [text])
        found = read(stack)
        assert [row[COLUMN] for row in found.rows] == [text], (charset, found.unreadable)


# Keys


@pytest.mark.parametrize("key", ["BIGINT", "DECIMAL(11)", "INT ZEROFILL", "DATE", "ENUM('1', '2')"])
def test_a_key_that_is_no_text_is_refused_with_what_to_do(
    stack: Stack, values: CatalogTable, key: str
) -> None:
    typed(values, "TEXT", key)
    with pytest.raises(ColumnUnreadable, match=r"the key ndc is .*LPAD\(ndc, 11, '0'\)"):
        read(stack)


def test_the_column_that_is_advised_for_a_number_works(stack: Stack, values: CatalogTable) -> None:
    typed(values, "TEXT", "BIGINT")
    values.execute("INSERT INTO typed VALUES (93, 'Drug', NULL), (1234567890, 'Drug', NULL)")
    values.execute(
        "ALTER TABLE typed ADD ndc11 CHAR(11) CHARACTER SET ascii COLLATE ascii_bin "
        "AS (LPAD(ndc, 11, '0')) STORED UNIQUE"
    )
    values.execute("CREATE OR REPLACE VIEW typed_view AS SELECT ndc11 AS ndc, drug_name FROM typed")
    try:
        with catalog_of(stack, "typed_view").connect() as reader:
            reader.check_key(rows_worth_an_index=1)
            found = reader.read_range("00000000093", None)
        assert found.keys == ["01234567890"]
    finally:
        values.execute("DROP VIEW typed_view")


@pytest.mark.parametrize("key", ["VARBINARY(20)", "VARCHAR(20) CHARACTER SET latin1", "BINARY(2)"])
def test_a_key_of_bytes_or_of_another_character_set_is_paged_like_any(
    stack: Stack, values: CatalogTable, key: str
) -> None:
    typed(values, "TEXT", key)
    values.execute(
        "INSERT INTO typed (ndc, drug_name) VALUES ('aa', 'D'), ('bb', 'D'), ('zz', 'D')"
    )
    with catalog_of(stack, "typed").connect() as reader:
        assert reader.page_end(None, None, 2) == "bb"
        assert reader.read_range("aa", "zz").keys == ["bb", "zz"]


def test_a_key_of_bytes_that_are_no_text_is_named(stack: Stack, values: CatalogTable) -> None:
    typed(values, "TEXT", "VARBINARY(20)")
    values.execute("INSERT INTO typed (ndc, drug_name) VALUES (0x41FF, 'D')")
    (row,) = read(stack).unreadable
    assert (row.ndc, row.column, row.value) == (r"A\xff", "ndc", "0x41ff")
