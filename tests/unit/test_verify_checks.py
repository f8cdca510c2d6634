"""What must hold before the switch, each check at its edge."""

from __future__ import annotations

from contextlib import closing
from typing import Any, cast

import pytest

from tests.fakes import FakeEmbedder, FakeIndex, FakeQuota
from tests.payloads import HOLDER, SPACE, plan, settings, verified_page
from tests.rows import DIMENSIONS, vector_of
from workflow.contract.documents import record_of, text_hash
from workflow.contract.errors import ModelFailed
from workflow.contract.events.files import Check, Neighbour
from workflow.contract.events.payloads import IndexFailures
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.server import IndexFacts
from workflow.contract.ports.texts import NewRecord, Text
from workflow.embedding.caller import Caller
from workflow.verify.checks import (
    KEY_SET,
    ModelCheck,
    document_checks,
    drift_check,
    index_checks,
    model_check,
    recall_checks,
    rejected_check,
    text_checks,
    vanishing_check,
)
from workflow.verify.samples import Sampled

WORDS = [f"text {number}" for number in range(5)]


def facts(documents: int = 0, failures: int = 0, unlike: tuple[str, ...] = ()) -> IndexFacts:
    return IndexFacts(documents, failures, building=False, percent=1.0, unlike=unlike)


def failed(checks: list[Check]) -> list[str]:
    return [one.check for one in checks if not one.passed]


# Indexes


@pytest.mark.parametrize(
    ("before", "now", "wrong"), [(0, 0, False), (3, 3, False), (3, 4, True), (3, 0, False)]
)
def test_only_what_an_index_refused_in_this_run_counts(before: int, now: int, wrong: bool) -> None:
    """A restart of the server begins to count at nothing."""
    planned = plan().model_copy(
        update={"failures_before": IndexFailures(documents=before, texts=before)}
    )
    names = ["documents index refused nothing", "texts index refused nothing"]
    found = failed(index_checks(planned, facts(failures=now), facts(failures=now)))
    assert found == (names if wrong else [])


def test_an_index_with_other_fields_is_not_ours() -> None:
    found = failed(index_checks(plan(), facts(unlike=("route",)), facts(unlike=("embedding",))))
    assert found == ["documents index is ours", "texts index is ours"]


def test_an_index_that_is_not_there_is_named() -> None:
    assert failed(index_checks(plan(), None, facts())) == ["documents index exists"]
    assert failed(index_checks(plan(), facts(), None)) == ["texts index exists"]


# Documents


def documents_of(
    *, rows: int = 5, found: int = 5, indexed: int = 5, keys: int = 5, change: int = 0, **more: Any
) -> list[str]:
    pages = [verified_page(rows=rows, documents=found, **more)]
    return failed(document_checks(plan(), pages, facts(indexed), keys, change))


def test_figures_that_agree_are_right() -> None:
    assert documents_of() == []
    assert documents_of(keys=4, indexed=4, change=1) == []
    assert documents_of(rows=4, kept=("1",)) == []


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"found": 4}, ["documents of the pages", "key set"]),
        ({"indexed": 4}, ["documents indexed"]),
        ({"indexed": 6}, ["documents indexed"]),
        ({"keys": 6, "indexed": 6}, ["key set"]),
        ({"change": 1}, ["key set"]),
        ({"damaged": {"1": "is gone"}}, ["documents equal the catalog"]),
        ({"rows": 0, "found": 0, "keys": 0, "indexed": 0}, ["not empty"]),
    ],
    ids=str,
)
def test_each_figure_that_disagrees_is_a_check_that_fails(
    changed: dict[str, Any], wrong: list[str]
) -> None:
    assert documents_of(**changed) == wrong


def test_a_key_range_says_nothing_of_the_whole() -> None:
    partial = plan(after_key="5")
    pages = [verified_page(rows=0)]
    assert failed(document_checks(partial, pages, facts(9), 9, 0)) == []
    assert failed(document_checks(partial, pages, facts(8), 9, 0)) == ["documents indexed"]


def test_damage_is_counted_and_three_keys_are_shown() -> None:
    damaged = {str(number): "is gone" for number in range(5)}
    found = document_checks(plan(), [verified_page(damaged=damaged)], None, 0, 0)[0].found
    assert found == "5 not: '0' is gone; '1' is gone; '2' is gone"


# Texts, drift, rejected rows


def test_texts_must_be_sound_and_in_the_index() -> None:
    assert failed(text_checks([verified_page()])) == []
    bad = verified_page(bad_texts={"1": "its text record is wrong"})
    assert failed(text_checks([verified_page(), bad])) == ["texts have their vectors"]
    assert failed(text_checks([verified_page(), verified_page(unindexed=1)])) == ["texts indexed"]


@pytest.mark.parametrize(
    ("rows", "drifted", "passed"),
    [(0, 20, True), (0, 21, False), (21_000, 21, True), (21_000, 22, False)],
)
def test_a_thousandth_or_twenty_rows_may_change_during_a_run(
    rows: int, drifted: int, passed: bool
) -> None:
    pages = [verified_page(rows=rows), verified_page(drifted=tuple(map(str, range(drifted))))]
    assert drift_check(pages, settings()).passed is passed


def test_no_live_drug_that_the_catalog_has_may_vanish() -> None:
    assert vanishing_check([verified_page()]).passed
    found = vanishing_check([verified_page(), verified_page(vanishing=("7", "8"))])
    assert (found.passed, found.found) == (False, "2 missing, such as '7'")


