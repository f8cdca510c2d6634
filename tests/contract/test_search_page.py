"""The figures of docs/search.md are those of the code."""

from __future__ import annotations

import pytest

from tests.machine import ROOT
from workflow.search import asked, facts, filters, floor, query_cache, spelling

PAGE = " ".join((ROOT / "docs" / "search.md").read_text(encoding="utf-8").split())
NUMBERS = {1: "one", 2: "two", 3: "three"}


@pytest.mark.parametrize(
    "words",
    [
        f"embeddings of queries ({query_cache.KEPT:,})",
        f"were compared with in texts ({facts.KEPT:,}, about 20 MB)",
        f"{asked.HEAD} at most ({asked.UNDER_FILTERS:,} under filters)",
        f"If filters leave {filters.MOST_TEXTS:,} drugs or fewer, meanings are compared exactly",
        f"before the first measurement it is {floor.UNMEASURED:.2f}".replace("0.", "."),
        f"within one edit (a swap counts as one), then {NUMBERS[spelling.EDITS]}, and for long "
        f"words {NUMBERS[spelling.FAR]}",
    ],
)
def test_a_figure_of_the_page_is_the_codes(words: str) -> None:
    assert words in PAGE


def test_the_size_of_the_cache_is_that_of_its_docstring() -> None:
    source = (ROOT / "workflow" / "search" / "facts.py").read_text(encoding="utf-8")
    assert "keeps: about 20 MB" in source
