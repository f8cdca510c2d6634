"""The pages of runs that `drugsync serve` shows, over real runs."""

from __future__ import annotations

import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from cli.commands.runs_actions import ACTIONS, Actions, Refused
from cli.commands.runs_pages import COLUMNS, MORE, RunsPages
from cli.commands.serve import SearchServer
from cli.commands.serve_token import COOKIE, Token
from cli.sites.local_site import LocalSite
from local.engine.runner import LOG
from local.engine.runs import only_one
from tests.browser import chromium
from tests.lab import Failing, Lab, Payload
from workflow.contract.errors import IndexCommandFailed, TextMissing

SAID = "refused <script>alert(1)</script>"


@pytest.fixture
def pages(lab: Lab) -> RunsPages:
    """A run that succeeded, and one of which a page failed."""
    lab.succeed(run_id="first")
    lab.catalog.update(next(iter(lab.catalog.rows())), strength="7 mg")
    lab.run(run_id="second", intercept=Failing("LoadPage", IndexCommandFailed(SAID)))
    return RunsPages(LocalSite(lab.stack.root))


def html(pages: RunsPages, path: str, status: int = 200) -> str:
    page = pages.answer(path)
    assert page.status == status
    assert "<script" not in page.html
    return page.html


def test_the_list_has_outcome_counts_and_a_link_of_each_run(pages: RunsPages) -> None:
    shown = html(pages, "/runs")
    assert shown.index(">second<") < shown.index(">first<")
    assert '<a href="/runs/first">first</a>' in shown
    assert "FAILED: IndexCommandFailed" in shown
    cells = re.findall(r"<td[^>]*>(.*?)</td>", shown.partition("/runs/first")[2])
    assert "SUCCEEDED" in cells
    assert "40" in cells
    assert "refresh" not in shown


def test_a_failed_run_says_why_and_names_the_command(pages: RunsPages) -> None:
    shown = html(pages, "/runs/second")
    assert "IndexCommandFailed" in shown
    assert "&lt;script&gt;" in shown
    assert "<code>drugsync redrive second</code>" in shown
    assert "DiffPages" in shown


def test_where_a_redrive_would_fail_again_neither_command_nor_button_offers_it(lab: Lab) -> None:
    lab.run(run_id="lost", intercept=Failing("LoadPage", TextMissing("no record of 5")))
    actions = Actions(lab.stack.root, Token())
    shown = html(RunsPages(LocalSite(lab.stack.root), actions), "/runs/lost")
    assert "Start a new run" in shown
    assert "redrive" not in shown.lower()
    assert "<code>drugsync run --dry-run</code>" in shown


def test_a_run_that_goes_on_shows_the_rate_and_the_time_left(
    pages: RunsPages, lab: Lab, browser: Browser
) -> None:
    """Its page reloads by itself, so that the figures go on."""
    slowly = Slowly()
    thread = threading.Thread(target=lambda: lab.run(intercept=slowly, page_size=1))
    token = Token()
    with serving(pages, token=token) as address, browser.new_page(base_url=address) as visitor:
        thread.start()
        try:
            visitor.set_default_timeout(60_000)
            visitor.goto(f"/runs?token={token.value}")
            visitor.get_by_text("RUNNING").wait_for()
            visitor.get_by_role("row").filter(has_text="RUNNING").get_by_role("link").click()
            maps = visitor.get_by_role("listitem").filter(has_text="DiffPages")
            left = re.compile(r"DiffPages +(\d+)/40 pages done,.* pages/s, about .+ left")
            maps.filter(has_text=left).wait_for()
            (done,) = left.findall(maps.inner_text())
            more = maps.filter(has_text=re.compile(rf"DiffPages +(?!{done}/)\d+/40 pages done"))
            more.wait_for()
            assert visitor.get_by_role("progressbar").first.get_attribute("max") == "40"
        finally:
            slowly.wait_s = 0
            thread.join()


