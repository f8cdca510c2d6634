"""Rolling back the last switch, or to a named generation before the last backfill."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.lab import Lab, before
from tests.rows import make_row, ndc, text_of
from tests.servers import assert_in_step
from workflow.adapters.redis.index import RedisIndex
from workflow.contract.errors import NothingToRollBack
from workflow.contract.holder import Holder
from workflow.operate.rollback import roll_back


def back(lab: Lab, generation: str = "") -> str:
    """Roll back; the name of what is live then."""
    index = RedisIndex(lab.resp3(), dimensions=256, algorithm="HNSW", options={})
    holder = Holder("back", datetime.now(UTC))
    return roll_back(index.generations, index.server, holder, generation=generation).generation.name


def searched(lab: Lab) -> object:
    """All that searches are answered from: documents, key set, texts that they name, aliases."""
    documents, texts = lab.index.documents(), lab.index.texts()
    named = {one["text_hash"] for one in documents.values()}
    return (
        documents,
        lab.index.key_set(),
        {one: texts[one] for one in named},
        (lab.index.live(), lab.index.alias("drugs"), lab.index.alias("texts")),
    )


def edit(lab: Lab) -> None:
    """One change, one insert, two removals that take the last drugs of a text."""
    lab.catalog.update(ndc(3), strength="999 mg/1")
    lab.catalog.insert(make_row(100))
    lab.catalog.delete(ndc(20), ndc(21))


# The last sync


def test_a_rollback_undoes_the_last_sync(synced: Lab) -> None:
    held, record = searched(synced), synced.index.generation()
    edit(synced)
    synced.succeed()
    assert searched(synced) != held
    assert back(synced) == synced.index.live()[0]
    assert searched(synced) == held
    assert synced.index.generation()["baseline"] == record["baseline"]
    assert synced.index.generation()["published_at"] == record["published_at"]


def test_a_sync_that_changes_nothing_leaves_the_way_back_its_record(synced: Lab) -> None:
    """Rows, profile and date are those of what is searched then; guards compare with them."""
    before = synced.index.generation()
    edit(synced)
    synced.succeed()
    synced.succeed()
    again = synced.index.generation()
    back(synced)
    for name in ("baseline", "published_at"):
        assert synced.index.generation()[name] == before[name]
    back(synced)
    for name in ("baseline", "published_at"):
        assert synced.index.generation()[name] == again[name]


def test_a_second_rollback_is_as_before_the_first(synced: Lab) -> None:
    edit(synced)
    synced.succeed()
    held = searched(synced)
    back(synced)
    back(synced)
    assert searched(synced) == held
    synced.assert_in_step()


def test_searches_find_what_a_rollback_brought_back(synced: Lab) -> None:
    edit(synced)
    synced.succeed()
    gone = text_of(make_row(20))
    assert ndc(20) not in {drug["ndc"] for drug in synced.index.nearest(gone)}
    back(synced)
    assert [drug["ndc"] for drug in synced.index.nearest(gone)] == [ndc(20), ndc(21)]
    assert synced.index.nearest(text_of(make_row(100))) == []


def test_a_rollback_undoes_the_last_sync_that_changed_something(synced: Lab) -> None:
    held = searched(synced)
    edit(synced)
    synced.succeed()
    synced.succeed()
    back(synced)
    assert searched(synced) == held


def test_a_sync_after_a_rollback_is_in_step_and_can_be_undone_itself(synced: Lab) -> None:
    edit(synced)
    synced.succeed()
    back(synced)
    held = searched(synced)
    report = synced.succeed()
    assert (report.added, report.changed, report.removed) == (1, 1, 2)
    synced.assert_in_step()
    back(synced)
    assert searched(synced) == held


def test_a_sync_with_nothing_to_do_after_a_rollback_is_no_way_forward(synced: Lab) -> None:
    old = synced.catalog.rows()
    edit(synced)
    synced.succeed()
    back(synced)
    synced.catalog.clear()
    synced.catalog.insert(*old.values())
    synced.succeed()
    assert_in_step(synced.index, old.values())


@pytest.mark.parametrize("state", ["LoadPage", "PublishIndex"])
def test_a_rollback_stops_a_run_that_is_under_way(synced: Lab, state: str) -> None:
    held = searched(synced)
    edit(synced)
    synced.succeed()
    synced.catalog.update(ndc(5), strength="999 mg/1")
    report = synced.run(intercept=before(state, lambda: back(synced)))
    assert report.error == "RunSuperseded"
    assert searched(synced) == held


# The last backfill


def test_a_rollback_puts_the_previous_generation_live(synced: Lab) -> None:
    first = synced.index.live()[0]
    synced.succeed("backfill", run_id="second")
    assert back(synced) == first
    assert synced.index.live()[0] == first
    assert synced.index.alias("drugs") == f"drugs:{first}"
    assert synced.index.states() == {"first": "live", "second": "previous"}
    assert synced.index.nearest(text_of(make_row(8)))


def test_a_rollback_by_name_goes_back_beyond_syncs_that_came_after_the_backfill(
    synced: Lab,
) -> None:
    held, first = searched(synced), synced.index.live()[0]
    synced.succeed("backfill", run_id="second")
    edit(synced)
    synced.succeed()
    synced.catalog.update(ndc(7), strength="999 mg/1")
    synced.succeed()
    assert back(synced, first) == first
    assert searched(synced) == held


def test_a_rollback_by_another_name_is_refused(synced: Lab) -> None:
    first = synced.index.live()[0]
    synced.succeed("backfill", run_id="second")
    held = synced.index.dump()
    with pytest.raises(NothingToRollBack, match=first):
        back(synced, "third")
    assert synced.index.dump() == held


def test_the_sync_after_a_rollback_repairs_what_moved_on(synced: Lab) -> None:
    first = synced.index.live()[0]
    synced.catalog.update(ndc(3), strength="999 mg/1")
    synced.catalog.delete(ndc(20), ndc(21))
    synced.succeed("backfill", run_id="second")
    back(synced)
    report = synced.succeed()
    assert (report.generation, report.changed, report.removed) == (first, 1, 2)
    synced.assert_in_step()


def test_a_rollback_of_a_backfill_can_be_rolled_back(synced: Lab) -> None:
    first = synced.index.live()[0]
    second = synced.succeed("backfill", run_id="second").generation
    assert (back(synced), back(synced)) == (first, second)
    synced.assert_in_step()


# Nothing to go back to


def test_without_a_switch_there_is_nothing_to_roll_back(synced: Lab) -> None:
    held = synced.index.dump()
    with pytest.raises(NothingToRollBack, match="backfill"):
        back(synced)
    assert synced.index.dump() == held


def test_before_the_first_sync_there_is_nothing_to_roll_back(lab: Lab) -> None:
    with pytest.raises(NothingToRollBack, match="first sync"):
        back(lab)
    assert lab.index.dump()["keys"] == {}


def test_where_an_old_document_is_gone_nothing_is_undone(synced: Lab) -> None:
    edit(synced)
    synced.succeed()
    undo = synced.index.redis.hget("drugs:live", "undo").decode()
    synced.index.redis.delete(f"undo:{undo}:{ndc(20)}")
    held = searched(synced)
    with pytest.raises(NothingToRollBack, match=ndc(20)):
        back(synced)
    assert searched(synced) == held
