"""A catalog that is missing, incomplete or empty, or has two rows with one key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.conftest import ROWS
from tests.faults.lab import FaultLab, OnTry
from tests.faults.tally import RETRIED, UNHARMED, named
from tests.lab import before
from tests.rows import make_rows, ndc
from workflow.contract.retries import ACCESS

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
    assert "has no column drug_name" in str(report.cause)
    assert "its columns: ndc, route" in str(report.cause)
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
    ("table", "error", "tries"),
    [
        pytest.param(
            table, error, tries, marks=pytest.mark.fault("MySQL", what, "PlanPages", named(error))
        )
        for table, what, error, tries in [
            ("gone", "the table is gone", "CatalogMissing", 1),
            ("mysql.user", "no right to read", "CatalogAccessDenied", ACCESS.attempts + 1),
        ]
    ],
)
def test_a_table_that_cannot_be_read_is_named(
    synced: FaultLab, table: str, error: str, tries: int
) -> None:
    synced.fail(error, settings={"catalog_table": table})
    assert synced.tries("PlanPages") == {None: tries}
    synced.converge()


@pytest.mark.fault("MySQL", "the catalog is empty", "PlanPages", named("CatalogEmpty"))
def test_an_empty_catalog_removes_nothing(synced: FaultLab) -> None:
    synced.catalog.clear()
    synced.fail("CatalogEmpty", accept=["deletes", "profile"])
    assert len(synced.index.documents()) == ROWS


GONE = {"delete_guard_rows": "2", "delete_guard_share": "0.1"}


@pytest.mark.fault("MySQL", "emptied while pages are read", "ReviewChanges", named("CatalogEmpty"))
def test_a_catalog_that_is_emptied_under_a_run_removes_nothing(synced: FaultLab) -> None:
    clear = before("DiffPage", synced.catalog.clear)
    synced.fail("CatalogEmpty", intercept=clear, accept=["deletes", "profile"])
    assert len(synced.index.documents()) == ROWS


@pytest.mark.fault("MySQL", "loaded again while pages are read", "DiffPage", RETRIED)
def test_a_page_that_is_read_in_the_middle_of_a_reload_is_read_again(synced: FaultLab) -> None:
    reload = OnTry(
        "DiffPage",
        before={
            1: lambda: synced.catalog.execute("TRUNCATE drugs"),
            2: lambda: synced.catalog.insert(*make_rows(ROWS)),
        },
    )
    report = synced.succeed(
        intercept=reload, settings=GONE | {"diff_concurrency": "1"}, accept=["deletes"]
    )
    assert report.removed == 0
    assert [one.error for one in synced.invocations if one.error] == ["CatalogMoved"]
    synced.assert_in_step()


@pytest.mark.fault(
    "MySQL", "emptied for good while pages are read", "DiffPage", "stopped: CatalogMoved"
)
def test_a_catalog_that_stays_empty_under_a_run_stops_it_by_name(synced: FaultLab) -> None:
    clear = before("DiffPage", lambda: synced.catalog.execute("TRUNCATE drugs"))
    synced.fail("CatalogMoved", intercept=clear, settings=GONE, accept=["deletes", "profile"])
    assert len(synced.index.documents()) == ROWS


@pytest.mark.parametrize("mode", ["sync", "backfill"])
@pytest.mark.fault("MySQL", "loaded again between both readings", "VerifyPage", UNHARMED)
def test_drugs_that_came_back_meanwhile_are_not_removed(synced: FaultLab, mode: str) -> None:
    rows = make_rows(ROWS)
    synced.catalog.delete(ndc(3), ndc(12))
    synced.catalog.update(ndc(5), manufacturer="Another")
    come_back = before("VerifyPage", lambda: synced.catalog.insert(rows[3], rows[12]))
    if mode == "sync":
        report = synced.succeed(intercept=come_back)
        assert report.kept == (ndc(3), ndc(12))
        synced.assert_in_step()
    else:
        cause = synced.fail("CatalogMoved", "backfill", intercept=come_back).cause
        assert "live drugs that the catalog has" in str(cause)
        synced.converge("backfill")


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
