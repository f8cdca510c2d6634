"""Pictures of the demo's search page and report: docs/search-page.png and docs/run-report.png.

`tools/played.py` plays the demo. A Chromium must be on this machine.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

DOCS = Path(__file__).parents[1] / "docs"
QUERY = "?q=atorvastatine"
SIZE = {"width": 1000, "height": 640}


def take(home: Path, address: str) -> None:
    """Both pictures, of the runs of one home and of its search page at this address."""
    with _chromium() as browser:
        _picture(browser, f"{address}/{QUERY}", DOCS / "search-page.png")
        reports = sorted((home / "runs").glob("*-backfill-*/report.html"))
        _picture(browser, reports[-1].as_uri(), DOCS / "run-report.png")


def _picture(browser: Browser, address: str, path: Path) -> None:
    page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path)
    page.close()


@contextmanager
def _chromium() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if found is None:
        raise SystemExit("there is no Chromium here; apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
