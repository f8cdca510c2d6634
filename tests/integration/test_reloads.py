"""A catalog that is loaded again while a run reads it: nothing that it has at the end goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from local.engine.invocations import LambdaFailure
from tests.lab import Failing, Lab, Payload
from tests.rows import Row, make_row, make_rows, ndc

STATES = [
    *("PlanPages", "DiffPage", "ReviewChanges", "EmbedPage"),
    *("LoadPage", "VerifyPage", "VerifyIndex", "PublishIndex"),
]


class Reload:
    """An interceptor: the catalog is gone from a state's first call on, and back `later` calls on.

    The rows at the end are other ones: some are new, changed or gone for good.
    """

    def __init__(self, lab: Lab, state: str, *, later: int) -> None:
        self._lab, self._state, self._later = lab, state, later
        self._calls: int | None = None
        self.rows = [*make_rows(38), make_row(50)]
        self.rows[3] = make_row(3, manufacturer="Another, Ltd.")

    def __call__(self, state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if self._calls is None and state == self._state:
            self._lab.catalog.execute(f"TRUNCATE {self._lab.catalog.name}")
            self._calls = 0
        if self._calls is not None:
            if self._calls == self._later:
                self.end()
            self._calls += 1
        return call()

    def end(self) -> None:
        self._lab.catalog.clear()
        self._lab.catalog.insert(*self.rows)


def assert_nothing_lost(lab: Lab, before: list[str]) -> None:
    """Whatever was live and is in the catalog now is live now."""
    there = lab.catalog.rows().keys()
    assert {key for key in before if key in there} <= set(lab.index.key_set())
    assert lab.index.documents().keys() == set(lab.index.key_set())


ONE_BY_ONE = {
    "diff_concurrency": "1",
    "embed_concurrency": "1",
    "load_concurrency": "1",
    "verify_concurrency": "1",
}


@pytest.mark.parametrize("mode", ["sync", "backfill"])
@pytest.mark.parametrize("state", STATES)
def test_a_catalog_that_is_truncated_and_filled_again_loses_nothing(
    synced: Lab, mode: str, state: str
) -> None:
    keys = synced.index.key_set()
    synced.catalog.update(ndc(5), strength="999 mg/1")
    reload = Reload(synced, state, later=2)
    synced.run(mode, intercept=reload, settings=ONE_BY_ONE)
    reload.end()
    assert_nothing_lost(synced, keys)
    synced.succeed(mode)
    synced.assert_in_step()


def test_removals_that_a_reload_made_up_are_named_and_not_made(synced: Lab) -> None:
    """Also of the last page, which has one row less than planned and so cannot be trusted."""
    synced.catalog.update(ndc(5), strength="999 mg/1")
    reload = Reload(synced, "DiffPage", later=1)
    report = synced.succeed(intercept=reload, settings=ONE_BY_ONE)
    kept = tuple(ndc(number) for number in (*range(10), 38, 39))
    assert (report.removed, report.kept) == (12, kept)
    assert set(synced.index.key_set()) == {ndc(number) for number in [*range(40), 50]}
    assert synced.succeed().removed == 2
    synced.assert_in_step()


MOMENTS = [
    *(("DiffPage", 1), ("DiffPage", 3), ("ReviewChanges", 1)),
    *(("VerifyPage", 1), ("VerifyPage", 3), ("PublishIndex", 1)),
]
"""A function's call, before which something happens; pages are worked on one by one."""

Moment = tuple[str, int]


