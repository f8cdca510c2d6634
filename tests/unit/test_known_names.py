"""The table of names: what it knows, what it must not change, and what it costs."""

import gzip
import hashlib
import re
import time
from importlib.resources import files

import pytest

from workflow.contract.folding import fold
from workflow.search.known import TABLE, KnownNames, known_names
from workflow.search.ordinary import ORDINARY
from workflow.search.spelling import read

MOST_BYTES = 500_000
FOLDER = files("workflow.search")


def no_catalog(word: str, edits: int) -> list[str]:
    return []


@pytest.fixture(scope="module")
def known() -> KnownNames:
    return known_names()


@pytest.mark.parametrize(
    ("name", "substances"),
    [
        ("lamisil", {"terbinafine"}),
        ("plavix", {"clopidogrel"}),
        ("tylenol", {"acetaminophen"}),
        ("ozempic", {"semaglutide"}),
        ("oxycontin", {"oxycodone"}),
        ("paracetamol", {"acetaminophen"}),
        ("salbutamol", {"albuterol"}),
        ("adrenaline", {"epinephrine"}),
        ("hctz", {"hydrochlorothiazide"}),
        ("5 fu", {"fluorouracil"}),
        ("smx tmp", {"sulfamethoxazole", "trimethoprim"}),
        ("feso4", {"ferrous sulfate"}),
        ("mmf", {"mycophenolate mofetil"}),
        ("janumet", {"sitagliptin", "metformin"}),
        ("paxlovid", {"nirmatrelvir", "ritonavir"}),
        ("naltrexone", {"naltrexone"}),
        ("articaine", {"articaine"}),
        ("lixiana", {"edoxaban"}),
        ("cipralex", {"escitalopram"}),
        ("zavicefta", {"ceftazidime", "avibactam"}),
        ("zituvimet", {"sitagliptin", "metformin"}),
        ("sertraline hydrochloride", {"sertraline"}),
        ("potassium chloride", {"potassium chloride"}),
        ("beclometasone", {"beclomethasone dipropionate"}),
        ("ulobetasol", {"halobetasol propionate"}),
        ("txa", {"tranexamic acid"}),
        ("lr", {"sodium chloride", "sodium lactate", "potassium chloride", "calcium chloride"}),
    ],
)
def test_a_name_means_its_substances(known: KnownNames, name: str, substances: set[str]) -> None:
    assert known.means(name) == {frozenset(substances)}


@pytest.mark.parametrize("name", ["tcn", "ms", "mgso4", "mso4", "azt", "ctx", "dph"])
def test_an_abbreviation_of_several_drugs_is_a_question(known: KnownNames, name: str) -> None:
    assert known.asks(name)
    assert len(known.means(name)) > 1


@pytest.mark.parametrize(
    ("generic", "substances"),
    [
        ("hydrocodone bitartrate and acetaminophen", {"hydrocodone", "acetaminophen"}),
        ("sulfamethoxazole trimethoprim", {"sulfamethoxazole", "trimethoprim"}),
        ("sertraline hcl", {"sertraline"}),
        ("lisinopril 20 mg tablet", {"lisinopril"}),
        ("amoxicillin and clavulanate potassium", {"amoxicillin", "clavulanate"}),
        ("dextrose and sodium chloride", {"dextrose", "sodium chloride"}),
        ("penicillin g benzathine", {"penicillin g benzathine"}),
    ],
)
def test_a_generic_name_says_its_substances(
    known: KnownNames, generic: str, substances: set[str]
) -> None:
    assert known.substances_of(generic) == substances


@pytest.mark.parametrize(
    "word",
    [
        *("lamisil", "celexa", "hydralazine", "tylenol", "ozempic"),
        *("trimeprazine", "metamizole", "thiopental", "nicoumalone", "mustine"),
    ],
)
def test_a_drug_s_name_is_never_read_as_another(known: KnownNames, word: str) -> None:
    near = {
        "lamisil": ["lamictal"],
        "celexa": ["celebrex"],
        "hydralazine": ["hydroxyzine"],
        "trimeprazine": ["trimipramine"],
        "metamizole": ["methimazole"],
    }
    assert known.is_name(word)
    assert read(word, known, lambda *_: near.get(word, [])).read_as == ""


