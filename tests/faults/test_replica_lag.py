"""The catalog changes while a run reads it, as a lagging replica shows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.lab import FaultLab, OnTry
from tests.rows import make_row, ndc
from tests.servers import CatalogTable

CHANGES: dict[str, Callable[[CatalogTable], object]] = {
    "an insert": lambda table: table.insert(make_row(100), make_row(101)),
    "an update": lambda table: table.update(ndc(3), strength="999 mg/1"),
    "a removal": lambda table: table.delete(ndc(0), ndc(19)),
    "a key that moves to a page already read": lambda table: table.update(ndc(15), ndc="0"),
    "a key that moves to a page not yet read": lambda table: table.update(ndc(3), ndc="9"),
}
CASES = [
    *(("DiffPage", change) for change in CHANGES),
    ("LoadPage", "an update"),
    ("LoadPage", "an insert"),
    ("VerifyPage", "a removal"),
    ("VerifyIndex", "a removal"),
]


@pytest.mark.parametrize(
    ("state", "change"),
    [
        pytest.param(
            *(state, change),
            marks=pytest.mark.fault(
                "MySQL", f"{change}, under the run", state, "the next run has it"
            ),
        )
        for state, change in CASES
    ],
)
def test_rows_that_change_under_a_run_are_in_the_index_after_the_next(
    synced: FaultLab, state: str, change: str
) -> None:
    synced.catalog.update(ndc(10), strength="998 mg/1")  # so that each state is reached
    turn = OnTry(state, after={1: lambda: CHANGES[change](synced.catalog)})
    one_by_one = {"diff_concurrency": "1", "verify_concurrency": "1"}
    synced.succeed(intercept=turn, settings=one_by_one)
    assert turn.tries
    synced.converge()
    assert not synced.index.repair()


@pytest.mark.fault(
    "MySQL", "a replica that lags behind the last run", "DiffPage", "the next run repairs it"
)
def test_stale_rows_are_followed_and_then_left_again(synced: FaultLab) -> None:
    now = synced.catalog.rows()[ndc(3)]
    synced.catalog.update(ndc(3), strength="newer")
    synced.converge()
    synced.catalog.update(ndc(3), strength=now["strength"])  # what a lagging replica says
    synced.converge()
    synced.catalog.update(ndc(3), strength="newer")
    synced.converge()
