"""What answers the words of a use: drugs for it, the common ones first, and no homeopathic."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from local.servers.stack import Stack
from tests.searched import NAMES, drug, fill, found
from workflow.adapters.redis.queries import RedisSearch
from workflow.contract.documents import clean
from workflow.contract.ports.catalog import Row
from workflow.search.search import search

SETRON = {"drug_class": "Serotonin-3 Receptor Antagonist [EPC]", "product_type": "PRESCRIPTION"}
LICE = {"drug_class": "Pediculicide [EPC]", "product_type": "HOMEOPATHIC"}
NAUSEA = drug(1, "Nausea", "Nausea", "Nux vomica", "6 [hp_X]/1", "TABLET", "ORAL")
ROWS = (
    {**NAUSEA, "product_type": "HOMEOPATHIC"},
    drug(2, "Anzemet", "Anzemet", "dolasetron", "50 mg/1", "TABLET", "ORAL", **SETRON),
    drug(3, "Bisetron patch", "", "granisetron", "3.1 mg/1", "PATCH", "TRANSDERMAL", **SETRON),
    drug(4, "Ondansetron", "", "ondansetron", "4 mg/1", "TABLET", "ORAL", **SETRON),
    drug(5, "Ondansetron", "", "ondansetron", "8 mg/1", "TABLET", "ORAL", **SETRON),
    drug(6, "Head Lice", "Head Lice", "Staphysagria", "6 [hp_X]/1", "LIQUID", "TOPICAL", **LICE),
    drug(
        7, "Elimite", "Elimite", "permethrin", "5 mg/g", "CREAM", "TOPICAL",
        drug_class="Pyrethroid [EPC]", product_type="PRESCRIPTION",
    ),
    drug(
        8, "Motion Sickness", "Motion Sickness", "meclizine", "25 mg/1", "TABLET", "ORAL",
        product_type="HUMAN OTC DRUG",
    ),
)  # fmt: skip


@pytest.fixture
def client(stack: Stack) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(stack.redis.url, protocol=3) as one:
        yield one
        one.flushall()


def ask(index: RedisSearch, query: str) -> dict[str, list[str]]:
    return found(search(query, NAMES, meaning=None, index=index))


def test_a_homeopathic_that_is_called_after_a_use_does_not_answer_its_words(
    client: redis.Redis,
) -> None:
    index = fill(client, ROWS).search
    assert ask(index, "nausea")["use"][0] == "Ondansetron"
    assert "found" not in ask(index, "nausea")
    assert ask(index, "head lice") == {"use": ["Elimite"]}
    assert ask(index, "nux vomica")["found"] == ["Nausea"]


def test_what_is_sold_over_the_counter_answers_its_name(client: redis.Redis) -> None:
    assert ask(fill(client, ROWS).search, "motion sickness")["found"] == ["Motion Sickness"]


def test_of_a_class_the_commonest_route_and_then_the_commonest_drug_is_first(
    client: redis.Redis,
) -> None:
    answer = ask(fill(client, ROWS).search, "setrons")
    assert answer == {"use": ["Ondansetron", "Anzemet", "Bisetron patch"]}


def test_the_drugs_of_a_use_come_in_their_order_and_before_others_of_the_classes(
    client: redis.Redis,
) -> None:
    index = fill(client, ROWS).search
    in_order = ["Ondansetron", "Motion Sickness", "Anzemet", "Bisetron patch"]
    assert ask(index, "my kid keeps puking") == {"use": in_order}
    assert ask(index, "nausea patch")["use"] == ["Bisetron patch"]


@pytest.mark.parametrize(
    "name", ["Quorvex10mg", "Quor5mg plus", "qq0\u013fE\xd0\u07f7ww", "Zor 5mg-x"]
)
def test_a_name_that_has_grown_together_with_its_strength_is_found_as_it_is(
    client: redis.Redis, name: str
) -> None:
    index = fill(client, [drug(1, clean(name))]).search
    assert ask(index, name) == {"found": [clean(name)]}
    assert ask(index, name.upper()) == {"found": [clean(name)]}


def test_in_a_catalog_without_product_types_the_unit_says_what_is_homeopathic(
    client: redis.Redis,
) -> None:
    rows: list[Row] = [
        {name: value for name, value in row.items() if name != "product_type"} for row in ROWS
    ]
    answer = ask(fill(client, rows).search, "nausea")
    assert "found" not in answer
    assert answer["use"][0] == "Ondansetron"


INHALED = (
    drug(20, "Symbicort", "Symbicort", "budesonide and formoterol fumarate", "80 ug/1; 4.5 ug/1",
         "AEROSOL", "RESPIRATORY (INHALATION)"),
    drug(21, "Albuterol Sulfate", "", "albuterol sulfate", ".63 mg/3mL", "SOLUTION",
         "RESPIRATORY (INHALATION)"),
    drug(22, "DuoNeb", "DuoNeb", "ipratropium bromide and albuterol sulfate",
         ".5 mg/3mL; 2.5 mg/3mL", "SOLUTION", "RESPIRATORY (INHALATION)"),
    drug(23, "Spiriva", "Spiriva", "tiotropium bromide", "18 ug/1", "CAPSULE",
         "RESPIRATORY (INHALATION)", drug_class="Anticholinergic [EPC]"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "part", "name"),
    [
        ("symbacort inhaler", "found", "Symbicort"),
        ("ipra/albut nebs", "found", "DuoNeb"),
        ("lama inhaler", "use", "Spiriva"),
        ("nebs", "use", "Albuterol Sulfate"),
        ("blue inhaler", "use", "Albuterol Sulfate"),
    ],
)
def test_a_form_that_is_a_use_by_itself_is_a_form_beside_other_words(
    client: redis.Redis, query: str, part: str, name: str
) -> None:
    assert ask(fill(client, INHALED).search, query)[part][0] == name
