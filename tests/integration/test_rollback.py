"""The way back to the previous generation."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from workflow.adapters.redis.search import RedisIndex

from tests.lab import Lab, before
from tests.rows import make_row, ndc, text_of
from workflow.contract.errors import NothingToRollBack
from workflow.steps.publish_index import roll_back


def index_of(lab: Lab) -> RedisIndex:
    return RedisIndex(lab.index.redis, dimensions=256, algorithm="HNSW", options={})


def back(lab: Lab) -> str:
    return roll_back(index_of(lab), "back", lambda: datetime.now(UTC)).name


def test_a_rollback_puts_the_previous_generation_live(synced: Lab) -> None:
    synced.succeed("backfill", run_id="second")
    assert back(synced) == "first"
    assert synced.index.live()[0] == "first"
    assert synced.index.alias("drugs") == "drugs:first"
    assert synced.index.generations() == {"first": "live", "second": "previous"}
    assert synced.index.nearest(text_of(make_row(8)))


def test_the_sync_after_a_rollback_repairs_what_moved_on(synced: Lab) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.delete(ndc(20), ndc(21))
    synced.succeed("backfill", run_id="second")
    back(synced)
    report = synced.succeed()
    assert (report.generation, report.changed, report.removed) == ("first", 1, 2)
    synced.assert_in_step()


def test_a_rollback_can_be_rolled_back(synced: Lab) -> None:
    synced.succeed("backfill", run_id="second")
    assert (back(synced), back(synced)) == ("first", "second")
    synced.assert_in_step()


def test_a_rollback_stops_a_run_that_is_under_way(synced: Lab) -> None:
    synced.succeed("backfill", run_id="second")
    synced.catalog.update(ndc(3), strength="999 mg/1")
    report = synced.run(intercept=before("LoadPage", lambda: back(synced)))
    assert report.error == "RunSuperseded"
    assert synced.index.live()[0] == "first"


def test_without_a_previous_generation_there_is_nothing_to_roll_back_to(synced: Lab) -> None:
    held = synced.index.dump()
    with pytest.raises(NothingToRollBack, match="backfill"):
        back(synced)
    assert synced.index.dump() == held
