"""EmbedPage: every text gets its record, or is found to be refused."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any

import pytest

from tests.fakes import FakeEmbedder, FakeIndex, FakeQuota, FakeRunStore, clock
from tests.payloads import RUN, SPACE, embed_task, settings
from tests.rows import vector_of
from workflow.contract.documents import text_hash, vector_hash
from workflow.contract.errors import EmbedderThrottled, InvalidEmbedding, RequestRejected
from workflow.contract.events.files import PageEmbedded, RejectedText
from workflow.contract.ports.texts import Text
from workflow.contract.runs import RunFiles
from workflow.embedding.caller import PROBE_TEXT
from workflow.steps.embed_page import embed_page

TEXTS = [f"text {number}" for number in range(7)]


def text(words: str) -> Text:
    return Text(text_hash(words), words, {})


class Page:
    """One page of texts, its index, quota and files; `embed` may be called again and again."""

    def __init__(self, texts: Sequence[str] = TEXTS) -> None:
        self.texts = texts
        self.index, self.quota, self.runs = FakeIndex(), FakeQuota(), FakeRunStore()
        self.files = RunFiles(self.runs, RUN)
        self.files.write_lines("embed/00000.jsonl.gz", [text(one)._asdict() for one in texts])

    def embed(self, embedder: FakeEmbedder, **changed: Any) -> PageEmbedded:
        return embed_page(
            embed_task(len(self.texts)),
            embedder=embedder,
            quota=self.quota,
            index=self.index,  # type: ignore[arg-type] # the part of the port that it uses
            runs=self.runs,
            settings=settings(**{"embedding_threads": 1} | changed),
            clock=clock,
        )

    def recorded(self) -> set[str]:
        return {record.text for record, _ in self.index.records.values()}

    def rejected(self) -> list[str]:
        found = self.files.read_manifest("embed/00000.rejected.json", RejectedText)
        return [one.text_hash for one in found]


def test_each_text_gets_its_own_record() -> None:
    page, embedder = Page(), FakeEmbedder()
    done = page.embed(embedder)
    assert (done.texts, done.embedded, done.rejected) == (7, 7, 0)
    for words in TEXTS:
        record, origin = page.index.records[SPACE, text_hash(words)]
        assert (record.text, record.vector) == (words, vector_of(words))
        assert record.vector_hash == vector_hash(text_hash(words), record.vector)
        assert (origin.run_id, origin.tokens) == (RUN, len(words))
    assert done.tokens == sum(map(len, TEXTS))


def test_texts_with_a_record_are_not_embedded_again() -> None:
    page, embedder = Page(), FakeEmbedder()
    page.embed(embedder)
    again = page.embed(embedder)
    assert embedder.embedded == TEXTS
    assert again.embedded == 7


def test_a_text_that_another_run_paid_for_is_reused() -> None:
    page, embedder = Page(), FakeEmbedder()
    page.embed(embedder)
    hash_ = text_hash(TEXTS[0])
    record, origin = page.index.records[SPACE, hash_]
    page.index.records[SPACE, hash_] = (record, origin._replace(run_id="other"))
    assert page.embed(embedder).embedded == 6


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
    assert page.recorded() < set(TEXTS)
    page.embed(embedder, embedding_threads=threads)
    assert page.recorded() == set(TEXTS)
    assert sorted(embedder.embedded) == sorted(TEXTS)


def test_the_first_error_ends_the_page_without_further_calls() -> None:
    page, embedder = Page([f"text {number}" for number in range(200)]), FakeEmbedder()
    embedder.error = EmbedderThrottled("slow down")
    with pytest.raises(EmbedderThrottled):
        page.embed(embedder)
    assert len(embedder.calls) <= 1


def test_as_many_texts_go_into_a_call_as_the_model_takes() -> None:
    page, embedder = Page(), FakeEmbedder(texts_per_call=3)
    page.embed(embedder)
    assert sorted(map(len, embedder.calls)) == [1, 3, 3]


def test_a_refused_text_of_a_batch_is_found_alone() -> None:
    page = Page()
    embedder = FakeEmbedder(texts_per_call=7, refuses=lambda words: words == "text 3")
    done = page.embed(embedder)
    assert (done.embedded, done.rejected) == (6, 1)
    assert page.rejected() == [text_hash("text 3")]
    assert page.recorded() == set(TEXTS) - {"text 3"}


def test_a_refused_text_tells_the_models_words() -> None:
    page = Page()
    page.embed(FakeEmbedder(refuses=lambda words: words == "text 3"))
    found = page.files.read_manifest("embed/00000.rejected.json", RejectedText)
    assert found[0].reason == "the text is not to the model's taste"


def test_without_a_refused_text_there_is_no_file_of_them() -> None:
    page = Page()
    page.embed(FakeEmbedder())
    assert page.runs.keys(f"runs/{RUN}/embed/00000.rejected") == []


@pytest.mark.parametrize("texts_per_call", [1, 7])
def test_a_model_that_refuses_every_text_and_the_probe_is_asked_wrongly(
    texts_per_call: int,
) -> None:
    page = Page()
    with pytest.raises(RequestRejected, match="all 7 texts"):
        page.embed(FakeEmbedder(texts_per_call, refuses=lambda _: True))
    assert page.runs.keys(f"runs/{RUN}/embed/00000.rejected") == []


def test_texts_that_are_all_refused_are_rejected_where_the_probe_is_taken() -> None:
    page = Page()
    embedder = FakeEmbedder(refuses=lambda words: words != PROBE_TEXT)
    assert page.embed(embedder).rejected == 7
    assert len(page.rejected()) == 7


def test_one_refused_text_does_not_ask_for_the_probe() -> None:
    page, embedder = Page(), FakeEmbedder(refuses=lambda words: words == "text 3")
    page.embed(embedder)
    assert PROBE_TEXT not in embedder.embedded


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
    page = Page(["text 0"])
    with pytest.raises(InvalidEmbedding, match=words):
        page.embed(FakeEmbedder(vector=lambda _: array("f", numbers).tobytes()))
    assert page.index.records == {}


def test_one_bad_vector_of_a_call_keeps_the_others_out_until_the_retry() -> None:
    bad = {"text 2"}
    page = Page()
    embedder = FakeEmbedder(7, vector=lambda words: b"" if words in bad else vector_of(words))
    with pytest.raises(InvalidEmbedding, match="'text 2'"):
        page.embed(embedder)
    bad.clear()
    assert page.embed(embedder).embedded == 7


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
