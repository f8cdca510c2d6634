"""The benchmarks still run: a few hundred drugs, no figure asserted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.comparisons import against_floor
from benchmarks.lab import machine
from benchmarks.profile import profile
from benchmarks.scale import at_scale
from benchmarks.short import short
from benchmarks.tables import TABLES, markdown
from local.servers.stack import Stack, down, up

ROWS = 400


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Of its own: the FDA's catalog is a view, where other tests have a table."""
    root = tmp_path_factory.mktemp("bench")
    try:
        yield up(root, lambda _: None, embedder="hash")
    finally:
        down(root)


@pytest.fixture(scope="module")
def scale(stack: Stack) -> dict[str, Any]:
    return at_scale(stack, ROWS, lambda _: None)


def test_each_text_is_embedded_once(scale: dict[str, Any]) -> None:
    assert scale["rows"] == ROWS
    assert 0 < scale["texts_embedded"] <= ROWS
    assert scale["texts_embedded_again"] == 0
    assert scale["peak_memory_mb"].keys() >= {"DiffPage", "EmbedPage", "LoadPage", "VerifyPage"}


def test_the_floor_does_the_same_work(stack: Stack, scale: dict[str, Any]) -> None:
    found = against_floor(stack, ROWS)
    for run in ("backfill", "no_change"):
        assert 0 < found[run]["verification_s"] < found[run]["functions_s"]
    measured: dict[str, Any] = {"floor": {"found": found}, "scale": {"found": [scale]}}
    goals = markdown(short(measured))
    assert "sync without changes, 400 drugs, without its verification" in goals
    assert "model calls of a first build, 400 drugs" in goals
    for part in measured:
        for table in TABLES[part](measured[part]["found"]):
            assert markdown(table).count("\n") > len(table.columns)


def test_a_profile_has_every_state(stack: Stack, tmp_path: Path) -> None:
    found = profile(stack, ROWS, tmp_path / "profile.svg")
    assert all(states["DiffPage"] > 0 for states in found.values())
    assert "DiffPage" in (tmp_path / "profile.svg").read_text(encoding="utf-8")


def test_figures_come_with_their_machine() -> None:
    assert machine().keys() >= {"cpu", "cores", "python"}
