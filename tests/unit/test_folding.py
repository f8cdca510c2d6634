"""One folding for what is stored and what is asked: however a value is typed, it is the same."""

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.contract.folding import fold, fold_words, plain

VALUES = st.text(max_size=40)
NAMES = st.text(
    st.characters(categories=("Lu", "Ll", "Nd", "Zs", "Pd", "Po"), max_codepoint=0x2FF), max_size=30
)
INVISIBLE = ("\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e")


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("Children\u2019s Zyxelor\u00ae", "childrens zyxelor"),
        ("Children's", "CHILDRENS"),
        ("Zyx\u200belor\u2122", "zyxelor"),
        ("50 \u03bcg", "50 ug"),
        ("50 \u00b5g", "50 UG"),
        ("Caf\u00e9-Menthol", "cafe menthol"),
        ("Cafe\u0301\u00a0Menthol", "CAF\u00c9 MENTHOL"),
        ("\u03b1-tocopherol", "Alpha tocopherol"),
        ("TABLET, FILM COATED", "tablet film-coated"),
        ("\uff34\uff41\uff42\uff4c\uff45\uff54", "tablet"),
        ("o\ufb03ce", "office"),
        ("l\u0456sinopril", "lisinopril"),
        ("\u0421\u043e\u0440\u0430\u0445\u043ene", "Copaxone"),
    ],
)
def test_what_people_type_for_a_value_is_the_value(stored: str, typed: str) -> None:
    assert fold(stored) == fold(typed)


@pytest.mark.parametrize(
    "word", ["\u0430\u0441\u043f\u0438\u0440\u0438\u043d", "\u0440\u043e\u0441\u0442"]
)
def test_a_russian_word_stays_one(word: str) -> None:
    """Also one whose letters all look Latin."""
    assert fold(word) == word


@given(VALUES)
def test_folding_twice_is_folding_once(value: str) -> None:
    assert fold(fold(value)) == fold(value)


@given(VALUES)
def test_only_letters_digits_and_single_spaces_are_left(value: str) -> None:
    assert all(one.isalnum() or one == " " for one in fold(value))
    assert "  " not in fold(value)
    assert fold_words(value) == tuple(fold(value).split(" ") if fold(value) else ())


@given(NAMES, st.sampled_from(("NFC", "NFD", "NFKC", "NFKD")))
def test_the_form_of_unicode_does_not_matter(
    value: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"]
) -> None:
    assert fold(unicodedata.normalize(form, value)) == fold(value)


@given(NAMES, st.sampled_from(INVISIBLE), st.integers(0, 30))
def test_what_cannot_be_seen_does_not_matter(value: str, invisible: str, place: int) -> None:
    assert fold(value[:place] + invisible + value[place:]) == fold(value)


@given(st.text(st.characters(max_codepoint=0x7F), max_size=30))
def test_ascii_is_folded_as_it_is_beside_other_letters(value: str) -> None:
    """It has a way of its own, which is faster."""
    assert fold(f"{value} \u00e9") == f"{fold(value)} e".strip()
    assert plain(f"{value} \u00e9") == f"{plain(value)} \u00e9".strip()


@given(st.text(st.characters(max_codepoint=0x24F), max_size=30))
def test_case_does_not_matter(value: str) -> None:
    assert fold(value.upper()) == fold(value.lower()) or "\u00df" in value.lower()


def test_a_mark_of_trade_is_no_letter() -> None:
    assert fold("Zyxelor\u2122") == "zyxelor"


def test_plain_text_keeps_its_marks() -> None:
    assert plain(" 2,5\u00a0\u03bcG ") == "2,5 ug"
