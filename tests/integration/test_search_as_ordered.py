"""Orders as hospitals write them: beginnings of names with a strength, fluids, directions."""

from collections.abc import Iterator

import pytest

from local.servers.stack import Stack
from tests.searched import ask, drug, found, searched, told
from workflow.adapters.redis.queries import RedisSearch
from workflow.search.parts import Answer

ROWS = (
    drug(1, "Atorvastatin Calcium", "", "atorvastatin calcium", "40 mg/1", "TABLET", "ORAL"),
    drug(2, "Amlodipine and Atorvastatin", "", "amlodipine and atorvastatin", "5 mg/1; 40 mg/1",
         "TABLET", "ORAL"),
    drug(3, "Prednisone", "", "prednisone", "20 mg/1", "TABLET", "ORAL"),
    drug(4, "Pred Forte", "", "prednisolone acetate", "10 mg/mL", "SUSPENSION", "OPHTHALMIC"),
    drug(5, "Haldol Decanoate", "", "haloperidol decanoate", "100 mg/mL", "INJECTION",
         "INTRAMUSCULAR"),
    drug(6, "Haloperidol", "", "haloperidol lactate", "5 mg/mL", "INJECTION", "INTRAMUSCULAR"),
    drug(7, "Moxeza", "", "moxifloxacin hydrochloride", "5 mg/mL", "SOLUTION", "OPHTHALMIC"),
    drug(8, "Dex-Moxi", "", "dexamethasone and moxifloxacin", "1 mg/mL; 5 mg/mL", "INJECTION",
         "INTRAOCULAR"),
    drug(9, "Minocycline", "", "minocycline hydrochloride", "100 mg/1", "CAPSULE", "ORAL"),
    drug(10, "Minoxidil", "", "minoxidil", "10 mg/1", "TABLET", "ORAL"),
    drug(11, "Isosorbide Mononitrate", "", "isosorbide mononitrate", "30 mg/1", "TABLET", "ORAL"),
    drug(12, "Dextrose and Sodium Chloride", "", "dextrose and sodium chloride",
         "5 g/100mL; .45 g/100mL", "INJECTION", "INTRAVENOUS"),
    drug(13, "Potassium Chloride in Dextrose and Sodium Chloride", "",
         "dextrose and sodium chloride and potassium chloride",
         "50 g/1000mL; 4.5 g/1000mL; 1.49 g/1000mL", "INJECTION", "INTRAVENOUS"),
    drug(14, "Potassium Chloride in Dextrose and Sodium Chloride", "",
         "dextrose and sodium chloride and potassium chloride",
         "5 g/100mL; .45 g/100mL; .3 g/100mL", "INJECTION", "INTRAVENOUS"),
    drug(15, "Clobex", "", "clobetasol propionate", ".05 g/100mL", "LOTION", "TOPICAL"),
    drug(16, "Clobetasol Propionate", "", "clobetasol propionate", ".5 mg/g", "OINTMENT",
         "TOPICAL"),
    drug(17, "Cyclogyl", "", "cyclopentolate hydrochloride", "10 mg/mL", "SOLUTION", "OPHTHALMIC"),
    drug(18, "Suboxone", "", "buprenorphine and naloxone", "8 mg/1; 2 mg/1", "FILM", "SUBLINGUAL"),
    drug(20, "Droperidol", "", "droperidol", "2.5 mg/mL", "INJECTION", "INTRAVENOUS"),
    drug(21, "Linezolid", "", "linezolid", "600 mg/1", "TABLET", "ORAL"),
    drug(22, "Decitabine", "", "decitabine", "50 mg/1", "INJECTION", "INTRAVENOUS"),
    drug(23, "Montelukast", "", "montelukast sodium", "5 mg/1", "TABLET", "ORAL"),
    drug(24, "Mayzent", "", "siponimod", ".25 mg/1", "TABLET", "ORAL"),
    drug(25, "Delflex", "", "dextrose, sodium chloride, sodium lactate, calcium chloride",
         "1.5 g/100mL; .45 g/100mL; .448 g/100mL; .018 g/100mL", "SOLUTION", "INTRAPERITONEAL"),
    drug(26, "Dextrose", "", "dextrose", "5 g/100mL", "INJECTION", "INTRAVENOUS"),
    drug(19, "Contrave", "", "bupropion and naltrexone", "90 mg/1; 8 mg/1", "TABLET", "ORAL"),
)  # fmt: skip


