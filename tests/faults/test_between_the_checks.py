"""What happens between two states of a run, when one of them has already looked.

A function that was aborted goes on and writes its page again with the run's own seal; a replica
takes over that lacks the newest writes; somebody edits an index that was verified a moment ago.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from handlers.wiring import wiring
from tests.faults.lab import FaultLab, chain
from tests.lab import Payload, before
from tests.rows import ndc
from workflow.adapters.redis.indexes import RedisIndexes
from workflow.contract.runs import PUBLISH

ANOTHER = "another strength"
GOLDEN = "golden.json"


class WrittenTwice:
    """DiffPage of the first page works twice. `put_back` is what the aborted one does at its end:
    it writes a file of its own reading."""

    def __init__(self, file: str, meanwhile: Callable[[], object]) -> None:
        self._file, self._meanwhile = file, meanwhile
        self._key, self._first = "", b""

    def __call__(self, state: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        if state != "DiffPage" or event["page"]["page"] != "00000" or self._first:
            return call()
        call()
        self._key = f"runs/{event['plan']['run']['run_id']}/{self._file}"
        self._first = wiring().runs.read(self._key)
        self._meanwhile()
        return call()

    def put_back(self) -> None:
        wiring().runs.write(self._key, self._first)


@pytest.mark.fault("S3", "changes are written again after a check", "LoadPage", "stops by name")
@pytest.mark.parametrize("state", ["LoadPage", "PublishIndex"])
def test_only_the_changes_that_were_reviewed_are_loaded_and_switched_in(
    synced: FaultLab, state: str
) -> None:
    synced.catalog.update(ndc(5), strength=ANOTHER)
    twice = WrittenTwice(
        "diff/00000.jsonl.gz", lambda: synced.catalog.update(ndc(3), strength=ANOTHER)
    )
    report = synced.fail("RunFileCorrupt", intercept=chain(twice, before(state, twice.put_back)))
    assert report.cause is not None
    assert "was written again after the review; start a new run" in report.cause
    synced.converge()


@pytest.mark.fault("S3", "a page's counts are older than its removals", "PublishIndex", "stops")
def test_more_removals_than_the_guards_saw_are_not_made(synced: FaultLab) -> None:
    """The catalog is loaded twice meanwhile, and four drugs are away whenever they are looked for.

    In a key range nothing else adds the keys up.
    """
    rows = synced.catalog.rows()
    away = [ndc(number) for number in range(4)]
    synced.catalog.update(ndc(14), strength=ANOTHER)  # of the other page
    synced.catalog.delete(*away)
    loaded = before("DiffPage", lambda: synced.catalog.insert(*(rows[one] for one in away)))
    twice = WrittenTwice("diff/00000.json", lambda: synced.catalog.delete(*away))
    report = synced.fail(
        "CatalogMoved",
        intercept=chain(loaded, twice, before("ReviewChanges", twice.put_back)),
        settings={"delete_guard_rows": "1", "delete_guard_share": "0.01"},
        through_key=ndc(15),
    )
    assert report.cause is not None
    assert "4 live drugs would vanish, and the review counted 0" in report.cause


@pytest.mark.fault("Redis", "a failover takes the switch back", "PruneIndex", "stops by name")
@pytest.mark.parametrize("mode", ["sync", "backfill"])
def test_a_switch_that_redis_forgot_is_no_success(synced: FaultLab, mode: str) -> None:
    client = synced.index.redis
    held: dict[bytes, bytes] = {}

    def remember() -> None:
        held.update({key: client.dump(key) for key in client.keys("*")})

    def forget() -> None:
        for key in client.keys("*"):
            client.delete(key)
        for key, value in held.items():
            client.restore(key, 0, value)

    synced.catalog.update(ndc(3), strength=ANOTHER)
    report = synced.fail(
        "SwitchLost",
        mode,
        intercept=chain(before("PublishIndex", remember), before("PruneIndex", forget)),
    )
    assert report.cause is not None
    assert "searches answer as before; start a new run" in report.cause
    assert report.published is False
    note = json.loads((synced.stack.root / "runs" / report.run_id / PUBLISH).read_bytes())
    assert (note["done"], note["lost"]) == (False, True)
    synced.converge()


def other_fields(lab: FaultLab, space: str) -> None:
    lab.index.redis.execute_command("FT.DROPINDEX", f"texts:{space}")
    create = ("ON", "HASH", "PREFIX", 1, "nothing:", "SCHEMA", "drug_name", "TEXT")
    lab.index.redis.execute_command("FT.CREATE", f"texts:{space}", *create)


def no_records(lab: FaultLab, space: str) -> None:
    for key in lab.index.redis.keys(f"text:{space}:*"):
        lab.index.redis.delete(key)


@pytest.mark.fault("Redis", "the texts change after the verification", "PublishIndex", "repaired")
@pytest.mark.parametrize("hand", [other_fields, no_records])
def test_nothing_is_switched_to_texts_that_are_not_those_verified(
    synced: FaultLab, hand: Callable[[FaultLab, str], None]
) -> None:
    _, space = synced.index.live()
    synced.catalog.update(ndc(3), strength=ANOTHER)
    report = synced.fail(
        "VerificationFailed",
        intercept=before("PublishIndex", lambda: hand(synced, space)),
        answers=False,
    )
    assert report.cause is not None
    assert "after the verification; nothing was published" in report.cause
    for _ in range(3):
        if synced.run().status == "SUCCEEDED":
            break
    synced.converge()


@pytest.mark.fault("Redis", "an index is built anew while texts are pruned", "PruneIndex", "kept")
def test_no_text_goes_by_the_answers_of_an_index_that_lacks_drugs(
    synced: FaultLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two commands a server restarts: its index begins empty."""
    texts = set(synced.index.redis.keys("text:*"))
    naming = RedisIndexes.drugs_naming
    emptied: list[str] = []

    def restarted(self: RedisIndexes, generation: str, hashes: Sequence[str]) -> list[int]:
        if not emptied:
            emptied.append(generation)
            synced.index.redis.execute_command("FT.DROPINDEX", f"drugs:{generation}")
            create = ("ON", "HASH", "PREFIX", 1, "not yet:", "SCHEMA", "text_hash", "TAG")
            synced.index.redis.execute_command("FT.CREATE", f"drugs:{generation}", *create)
        return naming(self, generation, hashes)

    monkeypatch.setattr(RedisIndexes, "drugs_naming", restarted)
    synced.catalog.update(ndc(3), manufacturer="another")
    synced.succeed()
    assert emptied
    assert texts <= set(synced.index.redis.keys("text:*"))