def test_the_nearest_name_is_read_whether_or_not_the_catalog_has_it(known: KnownNames) -> None:
    assert read("amoxicilin", known, lambda *_: ["ampicillin"]).read_as == "amoxicillin"


def test_what_is_as_near_to_two_drugs_is_a_question(known: KnownNames) -> None:
    reading = read("menstar", known, lambda *_: ["menostar"])
    assert reading.read_as == ""
    assert set(reading.may_be) == {"menostar", "enstar"}


def test_a_swap_of_neighbours_is_one_slip(known: KnownNames) -> None:
    assert read("lipitro", known, no_catalog).read_as == "lipitor"


@pytest.mark.parametrize(
    ("word", "brand"), [("ctancim", "tancin"), ("capistra", "capisten"), ("aktomiln", "aktamin")]
)
def test_an_unknown_word_is_not_two_slips_from_a_brand_that_is_not_here(
    known: KnownNames, word: str, brand: str
) -> None:
    assert known.means(brand)
    assert brand in known.near(word, 2)
    assert read(word, known, no_catalog) == (word, "", ())


@pytest.mark.parametrize(
    ("brand", "substance"), [("Nurofen", "ibuprofen"), ("marevan", "warfarin"), ("Maxalt", "")]
)
def test_brands_of_other_countries_are_known(known: KnownNames, brand: str, substance: str) -> None:
    assert known.is_name(fold(brand))
    assert substance in {name for means in known.means(fold(brand)) for name in (*means, "")}


@pytest.mark.parametrize("brand", ["marcoumar", "lexotan", "motilium"])
def test_a_brand_of_a_substance_that_the_directory_lacks_is_never_corrected(
    known: KnownNames, brand: str
) -> None:
    assert known.is_name(brand)
    assert read(brand, known, no_catalog) == (brand, "", ())


def test_a_brand_that_is_here_is_two_slips_away_only_if_it_sounds_so(known: KnownNames) -> None:
    assert read("karplam", known, lambda *_: ["marplan"]).may_be == ("marplan",)
    assert read("seraquil", known, lambda *_: ["seroquel"]).read_as == "seroquel"


@pytest.mark.parametrize("word", ["zzzqqq", "xyz", "b1200", "qq"])
def test_what_is_near_nothing_is_read_as_nothing(known: KnownNames, word: str) -> None:
    assert read(word, known, no_catalog) == (word, "", ())


def test_the_table_is_small_and_the_one_that_its_provenance_tells_of() -> None:
    packed = FOLDER.joinpath(TABLE).read_bytes()
    said = FOLDER.joinpath("known_names.md").read_text()
    digest = hashlib.blake2b(gzip.decompress(packed), digest_size=16).hexdigest()
    assert len(packed) < MOST_BYTES
    assert re.findall("`([0-9a-f]{32})`", said) == [digest]


def test_the_table_is_read_once_and_quickly() -> None:
    begun = time.process_time()
    known_names.__wrapped__()
    assert time.process_time() - begun < 0.5
    assert known_names() is known_names()


def test_what_an_abbreviation_begins_means_what_its_whole_name_means(known: KnownNames) -> None:
    """`pen g benzathine` is another drug than `pen g`."""
    begun = {
        f"{short}{own.removeprefix(substance)}": known.means(own)
        for short, means in known._abbreviations.items()
        if len(means) == 1
        for (substance, *others) in means
        if not others
        for own in known._own
        if own.startswith(f"{substance} ")
    }
    assert begun["pen g benzathine"] == {frozenset(("penicillin g benzathine",))}
    assert {name: known.means(name) for name in begun} == begun


def test_no_ordinary_word_is_the_name_of_a_drug(known: KnownNames) -> None:
    assert [word for word in sorted(ORDINARY) if known.means(word)] == []
