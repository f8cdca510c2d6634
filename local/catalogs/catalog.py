"""Load a drug catalog into MySQL as ``drugs``: the FDA's directory, or a CSV file.

Loading replaces the old catalog in one step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mysql.connector.abstracts import MySQLConnectionAbstract

from local.catalogs.csv_catalog import LONGEST_NDC, CsvForm, read_csv
from local.catalogs.fda import select
from local.catalogs.tables import Progress, Table, execute, fill_draft, kind, publish_drafts
from local.places import shipped
from local.uninterrupted import uninterrupted
from workflow.contract.columns import COLUMNS, REQUIRED

CATALOGS = shipped("catalogs")
FDA_GOLDEN_QUERIES = CATALOGS / "fda_golden_queries.json"
VIEW = "drugs"

PRODUCTS = Table(
    "ndc_products",
    """
    product_id VARCHAR(47) NOT NULL PRIMARY KEY,
    product_ndc VARCHAR(10) NOT NULL,
    product_type VARCHAR(40) NOT NULL,
    proprietary_name VARCHAR(500) NOT NULL,
    proprietary_name_suffix VARCHAR(200) NOT NULL,
    nonproprietary_name VARCHAR(1000) NOT NULL,
    dosage_form VARCHAR(100) NOT NULL,
    route VARCHAR(200) NOT NULL,
    start_marketing_date DATE,
    end_marketing_date DATE,
    marketing_category VARCHAR(60) NOT NULL,
    application_number VARCHAR(20) NOT NULL,
    labeler_name VARCHAR(200) NOT NULL,
    substance_name TEXT NOT NULL,
    strength TEXT NOT NULL,
    pharm_classes TEXT NOT NULL,
    dea_schedule VARCHAR(4) NOT NULL,
    exclude_flag CHAR(1) NOT NULL
    """,
)
PACKAGES = Table(
    "ndc_packages",
    """
    ndc CHAR(11) NOT NULL PRIMARY KEY,
    product_id VARCHAR(47) NOT NULL,
    package_code VARCHAR(12) NOT NULL,
    package_description VARCHAR(1000) NOT NULL,
    start_marketing_date DATE,
    end_marketing_date DATE,
    exclude_flag CHAR(1) NOT NULL,
    sample_package CHAR(1) NOT NULL,
    KEY (product_id)
    """,
)
CSV = Table(
    VIEW,
    f"ndc VARCHAR({LONGEST_NDC}) NOT NULL PRIMARY KEY, drug_name MEDIUMTEXT NOT NULL, "
    + ", ".join(f"{column} MEDIUMTEXT" for column in COLUMNS if column not in REQUIRED),
)


def is_fda(connection: MySQLConnectionAbstract) -> bool:
    """True if `drugs` is the view over the FDA's tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() "
            "AND TABLE_NAME = 'drugs' AND VIEW_DEFINITION LIKE '%ndc_products%'"
        )
        found = cursor.fetchone()
    return bool(found and next(iter(found)))


def has_catalog(connection: MySQLConnectionAbstract) -> bool:
    """Whether anything was ever loaded, be it an empty table."""
    return kind(connection, VIEW) is not None


def count_rows(connection: MySQLConnectionAbstract) -> int:
    """Drugs in the catalog; 0 where there is none yet."""
    if not has_catalog(connection):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {VIEW}")  # noqa: S608 - a constant
        found = cursor.fetchone()
    return int(str(next(iter(found)))) if found else 0


@dataclass(frozen=True)
class CatalogLoad:
    """``rows`` of the catalog; ``skipped`` has the NDC of each row whose NDC another row has."""

    rows: int
    skipped: tuple[str, ...]
    seconds: float


def load_fda(
    connection: MySQLConnectionAbstract, rows: int | None, *, progress: Progress | None = None
) -> CatalogLoad:
    """The FDA's tables and the view over them: the first ``rows`` prescription packages, or all.

    ``progress`` gets (rows written, rows to write), packages and products together.
    """
    started = time.monotonic()
    selection = select(rows)
    report = _counter(progress, len(selection.packages) + len(selection.products))
    fill_draft(connection, PRODUCTS, selection.products, report)
    fill_draft(connection, PACKAGES, selection.packages, report)
    publish_drafts(connection, [PRODUCTS, PACKAGES])
    create_view(connection, "fda_ndc")
    seconds = time.monotonic() - started
    return CatalogLoad(len(selection.packages), selection.skipped, seconds)


def load_csv(
    connection: MySQLConnectionAbstract,
    path: Path,
    form: CsvForm | None = None,
    *,
    progress: Progress | None = None,
) -> CatalogLoad:
    """Load a CSV file as the table ``drugs``. If it is wrong: LocalError, and nothing changed."""
    started = time.monotonic()
    rows = read_csv(path, form or CsvForm())
    fill_draft(connection, CSV, rows, _counter(progress, len(rows)))
    with uninterrupted():
        execute(connection, f"DROP VIEW IF EXISTS {VIEW}")
        publish_drafts(connection, [CSV])
    return CatalogLoad(len(rows), (), time.monotonic() - started)


def create_view(connection: MySQLConnectionAbstract, name: str) -> None:
    """Run ``catalogs/{name}.sql``; a table ``drugs`` from a CSV file gives way."""
    with uninterrupted():
        if kind(connection, VIEW) == "BASE TABLE":
            execute(connection, f"DROP TABLE {VIEW}")
        execute(connection, (CATALOGS / f"{name}.sql").read_text())


def _counter(progress: Progress | None, total: int) -> Callable[[int], None]:
    done = 0

    def report(count: int) -> None:
        nonlocal done
        done += count
        if progress:
            progress(done, total)

    return report
