"""What pharmacists type on a bad day: negations, two drugs at once, insulins, mixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from local.servers.stack import Stack
from tests.searched import NAMES, drug, fill, found, told
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
)  # fmt: skip


@pytest.fixture(scope="module")
def index(stack: Stack) -> Iterator[RedisSearch]:
    with redis.Redis.from_url(stack.redis.url, protocol=3) as client:
        yield fill(client, ROWS).search
        client.flushall()


def ask(index: RedisSearch, query: str) -> Answer:
    return search(query, NAMES, meaning=None, index=index)


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
