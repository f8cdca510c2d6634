"""How a column is read, by what `SHOW FULL COLUMNS` says of it: each server has its own words."""

from __future__ import annotations

import pytest

from workflow.adapters.mysql.columns import column_of
from workflow.contract.columns import KEY
from workflow.contract.errors import ColumnUnreadable


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (("varchar(20)", "utf8_general_ci"), ("varchar(20)", "utf8mb3_general_ci")),
        (("varchar(20)", "utf8_bin"), ("varchar(20)", "utf8mb3_bin")),
        (("int(11)", None), ("int", None)),
        (("bigint(20) unsigned", None), ("bigint unsigned", None)),
        (("tinyint(1)", None), ("tinyint", None)),
        (("year(4)", None), ("year", None)),
        (("float(7,4) unsigned", None), ("float", None)),
        (("BIT(1)", None), ("bit(1)", None)),
        (("geomcollection", None), ("geometrycollection", None)),
    ],
)
def test_a_type_is_read_the_same_whatever_a_version_calls_it(
    older: tuple[str, str | None], newer: tuple[str, str | None]
) -> None:
    assert outcome(*older) == outcome(*newer)


def outcome(declared: str, collation: str | None) -> object:
    try:
        return column_of("strength", declared, collation)
    except ColumnUnreadable:
        return ColumnUnreadable


@pytest.mark.parametrize("collation", ["utf8_general_ci", "utf8mb4_0900_ai_ci", "latin1_bin"])
def test_text_that_is_whole_in_utf8_needs_no_check(collation: str) -> None:
    assert column_of("strength", "varchar(20)", collation).check is None


def test_text_of_another_character_set_has_one() -> None:
    assert "USING sjis" in str(column_of("strength", "text", "sjis_japanese_ci").check)


@pytest.mark.parametrize("declared", ["int(11)", "bigint unsigned", "date", "enum('1','2')"])
def test_a_key_that_is_no_text_is_refused(declared: str) -> None:
    with pytest.raises(ColumnUnreadable, match="pages need one of text"):
        column_of(KEY, declared, None)
