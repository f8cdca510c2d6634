"""Catalogs of any size: copies of the FDA's directory, each with texts of its own.

Run alone, it fills `drugs` of $DRUGSYNC_HOME: `python -m benchmarks.made_catalog 1000000`.
"""

from contextlib import closing
from typing import Annotated

import typer

from local.catalogs.catalog import VIEW, load_fda
from local.catalogs.tables import execute, kind
from local.places import home
from local.servers.servers import connect
from local.servers.stack import Stack, running
from workflow.contract.columns import COLUMNS

MADE = "drugs_made"
NOT_THE_FDAS = ("gcn_seqno", "therapeutic_class")


def load_made(stack: Stack, rows: int) -> int:
    """`drugs` as a table of `rows` drugs; how many it has.

    Copy 7 of NDC 00002080001 is 0700002080001, and its strength ends in "lot 7": so the share of
    texts to drugs is the directory's (three in ten) at any size.
    """
    with closing(connect(stack.mysql)) as connection:
        every = load_fda(connection, None).rows
        execute(connection, f"DROP TABLE IF EXISTS {MADE}")
        execute(
            connection,
            f"CREATE TABLE {MADE} (ndc CHAR(13) NOT NULL PRIMARY KEY, "
            + ", ".join(f"{name} TEXT" for name in COLUMNS if name != "ndc")
            + ") ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        )
        for copy, done in enumerate(range(0, rows, every)):
            execute(connection, _copied(copy, min(every, rows - done)))
            connection.commit()
        if kind(connection, VIEW) == "VIEW":
            execute(connection, f"DROP VIEW {VIEW}")
        execute(connection, f"DROP TABLE IF EXISTS {VIEW}")
        execute(connection, f"RENAME TABLE {MADE} TO {VIEW}")
        execute(connection, f"ANALYZE TABLE {VIEW}")
    return rows


def _copied(copy: int, rows: int) -> str:
    made = {"ndc": f"CONCAT('{copy:02d}', ndc)", "strength": f"CONCAT(strength, ' lot {copy}')"}
    own = [name for name in COLUMNS if name not in NOT_THE_FDAS]
    columns = ", ".join(made.get(name, name) for name in own)
    return (
        f"INSERT INTO {MADE} ({', '.join(own)}) "
        f"SELECT {columns} FROM {VIEW} ORDER BY ndc LIMIT {rows}"
    )


def main(rows: Annotated[int, typer.Argument(min=1)]) -> None:
    """Replace the catalog of this home."""
    load_made(running(home()), rows)


if __name__ == "__main__":
    typer.run(main)
