"""The run report: assembled from whatever a run left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOW, FakeRunStore
from tests.payloads import GENERATION, RUN, SPACE, estimate, plan
from workflow.contract.events.files import (
    Check,
    PageEmbedded,
    PageLoaded,
    RejectedRow,
    Review,
    Verification,
)
from workflow.contract.events.report import RunReport
from workflow.contract.runs import RunFiles
from workflow.report.assemble import assemble, write_report


@pytest.fixture
def store() -> FakeRunStore:
    return FakeRunStore()


@pytest.fixture
def files(store: FakeRunStore) -> RunFiles:
    return RunFiles(store, RUN)


def report(files: RunFiles, **arguments: Any) -> RunReport:
    values: dict[str, Any] = {"status": "FAILED", "ended_at": NOW + timedelta(seconds=90)}
    return assemble(files, plan().run, **values | arguments)


def review() -> Review:
    return Review(
        **{"dry_run": False, "rows": 50, "added": 10, "changed": 5, "removed": 3},
        **{"unchanged": 35, "vanished": 3, "live": 43, "checksum": 0, "profile": {}},
        **{"samples": {"added": ("1",), "changed": (), "removed": ()}, "warnings": ("careful",)},
        **{"estimate": estimate(0.5), "guards": ()},
        **{"embed_key": "e", "embed_pages": 2, "load_key": "l", "load_pages": 2},
    )


def row(ndc: str, *, new: bool) -> RejectedRow:
    return RejectedRow(ndc=ndc, text_hash="h", reason="bad", new=new)


def loaded(page: str, upserted: int, *rejected: RejectedRow) -> PageLoaded:
    return PageLoaded(page=page, upserted=upserted, removed=1, rejected=rejected, correction=0)


def embedded(page: str, texts: int, tokens: int) -> PageEmbedded:
    return PageEmbedded(page=page, texts=texts, embedded=texts, tokens=tokens, rejected=0)


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
    files.write("review.json", review())
    found = report(files)
    assert (found.catalog_rows, found.added, found.changed, found.removed) == (50, 10, 5, 3)
    assert (found.texts_to_embed, found.estimated_tokens, found.estimated_usd) == (10, 100, 0.5)
    assert (found.texts_embedded, found.tokens, found.warnings) == (0, 0, ("careful",))


def test_embedded_pages_add_up_even_where_one_is_missing(files: RunFiles) -> None:
    files.write("embed/00000.json", embedded("00000", 4, 40))
    files.write("embed/00002.json", embedded("00002", 3, 30))
    found = report(files)
    assert (found.texts_embedded, found.tokens) == (7, 70)


def test_rejected_rows_are_neither_added_nor_changed(files: RunFiles) -> None:
    files.write("review.json", review())
    files.write("load/00000.json", loaded("00000", 8, row("1", new=True), row("2", new=False)))
    files.write("load/00001.json", loaded("00001", 4, row("3", new=True)))
    files.write("embed/00000.json", embedded("00000", 5, 50))
    found = report(files)
    assert (found.added, found.changed, found.rejected) == (8, 4, 3)
    assert [one.ndc for one in found.rejected_rows] == ["1", "2", "3"]
    assert found.texts_reused == 12 - 5


def test_the_number_of_rejected_rows_is_exact_though_few_are_listed(files: RunFiles) -> None:
    rows = [row(str(number), new=True) for number in range(600)]
    files.write("load/00000.json", loaded("00000", 0, *rows))
    found = report(files)
    assert (found.rejected, len(found.rejected_rows)) == (600, 500)


def test_a_failed_verification_is_in_the_report(files: RunFiles) -> None:
    check = Check(check="key set", passed=False, expected="2", found="1")
    files.write("verification.json", Verification(checks=(check,), bad_keys=("1",)))
    assert report(files).verification == (check,)


def test_a_written_report_is_read_back_as_it_was(files: RunFiles, store: FakeRunStore) -> None:
    files.write("plan.json", plan())
    files.write("review.json", review())
    written = write_report(files, report(files, error="X", cause="<b>words</b>"))
    assert files.read("report.json", RunReport) == written
    page = store.objects[f"runs/{RUN}/report.html"].decode()
    assert "<b>words</b>" not in page
    assert "&lt;b&gt;words&lt;/b&gt;" in page
