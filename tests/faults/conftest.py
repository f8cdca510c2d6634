"""Fixtures of the fault matrix, and the plugin that records what it tried."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest

from local.servers.stack import Stack
from local.standin.bedrock_process import control
from tests.faults.lab import FaultLab
from tests.faults.tally import TALLY, Fault
from tests.rows import make_rows
from tests.servers import CatalogTable, IndexReader

ROWS = 20
SETTINGS = {"embedding_dimensions": "256", "embed_page_size": "5"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--tally", type=Path, help="where to write what the fault matrix tried")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "fault(server, what, step, outcome): a row of the fault matrix"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """A fault counts as tried only if its test passed."""
    report = yield
    if call.when == "call" and report.passed:
        for mark in item.iter_markers("fault"):
            TALLY.faults[Fault(*mark.args)] += 1
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--tally", default=None)
    if path:
        TALLY.save(path)


@pytest.fixture
def empty_lab(stack: Stack, catalog: CatalogTable, index: IndexReader) -> FaultLab:
    """No catalog rows, nothing in Redis, a model without faults."""
    control(stack.bedrock, reset=True)
    return FaultLab(stack, catalog, index, settings=dict(SETTINGS))


@pytest.fixture
def lab(empty_lab: FaultLab) -> FaultLab:
    """Twenty rows of ten texts, two pages of each; nothing in Redis yet."""
    empty_lab.catalog.insert(*make_rows(ROWS))
    return empty_lab


@pytest.fixture
def synced(lab: FaultLab) -> FaultLab:
    """The twenty rows are live; the stand-in counts from here."""
    lab.succeed(run_id="first")
    lab.control_model(reset=True)
    return lab


@pytest.fixture
def impatient_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 does not wait between its tries."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