class At:
    """An interceptor that does something before certain calls."""

    def __init__(self, *plan: tuple[Moment, Callable[[], object]]) -> None:
        self._plan, self._calls = plan, Counter[str]()

    def __call__(self, state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        self._calls[state] += 1
        for moment, do in self._plan:
            if moment == (state, self._calls[state]):
                do()
        return call()


AWAY = [ndc(number) for number in range(0, 40, 3)]
"""Some of each page, fewer than any guard is for."""


@pytest.mark.parametrize("mode", ["sync", "backfill"])
@pytest.mark.parametrize("away", MOMENTS, ids=lambda one: f"{one[0]}{one[1]}")
def test_rows_that_are_away_from_any_moment_to_any_other_are_not_removed(
    synced: Lab, mode: str, away: Moment
) -> None:
    """Within every guard, and the same in both readings, as after a view was redefined twice."""
    catalog = synced.catalog
    catalog.delete(ndc(39))
    for back in (*MOMENTS[MOMENTS.index(away) + 1 :], None):
        catalog.update(ndc(5), strength=f"{back} mg/1")
        rows = catalog.rows()

        def fill(rows: dict[str, Row] = rows) -> None:
            catalog.clear()
            catalog.insert(*rows.values())

        going = [(away, lambda: catalog.delete(*AWAY))]
        coming = [(back, fill)] if back else []
        synced.run(mode, intercept=At(*going, *coming), settings=ONE_BY_ONE)
        fill()
        assert rows.keys() <= set(synced.index.key_set()), back
        assert synced.index.documents().keys() == set(synced.index.key_set()), back
    synced.succeed(mode)
    synced.assert_in_step()


@pytest.mark.parametrize("mode", ["sync", "backfill"])
def test_a_page_with_another_row_in_the_place_of_one_that_is_away_loses_nothing(
    synced: Lab, mode: str
) -> None:
    """At each reading as many rows as were planned: one is away all along, others come and go."""
    catalog, keys = synced.catalog, synced.index.key_set()
    catalog.update(ndc(5), strength="999 mg/1")
    coming = [make_row(0, ndc=f"{ndc(3)}-{number}") for number in range(3)]

    def swap(number: int) -> Callable[[], None]:
        def do() -> None:
            catalog.delete(ndc(3), *(row["ndc"] or "" for row in coming))
            catalog.insert(coming[number])

        return do

    moments = ("DiffPage", "VerifyPage", "PublishIndex")
    swaps = [((state, 1), swap(number)) for number, state in enumerate(moments)]
    synced.run(mode, intercept=At(*swaps), settings=ONE_BY_ONE)
    assert set(keys) <= set(synced.index.key_set())
    catalog.delete(coming[2]["ndc"] or "")
    catalog.insert(make_row(3))
    synced.succeed(mode)
    synced.assert_in_step()


def test_a_redrive_of_the_switch_asks_the_catalog_again(synced: Lab) -> None:
    """Days may pass in between: what was missing then may have come back."""
    synced.catalog.delete(ndc(4), ndc(5))
    away = Failing("PublishIndex", LambdaFailure("Away", "for a day"))
    assert synced.run(run_id="late", intercept=away).status == "FAILED"
    synced.catalog.insert(make_row(4))
    with synced.redriven("late") as call:
        call("PublishIndex", away.payloads[0])
    assert ndc(4) in synced.index.key_set()
    synced.succeed()
    synced.assert_in_step()


@pytest.mark.parametrize("state", STATES)
def test_a_table_that_is_swapped_by_rename_loses_nothing(synced: Lab, state: str) -> None:
    keys, catalog = synced.index.key_set(), synced.catalog
    catalog.update(ndc(5), strength="999 mg/1")
    rows: list[Row] = [*make_rows(38), make_row(50)]

    def swap(name: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if name == state and rows:
            catalog.execute(f"CREATE TABLE next LIKE {catalog.name}")
            catalog.insert(*rows, table="next")
            catalog.execute(f"RENAME TABLE {catalog.name} TO last, next TO {catalog.name}")
            catalog.execute("DROP TABLE last")
            rows.clear()
        return call()

    synced.run(intercept=swap, settings=ONE_BY_ONE)
    assert not rows
    assert_nothing_lost(synced, keys)
    synced.succeed()
    synced.assert_in_step()


def test_a_large_page_that_is_empty_is_read_again_until_its_rows_are_back(empty_lab: Lab) -> None:
    empty_lab.catalog.insert(*make_rows(60))
    empty_lab.succeed(page_size=30)
    calls: list[str] = []

    def reload(state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if state == "DiffPage":
            calls.append(state)
            if len(calls) == 1:
                empty_lab.catalog.clear()
            if len(calls) == 4:
                empty_lab.catalog.insert(*make_rows(60))
        return call()

    report = empty_lab.succeed(page_size=30, intercept=reload, settings=ONE_BY_ONE)
    assert (report.removed, report.unchanged) == (0, 60)
    assert empty_lab.tries("DiffPage")["00000"] == 4


def test_a_catalog_that_stays_away_stops_the_run_by_name(empty_lab: Lab) -> None:
    empty_lab.catalog.insert(*make_rows(60))
    empty_lab.succeed(page_size=30)
    held = empty_lab.index.documents()

    def empty(state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if state == "DiffPage":
            empty_lab.catalog.clear()
        return call()

    report = empty_lab.run(page_size=30, intercept=empty)
    assert report.error == "CatalogMoved"
    assert empty_lab.index.documents() == held
