"""How much fits on an instance follows from the estimate that planning makes."""

from __future__ import annotations

import pytest

from infra.stage.instance_types import SHARE_FOR_REDIS
from tools.capacity import (
    PAGE,
    TEXTS_PER_S,
    TYPES,
    bytes_per_drug,
    capacity,
    most_reloaded_within,
    page,
    reload_s,
    table,
)
from workflow.contract.retries import OUTAGE

MEASURED = {256: 4_655, 512: 7_198, 1024: 12_331}
"""Bytes a text (docs/performance.md, 68,328 texts)."""


def test_the_page_has_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text
    assert all(f"| {one} |" in table() for one in TYPES)


@pytest.mark.parametrize("dimensions", MEASURED)
def test_the_bytes_of_a_text_are_the_measured_ones(dimensions: int) -> None:
    text = (bytes_per_drug(dimensions) - 1_600) / 0.2
    assert text == pytest.approx(MEASURED[dimensions], rel=0.01)


@pytest.mark.parametrize("instance_type", TYPES)
@pytest.mark.parametrize("dimensions", TEXTS_PER_S)
def test_two_generations_fit_and_one_drug_more_does_not(
    instance_type: str, dimensions: int
) -> None:
    found = capacity(instance_type, dimensions)
    room, drug = found.max_memory_gb * 1e9, bytes_per_drug(dimensions)
    assert 2 * found.drugs * drug <= room < 2 * (found.drugs + 1) * drug


def test_first_databank_fits_on_the_default_instance() -> None:
    assert capacity("r7g.large", 1024).drugs > 494_000
    assert capacity("r7g.large", 1024).max_memory_gb == 16 * SHARE_FOR_REDIS


def test_the_reload_grows_with_the_drugs_and_the_retries_outlast_that_of_first_databank() -> None:
    assert reload_s(988_000, 1024) == pytest.approx(2 * reload_s(494_000, 1024))
    assert reload_s(494_000, 1024) < OUTAGE.mean_s
    most = most_reloaded_within(OUTAGE.mean_s, 1024)
    assert reload_s(most, 1024) == pytest.approx(OUTAGE.mean_s, rel=1e-3)


def test_an_instance_that_is_not_known_is_none() -> None:
    with pytest.raises(KeyError, match=r"r99\.large"):
        capacity("r99.large", 256)
