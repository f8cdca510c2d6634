"""A real headless Chromium, and what it tells a screen reader of a page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
HINT = "no Chromium here; install it with: apt-get install chromium"
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
"""Root needs the first; the others keep Chromium from asking for anything but the page."""

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations", "incomplete"],
}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine, headless; where there is none, the test is skipped."""
    if CHROMIUM is None:
        pytest.skip(HINT)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        try:
            yield browser
        finally:
            browser.close()


class Node(NamedTuple):
    """What a screen reader is told of one part of the page."""

    role: str
    name: str
    properties: dict[str, Any]


def accessibility_tree(page: Page) -> list[Node]:
    """All that is not hidden from screen readers."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [
        Node(
            node["role"]["value"],
            node.get("name", {}).get("value", ""),
            {one["name"]: one["value"].get("value") for one in node.get("properties", [])},
        )
        for node in nodes
        if not node["ignored"]
    ]


def accessibility_faults(page: Page) -> list[str]:
    """What axe-core finds wrong, and the contrasts that it cannot measure.

    It never measures them under and in a dialog: `elmPartiallyObscuring`.
    """
    found = Axe().run(page, options=RULES).response
    unsure = [one for one in found["incomplete"] if one["id"] == "color-contrast"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}"
        for one in (*found["violations"], *unsure)
        for node in one["nodes"]
        if "elmPartiallyObscuring" not in json.dumps(node)
    ]


def focused(page: Page) -> str:
    """The element with the focus: its id, or its name as it is written."""
    return str(
        page.evaluate(
            "() => [document.activeElement].map((one) => one.id || one.textContent.trim())[0]"
        )
    )
