"""The search page in a real browser: by keyboard, and as a screen reader has it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import accessibility_faults, accessibility_tree, focused
from tests.search_page import browser, page, site, status_is, visit

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


NONE: dict[str, list[str]] = {"light": [], "dark": []}


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
