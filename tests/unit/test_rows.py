"""What a catalog's row may say: the same for what is stored and what a search reads."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from tests.rows import make_row, make_rows
from workflow.contract.columns import FLAG_COLUMNS, TAG_BYTES
from workflow.contract.errors import ColumnUnreadable
from workflow.contract.ports.catalog import RangeRows, UnreadableRow
from workflow.contract.rows import SHOWN_CHARS, check_sample, read_row
from workflow.contract.unseen import visible


def reason(**changed: str | None) -> UnreadableRow:
    found = read_row(make_row(1, **changed))
    assert isinstance(found, UnreadableRow)
    return found


def test_a_row_that_says_nothing_odd_is_itself() -> None:
    assert [read_row(row) for row in make_rows(40)] == make_rows(40)


@pytest.mark.parametrize("column", FLAG_COLUMNS)
@pytest.mark.parametrize(
    ("said", "read"),
    [("0", "0"), ("1", "1"), ("true", "1"), ("FALSE", "0"), (" True ", "1"), ("", None)],
)
def test_a_flag_is_stored_as_one_or_zero(column: str, said: str, read: str | None) -> None:
    row = read_row(make_row(1, **{column: said}))
    assert not isinstance(row, UnreadableRow)
    assert row[column] == read
    TypeAdapter(bool | None).validate_python(row[column])


@pytest.mark.parametrize("said", ["Discontinued", "2", "-1", "yes", "Y", "00", "1.0", "\x01"])
@pytest.mark.parametrize("column", FLAG_COLUMNS)
def test_a_flag_that_is_none_leaves_its_row_out(column: str, said: str) -> None:
    row = reason(**{column: said})
    assert (row.column, row.value) == (column, said)
    assert "0, 1, true or false" in row.reason


UNSEEN_KEYS = (
    *("a\tb", "a\n", "\x7f", "\x85", "a\0"),
    *("00\u200b5", "005\xa0", "5\u3164", "5\ufe0f", "\u202e5"),
)


@pytest.mark.parametrize("key", UNSEEN_KEYS)
def test_a_key_that_is_not_all_seen_leaves_its_row_out(key: str) -> None:
    row = reason(ndc=key)
    assert (row.ndc, row.column, row.value) == (key, "ndc", visible(key))
    assert row.value.isascii()


def test_a_nul_leaves_its_row_out_and_other_control_characters_do_not() -> None:
    assert reason(drug_name="a\0b").column == "drug_name"
    assert read_row(make_row(1, drug_name="a\tb")) == make_row(1, drug_name="a\tb")


def test_a_filter_that_no_search_could_find_leaves_its_row_out() -> None:
    most = "\N{PILL}" * (TAG_BYTES // 4)
    assert not isinstance(read_row(make_row(1, manufacturer=most)), UnreadableRow)
    row = reason(manufacturer=most + "x")
    assert row.column == "manufacturer"
    assert len(row.value) == SHOWN_CHARS + len("...")
    assert not isinstance(read_row(make_row(1, drug_class=most * 2)), UnreadableRow)


def found(readable: int, unreadable: int) -> RangeRows:
    wrong = [reason(ndc=str(number), is_active="Y") for number in range(unreadable)]
    keys = [str(number) for number in range(readable + unreadable)]
    return RangeRows(list(make_rows(readable)), wrong, keys)


def test_a_column_that_fails_in_most_rows_is_refused_by_name() -> None:
    with pytest.raises(ColumnUnreadable, match=r"is_active cannot be read in 6 of the first 11"):
        check_sample(found(5, 6))


def test_single_rows_that_fail_are_left_to_their_page() -> None:
    check_sample(found(6, 5))
    check_sample(found(0, 0))
