"""Amounts, salts, forms and negations as prescribers write them, where catalogs write otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.servers.stack import Stack
from tests.searched import ask, drug, found, searched, told
from workflow.adapters.redis.queries import RedisSearch
from workflow.search.parts import Answer

SALTS = "dextroamphetamine sulfate and amphetamine sulfate"
INSULIN = {"drug_class": "Insulin [EPC]"}
OPIOID = {"drug_class": "Opioid Agonist [EPC]"}
VINCA = {"drug_class": "Vinca Alkaloid [EPC]"}
ROWS = (
    drug(1, "Adderall", "Adderall", SALTS, "2.5 mg/1; 2.5 mg/1", "TABLET", "ORAL"),
    drug(2, "Adderall", "Adderall", SALTS, "10 mg/1; 10 mg/1", "TABLET", "ORAL"),
    drug(3, "Zosyn", "Zosyn", "piperacillin and tazobactam", "2 g/1; .25 g/1", "INJECTION",
         "INTRAVENOUS"),
    drug(4, "Zosyn", "Zosyn", "piperacillin and tazobactam", "3 g/1; .375 g/1", "INJECTION",
         "INTRAVENOUS"),
    drug(5, "Caduet", "Caduet", "amlodipine and atorvastatin", "10 mg/1; 10 mg/1", "TABLET",
         "ORAL"),
    drug(6, "Caduet", "Caduet", "amlodipine and atorvastatin", "5 mg/1; 20 mg/1", "TABLET",
         "ORAL"),
    drug(7, "Methadone", "", "methadone hydrochloride", "1 g/g", "POWDER", "ORAL"),
    drug(8, "Methadone Hydrochloride", "", "methadone hydrochloride", "5 mg/1", "TABLET", "ORAL"),
    drug(9, "Metoprolol Tartate", "", "metoprolol tartate", "50 mg/1", "TABLET", "ORAL"),
    drug(10, "Kapspargo", "", "metoprolol succinate", "50 mg/1", "CAPSULE", "ORAL"),
    drug(11, "Fentanyl", "", "fentanyl", "100 ug/72h", "PATCH", "TRANSDERMAL", **OPIOID),
    drug(12, "Fentanyl Citrate", "", "fentanyl citrate", "50 ug/mL", "INJECTION", "INTRAVENOUS",
         **OPIOID),
    drug(13, "Clobetasol Propionate", "", "clobetasol propionate", ".05 mg/100mL", "LOTION",
         "TOPICAL"),
    drug(14, "Clobetasol", "", "clobetasol propionate", ".5 mg/g", "CREAM", "TOPICAL"),
    drug(15, "Synthroid", "Synthroid", "levothyroxine sodium", "25 ug/1", "TABLET", "ORAL"),
    drug(16, "Synthroid", "Synthroid", "levothyroxine sodium", "100 ug/1", "TABLET", "ORAL"),
    drug(17, "Humalog", "Humalog", "insulin lispro", "100 [iU]/mL", "INJECTION, SOLUTION",
         "SUBCUTANEOUS", **INSULIN),
    drug(18, "Humalog Mix75/25", "Humalog Mix75/25", "insulin lispro", "100 [iU]/mL",
         "INJECTION, SUSPENSION", "SUBCUTANEOUS", **INSULIN),
    drug(19, "Afrezza", "Afrezza", "insulin human", "4 1/1", "POWDER", "RESPIRATORY", **INSULIN),
    drug(20, "Humulin R", "Humulin R", "insulin human", "500 [iU]/mL", "INJECTION, SOLUTION",
         "SUBCUTANEOUS", **INSULIN),
    drug(21, "Sodium Chloride", "", "sodium chloride", ".45 g/100mL", "INJECTION", "INTRAVENOUS"),
    drug(22, "Sodium Chloride", "", "sodium chloride", ".9 g/100mL", "INJECTION", "INTRAVENOUS"),
    drug(23, "Heparin Sodium", "", "heparin sodium", "1000 [USP'U]/mL", "INJECTION",
         "INTRAVENOUS"),
    drug(24, "Heparin Sodium", "", "heparin sodium", "5000 [USP'U]/mL", "INJECTION",
         "INTRAVENOUS"),
    drug(25, "Coumadin", "Coumadin", "warfarin sodium", "5 mg/1", "TABLET", "ORAL"),
    drug(26, "Oxycontin", "Oxycontin", "oxycodone hydrochloride", "10 mg/1",
         "TABLET, EXTENDED RELEASE", "ORAL", **OPIOID),
    drug(27, "Roxicodone", "Roxicodone", "oxycodone hydrochloride", "5 mg/1", "TABLET", "ORAL",
         **OPIOID),
    drug(28, "Hair Stim", "", "vinca minor", "3 [hp_X]/mL", "LIQUID", "ORAL"),
    drug(29, "Vincasar", "", "vincristine sulfate", "1 mg/mL", "INJECTION", "INTRAVENOUS",
         **VINCA),
    drug(30, "Vitamin D", "", "ergocalciferol", "1.25 mg/1", "CAPSULE, LIQUID FILLED", "ORAL"),
    drug(31, "Exforge", "", "amlodipine and valsartan", "5 mg/1; 160 mg/1", "TABLET", "ORAL"),
    drug(33, "Zosyn", "Zosyn", "piperacillin and tazobactam", "36 g/1; 4.5 g/1", "INJECTION",
         "INTRAVENOUS"),
    drug(34, "Zosyn", "Zosyn", "piperacillin and tazobactam", "4 g/1; .5 g/1", "INJECTION",
         "INTRAVENOUS"),
    drug(35, "Solu-Medrol", "Solu-Medrol", "methylprednisolone", "40 mg/mL", "INJECTION",
         "INTRAVENOUS"),
    drug(36, "Opium Tincture", "", "morphine", "10 mg/mL", "TINCTURE", "ORAL"),
    drug(37, "Morphine Sulfate", "", "morphine sulfate", "15 mg/1", "TABLET", "ORAL"),
    drug(38, "Orphenadrine", "", "orphenadrine citrate", "30 mg/mL", "INJECTION", "INTRAVENOUS"),
    drug(32, "Lisinopril", "", "lisinopril", "10 mg/1", "TABLET", "ORAL"),
    drug(39, "Nerve Drops", "", "nux vomica, pulsatilla, rhus tox, thuja occidentalis",
         "3 [hp_X]/mL; 3 [hp_X]/mL; 3 [hp_X]/mL; 3 [hp_X]/mL", "LIQUID", "ORAL"),
    drug(40, "Cytomel", "", "liothyronine sodium", "5 ug/1", "TABLET", "ORAL"),
    drug(41, "Tylenol with Codeine", "", "acetaminophen and codeine phosphate",
         "300 mg/1; 30 mg/1", "TABLET", "ORAL"),
)  # fmt: skip


@pytest.fixture(scope="module")
def index(stack: Stack) -> Iterator[RedisSearch]:
    with searched(stack, ROWS) as one:
        yield one


def shown(answer: Answer) -> list[str]:
    return [card.packages[0]["drug_name"] for card in answer.products]


@pytest.mark.parametrize(
    ("query", "name", "strength"),
    [
        ("adderall 20", "Adderall", "10 mg/1; 10 mg/1"),
        ("adderall 5 mg", "Adderall", "2.5 mg/1; 2.5 mg/1"),
        ("zosyn 3.375", "Zosyn", "3 g/1; .375 g/1"),
        ("zosyn 4.5g", "Zosyn", "4 g/1; .5 g/1"),
        ("zosyn 3.375 g", "Zosyn", "3 g/1; .375 g/1"),
        ("caduet 20", "Caduet", "5 mg/1; 20 mg/1"),
        ("fentanyl 100mcg/2ml", "Fentanyl Citrate", "50 ug/mL"),
        ("clobetasol 0.05", "Clobetasol", ".5 mg/g"),
        ("synthroid 0.1", "Synthroid", "100 ug/1"),
        ("synthroid 100", "Synthroid", "100 ug/1"),
        ("humalog mix 75/25", "Humalog Mix75/25", "100 [iU]/mL"),
        ("ns", "Sodium Chloride", ".9 g/100mL"),
        ("1/2 ns", "Sodium Chloride", ".45 g/100mL"),
        ("\u00bd NS", "Sodium Chloride", ".45 g/100mL"),
        ("1/2NS", "Sodium Chloride", ".45 g/100mL"),
        ("half normal saline", "Sodium Chloride", ".45 g/100mL"),
        ("0.45% saline", "Sodium Chloride", ".45 g/100mL"),
        ("ns 0.45%", "Sodium Chloride", ".45 g/100mL"),
        ("normal saline 0.45 %", "Sodium Chloride", ".45 g/100mL"),
        ("NS 0.45", "Sodium Chloride", ".45 g/100mL"),
        ("heparin 5 000 units", "Heparin Sodium", "5000 [USP'U]/mL"),
        ("warf 5", "Coumadin", "5 mg/1"),
        ("lisinopril 10 mg 1 tab daily", "Lisinopril", "10 mg/1"),
        ("metoprolol succ 50", "Kapspargo", "50 mg/1"),
    ],
)
def test_an_amount_is_found_however_the_catalog_writes_it(
    index: RedisSearch, query: str, name: str, strength: str
) -> None:
    answer = ask(index, query)
    first = answer.products[0]
    assert (first.packages[0]["drug_name"], first.items[0].strength) == (name, strength)
    assert "strength_missing" not in told(answer)


@pytest.mark.parametrize(
    ("query", "text", "parts"),
    [
        ("exforge 165", "165 mg is the sum of 5 mg and 160 mg.", ("5 mg", "160 mg")),
        ("zosyn 3.375", "3.375 g is the sum of 3 g and 375 mg.", ("3 g", "375 mg")),
        ("caduet 25 mg", "25 mg is the sum of 5 mg and 20 mg.", ("5 mg", "20 mg")),
    ],
)
def test_a_strength_that_is_a_sum_is_said_to_be_one(
    index: RedisSearch, query: str, text: str, parts: tuple[str, ...]
) -> None:
    """The two amounts may be none of a prescription for 15 mg."""
    answer = ask(index, query)
    (notice,) = answer.notices
    assert (notice.kind, notice.text, notice.instead) == ("strength_is_sum", text, parts)


@pytest.mark.parametrize("query", ["caduet 20", "lisinopril 10"])
def test_an_amount_of_one_s_own_is_no_sum(index: RedisSearch, query: str) -> None:
    """Caduet of 10 mg and 10 mg comes behind one that has 20 mg."""
    assert told(ask(index, query)) == {}


def test_the_substance_itself_has_no_strength(index: RedisSearch) -> None:
    """Methadone as a powder to make medicines of is `1 g/g`."""
    answer = ask(index, "methadone 1")
    assert shown(answer)[0] == "Methadone Hydrochloride"
    assert "strength_missing" in told(answer)


def test_a_mix_that_the_catalog_lacks_is_no_other_insulin(index: RedisSearch) -> None:
    answer = ask(index, "humulin 70/30")
    assert found(answer) == {}
    assert told(answer)["not_in_catalog"] == ("insulin human", "isophane")


@pytest.mark.parametrize("query", ["humulin", "humulin insulin", "humulin 100"])
def test_of_several_drugs_the_only_one_of_the_catalog_is_meant(
    index: RedisSearch, query: str
) -> None:
    answer = ask(index, query)
    assert "Humulin R" in found(answer)["found"]
    assert "did_you_mean" not in told(answer)


def test_a_question_offers_only_what_the_catalog_has(index: RedisSearch) -> None:
    assert told(ask(index, "ms"))["did_you_mean"] == ("morphine",)
    assert told(ask(index, "levo"))["did_you_mean"] == ("levothyroxine",)
    answer = ask(index, "pit")
    assert found(answer) == {}
    assert told(answer)["not_in_catalog"] == ("oxytocin", "vasopressin")


@pytest.mark.parametrize(
    ("query", "out", "left"),
    [
        ("insulin no liquid", "liquid", {"Afrezza"}),
        ("vitamin d not liquid", "liquid", {"Vitamin D"}),
        ("oxycodone non er", "er", {"Roxicodone"}),
    ],
)
def test_a_form_that_is_not_wanted_is_not_shown(
    index: RedisSearch, query: str, out: str, left: set[str]
) -> None:
    answer = ask(index, query)
    assert set(shown(answer)) == left
    assert told(answer)["left_out"] == (out,)


@pytest.mark.parametrize("query", ["oxycodone ir 5", "oxycodone immediate release"])
def test_a_form_that_is_asked_for_is_not_said_to_leave_another_out(
    index: RedisSearch, query: str
) -> None:
    answer = ask(index, query)
    assert shown(answer) == ["Roxicodone"]
    assert "left_out" not in told(answer)


@pytest.mark.parametrize("query", ["insulin without pen", "lisinopril no dye"])
def test_what_no_column_says_is_told_once(index: RedisSearch, query: str) -> None:
    (notice,) = (one for one in ask(index, query).notices if one.kind == "unknown_word")
    assert notice.text == f"No column says {query.split()[-1]}, so this was not left out."


@pytest.mark.parametrize(
    "query",
    [
        *(
            "can not sleep",
            "cant sleep",
            "can not have a bowel movement",
            "my body does not make it",
        ),
        "my pancreas does not make insulin",
    ],
)
def test_a_not_of_a_verb_leaves_no_use_out(index: RedisSearch, query: str) -> None:
    assert not {"left_out", "unknown_word"} & told(ask(index, query)).keys()


@pytest.mark.parametrize(
    ("query", "out"),
    [
        ("insulin that is not humalog", "humalog"),
        ("insulin that isn't humalog", "humalog"),
        ("opioid could not have fentanyl", "fentanyl"),
        ("opioid that does not contain oxycodone", "oxycodone"),
        ("pain must not have opioids", "opioids"),
        ("pain cant take opioids", "opioids"),
        ("opioid can not use patch", "patch"),
        ("high blood pressure can not take an ace inhibitor", "ace inhibitor"),
    ],
)
def test_a_drug_behind_a_not_of_a_verb_is_left_out(
    index: RedisSearch, query: str, out: str
) -> None:
    answer = ask(index, query)
    assert told(answer)["left_out"] == (out,)
    excluded = {"humalog": "Humalog", "fentanyl": "Fentanyl", "patch": "Fentanyl"}
    assert excluded.get(out, "Oxycontin") not in shown(answer)


@pytest.mark.parametrize("word", ["fox", "mom"])
def test_an_english_word_is_an_abbreviation_only_beside_another_drug(
    index: RedisSearch, word: str
) -> None:
    answer = ask(index, word)
    assert found(answer) == {}
    assert told(answer)["did_you_mean"]
    assert not {"did_you_mean", "read_as"} & told(ask(index, f"red {word}")).keys()


@pytest.mark.parametrize(
    "query", ["class iii antiarrhythmic", "fish smell discharge", "8 yr old wets the bed"]
)
def test_an_ordinary_word_is_no_name(index: RedisSearch, query: str) -> None:
    answer = told(ask(index, query))
    assert not {"read_as", "did_you_mean"} & answer.keys()
    assert not {"bed", "clast", "smelt"} & {*answer.get("not_in_catalog", ())}


def test_an_ordinary_word_alone_may_be_a_missing_name(index: RedisSearch) -> None:
    assert told(ask(index, "bed"))["not_in_catalog"]


@pytest.mark.parametrize("query", ["thuja", "pulsatilla", "rhus tox", "nux vomica"])
def test_a_homeopathic_is_found_by_its_substance(index: RedisSearch, query: str) -> None:
    assert "Nerve Drops" in shown(ask(index, query))


def test_a_form_is_a_condition_of_a_class(index: RedisSearch) -> None:
    assert shown(ask(index, "opioid patch")) == ["Fentanyl"]
    assert len(shown(ask(index, "opioid cream"))) == 4


def test_a_word_within_a_homeopathic_s_names_is_a_class_rather_than_its_name(
    index: RedisSearch,
) -> None:
    assert found(ask(index, "vinca")) == {"class": ["Vincasar"]}
    assert found(ask(index, "hair stim")) == {"found": ["Hair Stim"]}
    assert found(ask(index, "hair")) == {"found": ["Hair Stim"]}
    assert found(ask(index, "minor")) == {}


def test_the_mark_of_a_kind_of_classes_describes_no_drug(index: RedisSearch) -> None:
    assert found(ask(index, "epc")) == {}


def test_a_name_of_few_letters_may_be_a_beginning_beside_another_drug(index: RedisSearch) -> None:
    """`val` is valine; the answer asks, and shows nothing that was not asked for."""
    answer = ask(index, "val amlo")
    assert found(answer) == {}
    assert told(answer)["did_you_mean"] == ("amlodipine and valsartan",)


@pytest.mark.parametrize(("short", "long"), [("pe", "phenylephrine"), ("gg", "guaifenesin")])
def test_an_abbreviation_that_is_one_only_beside_another_drug_is_a_question_alone(
    index: RedisSearch, short: str, long: str
) -> None:
    assert told(ask(index, short))["did_you_mean"] == (long,)


def test_a_name_of_two_words_is_found_if_they_have_grown_together(index: RedisSearch) -> None:
    answer = ask(index, "solumedrol 40")
    assert found(answer)["found"] == ["Solu-Medrol"]
    assert told(answer)["read_as"] == ("solu medrol",)


def test_what_is_called_by_the_substance_comes_before_what_is_made_of_it(
    index: RedisSearch,
) -> None:
    assert found(ask(index, "morphine"))["found"] == ["Morphine Sulfate", "Opium Tincture"]


def test_a_word_that_begins_another_name_is_not_read_as_the_nearest(index: RedisSearch) -> None:
    """Norflox is short for norfloxacin, and one slip from Norflex, which is orphenadrine."""
    answer = ask(index, "norflox")
    assert found(answer) == {}
    assert told(answer)["did_you_mean"] == ("norflex", "norfloxacin")


def test_a_known_name_of_no_drug_here_is_a_question(index: RedisSearch) -> None:
    answer = ask(index, "ibuprophen")
    assert found(answer) == {}
    assert told(answer)["did_you_mean"] == ("ibuprofen",)


def test_an_abbreviation_of_several_drugs_is_a_question_also_if_it_is_a_lay_word(
    index: RedisSearch,
) -> None:
    assert told(ask(index, "T3"))["did_you_mean"] == ("acetaminophen and codeine", "liothyronine")
