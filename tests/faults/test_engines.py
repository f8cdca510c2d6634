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


def test_what_a_killed_probe_left_is_swept_by_the_next_run(lab: FaultLab) -> None:
    left: redis.Redis = lab.index.redis
    generation, space = f"probe-{'0' * 11}", "f" * 16
    left.execute_command(
        *("FT.CREATE", f"drugs:{generation}", "PREFIX", 1, f"drug:{generation}:"),
        *("SCHEMA", "ndc", "TAG"),
    )
    left.hset(f"drug:{generation}:1", "ndc", "1")
    left.hset(f"text:{space}:{'a' * 32}", "text", "x")
    lab.succeed()
    assert not [key for key in lab.index.dump()["keys"] if "probe" in key or space in key]
    assert not [name for name in lab.index.indexes() if "probe" in name]


def findings(lab: FaultLab, port: int) -> Sequence[Finding]:
    with functions_see(lab.stack.environment(**address(port))):
        return operate(OperatorTask(action="doctor", run_id="doctor"), Wiring().ports).findings
