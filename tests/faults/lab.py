"""A lab that breaks things: it counts what it tries and looks at what goes on answering."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handlers.wiring import wiring
from local.engine.invocations import Interceptor
from tests.faults.tally import TALLY
from tests.lab import Lab, Payload
from tests.rows import text_of
from workflow.contract.events.report import RunReport


class FaultLab(Lab):
    """Runs that must fail, and the runs after them."""

    def run(self, *arguments: Any, **named: Any) -> RunReport:
        TALLY.runs += 1
        return super().run(*arguments, **named)

    def fail(self, error: str, *arguments: Any, answers: bool = True, **named: Any) -> RunReport:
        """A run that must fail with this error. What was live is live still, and answers.

        Without `answers`, the test broke the server or the live index itself.
        """
        live = self.index.redis.hgetall("drugs:live") if answers else {}
        report = self.run(*arguments, **named)
        assert (report.status, report.error) == ("FAILED", error), report.cause
        assert not report.published
        if answers:
            assert self.index.redis.hgetall("drugs:live") == live
        if live:
            self.assert_answers()
        return report

    def assert_answers(self) -> None:
        """A search by a live drug's own text finds it."""
        ndc, fields = next(iter(self.index.documents().items()))
        assert ndc in {drug["ndc"] for drug in self.index.nearest(text_of(fields))}

    def converge(self, *arguments: Any, **named: Any) -> RunReport:
        """A run without faults, after which the index is the catalog."""
        self.control_model(reset=True)
        report = self.succeed(*arguments, **named)
        self.assert_in_step()
        return report

    def assert_in_step(self) -> None:
        TALLY.rows += len(self.catalog.rows())
        try:
            super().assert_in_step()
        except AssertionError:
            TALLY.lost += 1
            raise

    def page_tries(self, state: str) -> list[int]:
        """How often each page of a state was tried, the most tried first."""
        return sorted(self.tries(state).values(), reverse=True)


def chain(*interceptors: Interceptor) -> Interceptor:
    """One interceptor of many: the first is outermost."""

    def intercept(state: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        for one in reversed(interceptors):
            call = _around(one, state, event, call)
        return call()

    return intercept


def _around(
    one: Interceptor, state: str, event: Payload, call: Callable[[], Payload]
) -> Callable[[], Payload]:
    return lambda: one(state, event, call)


def unseen(state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
    """AcceptRun sees no other execution: on AWS the list of them lags behind."""
    if state == "AcceptRun":
        vars(wiring())["executions"] = _NoExecutions()
    return call()


class _NoExecutions:
    def running(self, state_machine_arn: str) -> list[Any]:
        return []


class OnTry:
    """An interceptor that does things around the numbered tries of one state's functions.

    `before[1]` is done before the first try, `after[1]` behind it, whatever came of it.
    """

    def __init__(
        self,
        state: str,
        *,
        before: Mapping[int, Callable[[], object]] | None = None,
        after: Mapping[int, Callable[[], object]] | None = None,
    ) -> None:
        self._state = state
        self._before, self._after = before or {}, after or {}
        self.tries = 0

    def __call__(self, state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if state != self._state:
            return call()
        self.tries += 1
        number = self.tries
        self._before.get(number, _nothing)()
        try:
            return call()
        finally:
            self._after.get(number, _nothing)()


def _nothing() -> None:
    pass
