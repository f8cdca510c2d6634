"""The run report: assembled from whatever a run left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOW, FakeRunStore
from tests.payloads import GENERATION, HOLDER, RUN, SPACE, estimate, plan, review, verified_page
from workflow.contract.events.files import (
    Check,
    PageEmbedded,
    PageLoaded,
    RejectedRow,
    RejectedText,
    Review,
    Switched,
    Verification,
)
from workflow.contract.events.report import RunReport
from workflow.contract.runs import RunFiles
from workflow.report.assemble import assemble, write_report
from workflow.report.summaries import read_summaries


@pytest.fixture
def store() -> FakeRunStore:
    return FakeRunStore()


@pytest.fixture
def files(store: FakeRunStore) -> RunFiles:
    return RunFiles.of(store, HOLDER)


def report(files: RunFiles, **arguments: Any) -> RunReport:
    values: dict[str, Any] = {"status": "FAILED", "ended_at": NOW + timedelta(seconds=90)}
    return assemble(files, plan().run, read_summaries(files), **values | arguments)


def planned(**changed: Any) -> Review:
    counts = {"rows": 50, "added": 10, "changed": 5, "removed": 3, "unchanged": 35, "live": 43}
    return review(**counts, estimate=estimate(0.5), warnings=("careful",), **changed)


def row(ndc: str, *, new: bool) -> RejectedRow:
    return RejectedRow(ndc=ndc, column="route", value="?", reason="bad", new=new)


def loaded(page: str, upserted: int) -> PageLoaded:
    return PageLoaded(page=page, upserted=upserted, removed=1)


def embedded(page: str, texts: int, tokens: int, *refused: str) -> PageEmbedded:
    rejected = tuple(RejectedText(text_hash=one, text=one, reason="no") for one in refused)
    return PageEmbedded(page=page, texts=texts, embedded=texts, tokens=tokens, rejected=rejected)


def switched(*, done: bool, checks: tuple[Check, ...] = ()) -> Switched:
    return Switched(generation=GENERATION, done=done, checks=checks)


def test_a_run_that_left_nothing_has_a_report(files: RunFiles) -> None:
    found = report(files, error="InvalidInput", cause="AcceptRun: mode")
    assert (found.run_id, found.status, found.duration_s) == (RUN, "FAILED", 90)
    assert (found.error, found.cause) == ("InvalidInput", "AcceptRun: mode")
    assert (found.generation, found.pages, found.catalog_rows) == (None, 0, 0)


def test_a_run_that_failed_after_planning_tells_its_plan(files: RunFiles) -> None:
    files.write("plan.json", plan())
    found = report(files)
    assert (found.generation, found.space, found.pages) == (GENERATION, SPACE, 1)


def test_a_run_that_failed_after_the_review_tells_what_it_meant_to_do(files: RunFiles) -> None:
    files.write("review.json", planned())
    found = report(files)
    assert (found.catalog_rows, found.added, found.changed, found.removed) == (50, 10, 5, 3)
    assert (found.texts_to_embed, found.estimated_tokens, found.estimated_usd) == (10, 100, 0.5)
    assert (found.texts_embedded, found.tokens, found.warnings) == (0, 0, ("careful",))


def test_embedded_pages_add_up_even_where_one_is_missing(files: RunFiles) -> None:
    files.write("embed/00000.json", embedded("00000", 4, 40))
    files.write("embed/00002.json", embedded("00002", 3, 30))
    found = report(files)
    assert (found.texts_embedded, found.tokens) == (7, 70)


def test_rejected_rows_are_counted_beside_those_that_were_carried(files: RunFiles) -> None:
    rows = (row("1", new=True), row("2", new=False))
    files.write("review.json", planned(rejected=7, rejected_rows=rows))
    found = report(files)
    assert (found.catalog_rows, found.added, found.rejected) == (57, 10, 7)
    assert found.rejected_rows == rows


def test_texts_that_had_a_vector_already_are_calls_that_were_not_made(files: RunFiles) -> None:
    files.write("load/00000.json", loaded("00000", 8))
    files.write("load/00001.json", loaded("00001", 4))
    files.write("embed/00000.json", embedded("00000", 5, 50))
    assert report(files).texts_reused == 12 - 5


def test_refused_texts_are_named_with_their_drugs(files: RunFiles) -> None:
    files.write("embed/00000.json", embedded("00000", 5, 50, "a", "b"))
    files.write("verify/00000.json", verified_page(refused=("1", "2", "3")))
    found = report(files)
    assert found.texts_refused == 2
    assert [one.text for one in found.refused_texts] == ["a", "b"]
    assert found.refused_drugs == ("1", "2", "3")


def test_the_number_of_refused_texts_is_exact_though_few_are_listed(files: RunFiles) -> None:
    files.write("embed/00000.json", embedded("00000", 0, 0, *map(str, range(600))))
    found = report(files)
    assert (found.texts_refused, len(found.refused_texts)) == (600, 500)


def test_what_changed_during_the_run_is_named(files: RunFiles) -> None:
    files.write("verify/00000.json", verified_page(drifted=("1",), kept=("2",)))
    files.write("verify/00001.json", verified_page("00001", drifted=("3",)))
    assert (report(files).drifted, report(files).kept) == (("1", "3"), ("2",))


@pytest.mark.parametrize(
    ("note", "published"),
    [(None, False), (switched(done=False), None), (switched(done=True), True)],
)
def test_a_run_that_ended_during_the_switch_does_not_say_what_is_searched(
    files: RunFiles, note: Switched | None, published: bool | None
) -> None:
    if note:
        files.write("publish.json", note)
    assert report(files).published is published


def test_the_looks_behind_the_switch_follow_the_verification(files: RunFiles) -> None:
    first, second = (Check(check=one, passed=True, expected="", found="") for one in "ab")
    files.write("verification.json", Verification(checks=(first,), bad_keys=()))
    files.write("publish.json", switched(done=True, checks=(second,)))
    assert report(files).verification == (first, second)


def test_a_failed_verification_is_in_the_report(files: RunFiles) -> None:
    check = Check(check="key set", passed=False, expected="2", found="1")
    files.write("verification.json", Verification(checks=(check,), bad_keys=("1",)))
    assert report(files).verification == (check,)


def test_a_written_report_is_read_back_as_it_was(files: RunFiles, store: FakeRunStore) -> None:
    files.write("plan.json", plan())
    files.write("review.json", planned())
    made = report(files, error="X", cause="<b>words</b>")
    written = write_report(files, made, read_summaries(files))
    assert files.read("report.json", RunReport) == written
    page = store.objects[f"runs/{RUN}/report.html"].decode()
    assert "<b>words</b>" not in page
    assert "&lt;b&gt;words&lt;/b&gt;" in page
