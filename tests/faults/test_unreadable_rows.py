"""A row that cannot be carried whole is left out and named; its drug keeps the document it had."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults.conftest import ROWS
from tests.faults.lab import FaultLab
from tests.faults.tally import named
from tests.rows import make_row, ndc
from workflow.contract.events.report import RunReport

Odd = Callable[[str, str, str], None]
KEPT = "left out by name; its old document stays"


@pytest.fixture
def odd(synced: FaultLab) -> Iterator[Odd]:
    """Makes the functions read a table with one column of another type, and one value in it."""
    run = synced.catalog.execute
    synced.settings["catalog_table"] = "odd"

    def make(column: str, declared: str, value: str) -> None:
        run("SET SESSION sql_mode = ''")
        run("DROP TABLE IF EXISTS odd")
        run("CREATE TABLE odd LIKE drugs")
        run("INSERT INTO odd SELECT * FROM drugs")
        run(f"ALTER TABLE odd MODIFY {column} {declared}")
        run(f"UPDATE odd SET {column} = {value} WHERE ndc = '{ndc(5)}'")

    yield make
    run("DROP TABLE IF EXISTS odd")


def assert_left_out(lab: FaultLab, report: RunReport, column: str, value: str) -> None:
    (row,) = report.rejected_rows
    assert (row.ndc, row.column, row.value, row.new) == (ndc(5), column, value, False)
    assert (report.rejected, report.removed, report.catalog_rows) == (1, 0, ROWS)


@pytest.mark.parametrize(
    ("column", "declared", "value", "shown"),
    [
        pytest.param(*case, marks=pytest.mark.fault("MySQL", what, "DiffPage", KEPT))
        for what, *case in [
            ("bytes that are no text", "drug_name", "VARBINARY(200)", "0x41FF", "0x41ff"),
            ("a NUL in a value", "route", "VARBINARY(200)", "0x4100", r"'A\x00'"),
            (
                *("a character that Unicode lacks", "brand_name"),
                *("VARCHAR(200) CHARACTER SET euckr", "0xA2E8", "0xA2E8"),
            ),
            ("a flag that is none", "is_active", "VARCHAR(20)", "'Discontinued'", "Discontinued"),
        ]
    ],
)
def test_a_value_that_cannot_be_carried_leaves_its_row_out(
    synced: FaultLab, odd: Odd, column: str, declared: str, value: str, shown: str
) -> None:
    before = synced.index.documents()
    odd(column, declared, value)
    report = synced.succeed()
    assert_left_out(synced, report, column, shown)
    assert synced.index.documents() == before


@pytest.mark.fault("MySQL", "a row corrected after it was left out", "DiffPage", "in step again")
def test_a_row_that_is_mended_is_written_by_the_next_run(synced: FaultLab, odd: Odd) -> None:
    odd("is_active", "VARCHAR(20)", "'Discontinued'")
    synced.succeed()
    odd("is_active", "VARCHAR(20)", "'0'")
    report = synced.succeed()
    assert (report.changed, report.rejected) == (1, 0)
    assert synced.index.documents()[ndc(5)]["is_active"] == "0"


@pytest.mark.fault("MySQL", "a new row that cannot be carried", "DiffPage", "left out by name")
def test_a_new_row_that_cannot_be_carried_is_missing_by_name(synced: FaultLab) -> None:
    synced.catalog.insert(make_row(50, is_generic="perhaps"))
    report = synced.succeed()
    (row,) = report.rejected_rows
    assert (row.ndc, row.new) == (ndc(50), True)
    assert ndc(50) not in synced.index.documents()


@pytest.mark.fault("MySQL", "a BIT column", "DiffPage", "in step")
def test_flags_of_bits_are_read_as_one_and_zero(synced: FaultLab, odd: Odd) -> None:
    odd("is_active", "BIT(1)", "b'0'")
    report = synced.succeed()
    assert (report.changed, report.rejected) == (1, 0)
    flags = {key: document["is_active"] for key, document in synced.index.documents().items()}
    assert flags == {ndc(number): "0" if number == 5 else "1" for number in range(ROWS)}


@pytest.mark.parametrize(
    ("column", "declared", "value"),
    [
        pytest.param(
            *case, marks=pytest.mark.fault("MySQL", what, "PlanPages", named("ColumnUnreadable"))
        )
        for what, *case in [
            ("a column of shapes", "route", "POINT", "NULL"),
            ("a flag column of other words", "is_active", "VARCHAR(20)", "'Y'"),
            ("a key that is a number", "ndc", "BIGINT", "ndc"),
        ]
    ],
)
def test_a_column_that_cannot_be_read_is_refused_before_anything_is_written(
    synced: FaultLab, odd: Odd, column: str, declared: str, value: str
) -> None:
    if declared == "POINT":
        synced.catalog.execute("UPDATE drugs SET route = NULL")
    odd(column, declared, value)
    if column == "is_active":
        synced.catalog.execute("UPDATE odd SET is_active = 'Y'")
    report = synced.fail("ColumnUnreadable")
    assert column in str(report.cause)
    assert synced.tries("PlanPages") == {None: 1}
    assert "DiffPage" not in synced.states()


@pytest.mark.fault(
    "MySQL", "more rows left out than allowed", "ReviewChanges", named("TooManyRejected")
)
def test_many_rows_that_cannot_be_carried_stop_the_run(synced: FaultLab) -> None:
    synced.catalog.execute("UPDATE drugs SET is_brand = 'no' WHERE ndc < '00000000800'")
    limits = {"reject_guard_rows": "5", "reject_guard_share": "0.1"}
    cause = str(synced.fail("TooManyRejected", settings=limits).cause)
    assert '"accept": ["rejects"]' in cause
    assert "is_brand" in cause
    assert "EmbedPage" not in synced.states()
    assert synced.succeed(settings=limits, accept=["rejects"]).rejected == 8


@pytest.mark.fault(
    *("Redis", "damage to a document whose row cannot be carried", "VerifyIndex"),
    named("VerificationFailed"),
)
def test_a_document_that_stays_without_a_row_must_be_what_it_was(
    synced: FaultLab, odd: Odd
) -> None:
    odd("is_active", "VARCHAR(20)", "'Discontinued'")
    generation = synced.index.live()[0]
    synced.index.redis.hset(f"drug:{generation}:{ndc(5)}", "strength", "500 mg/1")
    assert ndc(5) in str(synced.fail("VerificationFailed").cause)
