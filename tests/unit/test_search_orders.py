"""Orders as prescribers write them, in the words of labels."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.search.known import KnownNames, known_names
from workflow.search.orders import as_on_labels

SMALL, LARGE = 1024, 65_536
FASTEST_S = 0.002


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("d5w", "dextrose 5 %"),
        ("d5ns", "dextrose 5 % and sodium chloride 0.9 %"),
        (
            "d5 1/2ns + 20 kcl",
            "dextrose 5 % and sodium chloride 0.45 % and potassium chloride 20 meq",
        ),
        ("d5hns 20k", "dextrose 5 % and sodium chloride 0.45 % and potassium chloride 20 meq"),
        (
            "d5.45ns w/ 40 meq kcl",
            "dextrose 5 % and sodium chloride 0.45 % and potassium chloride 40 meq",
        ),
        ("d5 1/4 ns", "dextrose 5 % and sodium chloride 0.2 %"),
        ("d5lr", "dextrose 5 % lr"),
        ("half-normal saline", "sodium chloride 0.45 %"),
        ("ns with 20 kcl", "sodium chloride 0.9 % and potassium chloride 20 meq"),
        ("hypertonic saline 3%", "sodium chloride 3%"),
        ("3% saline", "sodium chloride 3 %"),
        ("ns 3%", "sodium chloride 3 %"),
        ("normal saline 3 %", "sodium chloride 3 %"),
        ("ns 0.45", "sodium chloride 0.45 %"),
        ("ns .9%", "sodium chloride 0.9 %"),
        ("ns iv 1.5%", "sodium chloride iv 1.5%"),
        ("ns 10 ml", "sodium chloride 0.9 % 10 ml"),
        ("ns 1000", "sodium chloride 0.9 % 1000"),
        ("d5w ns", "dextrose 5 % and sodium chloride 0.9 %"),
        ("heparin 25000 units in d5w", "heparin 25000 units in dextrose 5 %"),
    ],
)
def test_fluids_are_their_substances_in_percent(written: str, label: str) -> None:
    assert as_on_labels(written) == label


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("atorva 40 qhs", "atorva 40"),
        ("alb neb 2.5/3 q4h prn", "alb neb 2.5/3"),
        ("timolol 0.5% 1 gtt od bid", "timolol 0.5% gtt"),
        ("albuterol 2 puffs q4-6h prn", "albuterol puffs"),
        ("amoxicillin 500 tid x 10 days", "amoxicillin 500"),
        ("azithro 500 every 24 hours", "azithro 500"),
        ("carbo auc 5", "carbo"),
    ],
)
def test_directions_say_nothing_of_the_drug(written: str, label: str) -> None:
    assert as_on_labels(written) == label


@pytest.mark.parametrize(
    "text", ["bid", "qhs prn", "vitamin k", "guaifenesin ac", "tylenol 3 tabs"]
)
def test_what_may_be_all_or_a_part_of_a_name_stays(text: str) -> None:
    assert as_on_labels(text) == text


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("ceftriaxone half-gram", "ceftriaxone 0.5 gram"),
        ("metformin one gram", "metformin 1 gram"),
        ("potassium chloride twenty meq", "potassium chloride 20 meq"),
        ("methotrexate two and a half mg", "methotrexate 2.5 mg"),
        ("warfarin two point five mg", "warfarin 2.5 mg"),
        ("warfarin 2 1/2 mg", "warfarin 2.5 mg"),
        ("ibuprofen eight hundred mg", "ibuprofen 800 mg"),
        ("phenobarbital quarter grain", "phenobarbital 15 mg"),
        ("thyroid two grains", "thyroid 120 mg"),
        ("phenobarbital 1/2 gr", "phenobarbital 30 mg"),
        ("nitroglycerin gr 1/150", "nitroglycerin 0.4 mg"),
    ],
)
def test_amounts_in_words_are_numbers(written: str, label: str) -> None:
    assert as_on_labels(written) == label


@pytest.mark.parametrize("text", ["two drugs for pain", "one a day vitamins", "codeine 1/0 gr"])
def test_words_that_are_no_amount_stay(text: str) -> None:
    assert as_on_labels(text) == text


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    as_on_labels(text)


@pytest.mark.parametrize("part", ["d5", "1/2 ", "half ", "two ", "1/", "kcl ", "q4h ", "n", " "])
def test_the_time_grows_with_the_text_only(part: str) -> None:
    def took(size: int) -> float:
        text = part * (size // len(part))
        begun = time.process_time()
        as_on_labels(text)
        return max(time.process_time() - begun, FASTEST_S)

    assert min(took(LARGE) for _ in range(3)) < 4 * LARGE / SMALL * took(SMALL)


@pytest.fixture(scope="module")
def known() -> KnownNames:
    return known_names()


@pytest.mark.parametrize(
    ("short", "substances"),
    [
        ("mag sulf", {"magnesium sulfate"}),
        ("na acetate", {"sodium acetate"}),
        ("k acetate", {"potassium acetate"}),
        ("ca gluc", {"calcium gluconate"}),
        ("cacl", {"calcium chloride"}),
        ("nahco3", {"sodium bicarbonate"}),
        ("feso4", {"ferrous sulfate"}),
    ],
)
def test_a_salt_written_short_means_the_salt(
    known: KnownNames, short: str, substances: set[str]
) -> None:
    assert frozenset(substances) in known.means(short)


def test_a_salt_that_is_two_drugs_stays_a_question(known: KnownNames) -> None:
    assert known.asks("mgso4")
    assert frozenset(("morphine",)) in known.means("mgso4")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("atorva",), ["atorvastatin"]),
        (("halop", "dec"), ["haloperidol decanoate"]),
        (("penicillin", "g", "benz"), ["penicillin g benzathine"]),
        (("pred", "acet"), ["prednicarbate", "prednisolone", "prednisone"]),
        (("potass",), ["potassium"]),
        (("atorvax",), []),
    ],
)
def test_words_begin_the_names_of_substances(
    known: KnownNames, words: tuple[str, ...], names: list[str]
) -> None:
    assert set(names) <= set(known.begun_by(words))
    assert all(one.startswith(words[0]) for one in known.begun_by(words))
    assert names or not known.begun_by(words)
