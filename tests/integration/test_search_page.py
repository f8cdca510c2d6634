"""The search page in a real browser: typed into, tabbed through and read out."""

from __future__ import annotations

import re
import shutil
import socket
import struct
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis
from mysql.connector.abstracts import MySQLConnectionAbstract
from playwright.sync_api import Browser, Error, Page, Route, expect

from cli.commands.serve import SearchServer, policy_of
from handlers import search_api
from handlers.wiring import wiring
from local.servers.stack import Stack
from local.standin.bedrock_process import control
from tests.browser import (
    accessibility_faults,
    accessibility_tree,
    chromium,
    focused,
)
from tests.lab import Lab
from tests.rows import make_row
from tests.servers import CatalogTable, IndexReader

MARKUP = "<img src=x onerror=\"document.title='run'\"> & <b>bold</b>"
PLANTED = {
    "drug_name": MARKUP,
    "generic_name": f"Planted {MARKUP}",
    "gcn_seqno": None,
    "dosage_form": "</label><script>document.title='run'</script>",
    "manufacturer": f"{MARKUP} Inc.",
}
ASPIRINS = [
    make_row(
        number,
        drug_name=f"Aspirin {number // 2}",
        brand_name=f"Asporal{chr(97 + number // 2)}",
        generic_name="aspirin",
        dosage_form="TABLET" if number // 2 % 2 else "INJECTION, SOLUTION",
    )
    for number in range(40)
]
"""Twenty products of two packages each, all of one substance."""

BRAND = {"is_generic": "0", "is_brand": "1"}
MEDROL = {"drug_name": "Medrol", "brand_name": "Medrol", "generic_name": "methylprednisolone"}
MEDROLS = ((52, 16), (53, 4))
IBUPROFEN = {"gcn_seqno": "77", "drug_name": "Ibuprofen", "generic_name": "ibuprofen"}
NAPROXEN = {"gcn_seqno": "78", "drug_name": "Naproxen", "generic_name": "naproxen"}
OTHERS = [
    *(make_row(number, brand_name="Coumadin", generic_name="warfarin") for number in (50, 51)),
    *(make_row(number, **MEDROL, strength=f"{strength} mg/1") for number, strength in MEDROLS),
    make_row(54, **IBUPROFEN, is_brand="0", is_generic="1"),
    make_row(55, **IBUPROFEN, brand_name="Motrin", **BRAND),
    make_row(56, **NAPROXEN, brand_name=None, is_active="0", is_brand="0", is_generic="1"),
    make_row(57, **NAPROXEN, brand_name="Aleve", **BRAND),
]


@dataclass(frozen=True)
class Site:
    """The server of the page and the Redis behind it."""

    address: str
    redis: redis.Redis


@pytest.fixture(scope="module")
def site(stack: Stack, mysql_connection: MySQLConnectionAbstract) -> Iterator[Site]:
    """21 products of two packages each; one of them is written in markup."""
    shutil.rmtree(stack.root / "runs", ignore_errors=True)
    control(stack.bedrock, reset=True)
    catalog = CatalogTable(mysql_connection)
    catalog.clear()
    catalog.insert(*ASPIRINS, *OTHERS, make_row(60, **PLANTED), make_row(61, **PLANTED))
    with (
        redis.Redis.from_url(stack.redis.url, protocol=2) as client,
        pytest.MonkeyPatch.context() as patch,
    ):
        client.flushall()
        lab = Lab(stack, catalog, IndexReader(client))
        lab.succeed(run_id="first")
        for name, value in stack.environment(**lab.settings).items():
            patch.setenv(name, value)
        wiring.cache_clear()
        with SearchServer(("127.0.0.1", 0), search_api.handler) as server:  # type: ignore[arg-type]
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield Site(f"http://127.0.0.1:{server.server_port}", client)
            server.shutdown()
            thread.join()
        wiring.cache_clear()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(site: Site, browser: Browser) -> Iterator[Page]:
    """A new visitor. Whatever they do, no script fails and nothing is asked of another host."""
    with browser.new_context(base_url=site.address) as context:
        context.set_default_timeout(PATIENCE_MS)
        tab = context.new_page()
        asked: list[str] = []
        faults: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        yield tab
        assert [url for url in asked if not url.startswith((f"{site.address}/", "data:,"))] == []
        assert [one for one in faults if not one.startswith("Failed to load resource")] == []


PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


def status_is(page: Page, said: str | re.Pattern[str]) -> None:
    """The live region says it, in the end."""
    expect(page.get_by_role("status").and_(page.locator("#status"))).to_have_text(said)


def visit(page: Page, target: str, said: str | re.Pattern[str] = re.compile("product")) -> None:
    page.goto(target)
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page.locator("#health")).to_contain_text("published")
    status_is(page, said)


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


