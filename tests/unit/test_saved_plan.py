"""A plan's digest covers rows in the order of their keys, and nothing that may vary."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.payloads import plan
from workflow.contract.ports.documents import Change, Document
from workflow.steps.saved_plan import RunDigest, digests_of_page

KEYS = [f"{number:02d}" for number in range(12)]


def change(ndc: str, strength: str = "5 mg", old: str | None = None) -> Change:
    fields = {"ndc": ndc, "strength": strength, "content_hash": f"of a space {strength}"}
    return Change(Document(ndc, fields), old)


def digest(*pages: str) -> str:
    made = RunDigest(plan(dry_run=True))
    for page in pages:
        made.add(page)
    return made.value


WRITTEN, REMOVED = KEYS[::2], KEYS[1::2]
WHOLE = digest(digests_of_page(map(change, WRITTEN), REMOVED))


@given(st.sets(st.integers(0, len(KEYS))), st.randoms())
def test_it_is_the_same_however_rows_are_cut_into_pages(cuts: set[int], random: object) -> None:
    edges = sorted({0, len(KEYS), *cuts})
    pages = []
    for start, end in pairwise(edges):
        part = KEYS[start:end]
        written = [change(key) for key in part if key in WRITTEN]
        random.shuffle(written)  # type: ignore[attr-defined]
        pages.append(digests_of_page(written, [key for key in part if key in REMOVED]))
    assert digest(*pages) == WHOLE


@pytest.mark.parametrize(
    "other",
    [
        digests_of_page(map(change, WRITTEN[1:]), REMOVED),
        digests_of_page(map(change, WRITTEN), REMOVED[1:]),
        digests_of_page([change(one, "500 mg") for one in WRITTEN], REMOVED),
        digests_of_page([change(one, old="before") for one in WRITTEN], REMOVED),
        digests_of_page(map(change, REMOVED), WRITTEN),
        "",
    ],
)
def test_it_is_another_one_where_another_row_is_written_or_removed(other: str) -> None:
    assert digest(other) != WHOLE


def test_rows_that_change_places_are_other_rows() -> None:
    """With a sum, two rows' digests could be swapped, or another set could give the same sum."""
    one, two = digests_of_page([change("01")], []), digests_of_page([change("02")], [])
    assert digest(one, two) != digest(two, one)


def test_a_space_of_its_own_does_not_matter() -> None:
    fields = change("01").document.fields | {"content_hash": "of another space"}
    assert digests_of_page([Change(Document("01", fields), None)], []) == digests_of_page(
        [change("01")], []
    )
