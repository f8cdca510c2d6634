"""What functions do in real runs, held against what their roles allow: all of it, and no more."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest

from infra.compute.specs import EVERY, SPECS
from infra.stage.stage import ROOT
from tests.lab import Lab
from tests.rows import make_row
from workflow.adapters.s3.run_store import S3RunStore

SOMETIMES = {("VerifyIndex", "building.json"), ("VerifyIndex", "golden.json")}
"""While an index builds; where the team has golden queries."""

OF_INDEX = {"index", "read index", "search index"}
TAKES = {
    "catalog": {"catalog"},
    "catalog_to_verify": {"catalog"},
    "embedder": {"model"},
    "queries": {"model"},
    "executions": {"executions"},
    "passwords": {"catalog"},
    "secret_versions": {"own password"},
    "index": OF_INDEX,
    "quota": OF_INDEX,
}
"""What a handler takes of the wiring, and which access that is."""


class Recorder:
    """The keys that each state wrote and read, in the thread of its function."""

    def __init__(self) -> None:
        self.written: dict[str, set[str]] = defaultdict(set)
        self._thread = threading.local()

    def __call__(self, state: str, _event: Any, call: Callable[[], Any]) -> Any:
        self._thread.state = state
        try:
            return call()
        finally:
            self._thread.state = ""

    def note(self, key: str) -> None:
        self.written[self._thread.state].add(key)


@pytest.fixture
def recorder(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Of a first run, a sync with changes, and a backfill."""
    recorder, write = Recorder(), S3RunStore.write

    def noting(self: S3RunStore, key: str, body: bytes) -> None:
        recorder.note(key)
        write(self, key, body)

    monkeypatch.setattr(S3RunStore, "write", noting)
    lab.succeed(intercept=recorder)
    lab.catalog.insert(make_row(901))
    lab.succeed(intercept=recorder)
    lab.succeed("backfill", intercept=recorder)
    return recorder


def test_every_file_that_a_function_writes_is_one_that_it_may_write(recorder: Recorder) -> None:
    for spec in SPECS:
        patterns = [f"runs/*/{file}" for file in spec.writes]
        wrong = [
            key
            for key in recorder.written[spec.state]
            if not any(fnmatchcase(key, pattern) for pattern in patterns)
        ]
        assert wrong == [], spec.state


def test_no_function_may_write_a_file_that_it_never_writes(recorder: Recorder) -> None:
    unused = {
        (spec.state, file)
        for spec in SPECS
        for file in spec.writes
        if not any(fnmatchcase(key, f"runs/*/{file}") for key in recorder.written[spec.state])
    }
    assert unused <= SOMETIMES


def test_no_file_is_written_by_two_functions(recorder: Recorder) -> None:
    """What a later state relies on comes from the one that was meant to write it."""
    writers = defaultdict(set)
    for state, keys in recorder.written.items():
        for key in keys:
            writers[key].add(state)
    assert {key: states for key, states in writers.items() if len(states) > 1} == {}


@pytest.mark.parametrize("spec", EVERY, ids=lambda spec: spec.state)
def test_a_function_reaches_what_its_handler_takes_and_nothing_else(spec: Any) -> None:
    if spec.state in {"NotifyFailure", "OperateIndex"}:
        pytest.skip("it takes them elsewhere: test_failure.py, test_cli_aws.py")
    source = (ROOT / "handlers" / f"{spec.handler}.py").read_text()
    taken = {name for name in re.findall(r"\bw\.(\w+)", source) if name in TAKES}
    for name in taken:
        assert TAKES[name] & spec.access, name
    for access in spec.access - {"read runs", "golden queries"}:
        assert any(access in TAKES[name] for name in taken), access
