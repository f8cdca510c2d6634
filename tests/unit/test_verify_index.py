"""VerifyIndex: pages added up, what is global, and what a failure amounts to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from tests.fakes import NOW, FakeEmbedder, FakeIndex, FakeQuota, FakeRunStore
from tests.payloads import (
    GENERATION,
    HOLDER,
    PAGE,
    SPACE,
    generation,
    review,
    reviewed_task,
    settings,
    verified_page,
    whole_page,
)
from tests.rows import make_rows, ndc, vector_of
from workflow.contract.documents import record_of, renderer_of
from workflow.contract.errors import (
    CatalogMoved,
    IndexBuildStalled,
    IndexStillBuilding,
    PagesMissing,
    SyncError,
    TooManyRejected,
    VerificationFailed,
)
from workflow.contract.events.files import Baseline, Building, Check, ModelAsked, Verification
from workflow.contract.events.payloads import TextsPage, VerifiedIndex
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.texts import NewRecord
from workflow.contract.runs import RunFiles
from workflow.search.floor import UNMEASURED, floor_of
from workflow.steps.verify_index import verify_index
from workflow.verify.building import STALLED
from workflow.verify.checks import DRIFT, GOLDEN, MODEL, RECALL, REJECTED, SELF_RECALL, VANISHING
from workflow.verify.due import model_due
from workflow.verify.floor import WORDS, nonsense
from workflow.verify.golden import GoldenQuery
from workflow.verify.verdict import stop

ROWS = make_rows(6)
RENDERER = renderer_of(settings(), SPACE)
DOCUMENTS = [RENDERER.document(row) for row in ROWS]
TEXTS = {one.text_hash: RENDERER.text(one.fields) for one in DOCUMENTS}


class Index:
    """Six documents of three texts, whole and verified; each test changes something."""

    def __init__(self, *, new_generation: bool = False, live: str | None = None) -> None:
        self.fake, self.runs = FakeIndex(), FakeRunStore()
        self.memory = self.fake.memory
        self.files = RunFiles.of(self.runs, HOLDER)
        self.embedder = FakeEmbedder()
        self.now = NOW
        self.planned: dict[str, Any] = {"new_generation": new_generation, "live": live}
        self.fake.generations.take_fence(HOLDER)
        self.fake.generations.create(generation(), HOLDER)
        self.fake.documents.write(GENERATION, HOLDER, DOCUMENTS)
        for name, text in TEXTS.items():
            self.record(name, vector_of(text.text))
        self.fake.server.create_indexes(LiveNames(GENERATION, SPACE))
        self.fake.server.point_aliases(LiveNames(GENERATION, SPACE), HOLDER)
        self.files.write_manifest("pages.json", [whole_page()])
        self.counts = {"rows": 6}
        self.asked: ModelAsked | None = None
        self.page()

    def record(self, name: str, vector: bytes) -> None:
        record = NewRecord(name, record_of(TEXTS[name], vector), 1)
        self.fake.texts.write(SPACE, HOLDER, [record])

    def page(self, **found: Any) -> None:
        self.files.write(f"verify/{PAGE}.json", verified_page(rows=found.pop("rows", 6), **found))

    def verify(self, *, embed_pages: int = 0, **changed: Any) -> VerifiedIndex:
        self.files.write("baseline.json", Baseline(asked=self.asked))
        self.files.write("review.json", review(**self.counts, embed_pages=embed_pages))
        samples = tuple(ndc(number) for number in range(6))
        return verify_index(
            reviewed_task(samples=samples, **self.planned),
            embedder=self.embedder,
            quota=FakeQuota(),
            documents=self.fake.documents,
            texts=self.fake.texts,
            server=self.fake.server,
            search=cast(SearchIndex, self.fake.search),
            runs=self.runs,
            settings=settings(**changed),
            clock=self.clock,
        )

    def clock(self) -> datetime:
        return self.now

    def says(self, **facts: Any) -> None:
        self.memory.said["drugs", GENERATION] = facts

    def verification(self) -> Verification:
        return self.files.read("verification.json", Verification)

    def failed(self) -> set[str]:
        return {one.check for one in self.verification().checks if not one.passed}

    def to_repair(self) -> set[str]:
        return self.memory.repair.get(GENERATION, set())


@pytest.fixture
def index() -> Index:
    return Index()


def test_what_is_right_passes_with_its_figures(index: Index) -> None:
    done = index.verify(embed_pages=1)
    assert (done.documents, done.texts) == (6, 3)
    assert index.verification().passed
    assert {MODEL, SELF_RECALL, DRIFT, VANISHING, REJECTED} <= {
        one.check for one in index.verification().checks
    }


def test_a_page_that_was_not_verified_is_missing_by_name(index: Index) -> None:
    del index.runs.objects[f"runs/run/verify/{PAGE}.json"]
    with pytest.raises(PagesMissing, match=PAGE):
        index.verify()


def test_the_verification_is_written_before_anything_is_raised(index: Index) -> None:
    index.page(damaged={ndc(2): "has no document"})
    with pytest.raises(VerificationFailed):
        index.verify()
    assert index.failed() == {"documents equal the catalog"}
    assert index.verification().bad_keys == (ndc(2),)


def test_bad_keys_are_for_the_next_sync(index: Index) -> None:
    index.page(damaged={ndc(2): "has no document"}, bad_texts={ndc(3): "its text record is wrong"})
    with pytest.raises(VerificationFailed, match="start a sync, which repairs it"):
        index.verify()
    assert index.to_repair() == {ndc(2), ndc(3)}


def test_what_the_switch_adds_is_counted_in(index: Index) -> None:
    index.counts = {"rows": 8, "added": 4, "removed": 2}
    index.page(rows=8, kept=(), documents=8)
    assert index.verify().documents == 8
    index.page(rows=8, kept=("9",), documents=9)
    assert index.verify().documents == 9


def test_a_key_set_that_disagrees_with_the_documents_is_rebuilt(index: Index) -> None:
    index.memory.key_sets[GENERATION].discard(ndc(2))
    with pytest.raises(VerificationFailed, match="key set"):
        index.verify()
    assert index.memory.key_sets[GENERATION] == {ndc(number) for number in range(6)}


def test_an_index_that_lacks_documents_is_made_anew(index: Index) -> None:
    index.says(documents=5)
    with pytest.raises(VerificationFailed, match="documents indexed"):
        index.verify()
    assert index.fake.server.rebuilt == ["drugs"]
    assert index.fake.server.aliases


def test_an_index_with_other_fields_is_made_anew(index: Index) -> None:
    index.says(unlike=("route",))
    with pytest.raises(VerificationFailed, match=r"documents index is ours: .* found route"):
        index.verify()
    assert index.fake.server.rebuilt == ["drugs"]


def test_a_key_set_that_lacks_what_the_index_lacks_too_is_rebuilt(index: Index) -> None:
    index.memory.key_sets[GENERATION].discard(ndc(2))
    index.memory.said["drugs", GENERATION] = {"documents": 5}
    with pytest.raises(VerificationFailed, match="key set"):
        index.verify()
    assert index.memory.key_sets[GENERATION] == {ndc(number) for number in range(6)}


def test_an_index_that_is_gone_is_made_anew_and_the_key_set_with_it(index: Index) -> None:
    index.memory.indexes.discard(("drugs", GENERATION))
    index.memory.key_sets[GENERATION].add(ndc(9))
    with pytest.raises(VerificationFailed, match="documents index exists"):
        index.verify()
    assert index.memory.key_sets[GENERATION] == {ndc(number) for number in range(6)}
    assert index.fake.server.rebuilt == ["drugs"]


def test_an_index_that_lacks_texts_is_made_anew(index: Index) -> None:
    index.page(unindexed=1)
    with pytest.raises(VerificationFailed, match="texts indexed"):
        index.verify()
    assert index.fake.server.rebuilt == ["texts"]


def test_a_generation_that_is_not_live_is_not_mended() -> None:
    index = Index(new_generation=True, live="live")
    index.page(damaged={ndc(2): "has no document"}, unindexed=1)
    with pytest.raises(VerificationFailed):
        index.verify()
    assert (index.to_repair(), index.fake.server.rebuilt) == (set(), [])


def test_bad_texts_that_a_backfill_finds_are_for_the_next_sync_of_the_live_generation() -> None:
    index = Index(new_generation=True, live="live")
    index.page(damaged={ndc(2): "has no document"}, bad_texts={ndc(3): "its text record is wrong"})
    with pytest.raises(VerificationFailed, match="start a sync, which repairs it"):
        index.verify()
    assert (index.memory.repair["live"], index.to_repair()) == ({ndc(3)}, set())


def test_a_new_generation_that_fails_leaves_the_aliases_where_they_are() -> None:
    index = Index(new_generation=True, live="live")
    live = LiveNames("live", SPACE)
    index.fake.server.point_aliases(live, HOLDER)
    index.page(damaged={ndc(3): "is gone"})
    with pytest.raises(VerificationFailed, match="is gone"):
        index.verify()
    assert index.fake.server.aliases_point_at(live)


# The model


WEEK = timedelta(days=7)
ALL = len(TEXTS) + WORDS
"""What a verification that asks the model embeds: the texts again, and words for the floor."""


@pytest.mark.parametrize("new_generation", [False, True])
@pytest.mark.parametrize(
    ("embed_pages", "last", "asked"),
    [
        (0, {}, 0),
        (0, {"at": NOW - WEEK + timedelta(seconds=1)}, 0),
        (1, {}, ALL),
        (0, None, ALL),
        (0, {"at": NOW - WEEK}, ALL),
        (0, {"space": "other"}, ALL),
        (0, {"questions": "other"}, ALL),
    ],
    ids=["just", "in a week", "embeds", "never", "a week ago", "other space", "other questions"],
)
def test_a_run_that_embeds_nothing_calls_no_model_for_a_week(
    new_generation: bool, embed_pages: int, last: dict[str, Any] | None, asked: int
) -> None:
    index = Index(new_generation=new_generation)
    index.verify(embed_pages=1)
    before = index.verification().asked
    assert before is not None
    index.embedder.calls.clear()
    index.asked = None if last is None else before.model_copy(update=last)
    index.verify(embed_pages=embed_pages)
    assert len(index.embedder.embedded) == asked
    found = {one.check: one.found for one in index.verification().checks}
    assert found[MODEL].startswith("3 of 3" if asked else "not asked: nothing was embedded")
    assert (index.verification().asked is not None) == bool(asked)


def test_the_floor_is_measured_when_the_model_is_asked_and_kept_when_it_is_not(
    index: Index,
) -> None:
    """Hash vectors of 256 dimensions: nonsense is as near as any other text, hardly at all."""
    index.verify(embed_pages=1)
    index.asked = index.verification().asked
    assert index.asked is not None
    assert index.asked.floor is not None
    assert 0.1 < index.asked.floor < 0.3
    index.verify()
    assert index.verification().asked is None
    index.verify(verify_texts=0)
    off = index.verification().asked
    assert off is not None
    assert off.floor == index.asked.floor


def test_a_floor_is_only_of_the_space_that_measured_it(index: Index) -> None:
    index.verify(embed_pages=1)
    measured = index.verification().asked
    assert measured is not None
    assert floor_of(measured, SPACE) == measured.floor
    assert floor_of(measured, "other") == floor_of(None, SPACE) == UNMEASURED


def test_words_that_the_model_refuses_say_nothing_of_the_floor(index: Index) -> None:
    made = {nonsense(number) for number in range(WORDS)}
    assert len(made) == WORDS
    index.embedder = FakeEmbedder(refuses=made.__contains__)
    index.verify(embed_pages=1)
    refused = index.verification().asked
    assert refused is not None
    assert refused.floor is None
    assert floor_of(refused, SPACE) == UNMEASURED


def test_golden_queries_are_asked_when_the_model_is_and_say_why_they_are_not(index: Index) -> None:
    """Other queries than those that were embedded last time."""
    index.runs.write("golden.json", b'[{"query": "aspirin", "expect": ["aspirin"]}]')
    queries = [GoldenQuery(query="aspirin", expect=("aspirin",))]
    planned = reviewed_task().plan, review(**index.counts)
    index.asked = model_due(*planned, Baseline(), queries, settings(), NOW).asked
    assert not model_due(*planned, Baseline(asked=index.asked), [], settings(), NOW).reason
    index.verify(golden_queries_key="golden.json")
    found = {one.check: one.found for one in index.verification().checks}
    assert found[GOLDEN].startswith("not asked: nothing was embedded, and the model was asked on")
    assert found[GOLDEN] == found[MODEL]


def test_a_verification_alone_asks_the_model_and_leaves_everything_as_it_is(index: Index) -> None:
    index.planned["mode"] = "verify"
    index.counts |= {"added": 2, "changed": 1, "missing": 1}
    index.verify()
    assert len(index.embedder.embedded) == ALL
    index.record(next(iter(TEXTS)), vector_of("other"))
    index.page(damaged={ndc(1): "has no document"}, documents=5)
    with pytest.raises(VerificationFailed, match="searches answer from it now; start a sync"):
        index.verify()
    assert {"documents equal the catalog", MODEL} <= index.failed()
    assert (index.to_repair(), index.fake.texts.to_embed_again(SPACE)) == (set(), [])


def test_records_with_which_the_model_disagrees_are_embedded_again(index: Index) -> None:
    name = next(iter(TEXTS))
    index.record(name, vector_of("other"))
    with pytest.raises(VerificationFailed, match=r"2 of 3; .* start a sync"):
        index.verify(embed_pages=1)
    assert index.fake.texts.to_embed_again(SPACE) == [name]


def test_checks_that_are_off_say_so_by_their_own_setting(index: Index) -> None:
    index.verify(embed_pages=1, verify_texts=0, verify_queries=0)
    found = {one.check: one.found for one in index.verification().checks}
    assert found[MODEL] == found[SELF_RECALL] == "off: verify_texts is 0"
    assert found[RECALL] == "off: verify_queries is 0"
    assert index.embedder.embedded == []


def test_what_another_model_embedded_is_embedded_again_by_the_next_run(index: Index) -> None:
    """Otherwise the next run would reuse these vectors and mix two models in one space."""
    name = next(iter(TEXTS))
    index.files.write_manifest("embed.json", [TextsPage(page=PAGE, texts=1)])
    index.files.write_texts(f"embed/{PAGE}.jsonl.gz", [TEXTS[name]])
    index.embedder = FakeEmbedder(vector=lambda text: vector_of(text + "!"))
    with pytest.raises(VerificationFailed, match=r"another model.* a sync cannot repair this"):
        index.verify(embed_pages=1)
    assert index.fake.texts.to_embed_again(SPACE) == [name]


def test_aliases_that_mean_something_else_are_named_and_pointed_back(index: Index) -> None:
    index.fake.server.aliases = LiveNames("other", SPACE)
    with pytest.raises(VerificationFailed, match="aliases: expected generation"):
        index.verify()
    assert index.fake.server.aliases_point_at(LiveNames(GENERATION, SPACE))


# Building


def test_an_index_that_is_being_built_is_asked_again(index: Index) -> None:
    index.says(building=True, percent=0.5)
    with pytest.raises(IndexStillBuilding, match="50% built"):
        index.verify()


def test_an_index_that_gets_no_further_is_stalled(index: Index) -> None:
    index.says(building=True, percent=0.5)
    for after in (timedelta(), STALLED):
        index.now = NOW + after
        with pytest.raises(IndexStillBuilding):
            index.verify()
    index.now = NOW + STALLED + timedelta(seconds=1)
    with pytest.raises(IndexBuildStalled, match="50% built for 10 minutes"):
        index.verify()


@pytest.mark.parametrize("facts", [{"percent": 0.6}, {"percent": 0.5, "texts": True}])
def test_an_index_that_gets_further_is_not_stalled(index: Index, facts: dict[str, Any]) -> None:
    """Also where it is another index that is built now."""
    index.says(building=True, percent=0.5)
    with pytest.raises(IndexStillBuilding):
        index.verify()
    index.now = NOW + STALLED + timedelta(seconds=1)
    if facts.pop("texts", False):
        index.memory.said.clear()
        index.memory.said["texts", SPACE] = {"building": True, **facts}
    else:
        index.says(building=True, **facts)
    with pytest.raises(IndexStillBuilding):
        index.verify()
    assert index.files.read("building.json", Building).at == index.now


# Drift


def drifting(index: Index) -> None:
    """Of six rows one changed, one left; a seventh came."""
    index.page(rows=6, drifted=(ndc(1), ndc(2), ndc(9)))


def test_the_drift_of_a_sync_is_left_to_the_switch(index: Index) -> None:
    drifting(index)
    index.verify()
    assert index.to_repair() == set()
    assert index.fake.documents.count(GENERATION) == 6


def test_the_drift_of_a_generation_beside_a_live_one_stays_and_is_repaired_later() -> None:
    index = Index(new_generation=True, live="live")
    drifting(index)
    index.verify()
    assert index.to_repair() == {ndc(1), ndc(2), ndc(9)}
    assert index.fake.documents.count(GENERATION) == 6


def test_the_drift_of_a_first_generation_is_left_out_and_twice_is_once() -> None:
    index = Index(new_generation=True)
    # As VerifyPage counts a first generation.
    index.page(rows=4, documents=4, drifted=(ndc(1), ndc(2), ndc(9)))
    once = index.verify()
    assert once.documents == index.fake.documents.count(GENERATION) == 4
    assert (GENERATION, ndc(1)) not in index.memory.stored
    assert index.verify() == once


# What a failure amounts to


def failing(*names: str) -> Verification:
    checks = [Check(check=one, passed=False, expected="1", found="2") for one in names]
    fine = Check(check="not empty", passed=True, expected="1", found="2")
    return Verification(checks=(*checks, fine), bad_keys=())


REPAIRS, NO_REPAIR = "start a sync, which repairs it", "a sync cannot repair this"


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        ([REJECTED], TooManyRejected, '"accept": ["rejects"]'),
        ([DRIFT], CatalogMoved, "start a new run once its load has ended"),
        ([VANISHING], CatalogMoved, "start a new run once its load has ended"),
        ([DRIFT, VANISHING], CatalogMoved, "start a new run once its load has ended"),
        ([DRIFT, VANISHING, REJECTED], CatalogMoved, "start a new run once its load has ended"),
        ([MODEL], VerificationFailed, NO_REPAIR),
        ([SELF_RECALL, RECALL, GOLDEN], VerificationFailed, NO_REPAIR),
        (["documents equal the catalog"], VerificationFailed, REPAIRS),
        (["documents equal the catalog", REJECTED], VerificationFailed, REPAIRS),
        (["documents equal the catalog", DRIFT], VerificationFailed, REPAIRS),
        (["key set", MODEL], VerificationFailed, REPAIRS),
    ],
    ids=str,
)
def test_what_failed_says_what_to_do(names: list[str], error: type[SyncError], words: str) -> None:
    with pytest.raises(error) as caught:
        stop(failing(*names), doubted=False)
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert all(f"{name}: expected 1, found 2" in str(caught.value) for name in names)
    assert "not empty" not in str(caught.value)