@pytest.mark.fault("Redis", "the document of a rejected row is edited", "VerifyPage", "stops")
@pytest.mark.parametrize("mode", ["sync", "backfill"])
def test_an_edited_document_of_a_rejected_row_gets_no_new_hash(synced: FaultLab, mode: str) -> None:
    """A backfill takes it over from the live generation, where its hash shows the edit."""
    live, _ = synced.index.live()
    synced.catalog.update(ndc(3), is_active="Discontinued")
    synced.index.redis.hset(f"drug:{live}:{ndc(3)}", "strength", "500 mg by hand")
    report = synced.fail("VerificationFailed", mode, answers=False)
    assert report.cause is not None
    assert f"{ndc(3)!r}" in report.cause
    synced.catalog.update(ndc(3), is_active="1")
    synced.run()
    synced.converge()


@pytest.mark.fault("S3", "no golden query expects a drug that is here", "VerifyIndex", "said")
def test_golden_queries_that_ask_nothing_are_in_the_report(synced: FaultLab) -> None:
    def put() -> None:
        query = {"query": "x", "expect": ["nothing of this name"], "if_present": True}
        wiring().runs.write(GOLDEN, json.dumps([query]).encode())

    report = synced.succeed(
        "backfill", intercept=before("PlanPages", put), settings={"golden_queries_key": GOLDEN}
    )
    (found,) = [one.found for one in report.verification if one.check == "golden queries"]
    assert found == "not asked: none of 1 expects a drug of this catalog"


@pytest.mark.fault("MySQL", "a rejected row becomes right under the run", "VerifyPage", "next run")
def test_a_row_that_can_be_carried_only_now_waits_for_the_next_run(synced: FaultLab) -> None:
    synced.catalog.update(ndc(3), is_active="Discontinued", strength=ANOTHER)
    synced.catalog.update(ndc(5), strength=ANOTHER)
    corrected = before("VerifyPage", lambda: synced.catalog.update(ndc(3), is_active="1"))
    assert synced.succeed(intercept=corrected).drifted == (ndc(3),)
    synced.converge()
