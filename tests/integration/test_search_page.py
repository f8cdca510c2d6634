"""The search page in a real browser: typed into, and what goes wrong."""

from __future__ import annotations

import re
import socket
import struct
import urllib.request

import pytest
from playwright.sync_api import Page, Route, expect

from cli.commands.serve import policy_of
from tests.search_page import Site, browser, page, site, status_is, visit

# Typing


def test_products_appear_while_a_query_is_typed(page: Page) -> None:
    visit(page, "/", "")
    page.keyboard.type("aspirin 5")
    status_is(page, "The first 10 products for “aspirin 5”")
    expect(page.get_by_role("heading", level=2)).to_have_text(["Found: aspirin"])
    expect(page.get_by_role("heading", level=3).first).to_have_text("Asporalf")
    assert page.get_by_role("heading", level=3).count() == 10


def test_a_burst_of_keys_is_one_search(page: Page) -> None:
    page.clock.install()
    visit(page, "/", "")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.type("aspirin")
    assert asked == []
    page.clock.run_for(200)
    status_is(page, "The first 10 products for “aspirin”")
    assert len([url for url in asked if "/drugs?" in url]) == 1


LATE = """
const real = window.fetch;
window.fetch = (path, options) => {
  if (!path.includes("q=aspirin&")) return real(path, options);
  const answer = real(path);
  return new Promise((answered) => { window.letThrough = async () => {
    answered(await answer);
    await new Promise((done) => setTimeout(done, 50));
  }; });
};
"""


def test_a_late_answer_to_an_earlier_query_changes_nothing(page: Page) -> None:
    page.add_init_script(LATE)
    visit(page, "/", "")
    page.keyboard.type("aspirin")
    page.wait_for_function("() => window.letThrough")
    page.keyboard.type(" 5")
    status_is(page, "The first 10 products for “aspirin 5”")
    before = page.content()
    page.evaluate("() => window.letThrough()")
    assert page.content() == before


def test_a_misspelt_word_is_said_to_be_put_right(page: Page) -> None:
    visit(page, "/?q=asprin")
    notice = page.get_by_role("list", name="Notices").get_by_role("listitem")
    expect(notice).to_contain_text("Searched for aspirin instead of asprin.")
    notice.get_by_role("button", name="Search for “asprin” as written").click()
    status_is(page, "No drug for “asprin”")
    expect(page).to_have_url(re.compile("as_written=1"))
    page.go_back()
    status_is(page, "The first 10 products for “asprin”")


def test_more_products_can_be_shown(page: Page) -> None:
    visit(page, "/?q=aspirin")
    more = page.get_by_role("button", name="Show more")
    more.focus()
    page.keyboard.press("Enter")
    status_is(page, "21 products for “aspirin”")
    expect(more).to_be_hidden()
    expect(page.locator("summary").nth(10)).to_be_focused()


# The address


def test_the_address_holds_the_search_and_back_undoes_it(page: Page) -> None:
    visit(page, "/?q=aspirin")
    page.keyboard.type(" 5")
    status_is(page, "The first 10 products for “aspirin 5”")
    page.get_by_role("checkbox", name=re.compile("^TABLET")).check()
    status_is(page, "The first 10 products for “aspirin 5” with 1 filter")
    expect(page).to_have_url(re.compile(r"/\?q=aspirin\+5&dosage_form=TABLET$"))
    expect(page).to_have_title("aspirin 5 - Drug search")
    page.go_back()
    status_is(page, "The first 10 products for “aspirin 5”")
    page.go_back()
    status_is(page, "The first 10 products for “aspirin”")
    expect(page.get_by_role("searchbox")).to_have_value("aspirin")
    page.go_forward()
    page.go_forward()
    status_is(page, "The first 10 products for “aspirin 5” with 1 filter")
    page.reload()
    status_is(page, "The first 10 products for “aspirin 5” with 1 filter")
    expect(page.get_by_role("checkbox", name=re.compile("^TABLET"))).to_be_checked()


# What goes wrong


def test_no_result_is_said(page: Page) -> None:
    visit(page, "/?q=aspirin&dosage_form=SYRUP", "No drug for “aspirin” with 1 filter")
    expect(page.get_by_role("checkbox", name="SYRUP 0 drugs")).to_be_checked()


def test_a_refused_query_is_said(page: Page) -> None:
    visit(page, "/?q=***", "This cannot be searched: contains no letter and no digit.")


def test_an_answer_by_words_alone_says_so(page: Page) -> None:
    def without_the_model(route: Route) -> None:
        answer = route.fetch()
        said = {"kind": "meaning_unavailable", "text": "Only its words were searched.", "count": 0}
        notice = {**said, "words": "", "instead": []}
        route.fulfill(response=answer, json={**answer.json(), "notices": [notice]})

    page.route("**/drugs?*", without_the_model)
    visit(page, "/?q=aspirin")
    expect(page.get_by_role("list", name="Notices")).to_have_text("Only its words were searched.")


def test_without_a_live_index_it_is_said_until_there_is_one(page: Page, site: Site) -> None:
    site.redis.rename("drugs:live", "held")
    try:
        page.goto("/?q=aspirin")
        status_is(page, re.compile("^The search is unavailable: NothingLive: run a sync first. "))
        expect(page.locator("#health")).to_contain_text("NothingLive")
    finally:
        site.redis.rename("held", "drugs:live")
    page.keyboard.press("Enter")
    status_is(page, "The first 10 products for “aspirin”")
    expect(page.locator("#health")).to_contain_text("generation first")


def test_a_server_that_does_not_answer_is_said_and_asked_again(page: Page) -> None:
    visit(page, "/?q=aspirin")
    page.context.set_offline(True)
    page.keyboard.type(" 5")
    status_is(page, re.compile("^The server does not answer. Press Enter"))
    assert page.locator("#results").get_by_role("listitem").count() == 0
    expect(page.locator("#health")).to_have_text("The server does not answer.")
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    status_is(page, "The first 10 products for “aspirin 5”")
    expect(page.locator("#health")).to_contain_text("generation first")


def test_the_generation_and_its_age_are_shown(page: Page) -> None:
    visit(page, "/", "")
    said = r"generation first-[0-9a-f]+, published \d+ (second|minute)s? ago"
    expect(page.get_by_role("contentinfo")).to_have_text(re.compile(f"^50 drugs, {said}$"))


# The server


def test_the_policy_names_the_pages_own_parts_only(site: Site) -> None:
    with urllib.request.urlopen(f"{site.address}/") as answer:  # noqa: S310
        policy = answer.headers["Content-Security-Policy"]
        assert policy == policy_of(answer.read().decode())
    assert "unsafe" not in policy
    assert len(re.findall("(?:style|script)-src 'sha256-[^']{44}'(?:;|$)", policy)) == 2


def test_a_visitor_who_hangs_up_is_no_error(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    port = int(site.address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /v1/drugs?q=aspirin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with urllib.request.urlopen(f"{site.address}/v1/health") as answer:  # noqa: S310
        assert answer.status == 200
    assert capfd.readouterr().err == ""
