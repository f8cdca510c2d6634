"""A catalog that is not there, not whole, empty, or has two rows of one key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.conftest import ROWS
from tests.faults.lab import FaultLab
from tests.faults.tally import named
from tests.lab import before
from tests.rows import ndc

WHOLE = "CREATE OR REPLACE VIEW shaped AS SELECT * FROM drugs"
BARE = "CREATE OR REPLACE VIEW shaped AS SELECT ndc, route FROM drugs"


@pytest.fixture
def shaped(lab: FaultLab) -> Iterator[FaultLab]:
    """The functions read a view of the whole table, and it is live."""
    lab.settings["catalog_table"] = "shaped"
    lab.catalog.execute(WHOLE)
    lab.succeed()
    yield lab
    lab.catalog.execute("DROP VIEW shaped")


@pytest.mark.fault("MySQL", "a required column is missing", "PlanPages", named("ColumnMissing"))
def test_a_missing_column_is_named(shaped: FaultLab) -> None:
    shaped.catalog.execute(BARE)
    report = shaped.fail("ColumnMissing")
    assert "drug_name" in str(report.cause)
    assert shaped.tries("PlanPages") == {None: 1}
    shaped.catalog.execute(WHOLE)
    shaped.converge()


@pytest.mark.fault(
    *("MySQL", "a required column goes while pages are read", "DiffPage"), named("ColumnMissing")
)
def test_a_column_that_goes_under_a_run_stops_it(shaped: FaultLab) -> None:
    shaped.fail("ColumnMissing", intercept=before("DiffPage", lambda: shaped.catalog.execute(BARE)))
    shaped.catalog.execute(WHOLE)
    shaped.converge()


@pytest.mark.parametrize(
    ("table", "error"),
    [
        pytest.param(
            table, error, marks=pytest.mark.fault("MySQL", what, "PlanPages", named(error))
        )
        for table, what, error in [
            ("gone", "the table is gone", "CatalogMissing"),
            ("mysql.user", "no right to read", "CatalogAccessDenied"),
        ]
    ],
)
def test_a_table_that_cannot_be_read_is_named_at_once(
    synced: FaultLab, table: str, error: str
) -> None:
    synced.fail(error, settings={"catalog_table": table})
    assert synced.tries("PlanPages") == {None: 1}
    synced.converge()


@pytest.mark.fault("MySQL", "the catalog is empty", "PlanPages", named("CatalogEmpty"))
def test_an_empty_catalog_removes_nothing(synced: FaultLab) -> None:
    synced.catalog.clear()
    synced.fail("CatalogEmpty", accept=["deletes", "profile"])
    assert len(synced.index.documents()) == ROWS


@pytest.mark.fault("MySQL", "emptied while pages are read", "ReviewChanges", named("CatalogEmpty"))
def test_a_catalog_that_is_emptied_under_a_run_removes_nothing(synced: FaultLab) -> None:
    clear = before("DiffPage", synced.catalog.clear)
    synced.fail("CatalogEmpty", intercept=clear, accept=["deletes", "profile"])
    assert len(synced.index.documents()) == ROWS


@pytest.mark.parametrize("page_size", [1, 6, 100])
@pytest.mark.fault(
    *("MySQL", "duplicate keys in a view without a unique key", "DiffPage"), named("DuplicateKey")
)
def test_two_rows_of_one_key_stop_the_run_wherever_the_pages_are_cut(
    synced: FaultLab, page_size: int
) -> None:
    run = synced.catalog.execute
    run("CREATE TABLE kept AS SELECT * FROM drugs")
    run("CREATE INDEX by_ndc ON kept (ndc)")
    run(f"INSERT INTO kept SELECT * FROM drugs WHERE ndc = '{ndc(5)}'")
    run("CREATE VIEW twice AS SELECT * FROM kept")
    report = synced.fail("DuplicateKey", page_size=page_size, settings={"catalog_table": "twice"})
    assert ndc(5) in str(report.cause)
    run("DROP VIEW twice")
    run("DROP TABLE kept")