# What is shown


def test_a_card_has_its_strengths_in_order_as_people_read_them(page: Page) -> None:
    visit(page, "/?q=medrol", re.compile("^1 product"))
    expect(page.locator(".tag.strong")).to_have_text(["4 mg", "16 mg"])
    expect(page.get_by_role("heading", level=3)).to_have_text("Medrol")
    expect(page.locator(".generic")).to_have_text("methylPREDNISolone")


def test_the_words_of_the_query_are_marked(page: Page) -> None:
    visit(page, "/?q=medrol", re.compile("^1 product"))
    expect(page.locator("h3 mark")).to_have_text("Medrol")


def test_a_brand_that_is_not_here_is_answered_under_its_own_heading(page: Page) -> None:
    visit(page, "/?q=jantoven", re.compile("^1 product"))
    expect(page.get_by_role("heading", level=2)).to_have_text("Same substance: warfarin")


def test_what_may_be_several_drugs_is_asked(page: Page) -> None:
    visit(page, "/?q=MS+5+mg", re.compile("^No drug"))
    page.get_by_role("button", name="magnesium sulfate").click()
    expect(page.get_by_role("searchbox")).to_have_value("magnesium sulfate 5 mg")


def test_an_example_is_searched_by_a_click(page: Page) -> None:
    visit(page, "/", "")
    page.get_by_role("button", name="blood thinner").click()
    expect(page.get_by_role("searchbox")).to_have_value("blood thinner")
    expect(page).to_have_url(re.compile(r"\?q=blood\+thinner$"))


def test_a_drug_has_a_page_of_its_own_with_its_alternatives(page: Page) -> None:
    visit(page, "/?q=motrin", re.compile("^2 products"))
    page.locator("summary").first.click()
    page.get_by_role("link", name="00000-0055-00").click()
    expect(page).to_have_url(re.compile("/drug/00000005500$"))
    expect(page.get_by_role("heading", level=2)).to_have_text(["Motrin", "Generic alternatives"])
    expect(page.locator("dd", has_text="Acme, Inc. 55")).to_be_visible()
    expect(page.get_by_role("link")).to_contain_text(["Skip", "00000-0054-00"])
    page.go_back()
    status_is(page, re.compile("^2 products"))


