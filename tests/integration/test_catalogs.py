"""The catalogs in a real MariaDB: the FDA's, First Databank's shape, and CSV files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mysql.connector.abstracts import MySQLConnectionAbstract

from local.catalogs.catalog import load_csv, load_fda
from local.errors import LocalError
from local.servers import servers
from tests.fdb_rows import load_fdb_shaped
from workflow.contract.columns import COLUMNS

ROWS = 300
PROBE = "SELECT v.ndc FROM drugs v WHERE v.ndc > '0' ORDER BY v.ndc LIMIT 1 OFFSET 99"
RANGE = "SELECT v.* FROM drugs v WHERE v.ndc > '000020' AND v.ndc <= '00002500000' ORDER BY v.ndc"


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MySQLConnectionAbstract]:
    root = tmp_path_factory.mktemp("catalogs")
    with servers.connect(servers.start_mysql(root)) as connection:
        connection.autocommit = True
        yield connection
    servers.stop_mysql(root)


@pytest.fixture(scope="module")
def fda(connection: MySQLConnectionAbstract) -> MySQLConnectionAbstract:
    load_fda(connection, ROWS)
    return connection


@pytest.fixture(scope="module")
def fdb(fda: MySQLConnectionAbstract) -> Iterator[MySQLConnectionAbstract]:
    """In its own database, so that the FDA's catalog stays for the other tests."""
    query(fda, "CREATE DATABASE drugs_fdb COLLATE utf8mb4_bin")
    query(fda, "USE drugs_fdb")
    load_fdb_shaped(fda, ROWS)
    yield fda
    query(fda, "USE drugs")


def query(connection: MySQLConnectionAbstract, statement: str) -> list[dict[str, Any]]:
    with connection.cursor(dictionary=True) as cursor:
        cursor.execute(statement)
        return [dict(row) for row in cursor.fetchall()] if cursor.description else []


def count(connection: MySQLConnectionAbstract, where: str = "1") -> int:
    return int(query(connection, f"SELECT COUNT(*) AS n FROM drugs WHERE {where}")[0]["n"])


def assert_reads_by_key(connection: MySQLConnectionAbstract) -> None:
    for statement in (PROBE, RANGE):
        plan = query(connection, f"EXPLAIN FORMAT=TRADITIONAL {statement}")
        assert plan[0]["key"] == "PRIMARY", plan
        assert not any("filesort" in (step["Extra"] or "") for step in plan), plan
        # MySQL may walk along the key ("index") for a short probe.
        assert all(step["type"] in ("range", "index", "eq_ref") for step in plan), plan


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_the_fda_catalog_has_the_documented_columns(fda: MySQLConnectionAbstract) -> None:
    row = query(fda, "SELECT * FROM drugs WHERE ndc = '00002120030'")[0]
    assert row.keys() <= set(COLUMNS)
    assert row == {
        "ndc": "00002120030",
        "drug_name": "Amyvid",
        "brand_name": "Amyvid",
        "generic_name": "Florbetapir F 18",
        "dosage_form": "INJECTION, SOLUTION",
        "route": "INTRAVENOUS",
        "strength": "51 mCi/mL",
        "manufacturer": "Eli Lilly and Company",
        "drug_class": "Radioactive Diagnostic Agent [EPC],Positron Emitting Activity [MoA]",
        "dea_schedule": "",
        "is_generic": "0",
        "is_brand": "1",
        "is_active": "1",
        "product_type": "HUMAN PRESCRIPTION DRUG",
    }


def test_the_fda_catalog_is_read_by_its_key(fda: MySQLConnectionAbstract) -> None:
    assert_reads_by_key(fda)


def test_loading_the_fda_twice_gives_the_same_catalog(connection: MySQLConnectionAbstract) -> None:
    first = load_fda(connection, ROWS)
    rows = query(connection, "SELECT * FROM drugs ORDER BY ndc")
    second = load_fda(connection, ROWS)
    assert (first.rows, second.rows, count(connection)) == (ROWS, ROWS, ROWS)
    assert query(connection, "SELECT * FROM drugs ORDER BY ndc") == rows


