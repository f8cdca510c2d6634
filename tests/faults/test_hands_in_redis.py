"""What people do by hand in Redis or with a run: nothing right is lost, and syncs still work."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.lab import FaultLab
from tests.lab import Failing, before
from tests.rows import make_row, ndc
from workflow.contract.errors import IndexUnavailable

LASTING = IndexUnavailable("away for good")

REPAIRED = "named or repaired by the next runs, and then in step"
Hand = Callable[[FaultLab, str, str], object]
"""Is given the lab, the live generation and its space."""


def key_set(generation: str) -> str:
    return f"drugs:keys:{generation}"


def another_index(lab: FaultLab, name: str, prefix: str, *schema: object) -> None:
    lab.index.redis.execute_command("FT.DROPINDEX", name)
    lab.index.redis.execute_command(
        *("FT.CREATE", name, "ON", "HASH", "PREFIX", 1, prefix, "STOPWORDS", 0, "SCHEMA"), *schema
    )


def of_drugs(lab: FaultLab, generation: str, _space: str) -> None:
    another_index(lab, f"drugs:{generation}", f"drug:{generation}:", "text_hash", "TAG")


def of_texts(lab: FaultLab, _generation: str, space: str) -> None:
    vector = ("TYPE", "FLOAT32", "DIM", 256, "DISTANCE_METRIC", "L2")
    schema = ("drug_name", "TEXT", "embedding", "VECTOR", "HNSW", len(vector), *vector)
    another_index(lab, f"texts:{space}", f"text:{space}:", *schema)


def of_record(lab: FaultLab, _generation: str, space: str, *fields: str) -> None:
    for key in lab.index.redis.keys(f"text:{space}:*"):
        lab.index.redis.hdel(key, *fields)


HANDS: dict[str, Hand] = {
    "scores of many": lambda lab, live, _: lab.index.redis.zadd(
        key_set(live), {ndc(number): number % 3 - 1 for number in range(20)}
    ),
    "a key that is no text": lambda lab, live, _: lab.index.redis.zadd(key_set(live), {b"\xff": 0}),
    "a document whose key is no text": lambda lab, live, _: lab.index.redis.hset(
        f"drug:{live}:".encode() + b"\xff", "ndc", "x"
    ),
    "the documents' index with other fields": of_drugs,
    "the texts' index with another metric": of_texts,
    "text records without their run": lambda lab, live, space: of_record(
        lab, live, space, "run_id", "tokens"
    ),
    "a document that expires": lambda lab, live, _: lab.index.redis.pexpire(
        f"drug:{live}:{ndc(3)}", 1
    ),
}


@pytest.mark.fault("Redis", "keys, sets and indexes edited by hand", "(between runs)", REPAIRED)
@pytest.mark.parametrize("mode", ["sync", "backfill"])
@pytest.mark.parametrize("hand", HANDS.values(), ids=list(HANDS))
def test_what_was_done_by_hand_is_named_or_repaired_by_the_next_runs(
    synced: FaultLab, hand: Hand, mode: str
) -> None:
    made = fields_of_indexes(synced)
    hand(synced, *synced.index.live())
    synced.catalog.update(ndc(4), strength="9 mg")
    synced.catalog.update(ndc(14), manufacturer="Another, Ltd.")
    synced.catalog.insert(make_row(40))
    for asked in (mode, "sync"):
        report = synced.run(asked)
        assert report.error in (None, "VerificationFailed"), report.cause
    synced.converge()
    assert fields_of_indexes(synced) == made


def fields_of_indexes(lab: FaultLab) -> list[object]:
    """What FT.INFO says of each field of the live indexes."""
    generation, space = lab.index.live()
    names = (f"drugs:{generation}", f"texts:{space}")
    found = [lab.index.redis.execute_command("FT.INFO", name) for name in names]
    return [dict(zip(one[::2], one[1::2], strict=True))[b"attributes"] for one in found]


# A switch that cannot be made whole


def spoil_the_list(lab: FaultLab) -> None:
    """The key in which a switch notes its changes has another type."""
    lab.index.redis.set(f"drugs:undo:{lab.index.holder().identity}", "x")


def forbid_undo(lab: FaultLab) -> None:
    """As the rights of an older version, which had no `undo:` keys."""
    ours = ("~drug:*", "~drugs*", "~staged:*", "~text:*", "~texts*")
    lab.index.redis.execute_command("ACL", "SETUSER", "default", "resetkeys", *ours)


def allow_everything(lab: FaultLab) -> None:
    lab.index.redis.execute_command("ACL", "SETUSER", "default", "allkeys")


@pytest.mark.fault(
    "Redis", "a switch of which a part is refused", "PublishIndex", "nothing changes"
)
@pytest.mark.parametrize("spoil", [spoil_the_list, forbid_undo])
def test_a_switch_that_cannot_be_made_whole_is_not_begun(
    synced: FaultLab, spoil: Callable[[FaultLab], None]
) -> None:
    held, keys = synced.index.documents(), synced.index.key_set()
    synced.catalog.update(ndc(4), strength="9 mg")
    synced.catalog.delete(ndc(7))
    synced.catalog.insert(make_row(40))
    try:
        report = synced.run(intercept=before("PublishIndex", lambda: spoil(synced)))
    finally:
        allow_everything(synced)
    assert report.error in ("IndexCommandFailed", "IndexAccessDenied"), report.cause
    assert (synced.index.documents(), synced.index.key_set()) == (held, keys)
    assert not synced.index.redis.exists("drugs:swap")
    synced.converge()


# Files and bounds


@pytest.mark.fault("S3", "the summary of a loaded page is deleted", "PublishIndex", "in step")
def test_what_was_staged_is_switched_whoever_deletes_the_summary_of_its_page(
    synced: FaultLab,
) -> None:
    synced.catalog.update(ndc(4), strength="9 mg")
    away = Failing("PublishIndex", LASTING)
    synced.fail("IndexUnavailable", run_id="late", intercept=away)
    for path in (synced.stack.root / "runs" / "late" / "load").glob("*.json"):
        path.unlink()
    with synced.redriven("late") as call:
        call("PublishIndex", away.payloads[0])
    assert synced.index.documents()[ndc(4)]["strength"] == "9 mg"


@pytest.mark.fault(
    "MySQL", "a key range whose bounds SQL orders otherwise than bytes", "DiffPage", "nothing goes"
)
@pytest.mark.parametrize("mode", ["sync"])
def test_a_key_range_removes_nothing_that_sql_sorts_elsewhere(
    empty_lab: FaultLab, mode: str
) -> None:
    """MySQL and Redis order all keys alike, but not the bound that a person gives."""
    lab = empty_lab
    lab.catalog.insert(*[make_row(number, ndc=f"{letter}1") for number, letter in enumerate("ABC")])
    lab.catalog.execute("CREATE TABLE folding AS SELECT * FROM drugs")
    try:
        lab.catalog.execute(
            "ALTER TABLE folding MODIFY ndc VARCHAR(20) CHARACTER SET utf8mb4 "
            "COLLATE utf8mb4_general_ci NOT NULL, ADD PRIMARY KEY (ndc)"
        )
        folding = {"catalog_table": "folding"}
        lab.succeed(settings=folding)
        held = lab.index.documents()
        lab.run(mode, settings=folding, after_key="B1", through_key="a9", accept=["deletes"])
        lab.run(mode, settings=folding, through_key="a9", accept=["deletes"])
        assert lab.index.documents() == held
    finally:
        lab.catalog.execute("DROP TABLE folding")
