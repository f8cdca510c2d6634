"""The search page in a real browser: what it shows, and what filters leave."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.browser import focused
from tests.search_page import MARKUP, PLANTED, Site, browser, page, site, status_is, visit

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
    visit(page, "/?q=coumadra+5+mg", re.compile("^No drug"))
    page.get_by_role("button", name="coumadin").click()
    expect(page.get_by_role("searchbox")).to_have_value("coumadin 5 mg")


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
