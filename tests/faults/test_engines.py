"""Engines that refuse or misread our queries are refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import redis

from handlers.wiring import Wiring
from local.servers.stack import functions_see
from tests.faults import engines
from tests.faults.engines import MEMORYDB, VALKEY, Behaviour, engine_before
from tests.faults.lab import FaultLab
from tests.faults.tally import named
from workflow.adapters.redis.keys import (
    document_key,
    drugs_index,
    probe_names,
    text_key,
    texts_index,
)
from workflow.operate.doctor import Finding
from workflow.operate.operate import OperatorTask, operate

REFUSED = named("IndexFeatureMissing")
MISREADINGS = {
    "loses a clause's field": (engines.field_lost, "a class after a manufacturer"),
    "takes an asterisk for any ending": (engines.asterisk, "ends with an asterisk"),
    "finds fewer": (engines.without_order, "the nearest texts"),
    "knows no INKEYS": (engines.no_keys, "which texts are indexed"),
    "refuses a query for everything": (engines.no_stars, "which texts are indexed"),
    "has no spelling": (engines.refuses(b"FT.SPELLCHECK"), "a misspelt name"),
    "has no values": (engines.refuses(b"FT.TAGVALS"), "the values of a column"),
    "ElastiCache for Valkey": (VALKEY, "ends with an asterisk"),
    "MemoryDB": (MEMORYDB, "a misspelt name"),
}
each_misreading = pytest.mark.parametrize(
    ("behaviour", "words"), MISREADINGS.values(), ids=list(MISREADINGS)
)


def socket_of(lab: FaultLab) -> Path:
    return Path(lab.stack.redis.url.removeprefix("unix://"))


def address(port: int) -> dict[str, str]:
    return {"redis_url": f"redis://127.0.0.1:{port}"}


@pytest.mark.fault("Redis", "an engine that reads queries otherwise", "PlanPages", REFUSED)
@each_misreading
def test_a_run_is_refused_with_the_query_that_was_misread(
    lab: FaultLab, behaviour: Behaviour, words: str
) -> None:
    with engine_before(socket_of(lab), behaviour) as engine:
        cause = lab.fail("IndexFeatureMissing", settings=address(engine.port)).cause
    assert cause
    assert words in cause
    assert "use Redis 8 with its query engine" in cause
    assert lab.index.dump()["indexes"] == set()
    assert set(lab.index.dump()["keys"]) <= {"drugs:writer"}


@each_misreading
def test_the_doctor_says_so_too(lab: FaultLab, behaviour: Behaviour, words: str) -> None:
    with engine_before(socket_of(lab), behaviour) as engine:
        (found,) = [one for one in findings(lab, engine.port) if one.check == "Redis queries"]
    assert not found.ok
    assert words in found.found


@pytest.mark.parametrize(
    "behaviour",
    [lambda words: words, engines.refuses_forms, engines.merged],
    ids=["the real one", "that refuses forms which are not read alike", "that merges groups"],
)
def test_an_engine_that_reads_our_forms_is_taken(lab: FaultLab, behaviour: Behaviour) -> None:
    with engine_before(socket_of(lab), behaviour) as engine:
        lab.succeed(settings=address(engine.port))
        live = lab.index.indexes()
        (found,) = [one for one in findings(lab, engine.port) if one.check == "Redis queries"]
    assert found.ok, found
    assert lab.index.indexes() == live
    assert not [key for key in lab.index.dump()["keys"] if "probe" in key]


@pytest.mark.fault("Redis", "a server in cluster mode", "PlanPages", REFUSED)
def test_cluster_mode_is_refused(lab: FaultLab) -> None:
    said = (b"cluster_enabled:0", b"cluster_enabled:1")
    with engine_before(socket_of(lab), lambda words: words, said) as engine:
        cause = lab.fail("IndexFeatureMissing", settings=address(engine.port)).cause
    assert cause
    assert "cluster mode" in cause
    assert lab.index.dump() == {"keys": {}, "indexes": set()}


@pytest.mark.fault("Redis", "a database number other than 0", "AcceptRun", named("SettingsInvalid"))
def test_another_database_is_refused_before_it_is_asked(lab: FaultLab) -> None:
    with engine_before(socket_of(lab), lambda words: words) as engine:
        url = address(engine.port)["redis_url"]
        lab.fail("SettingsInvalid", settings={"redis_url": f"{url}/1"})


def begun(server: redis.Redis, seconds_ago: int) -> set[str]:
    """The keys and indexes of a probe that began so long ago and has not ended."""
    names = probe_names(int(server.time()[0]) - seconds_ago)
    drug, text = document_key(names.generation, "1"), text_key(names.space, "a" * 32)
    indexes = {
        drugs_index(names.generation): document_key(names.generation, ""),
        texts_index(names.space): text_key(names.space, ""),
    }
    for index, prefix in indexes.items():
        server.execute_command("FT.CREATE", index, "PREFIX", 1, prefix, "SCHEMA", "ndc", "TAG")
    server.hset(drug, "ndc", "1")
    server.hset(text, "text", "x")
    return {drug, text, *indexes}


@pytest.mark.parametrize("mode", ["sync", "backfill"])
def test_a_run_sweeps_what_a_killed_probe_left_and_not_what_is_being_probed(
    synced: FaultLab, mode: str
) -> None:
    server: redis.Redis = synced.index.redis
    left, probing = begun(server, 700), begun(server, 5)
    synced.succeed(mode=mode)
    there = {*synced.index.dump()["keys"], *synced.index.indexes()}
    assert not left & there
    assert probing <= there


def findings(lab: FaultLab, port: int) -> Sequence[Finding]:
    with functions_see(lab.stack.environment(**address(port))):
        return operate(OperatorTask(action="doctor", run_id="doctor"), Wiring().ports).findings