@pytest.mark.parametrize(("rows", "refused", "passed"), [(20, 10, True), (20, 11, False)])
def test_most_of_a_small_catalog_must_have_its_vectors(
    rows: int, refused: int, passed: bool
) -> None:
    pages = [verified_page(rows=rows, refused=tuple(map(str, range(refused))))]
    for accept, expected in ((), passed), (("rejects",), True):
        assert rejected_check(plan(accept=accept), pages, 0, settings()).passed is expected


@pytest.mark.parametrize(
    ("rows", "refused", "accept", "passed"),
    [(10, 10, (), True), (10, 11, (), False), (21, 0, (), False), (21, 9, ("rejects",), True)],
)
def test_rejected_rows_and_drugs_of_refused_texts_are_counted_together(
    rows: int, refused: int, accept: tuple[str, ...], passed: bool
) -> None:
    pages = [verified_page(rows=100, refused=tuple(map(str, range(refused))))]
    assert rejected_check(plan(accept=accept), pages, rows, settings()).passed is passed


# The model


def sampled() -> Sampled:
    texts = [Text(text_hash(one, {}), one, {}) for one in WORDS]
    return Sampled(
        [one.hash for one in texts], [record_of(one, vector_of(one.text)) for one in texts]
    )


def ask(embedder: FakeEmbedder, own: int = 0) -> ModelCheck:
    """With the first `own` texts embedded by the run that asks."""
    every = sampled()
    with closing(Caller(embedder, FakeQuota(), DIMENSIONS)) as caller:
        found = model_check(caller, every, set(every.hashes[:own]), settings(), "")
    assert found is not None
    return found


@pytest.mark.parametrize("texts_per_call", [1, 3])
def test_a_model_that_gives_the_stored_vectors_agrees(texts_per_call: int) -> None:
    found, wrong, another = ask(FakeEmbedder(texts_per_call))
    assert (found.passed, found.found, wrong, another) == (True, "5 of 5", [], False)


def test_records_with_which_the_model_disagrees_are_doubtful() -> None:
    embedder = FakeEmbedder(vector=lambda text: vector_of("other" if text == "text 3" else text))
    found, wrong, another = ask(embedder, own=2)
    assert (found.passed, found.found, another) == (False, "4 of 5", False)
    assert wrong == [text_hash("text 3", {})]


def test_a_model_that_never_agrees_is_another_one_and_no_record_is_doubtful() -> None:
    found, wrong, another = ask(FakeEmbedder(vector=lambda text: vector_of(text + "!")))
    assert not found.passed
    assert '"reembed": true' in found.found
    assert (wrong, another) == ((), True)


def test_the_texts_of_the_run_itself_say_nothing_of_the_model_before() -> None:
    """Three of this run's agree, and none of the two that were there before."""
    own = {"text 0", "text 1", "text 2"}
    embedder = FakeEmbedder(vector=lambda text: vector_of(text if text in own else text + "!"))
    found, wrong, another = ask(embedder, own=3)
    assert (found.passed, wrong, another) == (False, (), True)
    assert '"reembed": true' in found.found


def test_where_all_texts_are_of_the_run_itself_they_are_what_is_judged() -> None:
    assert ask(FakeEmbedder(), own=5).check.passed
    another = FakeEmbedder(vector=lambda text: vector_of(text + "!"))
    assert not ask(another, own=5).check.passed


def test_a_model_that_fails_is_asked_again_and_no_verdict_is_given() -> None:
    embedder = FakeEmbedder()
    embedder.error = ModelFailed("424")
    with pytest.raises(ModelFailed):
        ask(embedder)


def test_a_model_that_refuses_a_stored_text_does_not_agree() -> None:
    found, wrong, _ = ask(FakeEmbedder(refuses=lambda text: text == "text 3"))
    assert (found.passed, wrong) == (False, ())
    assert found.found.startswith("refused: ")


# Recall


def recalled(missed: set[str], **changed: Any) -> list[Check]:
    every = sampled()
    index = FakeIndex()
    index.generations.take_fence(HOLDER)
    records = [NewRecord(*pair, 1) for pair in zip(every.hashes, every.records, strict=True)]
    index.texts.write(SPACE, HOLDER, records)
    index.search.missed = missed
    nearest = {one: (Neighbour(text_hash=one, distance=0.0),) for one in every.hashes}
    search = cast(SearchIndex, index.search)
    return recall_checks(search, SPACE, every, nearest, settings(**changed))


def test_a_search_that_finds_the_texts_passes() -> None:
    assert [(one.check, one.passed, one.found) for one in recalled(set())] == [
        ("self-recall@1", True, "1.000"),
        ("recall@10", True, "1.000"),
    ]


def test_a_search_that_misses_a_text_fails() -> None:
    found = recalled({text_hash("text 3", {})})
    assert [(one.passed, one.found) for one in found] == [(False, "0.800"), (False, "0.800")]


def test_an_exact_index_needs_no_recall() -> None:
    assert [one.check for one in recalled(set(), index_algorithm="FLAT")] == ["self-recall@1"]


def test_checks_that_are_off_say_so_by_their_own_setting() -> None:
    found = recalled({text_hash("text 3", {})}, verify_texts=0, verify_queries=0)
    assert [(one.check, one.passed, one.found) for one in found] == [
        ("self-recall@1", True, "off: verify_texts is 0"),
        ("recall@10", True, "off: verify_queries is 0"),
    ]


def test_a_check_that_fails_shows_what_it_compared() -> None:
    pages = [verified_page(rows=3, documents=3, drifted=("a",))]
    found = document_checks(plan(), pages, facts(documents=4), 4, 1)
    assert {one.check: one.found for one in found}[KEY_SET] == "5"
    assert drift_check(pages, settings()).found == "1, such as 'a'"
