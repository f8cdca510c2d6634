"""Searches over a real Redis: what is answered, for which reason, and what is never answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from local.servers.stack import Stack
from tests.searched import NAMES, Hashed, drug, fill, found, told
from workflow.adapters.redis.queries import RedisSearch
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.model import Vector
from workflow.search import cards
from workflow.search.answers import alternatives, one_drug
from workflow.search.floor import Meaning
from workflow.search.parts import Answer
from workflow.search.search import search

ORAL = "ORAL"
ROWS = (
    drug(1, "Lamictal 25 mg", "Lamictal", "lamotrigine", "25 mg/1", "TABLET", ORAL),
    drug(2, "Celebrex 200 mg", "Celebrex", "celecoxib", "200 mg/1", "CAPSULE", ORAL),
    drug(3, "Hydroxyzine", "", "hydroxyzine hydrochloride", "25 mg/1", "TABLET", ORAL),
    drug(
        4, "Vicodin", "Vicodin", "hydrocodone bitartrate and acetaminophen",
        "5 mg/1; 300 mg/1", "TABLET", ORAL,
    ),
    drug(5, "Ofirmev", "Ofirmev", "acetaminophen", "10 mg/mL", "INJECTION", "INTRAVENOUS"),
    drug(6, "Terbinafine", "", "Terbinafine hydrochloride", "250 mg/1", "TABLET", ORAL),
    drug(7, "Coumadin 2 mg", "Coumadin", "warfarin sodium", "2 mg/1", "TABLET", ORAL),
    drug(8, "Coumadin 2.5 mg", "Coumadin", "warfarin sodium", "2.5 mg/1", "TABLET", ORAL),
    drug(9, "Coumadin 5 mg", "Coumadin", "warfarin sodium", "5 mg/1", "TABLET", ORAL),
    drug(10, "Zoloft 50 mg", "Zoloft", "sertraline hydrochloride", "50 mg/1", "TABLET", ORAL),
    drug(11, "Sertraline HCl", "", "Sertraline HCl", "50 mg/1", "TABLET", ORAL, is_generic="1"),
    drug(12, "Sertraline", "", "sertr\u00e1line\u00a0Hydrochloride", "50 mg/1", "TABLET", ORAL),
    drug(13, "Sertraline 100", "", "sertraline", "100 mg/1", "TABLET", ORAL),
    drug(14, "Ampicillin", "", "ampicillin", "500 mg/1", "CAPSULE", ORAL),
    drug(15, "Furosemide 20", "", "furosemide", "20 mg/1", "TABLET", ORAL),
    drug(16, "Furosemide 40", "", "furosemide", "40 mg/1", "TABLET", ORAL),
    drug(17, "Quorvex Depot Kit B", "Quorvex", "quorvexide", "1 mg/1", "KIT", ORAL),
    drug(
        18, "Children\u2019s Zyxelor\u00ae", "Zyxelor\u2122", "zyxelorin", "1 mg/1", "LIQUID", ORAL
    ),
    drug(19, "Syn\u200bthroid", "Synthroid", "levothyroxine sodium", "50 \u03bcg", "TABLET", ORAL),
    drug(20, "Flagged", "", "flagamine", "1 mg/1", "TABLET", ORAL, is_active="Discontinued"),
    drug(
        21, "Anticoagulant bag", "", "anticoagulant citrate", "", "KIT", "",
        drug_class="Vitamin K Antagonist [EPC]",
    ),
    drug(
        22, "Jantoven", "Jantoven", "warfarin sodium", "1 mg/1", "TABLET", ORAL,
        drug_class="Vitamin K Antagonist [EPC]", therapeutic_class="Coumarin agents",
    ),
    drug(
        23, "Percocet", "Percocet", "oxycodone and acetaminophen",
        "5 mg/1; 325 mg/1", "TABLET", ORAL,
    ),
    drug(
        24, "Percocet", "Percocet", "oxycodone and acetaminophen",
        "10 mg/1; 325 mg/1", "TABLET", ORAL,
    ),
    {**drug(0, "Ten digits", "", "decadigitine", "1 mg/1", "TABLET", ORAL), "ndc": "01182200501"},
    {**drug(0, "Ten digits, too", "", "otherine", "1 mg/1", "TABLET", ORAL), "ndc": "11822000501"},
    {**drug(0, "Old key", "", "oldine", "1 mg/1", "TABLET", ORAL), "ndc": "OLD/KEY 7_x"},
)  # fmt: skip


@pytest.fixture(scope="module")
def index(stack: Stack) -> Iterator[RedisSearch]:
    with redis.Redis.from_url(stack.redis.url, protocol=3) as client:
        yield fill(client, ROWS).search
        client.flushall()


def packages(answer: Answer) -> list[Fields]:
    return [package for card in answer.products for package in card.packages]


def ask(index: RedisSearch, query: str, **options: Any) -> Answer:
    return search(query, NAMES, meaning=Meaning(Hashed()), index=index, **options)


# Another drug is never found in place of the one that was asked for


@pytest.mark.parametrize(
    ("query", "substance"),
    [
        *(("celexa", "citalopram"), ("hydralazine", "hydralazine"), ("ozempic", "semaglutide")),
        *(("oxycontin", "oxycodone"), ("Plavix", "clopidogrel")),
    ],
)
def test_a_known_drug_that_is_not_here_is_said_not_to_be(
    index: RedisSearch, query: str, substance: str
) -> None:
    answer = ask(index, query)
    assert told(answer)["not_in_catalog"] == (substance,)
    assert found(answer) == {}


def test_a_brand_that_is_not_here_is_answered_by_its_substance(index: RedisSearch) -> None:
    answer = ask(index, "Lamisil")
    assert found(answer) == {"same_substance": ["Terbinafine"]}
    assert answer.parts[0].about == ("terbinafine",)
    assert told(answer)["not_in_catalog"] == ("terbinafine",)


def test_a_name_that_is_here_is_not_said_to_be_missing(index: RedisSearch) -> None:
    assert told(ask(index, "Ofirmev")) == {}


def test_a_mixture_does_not_stand_for_one_of_its_substances(index: RedisSearch) -> None:
    assert found(ask(index, "tylenol")) == {"same_substance": ["Ofirmev"]}


def test_a_misspelt_name_is_read_as_the_nearest_even_if_that_is_not_here(
    index: RedisSearch,
) -> None:
    answer = ask(index, "amoxicilin")
    assert told(answer)["read_as"] == ("amoxicillin",)
    assert told(answer)["not_in_catalog"] == ("amoxicillin",)
    assert found(answer) == {}


def test_what_is_near_two_drugs_is_no_guess(index: RedisSearch) -> None:
    answer = ask(index, "celexe")
    assert "read_as" not in told(answer) or told(answer)["read_as"] == ("celexa",)
    assert found(ask(index, "TCN")) == {}
    assert told(ask(index, "TCN"))["not_in_catalog"] == (
        "tetracycline",
        "triamcinolone",
        "triciribine",
    )


@pytest.mark.parametrize("query", ["zzzqqq", "xvkjwq", "qqzx wvkx"])
def test_nonsense_is_answered_by_nothing(index: RedisSearch, query: str) -> None:
    answer = ask(index, query)
    assert found(answer) == {}
    assert "nothing_found" in told(answer)


# Names and strengths


def test_an_exact_drug_name_comes_first_whatever_the_template_holds(index: RedisSearch) -> None:
    for row in ROWS:
        name = str(row["drug_name"])
        first = ask(index, name).parts[0]
        assert first.kind == "found", name
        assert name in [one.get("drug_name") for one in first.products[0].packages], name


@pytest.mark.parametrize(
    ("query", "strength"),
    [
        ("coumadin 2,5 mg", "2.5 mg/1"),
        ("coumadin 2\u00b75mg", "2.5 mg/1"),
        ("coumadin 2.5", "2.5 mg/1"),
        ("coumadin 5", "5 mg/1"),
        ("furosemide 40", "40 mg/1"),
        ("furosemide 40 mg tablets", "40 mg/1"),
        ("oxycodone-apap 10/325", "10 mg/1; 325 mg/1"),
        ("synthroid 50 mcg", "50 \u03bcg"),
        ("synthroid 50 \u00b5g", "50 \u03bcg"),
        ("synthroid 0,05 mg", "50 \u03bcg"),
    ],
)
def test_the_strength_that_was_asked_for_is_first(
    index: RedisSearch, query: str, strength: str
) -> None:
    answer = ask(index, query)
    assert answer.products[0].items[0].strength == strength
    assert "strength_missing" not in told(answer)


def test_a_strength_that_no_product_has_is_told(index: RedisSearch) -> None:
    assert "strength_missing" in told(ask(index, "furosemide 41 mg"))


def test_one_card_has_all_strengths_in_order(index: RedisSearch) -> None:
    (card,) = ask(index, "coumadin").parts[0].products
    assert [item.strength for item in card.items] == ["2 mg/1", "2.5 mg/1", "5 mg/1"]


@pytest.mark.parametrize(
    "query",
    [
        *("Children's Zyxelor", "childrens zyxelor", "CHILDREN\u2019S ZYXELOR", "zyxelor\u00ae"),
        *("zyxelorin", "zyxe\u200blor"),
    ],
)
def test_a_name_is_found_however_its_marks_are_typed(index: RedisSearch, query: str) -> None:
    assert found(ask(index, query))["found"] == ["Children\u2019s Zyxelor\u00ae"]


@pytest.mark.parametrize("query", ["zyxelr", "sertralin", "quorvxide", "flagamin", "synthrod"])
def test_a_misspelt_query_is_answered_though_names_have_marks(
    index: RedisSearch, query: str
) -> None:
    assert ask(index, query).products


def test_names_that_go_on_are_apart_from_what_is_found(index: RedisSearch) -> None:
    assert found(ask(index, "terbin")) == {"begins": ["Terbinafine"]}


def test_class_columns_are_found_by_their_words_whatever_the_template_holds(
    index: RedisSearch,
) -> None:
    assert found(ask(index, "coumarin agents"))["class"] == ["Jantoven"]


def test_what_is_not_asked_for_comes_last_in_a_class(index: RedisSearch) -> None:
    assert found(ask(index, "vitamin k antagonist"))["class"] == ["Jantoven", "Anticoagulant bag"]


# NDCs


@pytest.mark.parametrize(
    "written",
    [
        *("00000000007", "00000-0000-07", "00000 0000 07", "NDC 00000\u20110000\u201307"),
        *("000000000007", " 00000000007 "),
    ],
)
def test_an_ndc_in_any_form_is_its_drug_and_nothing_else(index: RedisSearch, written: str) -> None:
    assert found(ask(index, written)) == {"found": ["Coumadin 2 mg"]}


def test_any_stored_key_is_found_as_it_is_stored(index: RedisSearch) -> None:
    assert found(ask(index, "OLD/KEY 7_x")) == {"found": ["Old key"]}


def test_ten_digits_that_may_be_several_show_all(index: RedisSearch) -> None:
    answer = ask(index, "1182200501")
    assert sorted(found(answer)["found"]) == ["Ten digits", "Ten digits, too"]
    assert told(answer)["several_drugs"] == ("01182-2005-01", "11822-0005-01")


def test_an_ndc_that_does_not_exist_is_answered_by_nothing(index: RedisSearch) -> None:
    answer = ask(index, "0093-5057-01")
    assert found(answer) == {}
    assert set(told(answer)) == {"no_such_ndc"}


def test_a_product_s_code_lists_its_packages(index: RedisSearch) -> None:
    listed = ask(index, "00000-0000")
    assert sum(card.total for card in listed.products) == 24


# Filters, pages and the budget


@pytest.mark.parametrize(
    "typed",
    ["tablet", "TABLET", "\uff34able\u200bt", "Tablet,"],
    ids=["lower", "as is", "wide", "mark"],
)
def test_a_filter_is_its_value_however_it_is_typed(index: RedisSearch, typed: str) -> None:
    first = ask(index, "coumadin", filters={"dosage_form": (typed,)}).parts[0]
    assert [one.total for one in first.products] == [3]


def test_a_filter_leaves_drugs_out_and_changes_no_order(index: RedisSearch) -> None:
    whole = packages(ask(index, "acetaminophen", limit=50))
    only = packages(ask(index, "acetaminophen", limit=50, filters={"route": ("ORAL",)}))
    assert only == [one for one in whole if one.get("route") == "ORAL"]
    assert 1 < len(only) < len(whole)


def test_what_filters_hide_is_counted(index: RedisSearch) -> None:
    answer = ask(index, "coumadin", filters={"manufacturer": ("Nobody",)})
    hidden = next(one for one in answer.notices if one.kind == "filters_hide")
    assert (found(answer), hidden.number) == ({}, 3)


def test_a_search_stops_at_its_budget_and_says_so(
    index: RedisSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "MOST_PROBED", 1)
    assert "cut_short" in told(ask(index, "coumadin"))


def test_the_worst_search_is_a_bounded_number_of_commands(index: RedisSearch, stack: Stack) -> None:
    words = " ".join(f"word{chr(97 + one % 26)}x" for one in range(30))[:200]
    with redis.Redis.from_url(stack.redis.url) as client:
        for query in (words, "acme inc", "blood thinner", "coumadin tylenol lamisil zoloft"):
            client.config_resetstat()
            ask(index, query, limit=50, filters={"manufacturer": ("Acme, Inc.",)})
            stats = client.info("commandstats")
            asked = sum(of["calls"] for name, of in stats.items() if name.startswith("cmdstat_FT"))
            assert asked < 500, query


def test_a_query_that_names_a_drug_asks_no_model(index: RedisSearch) -> None:
    for query in ("coumadin", "tylenol", "amoxicilin", "TCN", "00000000007", "terbinaf"):
        model = Hashed()
        search(query, NAMES, meaning=Meaning(model), index=index)
        assert model.asked == [], query


def test_without_a_model_words_alone_are_searched_and_it_is_said(index: RedisSearch) -> None:
    answer = search("something for my knees", NAMES, meaning=None, index=index)
    assert "meaning_unavailable" in told(answer)


def test_meaning_answers_above_the_floor_only(index: RedisSearch) -> None:
    class Near(Hashed):
        """The very vector of a text that is stored."""

        def embed(self, texts: list[str], purpose: Any = "document") -> list[Vector]:
            return super().embed(["furosemide 20 mg/1 tablet oral"], purpose)

    words = "something my grandmother had in that yellow box"
    near = search(words, NAMES, meaning=Meaning(Near(), 0.99), index=index)
    assert found(near) == {"meaning": ["Furosemide 20"]}
    assert found(search(words, NAMES, meaning=Meaning(Near(), 1.1), index=index)) == {}


# Alternatives and single drugs


def test_alternatives_are_by_substances_strength_form_and_route(index: RedisSearch) -> None:
    given = alternatives("00000-0000-10", index=index)
    assert given is not None
    shown = [
        package.ndc
        for card in (*given.generic, *given.brand, *given.other)
        for of in card.strengths
        for package in of.packages
    ]
    assert (sorted(shown), given.complete) == (["00000000011", "00000000012"], True)


def test_a_flag_that_says_something_else_is_not_known(index: RedisSearch) -> None:
    shown = one_drug("00000000020", index=index)
    assert shown is not None
    assert shown.drug["is_active"] == "Discontinued"
    assert found(ask(index, "flagged"))["found"] == ["Flagged"]
