"""What functions do in real runs, held against what their roles allow: all of it, and no more."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Any

import pytest

from handlers.wiring import wiring
from infra.compute.specs import EVERY, NOTIFIER, OPERATOR, OPERATORS_FOLDER, SPECS
from infra.stage.stage import ROOT
from local.engine.history import accepted
from tests.lab import Lab
from tests.rows import make_row
from workflow.adapters.s3.run_store import S3RunStore
from workflow.contract.errors import NothingToRollBack
from workflow.operate.operate import OperatorTask, operate

SOMETIMES = {
    *(("VerifyIndex", "building.json"), ("PublishIndex", "publish.building.json")),
    *(("VerifyIndex", "golden.json"), ("PruneIndex", "publish.json")),
}
"""While an index builds; where the team has golden queries; where Redis lost the switch."""

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


HANDLERS = [spec for spec in EVERY if spec not in (OPERATOR, NOTIFIER)]
"""The operators' function takes its ports all at once: below. The notifier takes no wiring:
tests/infra/test_failure.py compares its calls with its role."""


@pytest.mark.parametrize("spec", HANDLERS, ids=lambda spec: spec.state)
def test_a_function_reaches_what_its_handler_takes_and_nothing_else(spec: Any) -> None:
    source = (ROOT / "handlers" / f"{spec.handler}.py").read_text()
    taken = {name for name in re.findall(r"\bw\.(\w+)", source) if name in TAKES}
    for name in taken:
        assert TAKES[name] & spec.access, name
    for access in spec.access - {"read runs", "golden queries"}:
        assert any(access in TAKES[name] for name in taken), access


# What operators ask

GOLDEN = "golden.json"
REACHES = {
    **{"catalog": "catalog", "embedder": "model"},
    **dict.fromkeys(("generations", "documents", "texts", "server", "engine", "search"), "index"),
}
"""The ports of the operators' function, and which access each one is."""


class Noting:
    """A port that notes what it is used for."""

    def __init__(self, port: Any, note: Callable[[str, tuple[Any, ...]], None]) -> None:
        self._port, self._note = port, note

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*given: Any, **named: Any) -> Any:
            self._note(name, given)
            return found(*given, **named)

        return call


def test_what_operators_ask_needs_all_that_their_function_may_and_no_more(synced: Lab) -> None:
    used: set[str] = set()
    written: set[str] = set()

    def of_bucket(name: str, given: tuple[Any, ...]) -> None:
        if name == "write":
            written.add(given[0])
        else:
            used.add("golden queries" if given[0] == GOLDEN else "read runs")
            assert given[0] == GOLDEN or given[0].startswith("runs/")

    run = accepted(synced.stack.root / "runs" / synced.succeed().run_id)
    assert run
    with synced.redriven(run.run_id, golden_queries_key=GOLDEN):
        ports = wiring().ports
        ports.runs.write(GOLDEN, b'[{"query": "a", "expect": ["b"]}]')
        noting: dict[str, Any] = {
            name: Noting(getattr(ports, name), lambda *_, access=access: used.add(access))
            for name, access in REACHES.items()
        }
        noting["runs"] = Noting(ports.runs, of_bucket)
        ports = ports._replace(**noting)
        for asked in (
            {"action": "doctor"},
            {"action": "explain", "ndc": make_row(0)["ndc"], "query": "a"},
            {"action": "changes", "of_run": run},
            {"action": "rollback"},
        ):
            task = OperatorTask.model_validate({"run_id": "of-an-operator", **asked})
            with suppress(NothingToRollBack):
                operate(task, ports)
    assert used == OPERATOR.access
    assert written == {f"runs/{OPERATORS_FOLDER}/{file}" for file in OPERATOR.writes}
