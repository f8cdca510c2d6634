"""A lab that breaks things: counts its tries, and checks that searches still answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handlers.clock import now
from handlers.wiring import wiring
from local.engine.invocations import Interceptor
from tests.faults.tally import TALLY
from tests.lab import Lab, Payload
from tests.rows import text_of
from workflow.contract.events.files import Review
from workflow.contract.events.payloads import ChangesPage, PageRange, Plan, ReviewRef, TextsPage
from workflow.contract.events.report import RunReport
from workflow.contract.holder import Holder
from workflow.contract.runs import EMBED_MANIFEST, LOAD_MANIFEST, PAGES, REVIEW, RunFiles
from workflow.operate.rollback import roll_back


class FaultLab(Lab):
    """Runs that must fail, and the runs after them."""

    def run(self, *arguments: Any, **named: Any) -> RunReport:
        TALLY.runs += 1
        return super().run(*arguments, **named)

    def fail(self, error: str, *arguments: Any, answers: bool = True, **named: Any) -> RunReport:
        """A run that must fail with this error, while the live index stays and answers.

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

    def roll_back(self, generation: str = "") -> None:
        """Undo the last switch, or go back to a generation, as an operator does."""
        with self.machine():
            w = wiring()
            index, holder = w.index, Holder("rollback", now())
            roll_back(index.generations, index.server, holder, generation=generation)

    def generation(self, run_id: str) -> str:
        """The name of the generation that a run built: its own name, and its start."""
        return {made: name for name, made in self._built_by().items()}[run_id]

    def generation_states(self) -> dict[str, str]:
        """Each generation's state, by the run that built it."""
        made = self._built_by()
        return {made[name]: state for name, state in self.index.generations().items()}

    def _built_by(self) -> dict[str, str]:
        names = self.index.generations()
        return {name: self.index.generation(name)["run_id"] for name in names}

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


ORDER = [
    *("DiffPage", "ReviewChanges", "EmbedPage", "LoadPage", "VerifyPage", "VerifyIndex"),
    *("PublishIndex", "PruneIndex", "ReportRun"),
]


def redrive(payload: Payload, state: str, call: Callable[[str, Payload], Payload]) -> None:
    """A run's functions from the failed one to the end, as a redrive calls them.

    Pages that had succeeded are done again, too: twice must be the same as once.
    """
    if state == "PlanPages":
        plan = call(state, payload)
        state = ORDER[0]
    else:
        plan = payload["plan"]
    files = RunFiles.of(wiring().runs, Plan.model_validate(plan).run.holder)
    for name in ORDER[ORDER.index(state) :]:
        for rest in _payloads(name, files):
            answer = call(name, {"plan": plan, **rest})
            while name == "PruneIndex" and not answer["done"]:
                answer = call(name, {"plan": plan, **rest, "prune": answer})


def _payloads(state: str, files: RunFiles) -> list[Payload]:
    if state == "ReviewChanges":
        return [{}]
    if state in ("DiffPage", "VerifyPage"):
        return [{"page": page.model_dump()} for page in files.read_manifest(PAGES, PageRange)]
    if state == "EmbedPage":
        return [
            {"page": one.model_dump()} for one in files.read_manifest(EMBED_MANIFEST, TextsPage)
        ]
    if state == "LoadPage":
        return [
            {"page": one.model_dump()} for one in files.read_manifest(LOAD_MANIFEST, ChangesPage)
        ]
    review = files.read(REVIEW, Review).model_dump(include=set(ReviewRef.model_fields))
    return [{"review": review}]


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