class Slowly:
    """Each page takes as long as `wait_s` says."""

    wait_s = 0.3

    def __call__(self, state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if state == "DiffPage":
            time.sleep(self.wait_s)
        return call()


def test_its_commands_can_be_typed_as_they_stand(
    pages: RunsPages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / ".venv" / "bin" / "drugsync"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.setattr("sys.argv", [str(program), "serve"])
    for path in ("/runs", "/runs/first", "/runs/second", "/runs/none"):
        shown = pages.answer(path).html
        assert re.findall(r"<code>drugsync ", shown) == []
    assert f"<code>{program} redrive second</code>" in html(pages, "/runs/second")
    assert f"{program} run" in html(RunsPages(LocalSite(tmp_path)), "/runs")


def test_a_run_that_succeeded_has_its_report(pages: RunsPages) -> None:
    assert "drugsync redrive" not in html(pages, "/runs/first")
    report = pages.answer("/runs/first/report")
    assert report.inline_styles
    assert "Verified and published" in report.html


def test_a_run_that_goes_on_is_loaded_again(pages: RunsPages, lab: Lab) -> None:
    with only_one(lab.stack.root, "second"):
        assert 'http-equiv="refresh"' in html(pages, "/runs/second")
        assert "RUNNING" in html(pages, "/runs")


@pytest.mark.parametrize(
    "path",
    [
        *("/runs/nightly", "/runs/..%2Fetc", "/runs/../etc", "/runs/first/other", "/runs/--help"),
        *("/runs/-", "/runs/first/../second", "/runs/a b", "/runs/" + "a" * 81),
    ],
)
def test_a_page_that_is_not_there_is_said(pages: RunsPages, path: str) -> None:
    html(pages, path, status=404)


def test_before_the_first_run_the_command_is_named(tmp_path: Path) -> None:
    assert "drugsync run" in html(RunsPages(LocalSite(tmp_path)), "/runs")
    assert not (tmp_path / "runs" / LOG).exists()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_a_failed_run_names_its_pages_and_their_cause(pages: RunsPages, lab: Lab) -> None:
    lab.control_model(faults=[{"kind": "AccessDeniedException", "times": 1}])
    lab.catalog.update(next(iter(lab.catalog.rows())), strength="8 mg")
    lab.run(run_id="third")
    shown = html(pages, "/runs/third")
    assert re.search(r"<b>EmbedPages \d{5}</b> EmbedderAccessDenied: run third, page 0", shown)


def test_the_list_draws_how_runs_developed(pages: RunsPages) -> None:
    shown = html(pages, "/runs")
    assert "<h2>Trend of 2 runs</h2>" in shown
    assert 'aria-label="Rows: last 40, least 40, most 40"' in shown
    assert re.search(r'<rect class="bad"[^>]*><title>second: 40</title>', shown)


@contextmanager
def serving(
    pages: RunsPages, actions: Actions | None = None, token: Token | None = None
) -> Iterator[str]:
    with SearchServer(
        ("127.0.0.1", 0), lambda *_: {"statusCode": 404, "body": ""}, pages, actions, token
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


BROKEN_WORDS = """() => [...document.querySelectorAll('th, td')].flatMap((cell) => {
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), broken = [];
  for (let text; (text = texts.nextNode());) {
    for (const word of text.data.matchAll(/(?<!\\S)\\S{1,24}(?!\\S)/g)) {
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].map((one) => Math.round(one.top)));
      if (lines.size > 1) broken.push(word[0]);
    }
  }
  return broken;
})"""
"""Words of tables that stand on two lines; names of runs and hashes are longer."""

SCROLLED = """() => [...document.querySelectorAll('.wide')]
  .some((one) => one.scrollWidth > one.clientWidth)"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_pass_axe_and_are_read_at_any_width(
    pages: RunsPages, lab: Lab, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    token = Token()
    actions = Actions(lab.stack.root, token)
    with (
        serving(RunsPages(LocalSite(lab.stack.root), actions), actions, token) as address,
        browser.new_context(
            viewport={"width": width, "height": 700}, color_scheme=scheme
        ) as context,
    ):
        visitor = context.new_page()
        problems: list[str] = []
        visitor.on("console", lambda message: problems.append(message.text))
        visitor.goto(f"{address}/runs?token={token.value}")
        assert visitor.url == f"{address}/runs"
        reports = ("/runs/first/report", "/runs/second/report")
        for path in ("/runs", "/runs/first", "/runs/second", *reports):
            visitor.goto(f"{address}{path}")
            wide = visitor.evaluate("document.documentElement.scrollWidth")
            assert (path, wide) == (path, width)
            assert (path, visitor.evaluate(BROKEN_WORDS)) == (path, [])
            assert not visitor.evaluate(SCROLLED), path
            if path not in reports:
                assert Axe().run(visitor).violations_count == 0, path
        assert problems == []


def test_on_a_phone_each_figure_of_the_list_has_its_name(
    pages: RunsPages, lab: Lab, browser: Browser
) -> None:
    token = Token()
    with (
        serving(pages, token=token) as address,
        browser.new_context(viewport={"width": 375, "height": 700}) as context,
    ):
        visitor = context.new_page()
        visitor.goto(f"{address}/runs?token={token.value}")
        cells = visitor.get_by_role("row").filter(has_text="first").get_by_role("cell")
        shown = cells.evaluate_all(
            "(all) => all.map((one) => getComputedStyle(one, '::before').content)"
        )
    assert [one.strip('"') for one in shown[1:]] == [*COLUMNS[1:], *MORE]


@pytest.mark.timeout(600)
def test_a_person_plans_does_and_rolls_back_in_the_browser(
    pages: RunsPages, lab: Lab, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRUGSYNC_EMBEDDING_DIMENSIONS", lab.settings["embedding_dimensions"])
    token = Token()
    actions = Actions(lab.stack.root, token)
    site = LocalSite(lab.stack.root)
    with (
        serving(RunsPages(site, actions), actions, token) as address,
        browser.new_page(base_url=address) as visitor,
    ):
        visitor.set_default_timeout(90_000)
        visitor.goto(f"/runs?token={token.value}")
        visitor.get_by_text("Plan the next run", exact=True).click()
        visitor.get_by_role("button", name="Yes: plan the next run").click()
        visitor.wait_for_url("**/runs")
        (plan,) = _ended(site, {"first", "second"})
        visitor.goto(f"/runs/{plan}")
        visitor.get_by_text("Apply this plan", exact=True).click()
        visitor.get_by_role("button", name="Yes: apply this plan").click()
        visitor.wait_for_url("**/runs")
        (done,) = _ended(site, {"first", "second", plan})
        assert site.view(done).status == "SUCCEEDED"
        lab.assert_in_step()
        visitor.goto(f"/runs/{done}")
        visitor.get_by_text("Roll back", exact=True).click()
        visitor.get_by_role("button", name="Yes: roll back").click()
        visitor.wait_for_url("**/runs")
        with pytest.raises(AssertionError):
            lab.assert_in_step()


def _ended(site: LocalSite, before: set[str]) -> set[str]:
    """The runs that are new, once none goes on."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        views = [view for view in site.runs(50) if view.run_id not in before]
        if views and not any(view.running for view in views):
            return {view.run_id for view in views}
        time.sleep(0.2)
    raise AssertionError("no run came to its end")


FORGED = {
    "no cookie": {"Cookie": ""},
    "another token": {"Cookie": f"{COOKIE}=guessed"},
    "another site": {"Origin": "https://evil.example"},
    "no origin": {"Origin": ""},
}


@pytest.mark.parametrize("case", [*FORGED, "no form token"])
def test_a_forged_request_starts_nothing(pages: RunsPages, lab: Lab, case: str) -> None:
    token = Token()
    actions = Actions(lab.stack.root, token)
    with serving(pages, actions, token) as address:
        headers = {
            "Cookie": f"{COOKIE}={token.value}",
            "Origin": address,
            "Content-Type": "application/x-www-form-urlencoded",
        } | FORGED.get(case, {})
        form = re.findall('value="([^"]+)"', actions.form(ACTIONS["plan"], ""))[0]
        body = b"" if case == "no form token" else f"form={form}".encode()
        url = f"{address}/runs/new/plan"
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - of this test
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)  # noqa: S310 - of this test
        with refused.value as answer:
            assert answer.code == 403
            assert "open the address that drugsync serve printed" in answer.read().decode()
    assert {view.run_id for view in LocalSite(lab.stack.root).runs(9)} == {"first", "second"}


def test_what_cannot_be_started_now_is_said(pages: RunsPages, lab: Lab) -> None:
    token = Token()
    actions = Actions(lab.stack.root, token)
    form = re.findall('value="([^"]+)"', actions.form(ACTIONS["plan"], ""))[0].encode()
    headers = {"Cookie": f"{COOKIE}={token.value}", "Origin": "http://h", "Host": "h"}
    with (
        only_one(lab.stack.root, "nightly"),
        pytest.raises(Refused, match="nightly is in progress"),
    ):
        actions.do("/runs/new/plan", b"form=" + form, headers)
    with pytest.raises(Refused, match="no such action"):
        actions.do("/runs/first/delete", b"form=" + form, headers)
    for hostile in ("--help", "-", "..", "a%20b"):
        with pytest.raises(Refused, match="no such action"):
            actions.do(f"/runs/{hostile}/redrive", b"form=" + form, headers)
    with pytest.raises(Refused, match="there is no run nowhere"):
        actions.do("/runs/nowhere/redrive", b"form=" + form, headers)


def fetched(address: str, path: str, cookie: str = "") -> tuple[int, str]:
    request = urllib.request.Request(address + path, headers={"Cookie": cookie})  # noqa: S310
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - of this test
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


@pytest.mark.parametrize("cookie", ["", f"{COOKIE}=guessed", f"{COOKIE}=", "drugsync", "\x01"])
def test_without_the_token_no_page_of_runs_is_shown(pages: RunsPages, cookie: str) -> None:
    """Other users and programs of the machine reach the port, too."""
    with serving(pages) as address:
        for path in ("/runs", "/runs/", "/runs/first", "/runs/first/report", "/runs?token=guessed"):
            status, shown = fetched(address, path, cookie)
            assert (status, "open the address" in shown) == (403, True), path
            assert ">first<" not in shown.replace("/runs/first", "")


def test_with_the_token_a_stages_pages_have_no_buttons(pages: RunsPages) -> None:
    token = Token()
    with serving(pages, token=token) as address:
        for path in ("/runs", "/runs/first", "/runs/second"):
            status, shown = fetched(address, path, f"{COOKIE}={token.value}")
            assert status == 200
            assert "<form" not in shown
