"""What pharmacists type on a bad day: negations, two drugs at once, insulins, mixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.servers.stack import Stack
from tests.searched import NAMES, ask, drug, found, searched, told
from workflow.adapters.redis.queries import RedisSearch
from workflow.search.parts import Answer
from workflow.search.search import search

NSAID = {"drug_class": "Nonsteroidal Anti-inflammatory Drug [EPC]"}
OPIOID = {"drug_class": "Opioid Agonist [EPC]"}
ROWS = (
    drug(1, "Tylenol with Codeine", "Tylenol with Codeine", "acetaminophen and codeine phosphate",
         "300 mg/1; 30 mg/1", "TABLET", "ORAL", **OPIOID),
    drug(2, "Ofirmev", "Ofirmev", "acetaminophen", "10 mg/mL", "INJECTION", "INTRAVENOUS"),
    drug(3, "Lisinopril", "", "lisinopril", "10 mg/1", "TABLET", "ORAL"),
    drug(4, "Metformin", "", "metformin hydrochloride", "500 mg/1", "TABLET", "ORAL"),
    drug(5, "Norvir", "Norvir", "ritonavir", "100 mg/1", "TABLET", "ORAL"),
    drug(6, "Norco", "Norco", "hydrocodone bitartrate and acetaminophen", "10 mg/1; 325 mg/1",
         "TABLET", "ORAL", **OPIOID),
    drug(7, "Humalog", "Humalog", "insulin lispro", "100 [iU]/mL", "INJECTION", "SUBCUTANEOUS"),
    drug(8, "Humalog Kwik", "Humalog", "insulin lispro", "200 [iU]/mL", "INJECTION",
         "SUBCUTANEOUS"),
    drug(9, "Amoxicillin", "", "amoxicillin", "400 mg/5mL", "SUSPENSION", "ORAL"),
    drug(10, "Duragesic", "Duragesic", "fentanyl", "12.5 ug/h", "PATCH", "TRANSDERMAL"),
    drug(11, "Duragesic", "Duragesic", "fentanyl", "50 ug/h", "PATCH", "TRANSDERMAL"),
    drug(12, "Nitro-Dur", "Nitro-Dur", "nitroglycerin", "20 mg/1", "PATCH", "TRANSDERMAL"),
    drug(13, "Lisinopril and HCTZ", "", "lisinopril and hydrochlorothiazide",
         "20 mg/1; 12.5 mg/1", "TABLET", "ORAL"),
    drug(14, "Ibuprofen", "", "ibuprofen", "400 mg/1", "TABLET", "ORAL", **NSAID),
    drug(15, "Ketorolac Preservative Free", "", "ketorolac", "15 mg/mL", "INJECTION",
         "INTRAVENOUS", **NSAID),
    drug(16, "Gynazole 1", "Gynazole 1", "butoconazole", "2 %", "CREAM", "VAGINAL"),
    drug(17, "Humulin R", "Humulin R", "insulin human", "500 [iU]/mL", "INJECTION",
         "SUBCUTANEOUS"),
    drug(18, "Buprenorphine and Naloxone", "", "buprenorphine and naloxone", "8 mg/1; 2 mg/1",
         "FILM", "SUBLINGUAL"),
    drug(19, "Bupropion XL", "", "bupropion hydrochloride", "150 mg/1",
         "TABLET, EXTENDED RELEASE", "ORAL"),
    drug(20, "Promethazine DM", "", "promethazine hydrochloride and dextromethorphan hydrobromide",
         "6.25 mg/5mL; 15 mg/5mL", "SYRUP", "ORAL"),
    drug(21, "Triderm", "", "triamcinolone acetonide", "1 mg/g", "CREAM", "TOPICAL"),
    drug(22, "Tacrolimus", "", "tacrolimus", "1 mg/g", "OINTMENT", "TOPICAL"),
    drug(23, "Clonidine", "", "clonidine", ".1 mg/d", "PATCH", "TRANSDERMAL"),
    drug(24, "Clonidine Hydrochloride", "", "clonidine hydrochloride", ".1 mg/1", "TABLET",
         "ORAL"),
    drug(25, "Opium Tincture", "", "morphine", "10 mg/mL", "TINCTURE", "ORAL"),
    drug(26, "Morphine Sulfate", "", "morphine sulfate", "10 mg/1", "TABLET", "ORAL"),
    drug(27, "Timolol", "", "timolol maleate", "2.5 mg/mL", "SOLUTION", "OPHTHALMIC"),
    drug(28, "Timolol", "", "timolol maleate", "5 mg/mL", "SOLUTION", "OPHTHALMIC"),
    drug(29, "Donnatal", "", "phenobarbital", "16.2 mg/5mL; .1 mg/5mL; .006 mg/5mL", "ELIXIR",
         "ORAL"),
    drug(30, "Phenobarbital", "", "phenobarbital", "15 mg/1", "TABLET", "ORAL"),
    drug(31, "Lopressor", "", "metoprolol tartrate", "50 mg/1", "TABLET", "ORAL"),
    drug(32, "Toprol", "", "metoprolol succinate", "50 mg/1", "TABLET", "ORAL"),
    drug(33, "Metoprolol Tartrate", "", "metoroprolol tartrate", "25 mg/1", "TABLET", "ORAL"),
    drug(34, "Drisdol", "", "ergocalciferol", "1.25 mg/1", "CAPSULE", "ORAL"),
    drug(35, "Oxycodone and Aspirin", "", "oxycodone and aspirin", "4.8 mg/1; 325 mg/1",
         "TABLET", "ORAL", **OPIOID),
    drug(36, "Lymph III", "", "influenza b virus and echinacea", "3 [hp_X]/mL", "LIQUID", "ORAL",
         drug_class="Inactivated Influenza B Virus Vaccine [EPC]", product_type="HOMEOPATHIC"),
    drug(37, "Ultravate", "", "halobetasol propionate", ".5 mg/g", "CREAM", "TOPICAL"),
    drug(38, "Natroba", "", "spinosad", "9 mg/mL", "SUSPENSION", "TOPICAL",
         drug_class="Pediculicide [EPC]"),
    drug(39, "Eliquis", "", "apixaban", "5 mg/1", "TABLET", "ORAL",
         drug_class="Factor Xa Inhibitor [EPC]"),
    drug(40, "Arixtra", "", "fondaparinux", "2.5 mg/.5mL", "INJECTION", "SUBCUTANEOUS",
         drug_class="Factor Xa Inhibitor [EPC]"),
    drug(41, "Truvada", "", "emtricitabine and tenofovir disoproxil fumarate", "200 mg/1; 300 mg/1",
         "TABLET", "ORAL"),
    drug(42, "Descovy", "", "emtricitabine and tenofovir alafenamide", "200 mg/1; 25 mg/1",
         "TABLET", "ORAL"),
    drug(43, "Heparin Sodium", "", "heparin sodium", "5000 [USP'U]/.5mL", "INJECTION",
         "SUBCUTANEOUS"),
    drug(44, "Heparin Sodium", "", "heparin sodium", "5000 [USP'U]/mL", "INJECTION",
         "SUBCUTANEOUS"),
    drug(45, "Bicillin L-A", "", "penicillin G benzathine", "600000 [iU]/mL", "INJECTION",
         "INTRAMUSCULAR"),
    drug(46, "Pfizerpen", "", "penicillin G potassium", "5000000 [iU]/1", "INJECTION",
         "INTRAVENOUS"),
    drug(47, "Mitigo", "", "morphine sulfate", "25 mg/mL", "INJECTION", "INTRATHECAL"),
    drug(48, "Coumadin", "Coumadin", "warfarin sodium", "5 mg/1", "TABLET", "ORAL"),
    drug(49, "Warfarin Sodium", "", "warfarin sodium", "5 mg/1", "TABLET", "ORAL"),
    drug(50, "Dextrose", "", "dextrose", "5 g/100mL", "INJECTION", "INTRAVENOUS"),
    drug(51, "Dextrose", "", "dextrose", "25 g/50mL", "INJECTION", "INTRAVENOUS"),
    drug(52, "Phenobarbital ER", "", "phenobarbital", "60 mg/1", "CAPSULE", "ORAL"),
    drug(53, "Swab Kit", "", "lidocaine", "2 mg/1", "KIT", "BUCCAL"),
    drug(54, "Lidocaine", "", "lidocaine hydrochloride", "20 mg/mL", "INJECTION", "INFILTRATION"),
    drug(55, "Adenosine Injection, 6 mg/2 mL Vial", "", "adenosine", "3 mg/mL", "INJECTION",
         "INTRAVENOUS"),
    drug(57, "Amoxil", "Amoxil", "amoxicillin", "500 mg/1", "CAPSULE", "ORAL",
         drug_class="Penicillin-class Antibacterial [EPC]"),
    drug(58, "Keflex", "Keflex", "cephalexin", "500 mg/1", "CAPSULE", "ORAL",
         drug_class="Cephalosporin Antibacterial [EPC]"),
    drug(56, "Quorvex Tablets 10 mg", "", "", "10 mg/1", "TABLET", "ORAL"),
)  # fmt: skip


@pytest.fixture(scope="module")
def index(stack: Stack) -> Iterator[RedisSearch]:
    with searched(stack, ROWS) as one:
        yield one


def top(answer: Answer) -> str:
    return answer.products[0].packages[0]["drug_name"]


def first(answer: Answer) -> str:
    """The strength that its first card shows first."""
    return answer.products[0].items[0].strength


@pytest.mark.parametrize(
    "query", ["tylenol without codeine", "codeine free tylenol", "tylenol no codeine"]
)
def test_what_a_query_does_without_is_in_no_part_of_the_answer(
    index: RedisSearch, query: str
) -> None:
    answer = ask(index, query)
    assert found(answer) == {"same_substance": ["Ofirmev"]}
    assert told(answer)["left_out"] == ("codeine",)


def test_a_class_that_a_query_does_without_is_left_out(index: RedisSearch) -> None:
    answer = ask(index, "pain relief no opioids")
    assert {name for names in found(answer).values() for name in names} == {
        "Ibuprofen",
        "Ketorolac Preservative Free",
    }
    assert told(answer)["left_out"] == ("opioids",)


@pytest.mark.parametrize("short", ["pen g", "pcn g"])
def test_an_abbreviation_that_another_drug_begins_with_is_that_drug(
    index: RedisSearch, short: str
) -> None:
    answer = ask(index, f"{short} benzathine 600,000 units")
    assert found(answer) == {"same_substance": ["Bicillin L-A"]}
    assert found(ask(index, f"{short} potassium")) == {"same_substance": ["Pfizerpen"]}


@pytest.mark.parametrize("query", ["morphine 2.5", "phenobarbital .3"])
def test_a_bare_number_is_no_percent_of_what_reaches_the_whole_body(
    index: RedisSearch, query: str
) -> None:
    assert "strength_missing" in told(ask(index, query))


def test_beside_an_unknown_word_a_word_inside_a_long_name_finds_nothing(
    index: RedisSearch,
) -> None:
    answer = ask(index, "X-DM1 100 mg vial")
    assert found(answer) == {}
    assert top(ask(index, "quorvex xdm")) == "Quorvex Tablets 10 mg"


@pytest.mark.parametrize(
    "query", ["skin infection no penicillin", "skin infection not penicillins"]
)
def test_a_drug_that_a_query_does_without_is_left_out_with_its_class(
    index: RedisSearch, query: str
) -> None:
    names = {name for names in found(ask(index, query)).values() for name in names}
    assert names >= {"Keflex"}
    assert not names & {"Amoxil", "Bicillin L-A", "Pfizerpen"}


def test_an_abbreviation_of_two_drugs_is_a_question_even_if_only_one_is_here(
    index: RedisSearch,
) -> None:
    answer = ask(index, "MS 10 mg")
    assert found(answer) == {}
    assert told(answer)["did_you_mean"] == ("morphine",)


def test_a_kit_is_not_first_for_a_strength(index: RedisSearch) -> None:
    assert top(ask(index, "lidocaine 2")) == "Lidocaine"


@pytest.mark.parametrize(("query", "strength"), [("d5w", "5 g/100mL"), ("D50W", "25 g/50mL")])
def test_an_infusion_is_called_by_its_percent(
    index: RedisSearch, query: str, strength: str
) -> None:
    assert first(ask(index, query)) == strength


@pytest.mark.parametrize("query", ["tylenol no 3", "tylenol no. 3", "Tylenol #3"])
def test_tylenol_with_a_number_has_codeine(index: RedisSearch, query: str) -> None:
    answer = ask(index, query)
    assert top(answer) == "Tylenol with Codeine"
    assert "left_out" not in told(answer)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("warfarin not coumadin", {"Warfarin Sodium"}),
        ("metoprolol not succinate", {"Lopressor", "Metoprolol Tartrate"}),
        ("metoprolol not succ", {"Lopressor", "Metoprolol Tartrate"}),
        ("metoprolol w/o tartrate", {"Toprol"}),
        ("pain relief without opioids or ibuprofen", {"Ketorolac Preservative Free"}),
        ("promethazine no dm", set()),
        ("phenobarbital without extended release", {"Phenobarbital", "Donnatal"}),
    ],
)
def test_what_a_query_does_without_is_called_by_any_name(
    index: RedisSearch, query: str, left: set[str]
) -> None:
    answer = ask(index, query)
    assert {name for names in found(answer).values() for name in names} == left
    assert told(answer)["left_out"]


@pytest.mark.parametrize(
    ("query", "strength"),
    [
        ("heparin 5000 units/ml", "5000 [USP'U]/mL"),
        ("heparin 5,000 units per 1 ml", "5000 [USP'U]/mL"),
        ("heparin 5000 units/0.5 ml", "5000 [USP'U]/.5mL"),
    ],
)
def test_units_in_another_volume_are_another_strength(
    index: RedisSearch, query: str, strength: str
) -> None:
    assert first(ask(index, query)) == strength


@pytest.mark.parametrize(
    ("query", "out", "left"),
    [
        ("clonidine without patch", "patch", ["Clonidine Hydrochloride"]),
        ("clonidine not transdermal", "transdermal", ["Clonidine Hydrochloride"]),
        ("clonidine no tablets", "tablets", ["Clonidine"]),
        ("bupropion without extended release", "extended release", []),
        ("bupropion non er", "er", []),
        ("tylenol not injectable tablets", "injectable", ["Tylenol with Codeine"]),
    ],
)
def test_a_form_that_a_query_does_without_is_not_shown(
    index: RedisSearch, query: str, out: str, left: list[str]
) -> None:
    answer = ask(index, query)
    assert [name for names in found(answer).values() for name in names] == left
    assert told(answer)["left_out"] == (out,)


def test_a_negation_that_is_part_of_a_name_or_of_a_class_leaves_nothing_out(
    index: RedisSearch,
) -> None:
    assert found(ask(index, "ketorolac preservative free"))["found"] == [
        "Ketorolac Preservative Free"
    ]
    assert "Ibuprofen" in found(ask(index, "non steroidal anti inflammatory"))["class"]


def test_two_drugs_that_no_product_has_together_are_each_found(index: RedisSearch) -> None:
    answer = ask(index, "lisinopril and metformin")
    assert sorted(found(answer)["found"]) == ["Lisinopril", "Metformin"]
    assert told(answer)["not_together"] == ("lisinopril", "metformin")
    assert "not_in_catalog" not in told(answer)


def test_a_mixture_with_a_substance_that_the_directory_lacks_is_no_single_one(
    index: RedisSearch,
) -> None:
    """Paxlovid is nirmatrelvir and ritonavir: Norvir does not stand for it."""
    answer = ask(index, "paxlovid")
    assert found(answer) == {}
    assert told(answer)["not_in_catalog"] == ("nirmatrelvir", "ritonavir")


@pytest.mark.parametrize(
    ("query", "strength"),
    [
        *(("insulin lispro u-200", "200 [iU]/mL"), ("insulin lispro U100", "100 [iU]/mL")),
        *(("norco 10", "10 mg/1; 325 mg/1"), ("amoxicillin 400/5", "400 mg/5mL")),
        ("duragesic-50", "50 ug/h"),
    ],
)
def test_a_strength_is_read_as_it_is_labelled_and_not_said_to_be_missing(
    index: RedisSearch, query: str, strength: str
) -> None:
    answer = ask(index, query)
    assert first(answer) == strength
    assert "strength_missing" not in told(answer)


def test_a_strength_that_no_insulin_has_is_said_to_be_missing(index: RedisSearch) -> None:
    assert "strength_missing" in told(ask(index, "humulin r u-100"))


def test_few_letters_and_digits_name_no_drug(index: RedisSearch) -> None:
    assert "found" not in found(ask(index, "k-dur"))
    assert "found" not in found(ask(index, "q dur"))
    assert found(ask(index, '" OR 1=1')) == {}


def test_a_misspelt_name_beside_another_is_the_mixture_of_both(index: RedisSearch) -> None:
    answer = ask(index, "lisinipril/hctz 20-12.5")
    assert [name for names in found(answer).values() for name in names] == ["Lisinopril and HCTZ"]
    assert told(answer)["read_as"] == ("lisinopril",)
    assert "not_in_catalog" not in told(answer)


def test_one_insulin_is_not_another(index: RedisSearch) -> None:
    assert found(ask(index, "insulin nph")) == {}
    assert found(ask(index, "regular insulin")) == {"same_substance": ["Humulin R"]}


def test_how_often_a_drug_is_taken_is_no_misspelt_name(index: RedisSearch) -> None:
    assert told(ask(index, "lisinopril 10 mg daily")) == {}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("lisinoprill", "Lisinopril"),
        ("metfromin", "Metformin"),
        ("amoxicilin 400", "Amoxicillin"),
        ("ibuprofin", "Ibuprofen"),
        ("ketorolak", "Ketorolac Preservative Free"),
    ],
)
def test_a_misspelt_name_that_is_here_is_not_said_to_be_missing(
    index: RedisSearch, typed: str, name: str
) -> None:
    answer = ask(index, typed)
    assert name in found(answer)["found"]
    assert told(answer).keys() == {"read_as"}


def test_a_misspelt_name_that_is_missing_is_named_as_it_was_read(index: RedisSearch) -> None:
    (read, missing, _) = ask(index, "naproxin").notices
    assert read.text == "Searched for naproxen instead of naproxin."
    assert missing.text == "This catalog has no naproxen."


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("bup/nalox 8-2", "Buprenorphine and Naloxone"),
        ("prometh-DM", "Promethazine DM"),
        ("hydrocod apap 10/325", "Norco"),
        ("lisin/hctz", "Lisinopril and HCTZ"),
    ],
)
def test_beginnings_beside_each_other_are_the_mixture_that_the_catalog_has(
    index: RedisSearch, query: str, name: str
) -> None:
    answer = ask(index, query)
    assert [one for names in found(answer).values() for one in names] == [name]
    assert told(answer).keys() == {"read_as"}


def test_beginnings_that_no_mixture_has_are_a_question(index: RedisSearch) -> None:
    answer = ask(index, "bup apap")
    assert found(answer) == {}
    assert told(answer)["did_you_mean"] == ("buprenorphine", "bupropion")


def test_two_esters_are_two_mixtures(index: RedisSearch) -> None:
    answer = ask(index, "emtri/teno")
    assert found(answer) == {}
    assert told(answer)["did_you_mean"] == (
        "emtricitabine and tenofovir alafenamide",
        "emtricitabine and tenofovir disoproxil",
    )


def test_beginnings_are_not_spelled_out_if_the_query_is_asked_as_written(
    index: RedisSearch,
) -> None:
    answer = search("prometh dm", NAMES, meaning=None, index=index, as_written=True)
    assert "read_as" not in told(answer)


@pytest.mark.parametrize(
    ("query", "name"), [("tac cream", "Triderm"), ("bup xl 150", "Bupropion XL")]
)
def test_a_form_tells_which_drug_an_abbreviation_means(
    index: RedisSearch, query: str, name: str
) -> None:
    assert top(ask(index, query)) == name


@pytest.mark.parametrize("query", ["tac", "bup 8", "tac ophthalmic"])
def test_without_a_form_that_one_of_them_has_the_abbreviation_is_a_question(
    index: RedisSearch, query: str
) -> None:
    answer = ask(index, query)
    assert found(answer) == {}
    assert "did_you_mean" in told(answer)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("clonidine 0.1", "Clonidine Hydrochloride"),
        ("morphine 10", "Morphine Sulfate"),
        ("phenobarbitone", "Phenobarbital"),
        ("phenobarbital", "Phenobarbital"),
        ("metop succ 50", "Toprol"),
        ("metoprolol tart 50", "Lopressor"),
        ("vit d2 50,000 units", "Drisdol"),
        ("ergocalciferol 50000", "Drisdol"),
        ("ulobetasol", "Ultravate"),
        ("head lice", "Natroba"),
        ("doac", "Eliquis"),
        ("asa 325", "Oxycodone and Aspirin"),
    ],
)
def test_what_a_pharmacist_means_comes_first(index: RedisSearch, query: str, name: str) -> None:
    answer = ask(index, query)
    assert top(answer) == name
    assert "strength_missing" not in told(answer)


def test_a_bare_number_may_be_percent(index: RedisSearch) -> None:
    assert first(ask(index, "timolol 0.5")) == "5 mg/mL"
    assert "strength_missing" in told(ask(index, "timolol 0.7"))


def test_a_slip_of_the_catalog_itself_is_no_other_drug(index: RedisSearch) -> None:
    answer = ask(index, "metropolol")
    assert told(answer) == {"read_as": ("metoprolol",)}


def test_a_name_that_the_catalog_lacks_is_no_slip_of_it(index: RedisSearch) -> None:
    """`ropion` and `roxilon` are as near, and no table knows what the second is made of."""
    answer = ask(index, "roxion")
    assert found(answer) == {}


def test_a_homeopathic_is_no_vaccine(index: RedisSearch) -> None:
    answer = ask(index, "flu shot")
    assert found(answer) == {}
    assert "Inactivated Influenza B Virus Vaccine" in told(answer)["not_in_catalog"]


def test_a_known_name_that_begins_with_a_lay_word_is_said_to_be_missing(
    index: RedisSearch,
) -> None:
    assert told(ask(index, "insulin nph"))["not_in_catalog"] == ("insulin human", "isophane")


def test_an_ester_is_not_said_to_be_a_mixture(index: RedisSearch) -> None:
    (notice,) = ask(index, "triamcinolone").notices
    assert "only as triamcinolone acetonide" in notice.text


def test_letters_that_only_look_latin_are_read_as_latin(index: RedisSearch) -> None:
    assert found(ask(index, "l\u0456sinopril"))["found"] == ["Lisinopril"]
    assert "keyboard" in ask(index, "\u0434\u0448\u044b\u0448").notices[-1].text
