"""Why an execution failed, in one object and one message: state, page, cause, what to do.

Step Functions says little by itself. A failed Map tells its parent only that too many items
failed; the error and the page are in the child executions of the Map's run.
"""

import inspect
import json
import shlex
from datetime import datetime
from typing import Any

from workflow.contract import errors
from workflow.contract.events.base import Event, RunStatus
from workflow.contract.limits import REDRIVE_DAYS
from workflow.contract.ports.executions import Announcer, Ended, ExecutionHistory
from workflow.contract.ports.run_store import RunStore
from workflow.contract.runs import RunFiles
from workflow.contract.unseen import without

FAILURE = "failure.json"
PAGES_SHOWN = 20
MACHINE = "drug-catalog-sync-"
"""The name of a stage's state machine, before the stage's name."""

CAUSE_SHOWN = 2_000
"""Characters of a cause in the message; the file has all of it."""


class FailedPage(Event):
    """One item of a Map that did not succeed."""

    page: str
    error: str
    cause: str


class Failure(Event):
    """`failure.json`."""

    run_id: str
    execution_arn: str
    status: RunStatus
    state: str | None
    error: str
    cause: str
    pages: tuple[FailedPage, ...]
    """The first failed pages; the first one's error and cause are the failure's."""
    more_pages: bool
    started_at: datetime
    ended_at: datetime | None
    advice: str
    redrive_helps: bool


def report_failure(
    execution_arn: str, *, history: ExecutionHistory, runs: RunStore, announcer: Announcer
) -> Failure:
    """Find out why an execution failed, write `failure.json`, and tell people.

    People are told even if the file cannot be written.
    """
    failure = find_failure(execution_arn, history)
    subject = f"Drug catalog {failure.status.replace('_', ' ').lower()}: {failure.error}"
    try:
        RunFiles(runs, failure.run_id).write(FAILURE, failure)
    except errors.RunStoreError as error:
        announcer.announce(subject, f"{message(failure)}\n\nfailure.json was not written: {error}")
        raise
    announcer.announce(subject, message(failure))
    return failure


def find_failure(execution_arn: str, history: ExecutionHistory) -> Failure:
    """What happened, from the execution and, where its last state is a Map, from its children."""
    execution = history.execution(execution_arn)
    state = history.last_state(execution_arn)
    pages: list[FailedPage] = []
    for child in history.failed_children(execution_arn, state) if state else ():
        if len(pages) > PAGES_SHOWN:
            break
        pages.append(FailedPage(page=_page(child.input), error=child.error, cause=_words(child)))
    own = FailedPage(page="", error=execution.error or execution.status, cause=_words(execution))
    reason = next((page for page in pages if page.error), own)
    helps = redrive_helps(reason.error)
    return Failure(
        run_id=execution.name,
        execution_arn=execution.arn,
        status=execution.status,
        state=state,
        error=reason.error,
        cause=reason.cause,
        pages=tuple(pages[:PAGES_SHOWN]),
        more_pages=len(pages) > PAGES_SHOWN,
        started_at=execution.started_at,
        ended_at=execution.ended_at,
        advice=_advice(reason.error, helps),
        redrive_helps=helps,
    )


def message(failure: Failure) -> str:
    """What people read. A value of the catalog or of a server's error is one line of it."""
    lines = [
        f"Run {_line(failure.run_id)} {failure.status} in state {failure.state or '(none)'}.",
        "",
        f"Error: {_line(failure.error)}",
        f"Cause: {_line(failure.cause)[:CAUSE_SHOWN] or '(none given)'}",
    ]
    if failure.pages:
        more = ", and more" if failure.more_pages else ""
        names = ", ".join(_line(page.page) for page in failure.pages)
        lines.append(f"Pages: {names}{more}")
    lines += ["", f"What to do: {failure.advice}", "", *commands(failure), ""]
    lines.append(f"Execution: {failure.execution_arn}")
    return "\n".join(lines)


def commands(failure: Failure) -> list[str]:
    """As `following`; the stage is in the machine's name."""
    machine = failure.execution_arn.split(":")[-2]
    stage = machine.removeprefix(MACHINE)
    where = f" --stage {stage}" if stage != machine else ""
    first = failure.pages[0].page if failure.pages else ""
    look, go_on = following(failure.run_id, failure.error, first)
    wait = " --wait" if failure.redrive_helps else ""
    return [f"  {look}{where}", f"  {go_on}{wait}{where}"]


def following(run_id: str, error: str, page: str = "") -> tuple[str, str]:
    """The commands to look into a failure, and to go on after it."""
    name = shlex.quote(_line(run_id))
    of_page = f" --page {page}" if page.isdigit() else ""
    go_on = f"redrive {name}" if redrive_helps(error) else "run --dry-run"
    return f"drugsync logs {name}{of_page}", f"drugsync {go_on}"


def _line(text: str) -> str:
    """Without line breaks, escapes and marks that reverse text, so that nobody can forge a line."""
    return without(text, " ")


NEEDS_NEW_RUN = (
    errors.GuardTripped,
    errors.PlanStale,
    errors.CatalogMoved,
    errors.InvalidInput,
    errors.SettingsChanged,
    errors.RunInProgress,
    errors.RunSuperseded,
    errors.GenerationMismatch,
    errors.TextMissing,
    errors.SwitchLost,
    errors.VerificationFailed,
    errors.RunFileMissing,
    errors.RunFileCorrupt,
)
"""A redrive starts with the input and the results that the run had, so these come back."""


def redrive_helps(name: str) -> bool:
    """Whether a run that ended with this error may end well if it is redriven."""
    error = _class_of(name)
    return error is None or not issubclass(error, NEEDS_NEW_RUN)


def _advice(name: str, helps: bool) -> str:
    known = errors.advice(name) or (
        "Read the function's log for this run; it has more details than Step Functions."
    )
    if not helps:
        return known
    return (
        f"{known} Then redrive the execution within {REDRIVE_DAYS} days: only the failed pages "
        f"run again. A redrive keeps the run's plan; a new run reads the catalog again."
    )


def _class_of(name: str) -> type[errors.SyncError] | None:
    found = getattr(errors, name, None)
    is_error = inspect.isclass(found) and issubclass(found, errors.SyncError)
    return found if is_error else None


def _page(text: str) -> str:
    """The page of a child's input, or the input itself if it has none."""
    try:
        return str(json.loads(text)["page"]["page"])
    except (ValueError, KeyError, TypeError):
        return text[:200]


def _words(ended: Ended) -> str:
    """A Python function's cause is JSON with a message; everything else is words already."""
    try:
        cause: Any = json.loads(ended.cause)
        return str(cause["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return ended.cause
