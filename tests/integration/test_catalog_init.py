"""`drugsync catalog init` and `up --mysql`: somebody's own server and tables, up to a dry run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import mysql.connector
import pytest
from mysql.connector.abstracts import MySQLConnectionAbstract

from cli.commands.catalog_init import init, pairs_of
from cli.documents import CatalogProposed
from local.catalogs.csv_catalog import CsvForm, read_csv
from local.catalogs.fda import packaged_directory, read_packages
from local.errors import LocalError
from local.places import HOME_VARIABLE
from local.servers.given import read_settings, use_mysql
from local.servers.servers import connect
from local.servers.stack import Stack, given_mysql
from tests.fdb_rows import load_fdb_shaped
from workflow.contract.columns import COLUMNS
from workflow.contract.errors import CatalogAccessDenied
from workflow.contract.unseen import is_seen

ROWS = 300


def first_databank(connection: MySQLConnectionAbstract) -> None:
    load_fdb_shaped(connection, ROWS)
    run(connection, "DROP VIEW drugs")


def openfda(connection: MySQLConnectionAbstract) -> None:
    """The download's JSON as a table: two columns of dashed codes, no key."""
    run(
        connection,
        "CREATE TABLE packages (product_ndc VARCHAR(12), package_ndc VARCHAR(14), "
        "brand_name TEXT, generic_name TEXT, labeler_name TEXT, route TEXT, "
        "marketing_category VARCHAR(40), pharm_class TEXT)",
    )
    codes = dict.fromkeys(one.package_code for one in read_packages(packaged_directory()))
    packages = [
        (code.rpartition("-")[0], code, f"Brand {n}", f"substance {n}", "L", "ORAL", kind, "C")
        for n, (code, kind) in enumerate(zip(codes, ["NDA", "ANDA"] * (ROWS // 2), strict=False))
    ]
    fill(connection, "packages", packages)


def german(connection: MySQLConnectionAbstract) -> None:
    run(
        connection,
        "CREATE TABLE arzneimittel (PZN INT PRIMARY KEY, Handelsname VARCHAR(80), "
        "Wirkstoff VARCHAR(80), Darreichungsform VARCHAR(40), Wirkstärke VARCHAR(20), "
        "`im Handel` CHAR(1))",
    )
    fill(
        connection,
        "arzneimittel",
        [(n, f"Mittel {n}", "Säure", "Tabletten", f"{n} mg", "JN"[n % 2]) for n in range(1, ROWS)],
    )


def japanese(connection: MySQLConnectionAbstract) -> None:
    run(
        connection,
        "CREATE TABLE 医薬品 (YJコード CHAR(12) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, "
        "販売名 VARCHAR(80), 一般名 VARCHAR(80), 剤形 VARCHAR(40), 後発品 VARCHAR(3))",
    )
    fill(
        connection,
        "医薬品",
        [(f"1143001F{n:04}", f"錠{n}", "アスピリン", "錠", "○" * (n % 2)) for n in range(ROWS)],
    )


SHAPES: dict[str, tuple[Callable[[MySQLConnectionAbstract], None], str, int]] = {
    "First Databank": (first_databank, "rndc14", 16),
    "openFDA": (openfda, "packages", 9),
    "German": (german, "arzneimittel", 7),
    "Japanese": (japanese, "医薬品", 6),
}
DATABASE = "drugs_of_somebody"


def run(connection: MySQLConnectionAbstract, sql: str) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql)


def rows(connection: MySQLConnectionAbstract, sql: str) -> list[Any]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        found: list[Any] = cursor.fetchall()
    return found


def fill(connection: MySQLConnectionAbstract, table: str, rows: list[tuple[Any, ...]]) -> None:
    marks = ", ".join(["%s"] * len(rows[0]))
    with closing(connection.cursor()) as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    connection.commit()


@pytest.fixture
def database(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MySQLConnectionAbstract]:
    """Somebody's database, which the settings of a new home name."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    with closing(connect(stack.mysql, "information_schema")) as connection:
        run(connection, f"DROP DATABASE IF EXISTS {DATABASE}")
        run(connection, f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
        run(connection, f"USE {DATABASE}")
        use_mysql(tmp_path, f"mysql://drugs@/{DATABASE}?socket={stack.mysql.socket}")
        yield connection
        run(connection, f"DROP DATABASE {DATABASE}")


def proposed(capsys: pytest.CaptureFixture[str], table: str, **options: Any) -> CatalogProposed:
    capsys.readouterr()
    init(table, as_json=True, **options)
    return CatalogProposed.model_validate_json(capsys.readouterr().out)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_table_of_any_shape_becomes_a_catalog(
    database: MySQLConnectionAbstract,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    shape: str,
) -> None:
    make, table, columns = SHAPES[shape]
    make(database)
    found = proposed(capsys, table, create=True)
    assert found.created
    assert (len(found.columns), len(found.texts), found.rejected) == (columns, 5, ())
    assert all(found.texts)
    assert read_settings(tmp_path)["catalog_table"] == "drugs"
    again = proposed(capsys, table, create=True)
    assert again.columns == found.columns


def test_nothing_is_made_unless_somebody_says_so(
    database: MySQLConnectionAbstract, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    german(database)
    found = proposed(capsys, "arzneimittel")
    assert not found.created
    assert found.sql.endswith("GRANT SELECT, SHOW VIEW ON `drugs` TO 'drugs'@'localhost';\n")
    assert (tmp_path / "catalog.sql").read_text(encoding="utf-8") == found.sql
    assert proposed(capsys, "arzneimittel").columns == found.columns


HOSTILE_NAMES = (
    "mysql.user",
    "drugs` WHERE 1=0 -- x",
    "x`; DROP DATABASE drugs_of_somebody; -- x",
    "a.b.c",
    "\x1b]0;owned\x07",
    "%s %(x)s {0} {ndc}",
    "t\nSELECT 1; -- x",
    "' OR ''='",
)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_tables_name_is_a_name_and_never_sql(
    database: MySQLConnectionAbstract, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """`mysql`.`user` is another table than `mysql.user`, and its rows are not shown."""
    table = "`{}`".format(name.replace("`", "``"))
    run(database, f"CREATE TABLE {table} (ndc CHAR(11) PRIMARY KEY, drug_name TEXT)")
    fill(database, table, [("00000000001", "A"), ("00000000002", "B")])
    found = proposed(capsys, name, create=True)
    assert (found.created, found.sampled, found.rejected) == (True, 2, ())
    assert found.texts == ("a", "b")
    init(name, create=False)
    assert all(is_seen(line) for line in capsys.readouterr().out.split("\n"))


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_columns_name_is_a_name_and_never_sql(
    database: MySQLConnectionAbstract, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    column = "`{}`".format(name.replace("`", "``"))
    run(database, f"CREATE TABLE t (ndc CHAR(11) PRIMARY KEY, {column} TEXT, price TEXT)")
    fill(database, "t", [("00000000001", "A", "5"), ("00000000002", "B", "6")])
    found = proposed(capsys, "t", create=True, column=[f"drug_name={name}"])
    assert (found.created, found.texts, found.unused) == (True, ("a", "b"), ("price",))
    (row, _) = rows(database, "SELECT ndc, drug_name FROM drugs ORDER BY ndc")
    assert row == ("00000000001", "A")


def test_what_would_be_left_out_is_shown(
    database: MySQLConnectionAbstract, capsys: pytest.CaptureFixture[str]
) -> None:
    run(database, "CREATE TABLE t (ndc CHAR(11) PRIMARY KEY, drug_name TEXT, is_active TEXT)")
    fill(database, "t", [("00000000001", "A", "1"), ("00000000002", "B", "perhaps")])
    (row,) = proposed(capsys, "t").rejected
    assert (row.ndc, row.column, row.value) == ("00000000002", "is_active", "perhaps")
    assert "is not a flag" in row.reason
    init("t", create=False)
    said = capsys.readouterr().out
    assert "is_active 'perhaps' is not a flag" in said
    assert "to do without, give this command --column is_active=" in said
    assert proposed(capsys, "t", column=["is_active="]).rejected == ()


def test_two_drugs_of_one_key_are_refused_by_the_server_and_said(
    database: MySQLConnectionAbstract, capsys: pytest.CaptureFixture[str]
) -> None:
    run(database, "CREATE TABLE t (package_ndc VARCHAR(13), drug_name TEXT)")
    fill(database, "t", [("0002-0800-01", "A"), ("00002-0800-01", "B")])
    with pytest.raises(LocalError, match="Duplicate entry '00002080001'"):
        init("t", create=True)


def test_the_tables_are_named_where_none_was(database: MySQLConnectionAbstract) -> None:
    german(database)
    with pytest.raises(LocalError, match="it has arzneimittel"):
        init()
    with pytest.raises(LocalError, match="there is no table drogen; there are: arzneimittel"):
        init("drogen")


def test_a_file_gets_the_command_that_loads_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    path = tmp_path / "my drugs.csv"
    path.write_text("NDC Code;Trade Name;Generic;Price\n0002-0800-01;Diluent;water;5\n")
    found = proposed(capsys, str(path), delimiter=";")
    assert found.unused == ("Price",)
    assert found.next == (
        f"drugsync catalog load --source '{path}' --delimiter ';' --column 'ndc=NDC Code' --column "
        "'drug_name=Trade Name' --column 'brand_name=Trade Name' --column generic_name=Generic "
        "--pad-keys --other-columns"
    )


def test_a_german_spreadsheets_file_is_read_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Semicolons and yes or no in words, which both commands read alike without being told."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    path = tmp_path / "lauer.csv"
    path.write_text("PZN;Handelsname;Im Handel;is_brand\n00000001;Siofor;ja;x\n")
    found = proposed(capsys, str(path), column=["is_brand="])
    assert (found.columns["is_active"], found.rejected) == ("Im Handel", ())
    options = shlex.split(found.next)
    assert "--delimiter" not in options
    pairs = [after for before, after in pairwise(options) if before == "--column"]
    form = CsvForm(headers=pairs_of(pairs), others="--other-columns" in options)
    (row,) = [dict(zip(COLUMNS, row, strict=True)) for row in read_csv(path, form)]
    assert (row["drug_name"], row["is_active"], row["is_brand"]) == ("Siofor", "1", None)


def test_a_wrong_password_is_said_with_what_to_check(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    use_mysql(tmp_path, f"mysql://drugs:wrong@/drugs?socket={stack.mysql.socket}")
    with pytest.raises((CatalogAccessDenied, mysql.connector.Error), match="Access denied"):
        init("drugs")


def test_a_server_of_ones_own_is_not_started_here(tmp_path: Path) -> None:
    use_mysql(tmp_path, "mysql://reader@db.example/drugs")
    found = given_mysql(read_settings(tmp_path))
    assert found is not None
    assert (found.pid, found.socket) == (0, "db.example:3306")
