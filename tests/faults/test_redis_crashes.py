"""Redis is killed in the middle of a load and comes back from its append-only file."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from local.servers.servers import running_redis, start_redis, stop_redis
from local.servers.stack import Stack
from local.standin.bedrock_process import control
from tests.faults.conftest import ROWS, SETTINGS
from tests.faults.lab import FaultLab, OnTry
from tests.faults.tally import RETRIED, named
from tests.rows import make_rows
from tests.servers import CatalogTable, IndexReader

ONE_BY_ONE = {"load_concurrency": "1"}
SLOW_LOADING = ("--key-load-delay", "30000", "--loading-process-events-interval-bytes", "1024")


@pytest.fixture
def own(stack: Stack, catalog: CatalogTable, tmp_path: Path) -> Iterator[FaultLab]:
    """Twenty rows, and a Redis of this test's own."""
    control(stack.bedrock, reset=True)
    catalog.insert(*make_rows(ROWS))
    server = start_redis(tmp_path)
    try:
        with redis.Redis.from_url(server.url, protocol=2) as client:
            made = replace(stack, root=tmp_path, redis=server)
            yield FaultLab(made, catalog, IndexReader(client), settings=dict(SETTINGS))
    finally:
        stop_redis(tmp_path)


def kill(lab: FaultLab) -> None:
    server = running_redis(lab.stack.root)
    assert server
    os.kill(server.pid, signal.SIGKILL)
    os.waitpid(server.pid, 0)


def come_back(lab: FaultLab) -> None:
    start_redis(lab.stack.root)


def rewrite_and_kill(lab: FaultLab) -> None:
    """A server answers LOADING only while it reads the part of its file that was rewritten."""
    lab.index.redis.bgrewriteaof()
    while lab.index.redis.info("persistence")["aof_rewrite_in_progress"]:
        time.sleep(0.01)
    kill(lab)


def start_loading(lab: FaultLab) -> threading.Thread:
    """Restart slowly, and wait until the server answers that it is loading."""
    start = threading.Thread(
        target=start_redis, args=(lab.stack.root,), kwargs={"extra_args": SLOW_LOADING}
    )
    start.start()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with redis.Redis.from_url(lab.stack.redis.url, retry=None) as client:
                client.ping()
                break
        except redis.BusyLoadingError:
            break
        except redis.ConnectionError:
            time.sleep(0.01)
    return start


@pytest.mark.fault("Redis", "SIGKILL in the middle of a load", "LoadPage", RETRIED)
def test_a_server_killed_in_the_middle_of_a_load_loses_nothing_that_it_answered(
    own: FaultLab,
) -> None:
    crash = OnTry("LoadPage", after={1: lambda: kill(own)}, before={3: lambda: come_back(own)})
    own.succeed(intercept=crash, settings=ONE_BY_ONE)
    assert own.page_tries("LoadPage") == [2, 1]
    own.assert_in_step()


@pytest.mark.fault("Redis", "LOADING after a restart", "LoadPage", RETRIED)
def test_a_server_that_is_still_loading_is_asked_again(own: FaultLab) -> None:
    starting: list[threading.Thread] = []
    crash = OnTry(
        "LoadPage",
        after={1: lambda: rewrite_and_kill(own)},
        before={
            2: lambda: starting.append(start_loading(own)),
            3: lambda: starting[0].join(),
        },
    )
    own.succeed(intercept=crash, settings=ONE_BY_ONE)
    errors = [one.message for one in own.invocations if one.error]
    assert any("LOADING" in message or "loading" in message for message in errors), errors
    own.assert_in_step()


@pytest.mark.fault("Redis", "SIGKILL, and it stays away", "LoadPage", named("IndexUnavailable"))
def test_a_server_that_stays_away_fails_the_run_and_the_next_one_builds_anew(
    own: FaultLab,
) -> None:
    own.settings["redis_timeout_s"] = "1"
    crash = OnTry("LoadPage", after={1: lambda: kill(own)})
    own.fail("IndexUnavailable", intercept=crash, settings=ONE_BY_ONE, answers=False)
    come_back(own)
    assert "building" in own.index.generations().values()
    own.converge()


@pytest.mark.fault("Redis", "SIGKILL after the switch", "PublishIndex", RETRIED)
def test_a_server_killed_after_the_switch_still_serves_the_new_generation(own: FaultLab) -> None:
    own.succeed(run_id="first")
    own.succeed("backfill", run_id="second")
    kill(own)
    come_back(own)
    assert own.generation_states() == {"first": "previous", "second": "live"}
    own.assert_answers()
    own.converge()
