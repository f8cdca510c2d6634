"""A search whose connection went away meanwhile: a function may have been frozen for minutes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.sites.http_event import event_of
from handlers import search_api
from handlers.wiring import wiring
from tests.faults.proxy import Cut, Proxy, proxy_to
from tests.lab import Lab


@pytest.fixture
def proxy(synced: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Between the function and Redis."""
    with proxy_to(Path(synced.stack.redis.url.removeprefix("unix://"))) as made:
        url = f"redis://127.0.0.1:{made.port}"
        for name, value in synced.stack.environment(**synced.settings, redis_url=url).items():
            monkeypatch.setenv(name, value)
        wiring.cache_clear()
        yield made
    wiring.cache_clear()


def status_of(target: str) -> int:
    context: Any = SimpleNamespace(function_name="test", aws_request_id="test")
    status: int = search_api.handler(event_of(target), context)["statusCode"]
    return status


@pytest.mark.parametrize(
    ("target", "pattern"),
    [
        ("/v1/health", b"HGETALL"),
        ("/v1/drugs?q=aspirin", b"HGETALL"),
        ("/v1/drugs?q=asprin+of+the+kind", b"SPELLCHECK"),
    ],
)
def test_a_connection_that_was_lost_meanwhile_costs_no_search(
    proxy: Proxy, target: str, pattern: bytes
) -> None:
    assert status_of(target) == 200
    proxy.cut = Cut(pattern)
    assert status_of(target) == 200
    assert proxy.cut.done == 1


def test_a_server_that_stays_away_is_said_to_be(proxy: Proxy) -> None:
    proxy.cut = Cut(b"HGETALL", times=10)
    assert status_of("/v1/health") == 503
    assert proxy.cut.done == 2
