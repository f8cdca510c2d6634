"""Redis refuses, cuts a transaction off, or is full."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.lab import FaultLab, OnTry
from tests.faults.proxy import Cut, Proxy, proxy_to
from tests.faults.tally import RETRIED, named
from tests.lab import before
from tests.rows import ndc
from workflow.contract.retries import ACCESS
from workflow.operate.failure import following

ONE_BY_ONE = {"load_concurrency": "1"}


@pytest.fixture
def proxy(lab: FaultLab) -> Iterator[Proxy]:
    """Between the functions and Redis."""
    with proxy_to(Path(lab.stack.redis.url.removeprefix("unix://"))) as made:
        lab.settings["redis_url"] = f"redis://127.0.0.1:{made.port}"
        yield made


@pytest.fixture
def writable(lab: FaultLab) -> Iterator[FaultLab]:
    """A server whose settings are put back, whatever a test did to them."""
    yield lab
    redis = lab.index.redis
    redis.execute_command("REPLICAOF", "NO", "ONE")
    redis.config_set("maxmemory", 0)
    redis.config_set("maxmemory-policy", "noeviction")
    redis.acl_setuser("default", enabled=True, nopass=True, categories=["+@all"])


@pytest.mark.parametrize("deliver", [False, True], ids=["before", "after"])
@pytest.mark.fault("Redis", "connection cut within a transaction", "LoadPage", RETRIED)
def test_a_transaction_that_was_cut_off_is_tried_again_and_no_newer_run_is_blamed(
    lab: FaultLab, proxy: Proxy, deliver: bool
) -> None:
    proxy.cut = Cut(b"ZADD\r\n", deliver=deliver)
    lab.succeed(settings=ONE_BY_ONE)
    assert proxy.cut.done == 1
    assert [one.error for one in lab.invocations if one.error] == ["IndexUnavailable"]
    assert lab.page_tries("LoadPage") == [2, 1]
    lab.assert_in_step()


@pytest.mark.parametrize("deliver", [False, True], ids=["before", "after"])
@pytest.mark.fault("Redis", "connection cut while it switches", "PublishIndex", RETRIED)
def test_a_switch_whose_answer_is_lost_is_made_again(
    synced: FaultLab, proxy: Proxy, deliver: bool
) -> None:
    def cut() -> None:
        proxy.cut = Cut(b"EXEC\r\n", deliver=deliver)

    synced.succeed("backfill", run_id="second", intercept=before("PublishIndex", cut))
    assert proxy.cut.done == 1
    assert synced.tries("PublishIndex") == {None: 2}
    assert synced.generation_states() == {"first": "previous", "second": "live"}
    synced.assert_in_step()


RECONNECTED = "harmless: the client connects again"


@pytest.mark.parametrize("deliver", [False, True], ids=["before", "after"])
@pytest.mark.fault("Redis", "connection cut while documents change places", "PublishIndex", RETRIED)
def test_a_swap_whose_answer_is_lost_is_made_once(
    synced: FaultLab, proxy: Proxy, deliver: bool
) -> None:
    held = synced.index.documents()
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.delete(ndc(4))

    def cut() -> None:
        proxy.cut = Cut(b"drugs:swap", deliver=deliver)

    synced.succeed(intercept=before("PublishIndex", cut))
    assert proxy.cut.done == 1
    synced.assert_in_step()
    synced.roll_back()
    assert synced.index.documents() == held


@pytest.mark.parametrize(
    ("command", "state"),
    [
        pytest.param(
            *(command, state),
            marks=pytest.mark.fault(
                "Redis", f"connection cut in {command.split()[0].decode()}", state, RECONNECTED
            ),
        )
        for command, state in [
            (b"ZRANGEBYLEX\r\n", "DiffPage"),
            (b"SMEMBERS\r\n", "EmbedPage"),
            (b"HGETALL\r\n$", "VerifyPage"),
        ]
    ],
)
def test_a_connection_that_breaks_outside_a_transaction_is_opened_again_by_the_client(
    lab: FaultLab, proxy: Proxy, command: bytes, state: str
) -> None:
    def arm() -> None:
        proxy.cut = Cut(command)

    lab.succeed(intercept=before(state, arm))
    assert proxy.cut.done == 1
    lab.assert_in_step()


@pytest.mark.fault("Redis", "READONLY after a failover", "LoadPage", RETRIED)
def test_a_server_that_became_a_replica_is_asked_again(writable: FaultLab) -> None:
    redis = writable.index.redis
    turn = OnTry(
        "LoadPage",
        before={
            1: lambda: redis.execute_command("REPLICAOF", "127.0.0.1", "1"),
            2: lambda: redis.execute_command("REPLICAOF", "NO", "ONE"),
        },
    )
    writable.succeed(intercept=turn, settings=ONE_BY_ONE)
    assert [one.error for one in writable.invocations if one.error] == ["IndexUnavailable"]
    assert writable.page_tries("LoadPage") == [2, 1]
    writable.assert_in_step()


@pytest.mark.fault("Redis", "READONLY, for ever", "EmbedPage", named("IndexUnavailable"))
def test_a_server_that_stays_a_replica_fails_the_run_by_name(writable: FaultLab) -> None:
    redis = writable.index.redis
    become = before("EmbedPage", lambda: redis.execute_command("REPLICAOF", "127.0.0.1", "1"))
    report = writable.fail("IndexUnavailable", intercept=become)
    assert "read only replica" in str(report.cause)
    redis.execute_command("REPLICAOF", "NO", "ONE")
    writable.converge()


def fill(lab: FaultLab) -> None:
    """From now on Redis has no room for one byte more: it holds more than this already."""
    lab.index.redis.config_set("maxmemory", 1_000_000)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(
            one, marks=pytest.mark.fault("Redis", "maxmemory reached", one, named("MemoryShort"))
        )
        for one in ("EmbedPage", "LoadPage", "PublishIndex")
    ],
)
def test_a_full_server_stops_a_backfill_and_the_live_index_serves(
    writable: FaultLab, state: str
) -> None:
    writable.succeed(run_id="first")
    writable.catalog.update(ndc(3), strength="999 mg/1")
    held = writable.index.documents()
    writable.fail("MemoryShort", "backfill", intercept=before(state, lambda: fill(writable)))
    assert writable.index.documents() == held
    writable.index.redis.config_set("maxmemory", 0)
    writable.converge("backfill")


@pytest.mark.fault("Redis", "maxmemory reached, then raised", "any", "a redrive goes on")
@pytest.mark.parametrize("state", ["PlanPages", "EmbedPage", "LoadPage", "PublishIndex"])
def test_once_a_full_server_has_room_a_redrive_goes_on(writable: FaultLab, state: str) -> None:
    """As the message and the command under it say; nothing is embedded twice."""
    writable.succeed(run_id="first")
    writable.catalog.update(ndc(3), strength="999 mg/1")
    full = before(state, lambda: fill(writable))
    report = writable.fail("MemoryShort", "backfill", run_id="full", intercept=full)
    assert report.cause is not None
    assert report.error is not None
    assert "raise maxmemory" in report.cause
    assert "redrive" in report.cause
    assert following("full", report.error)[1] == "drugsync redrive full"
    writable.index.redis.config_set("maxmemory", 0)
    assert writable.redrive("full").status == "SUCCEEDED"
    writable.assert_in_step()


@pytest.mark.fault("Redis", "maxmemory reached, in a sync", "LoadPage", named("MemoryShort"))
def test_a_sync_that_cannot_be_staged_switches_nothing(writable: FaultLab) -> None:
    writable.succeed()
    writable.catalog.update(ndc(3), strength="999 mg/1")
    held = writable.index.documents()
    writable.fail("MemoryShort", intercept=before("LoadPage", lambda: fill(writable)))
    assert writable.index.documents() == held
    writable.index.redis.config_set("maxmemory", 0)
    writable.converge()


@pytest.mark.fault("Redis", "maxmemory reached once all is staged", "PublishIndex", "published")
def test_a_switch_and_what_follows_it_need_no_memory(writable: FaultLab) -> None:
    writable.succeed()
    writable.catalog.update(ndc(3), strength="999 mg/1")
    writable.catalog.delete(ndc(4))
    report = writable.run(intercept=before("PublishIndex", lambda: fill(writable)))
    assert (report.published, report.error) == (True, None)
    writable.assert_in_step()


@pytest.mark.fault(
    "Redis", "full, with a half-built generation", "PlanPages", "the next run frees it"
)
def test_the_next_run_frees_a_half_built_generation_although_redis_is_full(
    writable: FaultLab,
) -> None:
    full = OnTry("LoadPage", before={2: lambda: fill(writable)})
    writable.fail("MemoryShort", run_id="half", intercept=full, settings=ONE_BY_ONE)
    assert len(writable.index.documents(writable.generation("half"))) == 10
    assert writable.index.redis.info("memory")["maxmemory"] > 0
    writable.fail("MemoryShort")
    assert writable.index.redis.keys("*:half*") == []
    writable.index.redis.config_set("maxmemory", 0)
    writable.converge()


@pytest.mark.fault("Redis", "too small for a generation", "PlanPages", named("MemoryShort"))
def test_a_server_too_small_for_a_generation_is_refused_before_anything_is_embedded(
    writable: FaultLab,
) -> None:
    fill(writable)
    assert "raise maxmemory" in str(writable.fail("MemoryShort").cause)
    assert writable.states() == ["AcceptRun", "PlanPages"]
    writable.index.redis.config_set("maxmemory", 0)
    writable.converge()


@pytest.mark.fault("Redis", "evicts any key", "PlanPages", named("IndexFeatureMissing"))
def test_a_server_that_would_evict_documents_is_refused(writable: FaultLab) -> None:
    writable.index.redis.config_set("maxmemory-policy", "allkeys-lru")
    assert "noeviction" in str(writable.fail("IndexFeatureMissing").cause)
    writable.index.redis.config_set("maxmemory-policy", "noeviction")
    writable.converge()


@pytest.mark.fault("Redis", "ACL takes a command away", "LoadPage", named("IndexAccessDenied"))
def test_a_right_that_is_taken_away_fails_the_run(writable: FaultLab) -> None:
    """Within seconds: it may be a rotated password, so the secret is read afresh."""
    writable.succeed(run_id="first")
    writable.catalog.update(ndc(3), strength="999 mg/1")
    redis = writable.index.redis
    take = before("LoadPage", lambda: redis.execute_command("ACL", "SETUSER", "default", "-hset"))
    writable.fail("IndexAccessDenied", intercept=take)
    assert writable.page_tries("LoadPage") == [ACCESS.attempts + 1]
    redis.execute_command("ACL", "SETUSER", "default", "+@all")
    writable.converge()


@pytest.mark.fault("Redis", "the fence is lost", "LoadPage", named("RunSuperseded"))
def test_a_run_whose_fence_is_gone_writes_nothing_more(synced: FaultLab) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    lose = before("LoadPage", lambda: synced.index.redis.delete("drugs:writer"))
    synced.fail("RunSuperseded", intercept=lose)
    synced.converge()


@pytest.mark.fault(
    "Redis", "an index dropped once verified", "PublishIndex", "stopped: VerificationFailed"
)
def test_an_index_that_vanishes_before_the_switch_switches_nothing_by_half(
    synced: FaultLab,
) -> None:
    drop = before(
        "PublishIndex",
        lambda: synced.index.redis.execute_command(
            "FT.DROPINDEX", f"drugs:{synced.generation('second')}"
        ),
    )
    report = synced.fail("VerificationFailed", "backfill", run_id="second", intercept=drop)
    assert f"drugs:{synced.generation('second')} disappeared" in str(report.cause)
    assert synced.index.alias("drugs") == f"drugs:{synced.generation('first')}"
    synced.converge("backfill")