@pytest.fixture(scope="module")
def index(stack: Stack) -> Iterator[RedisSearch]:
    with searched(stack, ROWS) as one:
        yield one


def names(answer: Answer) -> list[str]:
    return [one for of in found(answer).values() for one in of]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("atorva 40 qhs", "Atorvastatin Calcium"),
        ("halop dec 100", "Haldol Decanoate"),
        ("pred acet 1% ophth susp", "Pred Forte"),
        ("moxi 0.5% ou bid", "Moxeza"),
        ("mino 100 bid", "Minocycline"),
        ("isosorbide mono 30", "Isosorbide Mononitrate"),
        ("clobet 0.05% oint", "Clobetasol Propionate"),
        ("bup/nal 8/2 sl", "Suboxone"),
    ],
)
def test_a_beginning_with_a_strength_is_the_drug_that_begins_so(
    index: RedisSearch, query: str, name: str
) -> None:
    answer = ask(index, query)
    assert names(answer)[0] == name
    assert set(told(answer)) == {"read_as"}


@pytest.mark.parametrize("query", ["mino 5", "pred 20"])
def test_a_beginning_of_several_drugs_is_a_question(index: RedisSearch, query: str) -> None:
    answer = ask(index, query)
    assert names(answer) == []
    assert "did_you_mean" in told(answer)


def test_another_drug_s_name_is_no_beginning(index: RedisSearch) -> None:
    answer = ask(index, "cyclopent 1% ou")
    assert names(answer) == []
    assert told(answer)["did_you_mean"] == ("cyclopentolate",)


@pytest.mark.parametrize("query", ["atorva 45", "lin 600", "minox 10 inj"])
def test_few_letters_or_another_strength_are_no_decision(index: RedisSearch, query: str) -> None:
    answer = ask(index, query)
    assert names(answer) == []
    assert "did_you_mean" in told(answer)


def test_an_abbreviation_of_drugs_that_are_missing_is_no_beginning(index: RedisSearch) -> None:
    answer = ask(index, "ato 40")
    assert names(answer) == []
    assert told(answer)["not_in_catalog"] == ("arsenic trioxide", "atovaquone")


@pytest.mark.parametrize("query", ["dec 5", "may 5", "mon 5", "drop 2.5", "1 drop ou", "line 600"])
def test_a_date_or_a_form_begins_no_drug(index: RedisSearch, query: str) -> None:
    answer = ask(index, query)
    assert names(answer) == []
    assert "nothing_found" in told(answer)


@pytest.mark.parametrize("query", ["foo clob 100 mg", "xdm hal 100", "born in atorv 5"])
def test_a_beginning_before_a_strength_is_the_whole_query(index: RedisSearch, query: str) -> None:
    assert names(ask(index, query)) == []
    assert names(ask(index, "cont 90")) == ["Contrave"]


def test_a_beginning_is_not_read_if_it_is_asked_as_written(index: RedisSearch) -> None:
    assert names(ask(index, "clobet 0.05% oint", as_written=True)) == []


@pytest.mark.parametrize(
    ("query", "strength"),
    [
        ("d5 1/2ns", "5 g/100mL; .45 g/100mL"),
        ("d5 1/2ns + 20 kcl", "50 g/1000mL; 4.5 g/1000mL; 1.49 g/1000mL"),
        ("d5hns w/ 40 meq kcl", "5 g/100mL; .45 g/100mL; .3 g/100mL"),
    ],
)
def test_a_fluid_has_what_was_ordered(index: RedisSearch, query: str, strength: str) -> None:
    answer = ask(index, query)
    assert answer.products[0].items[0].strength == strength
    assert told(answer) == {}


@pytest.mark.parametrize("query", ["d5 1/2 ns", "d5w 0.45% saline", "D5 1/2NS + 20 KCl"])
def test_each_substance_of_a_fluid_is_required(index: RedisSearch, query: str) -> None:
    shown = found(ask(index, query))["found"]
    assert all("Sodium Chloride" in one for one in shown)
    assert all("Potassium" in one for one in shown) == ("KCl" in query)


def test_an_unknown_word_with_a_strength_is_no_drug_of_like_meaning(index: RedisSearch) -> None:
    assert names(ask(index, "qzx 100 mg")) == []
