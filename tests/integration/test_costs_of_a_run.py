"""What a run is estimated to ask of S3 is what it asks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.lab import Lab, Payload
from tests.rows import make_row, ndc
from workflow.adapters.s3.run_store import S3RunStore

ONE_BY_ONE = {f"{name}_concurrency": "1" for name in ("diff", "embed", "load", "verify")}


class Recorded:
    """An interceptor: the functions' requests to S3 by state and kind, not the test runner's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self._states: list[str] = []
        for kind in ("read", "write", "keys"):
            monkeypatch.setattr(S3RunStore, kind, self._recording(kind, getattr(S3RunStore, kind)))

    def _recording(self, kind: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def recording(store: S3RunStore, *arguments: Any) -> Any:
            if self._states:
                self.requests[self._states[-1], kind] += 1
            return ask(store, *arguments)

        return recording

    def __call__(self, state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        self._states.append(state)
        try:
            return call()
        finally:
            self._states.pop()

    def count(self, *kinds: str) -> int:
        return sum(count for (_, kind), count in self.requests.items() if kind in kinds)


def without_texts(lab: Lab) -> None:
    lab.catalog.update(ndc(3), manufacturer="Another, Ltd.")
    lab.catalog.delete(ndc(4), ndc(14))


CHANGES: dict[str, Callable[[Lab], object]] = {
    "nothing": lambda lab: None,
    "a text of one page": lambda lab: lab.catalog.update(ndc(3), strength="9 mg"),
    "no text, and removals of two pages": without_texts,
    "many new texts": lambda lab: lab.catalog.insert(*map(make_row, range(50, 90))),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize("mode", ["sync", "backfill"])
def test_a_run_asks_of_s3_what_was_estimated(
    synced: Lab, monkeypatch: pytest.MonkeyPatch, change: Callable[[Lab], object], mode: str
) -> None:
    change(synced)
    recorded = Recorded(monkeypatch)
    report = synced.succeed(mode, intercept=recorded, settings=ONE_BY_ONE)
    review = synced.stack.root / "runs" / report.run_id / "review.json"
    estimate = json.loads(review.read_text(encoding="utf-8"))["estimate"]
    manifests = 2 + sum(state in synced.states() for state in ("EmbedPage", "LoadPage"))
    assert estimate["s3_reads"] == recorded.count("read") + manifests, recorded.requests
    assert estimate["s3_writes"] == recorded.count("write", "keys"), recorded.requests