def test_an_ndc_is_copied_with_its_dashes(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit(page, "/?q=motrin", re.compile("^2 products"))
    page.locator("summary").first.click()
    page.get_by_role("button", name="Copy NDC 00000-0055-00").click()
    expect(page.get_by_role("button", name="Copied NDC 00000-0055-00")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == "00000-0055-00"


def test_what_is_shown_is_saved_as_csv(page: Page) -> None:
    visit(page, "/?q=medrol", re.compile("^1 product"))
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    text = saved.value.path().read_text(encoding="utf-8-sig")
    lines = [line.split(",") for line in text.split("\n")]
    assert [line[1] for line in lines] == ['"ndc"', '"00000-0053-00"', '"00000-0052-00"']


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_runs_off_the_side(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for target in ("/?q=aspirin", "/?q=asprin", "/?q=planted+img", "/drug/00000005500"):
        page.goto(target)
        expect(page.get_by_role("heading", level=2).first).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


# The keyboard

TABBABLE = """
() => [...document.querySelectorAll("a[href], button, input, summary")]
  .filter((each) => each.checkVisibility())
  .map((each) => each.id || each.textContent.trim())
"""
OUTLINE = """
() => [getComputedStyle(document.activeElement)]
  .map((style) => style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth))[0]
"""


def test_tab_reaches_everything_in_the_order_of_the_page_and_leaves_it(page: Page) -> None:
    visit(page, "/?q=aspirin&is_active=1")
    wanted = page.evaluate(TABBABLE)
    assert len(wanted) > 30
    page.keyboard.press("Shift+Tab")
    reached = []
    for _ in wanted:
        reached.append(focused(page))
        assert page.evaluate(OUTLINE) >= 2
        page.keyboard.press("Tab")
    assert reached == wanted
    assert focused(page) != wanted[-1]


def test_the_skip_link_leads_to_the_results(page: Page) -> None:
    visit(page, "/?q=aspirin")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("link", name="Skip to the results")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("summary").first).to_be_focused()


def test_arrows_walk_the_results_and_back_to_the_search_box(page: Page) -> None:
    visit(page, "/?q=aspirin")
    for key, place in (("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0)):
        page.keyboard.press(key)
        expect(page.locator("summary").nth(place)).to_be_focused()
    page.keyboard.press("ArrowUp")
    assert focused(page) == "q"


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_product_opens_and_closes_its_packages(page: Page, key: str) -> None:
    visit(page, "/?q=aspirin+5")
    page.locator("summary").first.focus()
    page.keyboard.press(key)
    packages = page.get_by_role("listitem").filter(has_text="Asporalf").first.get_by_role("list")
    expect(packages.get_by_role("listitem")).to_have_text([re.compile("Acme, Inc. 1[01]")] * 2)
    page.keyboard.press(key)
    expect(packages).to_be_hidden()


def test_escape_clears_the_search_and_keeps_the_filters(page: Page) -> None:
    visit(page, "/?q=aspirin&is_active=1")
    page.keyboard.press("Escape")
    status_is(page, "")
    expect(page.get_by_role("searchbox")).to_have_value("")
    expect(page).to_have_url(re.compile(r"/\?is_active=true$"))
    expect(page.get_by_role("listitem")).to_contain_text(["Remove filter Market: still marketed"])
    assert page.get_by_role("checkbox").count() == 0


# Filters


def drugs_shown(page: Page) -> int:
    return sum(int(text.split()[0]) for text in page.locator("summary").all_inner_texts())


def test_a_filter_leaves_what_has_its_value_and_tells_how_many(page: Page) -> None:
    visit(page, "/?q=aspirin")
    group = page.get_by_role("group", name="Form")
    box = group.get_by_role("checkbox", name=re.compile(r"^TABLET \d+ drugs$"))
    expect(group.get_by_role("checkbox").nth(1)).to_be_visible()
    (said,) = re.findall(r"\d+", group.locator("label", has_text="TABLET").inner_text())
    box.focus()
    page.keyboard.press("Space")
    status_is(page, "The first 10 products for “aspirin” with 1 filter")
    expect(box).to_be_checked()
    expect(box).to_be_focused()
    expect(group.get_by_role("checkbox")).to_have_count(2)
    assert int(said) >= drugs_shown(page) > 0
    shown = page.locator("#results .tags").all_inner_texts()
    assert [tags for tags in shown if "tablet" not in tags] == []
    group.get_by_role("checkbox", name=re.compile("^INJECTION")).check()
    status_is(page, "The first 10 products for “aspirin” with 2 filters")
    group.get_by_role("checkbox", name=re.compile("^INJECTION")).uncheck()
    status_is(page, "The first 10 products for “aspirin” with 1 filter")
    box.focus()
    page.keyboard.press("Space")
    status_is(page, "The first 10 products for “aspirin”")
    expect(box).to_be_focused()


@pytest.mark.parametrize(
    ("column", "box", "shown"),
    [
        ("is_active=true", "still marketed", "Aleve"),
        ("is_active=false", "no longer marketed", "Naproxen"),
        ("is_generic=true", "generic", "Naproxen"),
        ("is_generic=false", "not generic", "Aleve"),
    ],
)
def test_a_flag_that_is_chosen_leaves_the_drugs_that_have_it(
    page: Page, column: str, box: str, shown: str
) -> None:
    visit(page, "/?q=naproxen", re.compile("^2 products"))
    name = re.compile(f"^{box} 1 drug$")
    page.get_by_role("checkbox", name=name).check()
    status_is(page, "1 product for “naproxen” with 1 filter")
    expect(page.locator("summary")).to_contain_text([shown])
    expect(page).to_have_url(f"/?q=naproxen&{column}")
    number = column.replace("true", "1").replace("false", "0")
    for address in (f"/?q=naproxen&{column}", f"/?q=naproxen&{number}"):
        visit(page, address, "1 product for “naproxen” with 1 filter")
        expect(page.locator("summary")).to_contain_text([shown])
        expect(page.get_by_role("checkbox", name=name)).to_be_checked()
    page.get_by_role("checkbox", name=name).uncheck()
    status_is(page, "2 products for “naproxen”")


def test_a_chosen_filter_is_shown_and_taken_back(page: Page) -> None:
    visit(page, "/?q=aspirin&dosage_form=TABLET&is_generic=1", re.compile("with 2 filters$"))
    page.get_by_role("button", name="Remove filter Form: TABLET").focus()
    page.keyboard.press("Enter")
    status_is(page, re.compile("with 1 filter$"))
    expect(page.get_by_role("button", name="Remove filter Kind: generic")).to_be_focused()
    page.keyboard.press("Enter")
    status_is(page, "The first 10 products for “aspirin”")
    assert focused(page) == "q"


def test_on_a_phone_the_filters_fold_and_nothing_runs_off_the_side(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    visit(page, "/?q=warfarin")
    filters = page.get_by_role("form", name="Filters")
    expect(filters).to_be_hidden()
    opener = page.get_by_role("button", name="Filters")
    opener.focus()
    page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(filters).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(filters).to_be_hidden()
    expect(opener).to_be_focused()


# Alternatives


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_alternatives_open_over_the_page_and_give_the_focus_back(page: Page, key: str) -> None:
    visit(page, "/?q=motrin", re.compile("^2 products"))
    opener = page.get_by_role("button", name=re.compile("^Alternatives to Motrin")).first
    opener.focus()
    page.keyboard.press(key)
    dialog = page.get_by_role("dialog", name=re.compile("^Alternatives to Motrin,"))
    expect(dialog.get_by_role("status")).to_have_text(
        "1 package with the same GCN sequence number (77)"
    )
    expect(dialog.get_by_role("heading", level=3)).to_have_text("Generic")
    expect(dialog.get_by_role("listitem")).to_contain_text("Acme, Inc. 54")
    expect(dialog.get_by_role("listitem")).to_contain_text("00000-0054-00")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press(key)
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press(key)
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


# What a screen reader is told


def test_everything_that_takes_the_focus_has_a_name_of_its_own(page: Page) -> None:
    visit(page, "/?q=aspirin&is_active=1")
    takes_focus = [node for node in accessibility_tree(page) if node.properties.get("focusable")]
    names = [node.name for node in takes_focus if node.role != "RootWebArea"]
    assert len(names) > 30
    assert "" not in names
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_the_page_has_its_landmarks_and_one_heading_above_the_products(page: Page) -> None:
    visit(page, "/?q=aspirin")
    tree = accessibility_tree(page)
    landmarks = ("main", "search", "form", "region", "contentinfo")
    found = [node.role for node in tree if node.role in landmarks and node.name != "Found: aspirin"]
    assert sorted(found) == sorted(landmarks)
    levels = [node.properties["level"] for node in tree if node.role == "heading"]
    assert levels == [1, 2] + [3] * 10


def test_the_number_of_results_is_announced(page: Page) -> None:
    visit(page, "/?q=aspirin")
    (said,) = [node for node in accessibility_tree(page) if node.role == "status"]
    assert (said.properties["live"], said.properties["atomic"]) == ("polite", True)


def faults_by_day_and_night(page: Page) -> dict[str, list[str]]:
    faults = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        faults[scheme] = accessibility_faults(page)
    return faults


NONE = {"light": [], "dark": []}


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/", ""),
        ("/?q=aspirin&is_active=1", re.compile("with 1 filter$")),
        ("/?q=***", re.compile("^This cannot be searched")),
        ("/?q=aspirin&dosage_form=SYRUP", re.compile("^No drug")),
        ("/?q=asprin", re.compile("^The first 10")),
        ("/?q=MS", re.compile("^No drug")),
    ],
    ids=["empty", "results", "refused", "none", "read as", "question"],
)
def test_axe_finds_nothing_wrong(page: Page, target: str, said: str | re.Pattern[str]) -> None:
    visit(page, target, said)
    assert faults_by_day_and_night(page) == NONE


def test_axe_finds_nothing_wrong_on_a_phone_and_over_it(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, "/?q=aspirin")
    page.get_by_role("button", name="Filters").click()
    page.locator("summary").first.click()
    assert faults_by_day_and_night(page) == NONE
    page.get_by_role("button", name=re.compile("^Alternatives to")).first.click()
    expect(page.get_by_role("dialog").get_by_role("heading", level=3).first).to_be_visible()
    assert faults_by_day_and_night(page) == NONE


def test_nothing_moves(page: Page) -> None:
    visit(page, "/?q=aspirin")
    page.locator("summary").first.click()
    moving = "() => [...document.querySelectorAll('*')].flatMap((one) => one.getAnimations())"
    assert page.evaluate(f"{moving}.length") == 0


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


# What the catalog says is text


def test_markup_in_the_catalog_stays_text(page: Page) -> None:
    visit(page, "/?q=planted+img")
    expect(page.get_by_role("heading", level=3).first).to_have_text(MARKUP)
    page.locator("summary").first.click()
    expect(page.locator(".packages li").first).to_contain_text(f"{MARKUP} Inc.")
    page.get_by_role("checkbox", name=f"{PLANTED['dosage_form']} 2 drugs").check()
    status_is(page, "1 product for “planted img” with 1 filter")
    page.get_by_role("button", name=re.compile("^Alternatives to")).click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_contain_text(MARKUP)
    assert page.locator("img, b, script:not(:nth-last-child(1))").count() == 0
    expect(page).to_have_title("planted img - Drug search")


def test_the_browser_would_refuse_markup(site: Site, browser: Browser) -> None:
    with browser.new_page(base_url=site.address) as page:
        page.goto("/")
        with pytest.raises(Error, match="TrustedHTML"):
            page.evaluate("() => { document.querySelector('main').innerHTML = '<b>x</b>'; }")


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
