"""PlanPages: where the key range is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FakeCatalog
from workflow.contract.errors import KeyOrderMismatch
from workflow.contract.events.payloads import PageRange, RunInput
from workflow.steps.plan_pages import split

KEYS = st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4))


def pages(keys: set[str], **run_input: object) -> list[PageRange]:
    return split(FakeCatalog([{"ndc": key} for key in keys]), RunInput(**run_input))


@given(KEYS, st.integers(1, 5))
def test_pages_cover_every_key_once_and_leave_no_gap(keys: set[str], size: int) -> None:
    found = pages(keys, page_size=size)
    assert (found[0].after, found[-1].through) == (None, None)
    assert all(one.through == two.after for one, two in pairwise(found))
    catalog = FakeCatalog([{"ndc": key} for key in keys])
    sizes = [catalog.count(page.after, page.through) for page in found]
    assert sum(sizes) == len(keys)
    assert max(sizes) <= size
    assert all(one == size for one in sizes[:-1])


@given(KEYS, st.integers(1, 5))
def test_page_names_rise(keys: set[str], size: int) -> None:
    names = [page.page for page in pages(keys, page_size=size)]
    assert names == sorted(set(names))


def test_an_empty_catalog_is_one_open_page() -> None:
    assert pages(set()) == [PageRange(page="00000", after=None, through=None)]


def test_a_key_range_closes_both_ends() -> None:
    found = pages(set("abcdefg"), page_size=2, after_key="b", through_key="f")
    assert [(page.after, page.through) for page in found] == [("b", "d"), ("d", "f")]


def test_a_catalog_that_sorts_unlike_bytes_stops_the_split() -> None:
    class CaseFolding(FakeCatalog):
        def page_end(self, after: str | None, through: str | None, rows: int) -> str | None:
            return {None: "a", "a": "B"}.get(after)

    with pytest.raises(KeyOrderMismatch, match="'B' behind 'a'"):
        split(CaseFolding([]), RunInput(page_size=1))
