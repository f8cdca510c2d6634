"""Whatever a parameter group sets for a whole server, a run brings the index in step.

The lines of the table in docs/support.md are the cases: what MySQL 8.0 has by default, and worse.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mysql.connector.errors import Error

from local.servers.servers import connect, start_mysql, stop_mysql
from tests.integration.reading import catalog_of
from tests.lab import Lab
from tests.rows import make_rows
from tests.servers import CatalogTable
from workflow.contract.errors import KeyNotIndexed

DOCS = Path(__file__).parents[2] / "docs/support.md"
LINE = re.compile(r"^\| `(\w+)` \| (`.+`) \|$", re.MULTILINE)
CASES = [
    (name, value)
    for name, values in LINE.findall(DOCS.read_text(encoding="utf-8"))
    for value in re.findall(r"`([^`]+)`", values)
]
NO_SUCH_VARIABLE, NO_SUCH_COLLATION = 1193, 1273


@pytest.fixture(params=CASES, ids=lambda case: " = ".join(case))
def setting(request: pytest.FixtureRequest, lab: Lab, admin: CatalogTable) -> Iterator[str]:
    """A parameter that the whole server has for the time of a test."""
    name, value = request.param
    try:
        ((before,),) = admin.execute(f"SELECT @@GLOBAL.{name}")
        admin.execute(f"SET GLOBAL {name} = {value}")
    except Error as error:
        if error.errno not in (NO_SUCH_VARIABLE, NO_SUCH_COLLATION):
            raise
        pytest.skip(f"{lab.stack.mysql.version} has no {name} = {value}")
    yield name
    admin.execute(f"SET GLOBAL {name} = %s", [before])


def test_a_run_is_the_same_under_each_parameter(setting: str, lab: Lab) -> None:
    lab.succeed()
    lab.assert_in_step()


def test_a_key_without_an_index_is_refused_under_each_parameter(
    setting: str,
    base: CatalogTable,
    lab: Lab,
) -> None:
    with catalog_of(lab.stack).connect() as reader:
        reader.check_key(rows_worth_an_index=3)
        base.execute("ALTER TABLE base ADD COLUMN id INT AUTO_INCREMENT UNIQUE")
        base.execute("ALTER TABLE base DROP PRIMARY KEY, ADD PRIMARY KEY (id)")
        with pytest.raises(KeyNotIndexed, match="scans or sorts 4 rows of base"):
            reader.check_key(rows_worth_an_index=3)


def test_a_server_that_folds_names_and_writes_binary_logs_is_read(lab: Lab, tmp_path: Path) -> None:
    options = ["--lower-case-table-names=1", "--log-bin=log", "--server-id=1"]
    server = start_mysql(tmp_path, extra_args=[*options, "--binlog-format=STATEMENT"])
    try:
        with contextlib.closing(connect(server)) as connection:
            connection.autocommit = True
            table = CatalogTable(connection)
            table.create()
            table.insert(*make_rows(40))
            names = ("lower_case_table_names", "log_bin", "binlog_format")
            found = table.execute(f"SELECT {', '.join(f'@@{name}' for name in names)}")
        assert found == [(1, 1, "STATEMENT")]
        own = Lab(replace(lab.stack, mysql=server), lab.catalog, lab.index)
        own.succeed(settings={"catalog_table": "DRUGS"})
        own.assert_in_step()
    finally:
        stop_mysql(tmp_path)


def test_a_primary_key_of_the_servers_own_is_no_key_of_the_catalog(
    lab: Lab, base: CatalogTable, admin: CatalogTable
) -> None:
    try:
        admin.execute("SET SESSION sql_generate_invisible_primary_key = 1")
    except Error as error:
        if error.errno != NO_SUCH_VARIABLE:
            raise
        pytest.skip(f"{lab.stack.mysql.version} makes no primary keys of its own")
    try:
        admin.execute("CREATE TABLE own AS SELECT ndc, drug_name FROM base")
        with catalog_of(lab.stack, "own").connect() as reader:
            assert reader.columns() == ("ndc", "drug_name")
            with pytest.raises(KeyNotIndexed):
                reader.check_key(rows_worth_an_index=3)
            admin.execute("CREATE UNIQUE INDEX by_ndc ON own (ndc)")
            reader.check_key(rows_worth_an_index=3)
            assert len(reader.read_range(None, None).rows) == 4
    finally:
        admin.execute("DROP TABLE IF EXISTS own")
