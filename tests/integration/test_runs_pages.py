"""The pages of runs that `drugsync serve` shows, over real runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from cli.commands.runs_pages import RunsPages
from cli.commands.serve import SearchServer
from cli.sites.local_site import LocalSite
from local.engine.runner import LOG
from local.engine.runs import only_one
from tests.browser import chromium
from tests.lab import Failing, Lab
from workflow.contract.errors import TextMissing

SAID = "no record of <script>alert(1)</script>"


@pytest.fixture
def pages(lab: Lab) -> RunsPages:
    """A run that succeeded, and one of which a page failed."""
    lab.succeed(run_id="first")
    lab.catalog.update(next(iter(lab.catalog.rows())), strength="7 mg")
    lab.run(run_id="second", intercept=Failing("LoadPage", TextMissing(SAID)))
    return RunsPages(LocalSite(lab.stack.root))


def html(pages: RunsPages, path: str, status: int = 200) -> str:
    page = pages.answer(path)
    assert page is not None
    assert page.status == status
    assert "<script" not in page.html
    return page.html


def test_the_list_has_outcome_counts_and_a_link_of_each_run(pages: RunsPages) -> None:
    shown = html(pages, "/runs")
    assert shown.index("second") < shown.index("first")
    assert '<a href="/runs/first">first</a>' in shown
    assert "FAILED: TextMissing" in shown
    cells = re.findall(r"<td[^>]*>(.*?)</td>", shown.partition("/runs/first")[2])
    assert "SUCCEEDED" in cells
    assert "40" in cells
    assert "refresh" not in shown


def test_a_failed_run_says_why_and_names_the_command(pages: RunsPages) -> None:
    shown = html(pages, "/runs/second")
    assert "TextMissing" in shown
    assert "&lt;script&gt;" in shown
    assert "<code>drugsync redrive second</code>" in shown
    assert "DiffPages" in shown


def test_a_run_that_succeeded_has_its_report(pages: RunsPages) -> None:
    assert "drugsync redrive" not in html(pages, "/runs/first")
    report = pages.answer("/runs/first/report")
    assert report is not None
    assert report.inline_styles
    assert "Verified and published" in report.html


def test_a_run_that_goes_on_is_loaded_again(pages: RunsPages, lab: Lab) -> None:
    with only_one(lab.stack.root, "second"):
        assert 'http-equiv="refresh"' in html(pages, "/runs/second")
        assert "RUNNING" in html(pages, "/runs")


@pytest.mark.parametrize(
    "path", ["/runs/nightly", "/runs/..%2Fetc", "/runs/../etc", "/runs/first/other"]
)
def test_a_page_that_is_not_there_is_said(pages: RunsPages, path: str) -> None:
    html(pages, path, status=404)


def test_other_paths_are_not_these_pages(pages: RunsPages) -> None:
    assert pages.answer("/v1/drugs") is None


def test_before_the_first_run_the_command_is_named(tmp_path: Path) -> None:
    assert "drugsync run" in html(RunsPages(LocalSite(tmp_path)), "/runs")
    assert not (tmp_path / "runs" / LOG).exists()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_the_pages_pass_axe_and_fit_a_phone(pages: RunsPages, browser: Browser) -> None:
    import threading

    with (
        SearchServer(("127.0.0.1", 0), lambda *_: {"statusCode": 404, "body": ""}, pages) as server,
        browser.new_context(viewport={"width": 375, "height": 700}) as context,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            visitor = context.new_page()
            problems: list[str] = []
            visitor.on("console", lambda message: problems.append(message.text))
            for path in ("/runs", "/runs/first", "/runs/second", "/runs/first/report"):
                visitor.goto(f"http://127.0.0.1:{server.server_port}{path}")
                wide = visitor.evaluate("document.documentElement.scrollWidth")
                assert (path, wide) == (path, 375)
                if path != "/runs/first/report":
                    assert Axe().run(visitor).violations_count == 0, path
            assert problems == []
        finally:
            server.shutdown()
            thread.join()
