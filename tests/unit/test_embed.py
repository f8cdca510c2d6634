"""EmbedPage: every text gets its record, or is found to be refused."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.fakes import FakeEmbedder, FakeIndex, FakeQuota, FakeRunStore, clock
from tests.payloads import HOLDER, PAGE, SPACE, embed_task, plan, settings
from tests.rows import DIMENSIONS, vector_of
from workflow.contract.documents import record_fault, text_hash
from workflow.contract.errors import (
    EmbedderThrottled,
    InvalidEmbedding,
    ModelFailed,
    RequestRejected,
    SyncError,
)
from workflow.contract.events.files import PageEmbedded
from workflow.contract.events.payloads import Plan
from workflow.contract.ports.texts import Text, TextRecord
from workflow.contract.runs import EMBED_SUMMARY, RunFiles
from workflow.embedding.caller import PROBE_TEXT
from workflow.steps.embed_page import MOST_FAILED, TRIES, embed_page

TEXTS = [f"text {number}" for number in range(7)]
POISON = "text 3"
LAST = TRIES - 1
"""Retries of the last try."""


def text(words: str) -> Text:
    return Text(text_hash(words, {}), words, {})


class FailingEmbedder(FakeEmbedder):
    """Fails in each call that holds a text which `fails`."""

    def __init__(self, fails: Callable[[str], bool], texts_per_call: int = 1) -> None:
        super().__init__(texts_per_call)
        self.fails = fails
        self.failures = 0

    def embed(self, texts: Sequence[str], purpose: Any = "document") -> Any:
        if any(map(self.fails, texts)):
            self.failures += 1
            time.sleep(0.002)  # A model takes time, in which the page's own thread looks.
            raise ModelFailed("the model stumbles over it")
        return super().embed(texts, purpose)


class Page:
    """One page of texts, its index, quota and files; `embed` may be called again and again."""

    def __init__(self, texts: Sequence[str] = TEXTS) -> None:
        self.texts = texts
        self.index, self.quota, self.runs = FakeIndex(), FakeQuota(), FakeRunStore()
        self.files = RunFiles.of(self.runs, HOLDER)
        self.files.write_texts("embed/00000.jsonl.gz", map(text, texts))
        self.index.generations.take_fence(HOLDER)

    def embed(
        self, embedder: FakeEmbedder, retries: int = 0, planned: Plan | None = None, **changed: Any
    ) -> PageEmbedded:
        task = embed_task(len(self.texts), retries)
        return embed_page(
            task.model_copy(update={"plan": planned}) if planned else task,
            embedder=embedder,
            quota=self.quota,
            texts=self.index.texts,
            runs=self.runs,
            settings=settings(**{"embedding_threads": 1} | changed),
            clock=clock,
        )

    def record(self, words: str) -> TextRecord:
        return self.index.memory.kept[SPACE, text_hash(words, {})][0]

    def embedded(self) -> set[str]:
        """Texts that have a vector."""
        return {record.text for record, _ in self.index.memory.kept.values() if record.vector}

    def again(self) -> list[str]:
        return self.index.texts.to_embed_again(SPACE)


# Records


def test_each_text_gets_its_own_record() -> None:
    page, embedder = Page(), FakeEmbedder()
    done = page.embed(embedder)
    assert (done.texts, done.embedded, done.rejected) == (7, 7, ())
    for words in TEXTS:
        record, origin = page.index.memory.kept[SPACE, text_hash(words, {})]
        assert (record.text, record.vector) == (words, vector_of(words))
        assert record_fault(text_hash(words, {}), record, DIMENSIONS) is None
        assert (origin.run, origin.tokens) == (HOLDER.identity, len(words))
    assert done.tokens == sum(map(len, TEXTS))
    assert page.files.read(EMBED_SUMMARY.format(PAGE), PageEmbedded) == done


def test_texts_with_a_record_are_not_embedded_again() -> None:
    page, embedder = Page(), FakeEmbedder()
    page.embed(embedder)
    again = page.embed(embedder)
    assert embedder.embedded == TEXTS
    assert again.embedded == 7


def test_a_text_that_another_run_paid_for_is_reused() -> None:
    page, embedder = Page(), FakeEmbedder()
    page.embed(embedder)
    key = SPACE, text_hash(TEXTS[0], {})
    record, origin = page.index.memory.kept[key]
    page.index.memory.kept[key] = (record, origin._replace(run="other"))
    assert page.embed(embedder).embedded == 6


def test_a_record_that_is_wrong_is_written_again() -> None:
    page, embedder = Page(), FakeEmbedder()
    page.embed(embedder)
    key = SPACE, text_hash(POISON, {})
    record, origin = page.index.memory.kept[key]
    page.index.memory.kept[key] = (record._replace(vector=vector_of("other")), origin)
    page.embed(embedder)
    assert embedder.embedded == [*TEXTS, POISON]
    assert page.record(POISON) == record


def test_a_doubtful_text_is_embedded_again_though_its_record_is_sound() -> None:
    page, embedder = Page(), FakeEmbedder()
    page.embed(embedder)
    page.index.texts.doubt(SPACE, HOLDER, [text_hash(POISON, {})])
    page.embed(embedder)
    assert embedder.embedded == [*TEXTS, POISON]
    assert page.again() == []


@pytest.mark.parametrize("threads", [1, 3])
def test_a_retry_embeds_only_what_is_still_missing(threads: int) -> None:
    page = Page()
    seen: list[str] = []

    class Failing(FakeEmbedder):
        def embed(self, texts: Sequence[str], purpose: Any = "document") -> Any:
            if texts[0] == "text 4" and "text 4" not in seen:
                seen.append("text 4")
                raise EmbedderThrottled("slow down")
            return super().embed(texts, purpose)

    embedder = Failing()
    with pytest.raises(EmbedderThrottled):
        page.embed(embedder, embedding_threads=threads)
    assert page.embedded() < set(TEXTS)
    page.embed(embedder, embedding_threads=threads)
    assert page.embedded() == set(TEXTS)
    assert sorted(embedder.embedded) == sorted(TEXTS)


def test_the_first_error_that_is_not_about_a_text_ends_the_page() -> None:
    page, embedder = Page([f"text {number}" for number in range(200)]), FakeEmbedder()
    embedder.error = EmbedderThrottled("slow down")
    with pytest.raises(EmbedderThrottled):
        page.embed(embedder)
    assert len(embedder.calls) <= 1


def test_as_many_texts_go_into_a_call_as_the_model_takes() -> None:
    page, embedder = Page(), FakeEmbedder(texts_per_call=3)
    page.embed(embedder)
    assert sorted(map(len, embedder.calls)) == [1, 3, 3]


# Texts that the model refuses


def test_a_refused_text_of_a_batch_is_found_alone() -> None:
    page = Page()
    embedder = FakeEmbedder(texts_per_call=7, refuses=lambda words: words == POISON)
    done = page.embed(embedder)
    assert done.embedded == 6
    assert [one.text for one in done.rejected] == [POISON]
    assert page.embedded() == set(TEXTS) - {POISON}


def test_a_backfill_leaves_the_doubtful_vectors_that_are_searched() -> None:
    page, embedder = Page(), FakeEmbedder()
    page.embed(embedder)
    page.index.texts.doubt(SPACE, HOLDER, [text_hash(POISON, {})])
    page.embed(embedder, planned=plan(new_generation=True, live="live"))
    assert embedder.embedded == [*TEXTS]
    page.embed(embedder, planned=plan(new_generation=True, live=None))
    assert embedder.embedded == [*TEXTS, POISON]


def test_a_doubtful_text_that_is_refused_now_keeps_its_vector_and_is_named() -> None:
    page = Page()
    page.embed(FakeEmbedder())
    page.index.texts.doubt(SPACE, HOLDER, [text_hash(POISON, {})])
    before = dict(page.index.memory.kept)
    done = page.embed(FakeEmbedder(refuses=lambda words: words == POISON))
    assert page.index.memory.kept == before
    assert [one.text for one in done.rejected] == [POISON]
    assert (done.embedded, page.again()) == (6, [text_hash(POISON, {})])


def test_a_refused_text_has_a_record_with_the_models_words_and_is_asked_again() -> None:
    page = Page()
    page.embed(FakeEmbedder(refuses=lambda words: words == POISON))
    assert (page.record(POISON).vector, page.record(POISON).refused) == (
        b"",
        "the text is not to the model's taste",
    )
    assert record_fault(text_hash(POISON, {}), page.record(POISON), DIMENSIONS) is None
    assert page.again() == [text_hash(POISON, {})]


def test_a_text_that_was_refused_first_and_taken_later_is_asked_no_more() -> None:
    page = Page()
    page.embed(FakeEmbedder(refuses=lambda words: words == POISON))
    done = page.embed(FakeEmbedder())
    assert (done.embedded, done.rejected, page.again()) == (7, (), [])
    assert page.record(POISON).vector == vector_of(POISON)


def test_a_retry_tells_the_refused_texts_again() -> None:
    page, embedder = Page(), FakeEmbedder(refuses=lambda words: words == POISON)
    assert page.embed(embedder) == page.embed(embedder)


@pytest.mark.parametrize("texts_per_call", [1, 7])
def test_a_model_that_refuses_every_text_and_the_probe_is_asked_wrongly(
    texts_per_call: int,
) -> None:
    page = Page()
    with pytest.raises(RequestRejected, match="all 7 texts"):
        page.embed(FakeEmbedder(texts_per_call, refuses=lambda _: True))
    assert page.index.memory.kept == {}


def test_texts_that_are_all_refused_are_rejected_where_the_probe_is_taken() -> None:
    page = Page()
    done = page.embed(FakeEmbedder(refuses=lambda words: words != PROBE_TEXT))
    assert (len(done.rejected), done.embedded) == (7, 0)


def test_one_refused_text_does_not_ask_for_the_probe() -> None:
    page, embedder = Page(), FakeEmbedder(refuses=lambda words: words == POISON)
    page.embed(embedder)
    assert PROBE_TEXT not in embedder.embedded


# Texts over which the model fails


@pytest.mark.parametrize("retries", range(LAST))
@pytest.mark.parametrize("texts_per_call", [1, 7])
def test_a_text_that_fails_is_tried_again_and_the_others_are_written(
    texts_per_call: int, retries: int
) -> None:
    page = Page()
    with pytest.raises(ModelFailed):
        page.embed(FailingEmbedder(lambda words: words == POISON, texts_per_call), retries)
    assert page.embedded() == set(TEXTS) - {POISON}
    assert page.again() == []


@pytest.mark.parametrize("texts_per_call", [1, 7])
def test_a_text_that_fails_in_the_last_try_is_rejected(texts_per_call: int) -> None:
    page = Page()
    done = page.embed(FailingEmbedder(lambda words: words == POISON, texts_per_call), LAST)
    assert (done.embedded, len(done.rejected)) == (6, 1)
    assert done.rejected[0].reason == f"failed {TRIES} times: the model stumbles over it"
    assert page.again() == [text_hash(POISON, {})]


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([math.nan] * 256, "NaN"),
        ([math.inf] * 256, "infinity"),
        ([0.0] * 256, "all zeros"),
        ([-0.0] * 256, "all zeros"),
        ([1.0] * 255, "255 dimensions, not 256"),
        ([1.0] * 512, "512 dimensions, not 256"),
    ],
)
def test_an_answer_that_is_no_vector_is_never_stored(numbers: list[float], words: str) -> None:
    page, bad = Page(), array("f", numbers).tobytes()
    embedder = FakeEmbedder(vector=lambda one: bad if one == POISON else vector_of(one))
    with pytest.raises(InvalidEmbedding, match=words):
        page.embed(embedder)
    assert page.embedded() == set(TEXTS) - {POISON}
    done = page.embed(embedder, LAST)
    assert [one.text for one in done.rejected] == [POISON]
    assert page.record(POISON).vector == b""


@pytest.mark.parametrize("texts_per_call", [1, 7])
def test_a_model_that_fails_again_and_again_is_not_asked_for_every_text(
    texts_per_call: int,
) -> None:
    page = Page([f"text {number}" for number in range(300)])
    embedder = FailingEmbedder(lambda _: True, texts_per_call)
    with pytest.raises(ModelFailed):
        page.embed(embedder, LAST)
    assert MOST_FAILED <= embedder.failures < 100
    assert page.index.memory.kept == {}


def test_many_texts_that_fail_beside_one_that_is_taken_are_texts_that_fail() -> None:
    words = [f"text {number}" for number in range(MOST_FAILED + 5)]
    page = Page(words)
    done = page.embed(FailingEmbedder(lambda one: one != "text 0"), LAST)
    assert (done.embedded, len(done.rejected)) == (1, MOST_FAILED + 4)


@pytest.mark.parametrize("probe", [True, False])
def test_a_page_of_which_every_text_fails_is_the_models_fault_where_the_probe_fails(
    probe: bool,
) -> None:
    page = Page()
    embedder = FailingEmbedder(lambda words: probe or words != PROBE_TEXT)
    if probe:
        with pytest.raises(SyncError):
            page.embed(embedder, LAST)
        assert page.index.memory.kept == {}
    else:
        assert len(page.embed(embedder, LAST).rejected) == 7


# The quota


def test_the_quota_is_charged_what_the_model_counted() -> None:
    page = Page()
    page.embed(FakeEmbedder())
    assert page.quota.reserved == sum(map(len, TEXTS))


def test_a_page_whose_texts_all_have_records_reserves_nothing() -> None:
    page = Page()
    page.embed(FakeEmbedder())
    before = page.quota.reserved
    page.embed(FakeEmbedder())
    assert page.quota.reserved == before


# Records that share their words


def with_twin() -> tuple[Page, Text]:
    """Two texts, and a record of another name with the words of the first."""
    page = Page(TEXTS[:2])
    columns = {"drug_name": "another"}
    twin = Text(text_hash(TEXTS[0], columns), TEXTS[0], columns)
    page.files.write_texts("embed/00000.jsonl.gz", [*map(text, TEXTS[:2]), twin])
    return page, twin


def test_words_that_two_records_share_are_embedded_once() -> None:
    page, twin = with_twin()
    embedder = FakeEmbedder()
    done = page.embed(embedder)
    assert sorted(embedder.embedded) == TEXTS[:2]
    record = page.index.memory.kept[SPACE, twin.hash][0]
    assert record.vector == page.record(TEXTS[0]).vector
    assert record.columns == {"drug_name": "another"}
    assert (done.texts, done.embedded) == (3, 3)


def test_words_that_are_refused_are_refused_for_every_record() -> None:
    page, twin = with_twin()
    done = page.embed(FakeEmbedder(refuses=lambda words: words == TEXTS[0]))
    assert {one.text_hash for one in done.rejected} == {twin.hash, text_hash(TEXTS[0], {})}
    assert page.again() == sorted(one.text_hash for one in done.rejected)
