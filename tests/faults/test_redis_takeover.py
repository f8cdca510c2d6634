"""A replica takes over from a lost primary: it answers at once, and runs continue with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from local.servers.servers import RedisServer, start_redis, stop_redis
from local.servers.stack import Stack
from local.standin.bedrock_process import control
from tests.faults.conftest import ROWS, SETTINGS
from tests.faults.lab import FaultLab
from tests.faults.proxy import proxy_to
from tests.faults.tally import UNHARMED
from tests.rows import make_rows, ndc
from tests.servers import CatalogTable, IndexReader


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[RedisServer]:
    yield start_redis(tmp_path / "primary")
    stop_redis(tmp_path / "primary")


@pytest.fixture
def replica(primary: RedisServer, tmp_path: Path) -> Iterator[RedisServer]:
    with proxy_to(Path(primary.url.removeprefix("unix://"))) as address:
        follow = ["--replicaof", "127.0.0.1", str(address.port)]
        yield start_redis(tmp_path / "replica", extra_args=follow)
    stop_redis(tmp_path / "replica")


def lab_of(stack: Stack, catalog: CatalogTable, server: RedisServer, client: Any) -> FaultLab:
    return FaultLab(
        replace(stack, redis=server), catalog, IndexReader(client), settings=dict(SETTINGS)
    )


def caught_up(primary: Any, replica: Any) -> bool:
    behind: dict[str, Any] = replica.info("replication")
    ahead: dict[str, Any] = primary.info("replication")
    is_linked = behind.get("master_link_status") == "up"
    return is_linked and behind["slave_repl_offset"] == ahead["master_repl_offset"]


@pytest.mark.fault("Redis", "a replica takes over", "(between runs)", UNHARMED)
def test_a_promoted_replica_answers_and_the_next_run_goes_on_with_it(
    stack: Stack, catalog: CatalogTable, primary: RedisServer, replica: RedisServer, tmp_path: Path
) -> None:
    control(stack.bedrock, reset=True)
    catalog.insert(*make_rows(ROWS))
    with (
        redis.Redis.from_url(primary.url, protocol=2) as first,
        redis.Redis.from_url(replica.url, protocol=2) as second,
    ):
        lab_of(stack, catalog, primary, first).succeed()
        until = time.monotonic() + 30
        while not caught_up(first, second):
            assert time.monotonic() < until, second.info("replication")
            time.sleep(0.05)
        stop_redis(tmp_path / "primary")
        second.execute_command("REPLICAOF", "NO", "ONE")
        lab = lab_of(stack, catalog, replica, second)
        lab.assert_answers()
        lab.assert_in_step()
        assert lab.index.alias("drugs") == f"drugs:{lab.index.live()[0]}"
        catalog.update(ndc(3), strength="7 mg")
        assert lab.converge().changed == 1
