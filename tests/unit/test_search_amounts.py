"""Strengths and NDCs in every spelling, read in time linear in the text."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.contract.folding import fold, plain
from workflow.search.amounts import asked_of
from workflow.search.ndcs import Asked, dashed, ndcs_of
from workflow.search.strengths import amounts_of, shown_of, sort_key
from workflow.search.written import Strength, number_of

SMALL, LARGE = 1024, 65_536
FASTEST_S = 0.002
"""Shorter times are too short to compare."""


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("2,5", 2.5),
        (",5", 0.5),
        (".5", 0.5),
        ("2.5", 2.5),
        ("1,000", 1000),
        ("12,500", 12_500),
        ("1,000.5", 1000.5),
        ("1,000,000", 1_000_000),
        ("0,125", 0.125),
        ("1,25", 1.25),
        ("5.", 5),
        ("1.2.3", None),
        ("1,2,3", None),
        ("9" * 16, None),
    ],
)
def test_a_comma_is_a_decimal_mark_unless_it_groups_thousands(
    written: str, amount: float | None
) -> None:
    assert number_of(written) == amount


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("20 mg", [(20, "mg")]),
        ("coumadin 2,5 mg", [(2.5, "mg")]),
        ("0\u00b725 mg", [(0.25, "mg")]),
        (",5mg", [(0.5, "mg")]),
        *((f"50 {unit}", [(0.05, "mg")]) for unit in ("mcg", "ug", "\u00b5g", "\u03bcg", "microg")),
        *((f"50{unit}", [(0.05, "mg")]) for unit in ("micrograms", "MCG", "\u03bcG", "UG")),
        ("1 g", [(1000, "mg")]),
        ("5-325mg", [(5, "mg"), (325, "mg")]),
        ("5 mg/325 mg", [(5, "mg"), (325, "mg")]),
        ("0.05 %", [(0.05, "%")]),
        ("5,000 units", [(5000, "unit")]),
        ("1.2 million units", [(1_200_000, "unit")]),
        ("7H2O", []),
        ("vitamin b12", []),
    ],
)
def test_a_strength_is_read_in_its_base_unit(text: str, amounts: list[tuple[float, str]]) -> None:
    assert [tuple(one) for one in asked_of(text, bare=False).strengths] == amounts


@pytest.mark.parametrize(
    ("text", "bare", "rest"),
    [
        ("furosemide 40", (40,), "furosemide"),
        ("oxycodone-APAP 5/325", (5, 325), "oxycodone apap"),
        ("carbidopa levodopa 25-100", (25, 100), "carbidopa levodopa"),
        ("losartan hctz 50\u201312.5", (50, 12.5), "losartan hctz"),
        ("5-fu", (), "5 fu"),
        ("vitamin b12", (), "vitamin b12"),
        ("heparin 5 000", (5000,), "heparin"),
        ("carbidopa levodopa 25 100", (25, 100), "carbidopa levodopa"),
        ("gabapentin 300 cap", (300,), "gabapentin cap"),
        ("gabapentin 300 mg 2 caps 3 times", (), "gabapentin caps times"),
    ],
)
def test_a_bare_number_behind_a_name_is_a_strength(
    text: str, bare: tuple[float, ...], rest: str
) -> None:
    asked = asked_of(text)
    assert (asked.bare, fold(asked.rest)) == (bare, rest)


def test_a_ratio_is_a_percentage() -> None:
    assert asked_of("epi 1:1000").strengths == (Strength(0.1, "%"),)


def test_what_an_amount_is_given_per_is_no_name() -> None:
    assert fold(asked_of("fentanyl 25 mcg/hr").rest) == "fentanyl"


@pytest.mark.parametrize("written", ["10 mg/mL", "1 g/100mL", "50 mg/5 mL", "10 mg/g", "1 %"])
def test_a_strength_per_volume_is_a_percentage_too(written: str) -> None:
    assert Strength(1, "%") in amounts_of(written)[0].forms


def test_every_ingredient_has_its_amount() -> None:
    for written in ("10 mg/1; 325 mg/1", "10-325 mg", "10 mg-325 mg", "10/325 mg"):
        assert [one.number for one in amounts_of(written)] == [10, 325]


def test_strengths_sort_as_amounts() -> None:
    written = ["1 g/1", "50 ug/1", "10 mg/1", "5 mg/1", "100 mg/1"]
    assert sorted(written, key=sort_key) == ["50 ug/1", "5 mg/1", "10 mg/1", "100 mg/1", "1 g/1"]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("1 mg/1", "1 mg"),
        ("10 mg/1; 325 mg/1", "10 mg / 325 mg"),
        ("50 ug/1", "50 mcg"),
        (".5 mg/mL", "0.5 mg/mL"),
        ("100 [USP'U]/mL", "100 units/mL"),
    ],
)
def test_a_strength_is_shown_as_people_read_it(stored: str, shown: str) -> None:
    assert shown_of(stored) == shown


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("0093-5057-01", "00093505701"),
        ("10956-003-01", "10956000301"),
        ("10096-0241-3", "10096024103"),
        ("00093-5057-01", "00093505701"),
        (" NDC: 00093505701 ", "00093505701"),
        *((f"0093{dash}5057{dash}01", "00093505701") for dash in "\u2010\u2011\u2013\u2014\u2212 "),
        ("0002-E800-01", "00002E80001"),
        ("000093505701", "00093505701"),
        ("0093505701", "00093505701"),
        ("000935057-01", "00093505701"),
        ("00093-505701", "00093505701"),
        ("(0093-5057-01)", "00093505701"),
        ("[00093505701]", "00093505701"),
        ("00300930058011", "00093005801"),
        ("(01)00300930058011", "00093005801"),
        ("0100300930058011", "00093005801"),
    ],
)
def test_an_ndc_of_any_form_is_its_key(written: str, key: str) -> None:
    assert key in ndcs_of(written).keys


def test_ten_digits_may_mean_three_packages() -> None:
    asked = ndcs_of("1182200501")
    assert asked.keys[:3] == ("01182200501", "11822000501", "11822005001")


def test_a_labeler_s_product_begins_the_keys_of_its_packages() -> None:
    assert ndcs_of("0071-0155").prefixes == ("000710155", "0071-0155-")


@pytest.mark.parametrize(
    "text", ["", "aspirin", "40 mg", "5 fu", "10-325", "12345", "1:1000", "b12", "00300930058012"]
)
def test_other_words_are_no_ndc(text: str) -> None:
    assert ndcs_of(text) == Asked((), ())


def test_an_ndc_is_shown_with_dashes() -> None:
    assert (dashed("00093505701"), dashed("any key")) == ("00093-5057-01", "any key")


PARSERS: tuple[Callable[[str], object], ...] = (
    *(asked_of, shown_of, ndcs_of, fold, plain),
    *(amounts_of.__wrapped__, sort_key),
)
PATTERNS = (
    *("1/", "1,", "1.", "1 mg/", "1 ", "-", ",", ".", "1-", "a1", "1:", " ", "a-"),
    *("\u00b7", "\u00e9"),
)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_parser_takes_time_linear_in_the_text(
    parser: Callable[[str], object], pattern: str
) -> None:
    """64 times the text may take 64 times as long, and noise; a square would take 4,096 times."""
    small, large = (took(parser, pattern * (size // len(pattern))) for size in (SMALL, LARGE))
    assert large < 64 * 16 * max(small, FASTEST_S / 20)


def took(parser: Callable[[str], object], text: str) -> float:
    def once() -> float:
        begun = time.perf_counter()
        parser(text)
        return time.perf_counter() - begun

    return min(once() for _ in range(3))


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    asked_of(text)
    amounts_of(text)
    shown_of(text)
    ndcs_of(text)
    sort_key(text)