def test_loading_reports_its_progress_to_the_end(connection: MySQLConnectionAbstract) -> None:
    seen: list[tuple[int, int]] = []
    load_fda(connection, ROWS, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > ROWS


def test_the_first_databank_view_has_every_documented_column_but_no_other(
    fdb: MySQLConnectionAbstract,
) -> None:
    assert tuple(query(fdb, "SELECT * FROM drugs LIMIT 1")[0]) == COLUMNS
    assert count(fdb) == ROWS


def test_a_class_code_of_first_databank_that_has_no_word_is_carried_as_it_is(
    fdb: MySQLConnectionAbstract,
) -> None:
    """So that it is seen, and no guess."""
    types = query(fdb, "SELECT product_type, COUNT(*) AS n FROM drugs GROUP BY product_type")
    counts = {str(row["product_type"]): row["n"] for row in types}
    assert set(counts) == {"PRESCRIPTION", "OTC", "Q"}
    assert counts["Q"] == ROWS // 9


def test_the_first_databank_view_is_read_by_its_key(fdb: MySQLConnectionAbstract) -> None:
    assert_reads_by_key(fdb)


def test_first_databank_zero_dates_mean_active(fdb: MySQLConnectionAbstract) -> None:
    assert count(fdb, "is_active = '0'") == ROWS // 5
    assert count(fdb, "is_active = '1'") == ROWS - ROWS // 5


def test_first_databank_zeros_and_blanks_are_null(fdb: MySQLConnectionAbstract) -> None:
    assert count(fdb, "gcn_seqno IS NULL AND strength IS NULL") == ROWS // 7
    assert count(fdb, "gcn_seqno = '0'") == 0
    assert count(fdb, "drug_name IS NULL") == 0
    codes = {row["dea_schedule"] for row in query(fdb, "SELECT dea_schedule FROM drugs")}
    assert None in codes
    assert codes <= {None, "CII", "CIII", "CIV", "CV"}


def test_first_databank_generics_carry_their_generic_name(fdb: MySQLConnectionAbstract) -> None:
    assert count(fdb, "is_generic = '1'") > 0
    assert count(fdb, "(is_generic = '1') <> (generic_name IS NOT NULL)") == 0


def test_a_csv_file_becomes_the_catalog_and_the_fda_can_take_over_again(
    connection: MySQLConnectionAbstract, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "drugs.csv",
        "\ufeffndc,drug_name,strength,route\n"
        "2,Café 0.5 µg,,ORAL\n"
        '1,"Aspirin, ""plain""\t\\N",10 mg,\n',
    )
    assert load_csv(connection, path).rows == 2
    rows = query(connection, "SELECT ndc, drug_name, strength, route, is_brand FROM drugs")
    assert [tuple(row.values()) for row in rows] == [
        ("1", 'Aspirin, "plain"\t\\N', "10 mg", None, None),
        ("2", "Café 0.5 µg", None, "ORAL", None),
    ]
    load_fda(connection, ROWS)
    assert count(connection) == ROWS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ndc,strength\n1,2\n", "line 1: the required column 'drug_name' is missing"),
        ("ndc,drug_name,colour\n1,a,red\n", "line 1: unknown column 'colour'"),
        ("ndc^drug_name\n1^a\n", "line 1: unknown column 'ndc^drug_name'"),
        ("ndc,drug_name,ndc\n1,a,1\n", "line 1: column 'ndc' appears twice"),
        ("ndc,drug_name\n1,a\n1,b\n", "line 3: ndc '1' is on line 2 already"),
        ("ndc,drug_name\n1,a\n ,b\n", "line 3: ndc is blank"),
        ("ndc,drug_name\n1,\n", "line 2: drug_name is blank (ndc '1')"),
        ("ndc,drug_name\n1,a,b\n", "line 2: 3 values for 2 columns, starting with '1'"),
        ('ndc,drug_name\n1,"a\n', "unexpected end of data"),
        ("ndc,drug_name\n", "line 1: there are no rows"),
        ("", "line 1: the required column 'ndc' is missing"),
        (b"ndc,drug_name\n1,a\n2,Caf\xe9\n", "line 3: byte 0xe9 at position 6 is not UTF-8"),
    ],
)
def test_a_wrong_csv_file_is_refused_by_line_and_changes_nothing(
    fda: MySQLConnectionAbstract, tmp_path: Path, text: str | bytes, problem: str
) -> None:
    path = write(tmp_path / "wrong.csv", text)
    with pytest.raises(LocalError) as caught:
        load_csv(fda, path)
    assert str(caught.value).startswith(f"{path}, line ")
    assert problem in str(caught.value)
    assert count(fda) == ROWS


def test_a_csv_file_that_is_not_there_is_named(
    connection: MySQLConnectionAbstract, tmp_path: Path
) -> None:
    with pytest.raises(LocalError, match=r"none\.csv: No such file"):
        load_csv(connection, tmp_path / "none.csv")
