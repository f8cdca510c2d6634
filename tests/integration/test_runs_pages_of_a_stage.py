"""The pages of runs over a stage, in a browser: read through AWS's interfaces, without buttons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from cli.commands.runs_pages import RunsPages
from cli.commands.serve_token import Token
from cli.options import site_of
from tests.browser import chromium
from tests.integration.account import Account, Breaking, call, deployed
from tests.integration.test_failure_told import to_cloudwatch
from tests.integration.test_runs_pages import BROKEN_WORDS, serving
from tests.lab import Lab


@pytest.fixture
def account(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """A stage with a run that succeeded."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with deployed(lab, monkeypatch, Breaking()) as made:
        assert call("run", "--wait", "--stage", "prod").exit_code == 0
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.timeout(300)
def test_a_person_reads_a_stages_runs_failure_and_report(
    account: Account, browser: Browser
) -> None:
    failed = account.fail()
    to_cloudwatch(account.lab, "prod")
    token = Token()
    with (
        serving(RunsPages(site_of("prod", None, None)), token=token) as address,
        browser.new_page(base_url=address, viewport={"width": 375, "height": 700}) as visitor,
    ):
        visitor.goto(f"/runs?token={token.value}")
        rows = visitor.get_by_role("row")
        assert rows.filter(has_text="SUCCEEDED").get_by_role("cell").nth(5).inner_text() == "40"
        for page in ("/runs", f"/runs/{failed}"):
            visitor.goto(page)
            assert visitor.evaluate("document.documentElement.scrollWidth") == 375
            assert visitor.evaluate(BROKEN_WORDS) == []
            assert Axe().run(visitor).violations_count == 0
            assert visitor.get_by_role("button").count() == 0
        shown = visitor.locator("main").inner_text()
        assert "FAILED VerifyIndex" in shown
        assert "asked for by a test" in shown
        assert f"drugsync redrive {failed} --stage prod" in shown
        assert visitor.get_by_role("listitem").filter(has_text="DiffPages").count() == 1
        visitor.get_by_role("link", name="Its report").click()
        assert failed in visitor.locator("body").inner_text()
        visitor.goto("/runs/nowhere")
        assert "drugsync runs --stage prod" in visitor.locator("main").inner_text()
