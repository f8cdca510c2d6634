"""Collations fold and pad; bytes do not. A run either stops and names both keys, or is right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.lab import FaultLab
from tests.faults.tally import named
from tests.rows import COLUMNS
from tests.servers import assert_in_step

NO_PADDING = "one without padding"
NAMES = {"MariaDB": "utf8mb4_general_nopad_ci", "MySQL": "utf8mb4_0900_ai_ci"}
"""What `NO_PADDING` is called."""

# The collation, and keys that it orders or equates otherwise than their bytes
FOLDING = [
    ("utf8mb4_general_ci", ["a", "B", "c", "D", "e"]),
    ("utf8mb4_unicode_ci", ["a", "é", "f", "z"]),
    ("latin1_swedish_ci", ["Z", "Å", "Ä"]),
]
EQUATING = [
    ("utf8mb4_general_ci", ["a", "b", "B", "c"]),
    ("utf8mb4_general_ci", ["a", "b", "b ", "c"]),
    ("utf8mb4_bin", ["a", "a ", "a  ", "b"]),
    ("utf8mb4_unicode_ci", ["e", "é", "ê", "f"]),
    (NO_PADDING, ["a", "A", "b", "B"]),
]


@pytest.fixture
def odd(synced: FaultLab) -> Iterator[FaultLab]:
    synced.settings["catalog_table"] = "odd"
    yield synced
    synced.catalog.execute("DROP TABLE IF EXISTS odd")


def fill(lab: FaultLab, collation: str, keys: list[str]) -> None:
    """The live rows and these, under a key column of this collation, without a unique index."""
    run = lab.catalog.execute
    run("CREATE TABLE odd AS SELECT * FROM drugs")
    if collation == NO_PADDING:
        collation = NAMES[lab.stack.mysql.version.split()[0]]
    charset = collation.partition("_")[0]
    run(f"ALTER TABLE odd MODIFY ndc VARCHAR(64) CHARACTER SET {charset} COLLATE {collation}")
    run("CREATE INDEX by_ndc ON odd (ndc)")
    for key in keys:
        run("INSERT INTO odd (ndc, drug_name, generic_name) VALUES (%s, 'Odd', 'Odd')", [key])


@pytest.mark.parametrize(("collation", "keys"), FOLDING)
@pytest.mark.fault(
    *("MySQL", "a collation that orders keys unlike bytes", "PlanPages or DiffPage"),
    named("KeyOrderMismatch"),
)
def test_keys_in_another_order_than_their_bytes_stop_the_run_and_are_named(
    odd: FaultLab, collation: str, keys: list[str]
) -> None:
    held = odd.index.dump()["keys"]
    fill(odd, collation, keys)
    for page_size in (1, 3, 100):
        report = odd.fail("KeyOrderMismatch", page_size=page_size)
        assert sum(repr(key) in str(report.cause) for key in keys) >= 2, report.cause
    del held["drugs:writer"]
    now = odd.index.dump()["keys"]
    assert {key: now.get(key) for key in held} == held


@pytest.mark.parametrize("key", ["a\t", "a\x00b"])
@pytest.mark.fault(
    *("MySQL", "a control character in a key", "PlanPages or DiffPage"), "stopped, and named"
)
def test_a_key_with_a_control_character_stops_the_run_and_is_named(odd: FaultLab, key: str) -> None:
    live = odd.index.documents()
    fill(odd, "utf8mb4_bin", ["a", key, "b"])
    for page_size in (1, 100):
        report = odd.run(page_size=page_size)
        assert report.error in ("ColumnUnreadable", "KeyOrderMismatch")
        assert repr(key)[1:-1] in str(report.cause).replace("\\\\", "\\")
    assert odd.index.documents() == live


@pytest.mark.parametrize("page_size", [1, 100])
@pytest.mark.parametrize(("collation", "keys"), EQUATING)
@pytest.mark.fault(
    *("MySQL", "a collation that equates keys", "DiffPage"), "stopped with both keys, or in step"
)
def test_keys_that_sql_takes_for_equal_are_named_or_kept_apart_and_never_lost(
    odd: FaultLab, collation: str, keys: list[str], page_size: int
) -> None:
    live = odd.index.documents()
    fill(odd, collation, keys)
    report = odd.run(page_size=page_size)
    if report.status == "FAILED":
        assert report.error in ("KeyOrderMismatch", "DuplicateKey"), report.cause
        assert sum(repr(key) in str(report.cause) for key in keys) >= 2
        assert odd.index.documents() == live
    else:
        columns = ", ".join(f"`{column}`" for column in COLUMNS)
        rows = odd.catalog.execute(f"SELECT {columns} FROM odd")
        assert_in_step(odd.index, [dict(zip(COLUMNS, row, strict=True)) for row in rows])
