"""Strengths of an answer: the one that was asked for first, the others in order."""

from __future__ import annotations

import pytest
import redis

from local.servers.stack import Stack
from tests.searched import NAMES, drug, fill, found, told
from workflow.search.search import search

ORAL = "ORAL"


@pytest.mark.parametrize("query", ["oxycodone apap 10-325", "apap oxycodone 10/325"])
def test_the_right_strength_comes_before_another_spelling_of_the_name(
    stack: Stack, query: str
) -> None:
    """The product that is called so has other strengths only."""
    spelt = drug(1, "Oxycodone APAP", "", "OXYCODONE APAP", "5 mg/1; 325 mg/1", "TABLET", ORAL)
    right = drug(
        2, "Oxycodone and Acetaminophen", "", "oxycodone and acetaminophen",
        "10 mg/1; 325 mg/1", "TABLET", ORAL,
    )  # fmt: skip
    with redis.Redis.from_url(stack.redis.url, protocol=3) as client:
        answer = search(query, NAMES, meaning=None, index=fill(client, (spelt, right)).search)
        client.flushall()
    assert found(answer) == {"found": ["Oxycodone and Acetaminophen"]}
    assert answer.products[0].items[0].strength == "10 mg/1; 325 mg/1"
    assert "strength_missing" not in told(answer)


OF_ONE_STRENGTH = (
    drug(1, "Potassium Chloride", "", "potassium chloride", "20 meq/1.5g", "POWDER", ORAL),
    drug(2, "Potassium Chloride", "", "potassium chloride", "20 meq/1",
         "TABLET, EXTENDED RELEASE", ORAL),
    drug(3, "Estradiol", "", "estradiol", "10 ug/1", "INSERT", "VAGINAL"),
    drug(4, "Estradiol", "", "estradiol", ".1 mg/g", "CREAM", "VAGINAL"),
    drug(5, "Nitroglycerin", "", "nitroglycerin", "400 ug/1", "SPRAY", ORAL),
    drug(6, "Nitroglycerin", "", "nitroglycerin", ".4 mg/1", "TABLET", "SUBLINGUAL"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ("potassium chloride 20", "TABLET, EXTENDED RELEASE"),
        ("kcl 20 meq", "TABLET, EXTENDED RELEASE"),
        ("estradiol 0.01", "CREAM"),
        ("estradiol 10 mcg", "INSERT"),
        ("estradiol 10", "INSERT"),
        ("nitroglycerin 0.4", "TABLET"),
    ],
)
def test_of_one_strength_the_form_that_is_called_by_it_is_first(
    stack: Stack, query: str, form: str
) -> None:
    with redis.Redis.from_url(stack.redis.url, protocol=3) as client:
        index = fill(client, OF_ONE_STRENGTH).search
        answer = search(query, NAMES, meaning=None, index=index)
        client.flushall()
    assert answer.products[0].packages[0]["dosage_form"] == form


@pytest.mark.parametrize("query", ["blood thinner", "anticoagulant", "warfarin"])
def test_strengths_that_nobody_asked_for_are_in_order(stack: Stack, query: str) -> None:
    rows = [
        drug(
            number, "Warfarin", "", "warfarin sodium", f"{amount} mg/1", "TABLET", ORAL,
            drug_class="Vitamin K Antagonist [EPC]",
        )
        for number, amount in enumerate((10, 2, 5))
    ]  # fmt: skip
    with redis.Redis.from_url(stack.redis.url, protocol=3) as client:
        (card,) = search(query, NAMES, meaning=None, index=fill(client, rows).search).products
        client.flushall()
    assert [item.strength for item in card.items] == ["2 mg/1", "5 mg/1", "10 mg/1"]
