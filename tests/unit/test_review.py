"""ReviewChanges: pages added up, texts cut evenly, guards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes import FakeRunStore, clock
from tests.payloads import HOLDER, RUN, page_diff, profile, review_task, settings
from workflow.contract.errors import (
    BudgetExceeded,
    CatalogEmpty,
    DeleteGuardTripped,
    PagesMissing,
    SwitchTooLarge,
    TooManyRejected,
)
from workflow.contract.events.files import Baseline, RejectedRow, Review, TextsCut
from workflow.contract.events.payloads import PageRange, ReviewRef
from workflow.contract.ports.texts import Text
from workflow.contract.runs import TEXTS_AGAIN, RunFiles, divided, parts_of, texts_file
from workflow.steps.review_changes import NOT_YET, merge_texts, review_changes


def text_of(words: str) -> Text:
    return Text(f"h-{words}", words, {})


class Pages:
    """The files of a run whose DiffPages are done: `add` one page after the other."""

    def __init__(self, **baseline: Any) -> None:
        self.store = FakeRunStore()
        self.files = RunFiles.of(self.store, HOLDER)
        self.files.write("baseline.json", Baseline(**baseline))
        self.again()
        self._names: list[str] = []

    def add(self, *, texts: list[str] | None = None, written: bool = True, **counts: Any) -> None:
        name = f"{len(self._names):05d}"
        self._names.append(name)
        if written:
            new = len(texts or [])
            self.files.write(f"diff/{name}.json", page_diff(name, new_texts=new, **counts))
            self.files.write_texts(f"diff/{name}.texts.jsonl.gz", map(text_of, texts or []))

    def again(self, *texts: str) -> None:
        """Texts that an earlier run left to be embedded again."""
        self.files.write_texts("again.jsonl.gz", map(text_of, texts))

    def review(self, changed: dict[str, Any] | None = None, **run_input: Any) -> ReviewRef:
        ranges = [PageRange(page=name, after=None, through=None) for name in self._names]
        self.files.write_manifest("pages.json", ranges)
        task = review_task(**run_input)
        pages = {"pages": len(ranges)}
        return review_changes(
            task.model_copy(update={"plan": task.plan.model_copy(update=pages)}),
            runs=self.store,
            settings=settings(**changed or {}),
            clock=clock,
        )

    def result(self) -> Review:
        return self.files.read("review.json", Review)

    def manifest(self, name: str) -> Any:
        items = json.loads(self.store.objects[f"runs/{RUN}/{name}"])
        return [{key: one[key] for key in one if key != "seal"} for one in items]

    def embed_texts(self) -> list[list[str]]:
        """The texts of each page that EmbedPages will get."""
        return [
            [text.text for text in self.files.read_texts(f"embed/{one['page']}.jsonl.gz")]
            for one in self.manifest("embed.json")
        ]


def test_counts_of_pages_add_up() -> None:
    pages = Pages()
    pages.add(rows=10, added=3, changed=2, removed=1, unchanged=5, vanished=1)
    pages.add(rows=5, added=1, changed=0, removed=2, unchanged=4, vanished=2)
    pages.review()
    found = pages.result()
    assert (found.rows, found.added, found.changed, found.removed) == (15, 4, 2, 3)
    assert (found.unchanged, found.vanished, found.live) == (9, 3, 15)


def test_texts_to_embed_again_come_along_once() -> None:
    pages = Pages()
    pages.again("b", "z")
    pages.add(rows=5, added=5, texts=["a", "b"])
    pages.review()
    assert pages.embed_texts() == [["a", "b", "z"]]


def test_texts_to_embed_again_are_work_where_nothing_changed() -> None:
    pages = Pages()
    pages.again("z")
    pages.add(rows=5)
    ref = pages.review()
    assert (ref.embed_pages, ref.load_pages) == (1, 0)


def rejected_rows(count: int) -> tuple[RejectedRow, ...]:
    return tuple(
        RejectedRow(ndc=f"{n:05}", column="route", value="?", reason="bad", new=True)
        for n in range(count)
    )


def test_the_number_of_rejected_rows_is_exact_though_few_are_listed() -> None:
    pages = Pages()
    pages.add(rows=900_000, rejected=rejected_rows(300))
    pages.add(rows=5, rejected=rejected_rows(300))
    pages.review()
    assert (pages.result().rejected, len(pages.result().rejected_rows)) == (600, 500)


def test_too_many_rejected_rows_stop_the_run_unless_accepted() -> None:
    pages = Pages()
    pages.add(rows=5, rejected=rejected_rows(21))
    with pytest.raises(TooManyRejected, match="21 of 26 rows"):
        pages.review()
    assert pages.review(accept=["rejects"]).load_pages == 0


def test_a_catalog_whose_rows_are_all_rejected_is_not_empty() -> None:
    pages = Pages()
    pages.add(rows=0, rejected=rejected_rows(3))
    assert pages.review().load_pages == 0


@pytest.mark.parametrize(
    ("planned", "stopped"),
    [({}, True), ({"new_generation": True, "live": "live", "mode": "backfill"}, False)],
)
def test_only_a_sync_switches_document_by_document(planned: dict[str, Any], stopped: bool) -> None:
    pages = Pages()
    pages.add(rows=9, added=3, changed=3)
    pages.add(rows=0, removed=3)
    if stopped:
        with pytest.raises(SwitchTooLarge, match="9 drugs change"):
            pages.review({"switch_limit": 8}, **planned)
        assert pages.review({"switch_limit": 9}, **planned).load_pages == 2
    else:
        assert pages.review({"switch_limit": 8}, **planned).load_pages == 2


def test_a_text_of_several_pages_is_embedded_once() -> None:
    pages = Pages()
    pages.add(rows=5, added=5, texts=["a", "b"])
    pages.add(rows=5, added=5, texts=["b", "c", "a"])
    pages.review()
    assert pages.embed_texts() == [["a", "b", "c"]]
    assert pages.result().estimate.texts == 3


@pytest.mark.parametrize(
    ("texts", "sizes"),
    [(0, []), (1, [1]), (10, [10]), (11, [5, 6]), (21, [7, 7, 7]), (25, [8, 8, 9])],
)
def test_texts_are_cut_evenly_and_none_is_lost(texts: int, sizes: list[int]) -> None:
    pages = Pages()
    names = [f"text {number}" for number in range(texts)]
    pages.add(rows=texts + 1, added=texts, texts=names)
    ref = pages.review({"embed_page_size": 10})
    assert [len(page) for page in pages.embed_texts()] == sizes
    assert sorted(text for page in pages.embed_texts() for text in page) == sorted(names)
    assert [page["texts"] for page in pages.manifest("embed.json")] == sizes
    assert ref.embed_pages == len(sizes)


def test_only_pages_with_changes_are_loaded() -> None:
    pages = Pages()
    pages.add(rows=5)
    pages.add(rows=5, changed=1, unchanged=4)
    pages.add(rows=5, removed=2)
    ref = pages.review()
    assert pages.manifest("load.json") == [
        {"page": "00001", "upserts": 1, "removals": 0, "changes": ""},
        {"page": "00002", "upserts": 0, "removals": 2, "changes": ""},
    ]
    assert (ref.load_pages, ref.embed_pages, ref.dry_run) == (2, 0, False)


def test_a_page_without_its_summary_is_missing_by_name() -> None:
    pages = Pages()
    pages.add(rows=5)
    pages.add(written=False)
    with pytest.raises(PagesMissing, match=r"1 of 2 pages .*00001"):
        pages.review()


def test_a_catalog_without_rows_stops_the_run_whatever_is_accepted() -> None:
    pages = Pages()
    pages.add(rows=0, live=5, removed=5, vanished=5)
    with pytest.raises(CatalogEmpty):
        pages.review(accept=["deletes", "profile", "budget", "rejects"])


def test_a_key_range_may_be_empty() -> None:
    pages = Pages()
    pages.add(rows=0, live=5, removed=5, vanished=5)
    assert pages.review(after_key="1").load_pages == 1


def test_a_guard_stops_after_the_review_was_written() -> None:
    pages = Pages()
    pages.add(rows=10, live=100, removed=90, vanished=90)
    with pytest.raises(DeleteGuardTripped):
        pages.review()
    assert [one.guard for one in pages.result().guards if one.tripped] == ["deletes"]


def test_the_budget_is_for_the_texts_that_are_embedded() -> None:
    dear = {"usd_per_1k_tokens": 1000.0, "budget_usd": 0.9, "verify_texts": 0}
    pages = Pages()
    pages.add(rows=10, added=10, texts=["abc"])
    with pytest.raises(BudgetExceeded, match=r"\$1.00"):
        pages.review(dear)
    assert pages.review(dear, accept=["budget"]).embed_pages == 1


def test_a_dry_run_is_not_stopped_and_says_which_guards_would() -> None:
    pages = Pages()
    pages.add(rows=10, live=100, removed=90, vanished=90)
    assert pages.review(dry_run=True).dry_run
    assert [one.guard for one in pages.result().guards if one.tripped] == ["deletes"]


def test_profiles_of_pages_add_up() -> None:
    pages = Pages()
    pages.add(rows=30, profile={"route": profile(1, ORAL=20, NASAL=9)})
    pages.add(rows=30, profile={"route": profile(2, NASAL=28)})
    pages.review()
    found = pages.result().profile["route"]
    assert (found.blanks, found.commonest) == (3, {"NASAL": 37, "ORAL": 20})


@pytest.mark.parametrize(("baseline", "warned"), [({}, True), ({"rows": 30}, False)])
def test_a_constant_column_is_a_warning_on_a_first_run_only(
    baseline: dict[str, Any], warned: bool
) -> None:
    pages = Pages(**baseline)
    pages.add(rows=30, profile={"route": profile(0, ORAL=30)})
    pages.review()
    assert bool(pages.result().warnings) == warned


def test_samples_are_few_and_the_first() -> None:
    pages = Pages()
    samples = {"added": ("1", "2", "3"), "changed": (), "removed": ()}
    pages.add(rows=3, samples=samples)
    pages.add(rows=3, samples=samples | {"added": ("4", "5", "6")})
    pages.review()
    assert pages.result().samples["added"] == ("1", "2", "3", "4", "5")


# Parts


@pytest.mark.parametrize(("piece", "calls"), [(1, 4), (3, 2), (1_000, 1)])
def test_texts_are_merged_piece_by_piece_and_none_is_lost_or_doubled(
    piece: int, calls: int
) -> None:
    store = FakeRunStore()
    files = RunFiles.of(store, HOLDER)
    texts = [Text(f"{number * 0x01010101:032x}", f"text {number}", {}) for number in range(30)]
    pages = []
    for name, some in (("00000", texts[:20]), ("00001", texts[10:])):
        parts = divided(some, 4)
        for part, of_part in parts.items():
            files.write_texts(texts_file(name, part), of_part)
        pages.append(page_diff(name, new_texts=len(some), text_parts=tuple(parts)))
    files.write_texts(TEXTS_AGAIN, texts[:3])
    done = [merge_texts(files, pages, 4, 4, piece=piece).parts for _ in range(calls)]
    assert done == sorted(set(done))
    assert done[-1] == 4
    cut = merge_texts(files, pages, 4, 4, piece=piece)
    written = [
        text for page in cut.pages for text in files.read_texts(f"embed/{page.page}.jsonl.gz")
    ]
    assert sorted(written) == sorted(texts)
    assert sum(page.texts for page in cut.pages) == 30
    assert len({page.page for page in cut.pages}) == len(cut.pages)


def test_a_review_is_asked_again_until_all_texts_are_merged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = Pages()
    pages.add(rows=1)
    monkeypatch.setattr("workflow.steps.review_changes.merge_texts", lambda *_: TextsCut(parts=0))
    assert pages.review() == NOT_YET
    assert not NOT_YET.reviewed


def test_more_texts_than_a_map_may_have_pages_make_larger_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workflow.steps.review_changes.MOST_TEXT_PAGES", 3)
    files = RunFiles.of(FakeRunStore(), HOLDER)
    texts = [Text(f"{number:032x}", f"text {number}", {}) for number in range(30)]
    files.write_texts(texts_file("00000", 0), texts)
    files.write_texts(TEXTS_AGAIN, [])
    cut = merge_texts(files, [page_diff("00000", new_texts=30)], 1, 1)
    assert [page.texts for page in cut.pages] == [10, 10, 10]


@pytest.mark.parametrize(("rows", "parts"), [(1, 1), (500_000, 1), (500_001, 2), (50_000_000, 100)])
def test_a_part_fits_into_memory_whatever_the_catalog(rows: int, parts: int) -> None:
    assert parts_of(rows) == parts
