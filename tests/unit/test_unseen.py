"""Invisible characters, compared with Unicode's data in a library that we did not write."""

import sys
import unicodedata

import pytest
import regex

from workflow.contract.unseen import BLANK, DEFAULT_IGNORABLE, is_seen, visible, without

EVERY = [chr(number) for number in range(sys.maxunicode + 1)]
IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")


def test_the_table_is_unicodes_default_ignorable_code_points() -> None:
    ours = regex.compile(f"[{DEFAULT_IGNORABLE}]")
    assert [one for one in EVERY if bool(ours.match(one)) != bool(IGNORABLE.match(one))] == []


def test_no_control_format_or_separator_is_seen_but_the_space() -> None:
    acting = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"}
    seen = [one for one in EVERY if unicodedata.category(one) in acting and is_seen(one)]
    assert seen == [" "]


@pytest.mark.parametrize("character", [*BLANK, *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u3164"])
def test_a_letter_without_a_shape_is_not_seen(character: str) -> None:
    assert not is_seen(f"5{character}00")
    assert visible(f"5{character}00").isascii()
    assert without(f"5{character}00", "?") == "5?00"


@pytest.mark.parametrize(
    "text", ["", "Acétaminophène 500 mg", "β-blocker ½", "阿司匹林", "아스피린", "💊", "e\u0301"]
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert is_seen(text)
    assert visible(text) == text == without(text, "?")


def test_an_escape_names_the_character() -> None:
    assert visible("a\x1b\u202e\U000e0041\xa0b") == r"a\x1b\u202e\U000e0041\xa0b"
