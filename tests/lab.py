"""One catalog, one index and the state machine between them: what a workflow test works with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import redis

from local.engine.engine import Engine, engine
from local.engine.functions import handler_of
from local.engine.invocations import Interceptor, Invocation, call_through
from local.engine.runner import OWN, redrive, run
from local.servers.stack import BUCKET, Stack
from local.standin.bedrock_process import control, counters
from tests.rows import DIMENSIONS
from tests.servers import CatalogTable, IndexReader, assert_in_step
from workflow.contract.events.report import RunReport

Payload = dict[str, Any]

SETTINGS = {"embedding_dimensions": str(DIMENSIONS), "embed_page_size": "10"}
NO_MODEL_CHECK = {"verify_texts": "0"}
"""With it, VerifyIndex embeds nothing, so that the stand-in counts the texts of EmbedPages only."""


class Failing:
    """An interceptor that fails one state's page: `times` tries of it, or all where that is None.

    With `after`, the function does its work and only its answer is lost. It keeps the payloads.
    """

    def __init__(
        self,
        state: str,
        error: Exception,
        *,
        page: str | None = None,
        times: int | None = None,
        after: bool = False,
    ) -> None:
        self._state, self._page, self._error = state, page, error
        self._left, self._after = times, after
        self._lock = threading.Lock()
        self.payloads: list[Payload] = []

    def __call__(self, state: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        if not self._takes(state, event):
            return call()
        if self._after:
            call()
        raise self._error

    def _takes(self, state: str, event: Payload) -> bool:
        page = event.get("page", {}).get("page")
        if state != self._state or self._page not in (None, page):
            return False
        with self._lock:
            self.payloads.append(event)
            if self._left == 0:
                return False
            self._left = None if self._left is None else self._left - 1
            return True


def before(state: str, do: Callable[[], object]) -> Interceptor:
    """An interceptor that does something once, before a state's first function."""
    done = threading.Event()
    lock = threading.Lock()

    def intercept(name: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        with lock:
            first = name == state and not done.is_set()
            if first:
                done.set()
                do()
        return call()

    return intercept


def cause_of(report: RunReport, error: str) -> str:
    """The cause of a run that must have failed with this error."""
    assert (report.status, report.error) == ("FAILED", error), report.cause
    assert report.cause is not None
    return report.cause


@dataclass
class Lab:
    """`run` executes the state machine once; `invocations` are those of the last run."""

    stack: Stack
    catalog: CatalogTable
    index: IndexReader
    settings: dict[str, str] = field(default_factory=lambda: dict(SETTINGS))
    invocations: list[Invocation] = field(default_factory=list)

    def run(
        self,
        mode: str = "sync",
        *,
        intercept: Interceptor = call_through,
        settings: dict[str, str] | None = None,
        run_id: str | None = None,
        **run_input: Any,
    ) -> RunReport:
        """One execution with pages of ten rows, its retries without waits."""
        self.invocations = []
        return run(
            self.stack,
            {"mode": mode, "page_size": 10, **run_input},
            run_id=run_id,
            observe=self.invocations.append,
            intercept=intercept,
            retry_wait_scale=0,
            settings=self.settings | (settings or {}),
        )

    def redrive(
        self,
        run_id: str,
        *,
        intercept: Interceptor = call_through,
        settings: dict[str, str] | None = None,
    ) -> RunReport:
        """Run again what failed or never started, as `run` would."""
        self.invocations = []
        return redrive(
            self.stack,
            run_id,
            observe=self.invocations.append,
            intercept=intercept,
            retry_wait_scale=0,
            settings=self.settings | (settings or {}),
        )

    def succeed(self, mode: str = "sync", **arguments: Any) -> RunReport:
        """A run that must succeed."""
        report = self.run(mode, **arguments)
        assert report.status == "SUCCEEDED", f"{report.error}: {report.cause}"
        return report

    def tries(self, state: str) -> dict[str | None, int]:
        """How often each page of a state was tried in the last run."""
        found: dict[str | None, int] = {}
        for one in self.invocations:
            if one.state == state and one.begun:
                found[one.page] = found.get(one.page, 0) + 1
        return found

    def states(self) -> list[str]:
        """The states whose functions were called in the last run, in order."""
        return list(dict.fromkeys(one.state for one in self.invocations))

    def stamps(self) -> dict[str, tuple[str, str]]:
        """Which run wrote each live document, and when."""
        return {
            key: (document["run_id"], document["indexed_at"])
            for key, document in self.index.documents().items()
        }

    def assert_in_step(self) -> None:
        """The live index is the catalog as it is now."""
        assert_in_step(self.index, self.catalog.rows().values())

    def resp3(self) -> redis.Redis:
        """A client of the test's Redis as the product's adapters want it."""
        return redis.Redis.from_url(self.stack.redis.url, protocol=3)

    # The model's stand-in

    def control_model(self, **controls: Any) -> None:
        """See local/standin/faults.py."""
        control(self.stack.bedrock, **controls)

    def embedded(self) -> int:
        """The texts that the stand-in embedded since the test began."""
        return int(counters(self.stack.bedrock)["texts"])

    # Beneath the runner

    @contextmanager
    def machine(self, intercept: Interceptor = call_through, **settings: str) -> Iterator[Engine]:
        """An engine of its own, for several executions at once."""
        environment = self.stack.environment(**(self.settings | settings))
        path = self.stack.root / "machine.log"
        with (
            path.open("a", encoding="utf-8") as log,
            engine(
                environment,
                BUCKET,
                log,
                observe=lambda _: None,
                intercept=intercept,
                retry_wait_scale=0,
            ) as made,
        ):
            yield made

    @contextmanager
    def redriven(self, run_id: str, **settings: str) -> Iterator[Callable[[str, Payload], Payload]]:
        """Call functions of a past run as a redrive would: its files are back in the bucket."""
        folder = self.stack.root / "runs" / run_id
        with self.machine(call_through, **settings) as made:
            for path in folder.rglob("*"):
                if path.is_file() and path.name not in OWN:
                    key = f"runs/{run_id}/{path.relative_to(folder).as_posix()}"
                    made.s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
            context = SimpleNamespace(function_name="redriven", aws_request_id="redriven")
            yield lambda state, payload: handler_of(state)(payload, context)
