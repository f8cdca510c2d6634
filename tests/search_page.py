"""The search page over a real index: its server, a visitor, and what every test does first.

Test files import its fixtures.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis
from mysql.connector.abstracts import MySQLConnectionAbstract
from playwright.sync_api import Browser, Page, expect

from cli.commands.serve import SearchServer
from handlers import search_api
from handlers.wiring import wiring
from local.servers.stack import Stack
from local.standin.bedrock_process import control
from tests.browser import (
    chromium,
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
