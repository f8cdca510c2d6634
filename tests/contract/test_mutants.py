"""Every defect of the list can still be planted."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from tools.mutants import Mutant, read_mutants

ROOT = Path(__file__).parents[2]
MUTANTS = read_mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=[one.name for one in MUTANTS])
def test_a_mutant_stands_once_in_its_file_and_names_tests_that_exist(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1
    assert mutant.old != mutant.new
    assert mutant.tests
    assert all((ROOT / test.partition("::")[0]).is_file() for test in mutant.tests)


def test_names_are_unique_and_areas_lie_together() -> None:
    names = [one.name for one in MUTANTS]
    assert len(names) == len(set(names))
    areas = [area for area, _ in groupby(MUTANTS, key=lambda one: one.area)]
    assert len(areas) == len(set(areas))
