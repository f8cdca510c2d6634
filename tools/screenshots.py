"""Plays the demo and pictures its search page and report: python -m tools.screenshots.

It needs a Chromium on this machine. The pictures are docs/search-page.png and docs/run-report.png.
"""

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tools.sample import COMMAND, demo_home

DOCS = Path(__file__).parents[1] / "docs"
PORT = 8321
QUERY = "?q=atorvastatine"
SIZE = {"width": 1000, "height": 640}


def take(home: Path) -> None:
    """Both pictures, of the servers and runs of one home."""
    with _chromium() as browser, _serving(home) as address:
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


@contextmanager
def _serving(home: Path) -> Iterator[str]:
    environment = os.environ | {"DRUGSYNC_HOME": str(home)}
    address = f"http://127.0.0.1:{PORT}"
    server = subprocess.Popen([*COMMAND, "serve", "--port", str(PORT)], env=environment)
    try:
        _wait_for(address)
        yield address
    finally:
        server.terminate()
        server.wait()


def _wait_for(address: str, seconds: int = 60) -> None:
    for _ in range(seconds):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own server
        except urllib.error.URLError:
            time.sleep(1)
        else:
            return
    raise SystemExit(f"nothing answered at {address}")


if __name__ == "__main__":
    with demo_home() as played:
        take(played.home)
