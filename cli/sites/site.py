"""Where the workflow is: this machine, or a stage on AWS. The same verbs for both."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from cli.documents import LogLine, RunView, Started
from cli.show.terminal import Out
from workflow.contract.errors import RunFileCorrupt, SettingsChanged
from workflow.contract.events.payloads import Run, RunInput
from workflow.contract.events.report import RunReport
from workflow.contract.limits import REDRIVE_DAYS
from workflow.contract.ports.run_store import RunStore
from workflow.contract.runs import REPORT, RunFiles
from workflow.operate.doctor import Finding
from workflow.operate.failure import FailedPage
from workflow.operate.operate import OperatorAnswer
from workflow.report.assemble import assemble
from workflow.report.summaries import read_summaries

Action = Literal["rollback", "explain", "changes"]


class SiteError(Exception):
    """An error for the user: says what is wrong, and what to do."""


class FailedPages(NamedTuple):
    """The first pages of the state that a run failed in, with their last errors."""

    pages: tuple[FailedPage, ...]
    more: bool


class Site(Protocol):
    """One deployment of the workflow. Errors: SiteError, LocalError, `errors.SyncError`."""

    options: str
    """Options to add to a command in a hint, such as ` --stage prod`."""

    def run(self, run_input: dict[str, Any], out: Out) -> Started | RunReport:
        """Its report if it has ended. Raises InvalidInput before anything is started."""
        ...

    def input_of(self, run_id: str) -> RunInput:
        """What a run was started with."""
        ...

    def accepted(self, run_id: str) -> Run | None:
        """The run as AcceptRun answered it, with the key of its files' seals; None if refused.

        What a run wrote is read with it: a file that is not the run's own is RunFileCorrupt.
        """
        ...

    def view(self, run_id: str | None) -> RunView:
        """One run; the newest unless named."""
        ...

    def failed_pages(self, view: RunView) -> FailedPages:
        """None where the run failed outside a Map, or did not fail."""
        ...

    def runs(self, limit: int) -> list[RunView]:
        """The newest first."""
        ...

    def history(self, limit: int) -> list[tuple[RunView, RunReport | None]]:
        """The newest first, with the report of each that left one."""
        ...

    def redrive(self, run_id: str, out: Out) -> Started | RunReport:
        """Run again what failed or never started."""
        ...

    def report(self, run_id: str | None) -> tuple[RunReport, Path]:
        """The report and its page on this machine."""
        ...

    def note(self, report: RunReport) -> str:
        """What only this site knows to say of a run: how long embedding takes here, for example.

        Mostly empty.
        """
        ...

    def logs(self, run_id: str | None, page: str | None) -> list[LogLine]:
        """What the functions of a run said, in order."""
        ...

    def operate(self, action: Action, **more: Any) -> OperatorAnswer:
        """`more` are fields of the OperatorTask."""
        ...

    def doctor(self) -> list[Finding]: ...


def no_run(run_id: str, options: str) -> str:
    return f"there is no run {run_id}; list them with: drugsync runs{options}"


def no_redrive(view: RunView, options: str, now: datetime | None = None) -> str:
    """Why a run cannot be redriven, here or on AWS; empty if it can."""
    age = (now or datetime.now(UTC)) - (view.ended_at or view.started_at)
    if view.running:
        reason = "it is running"
    elif view.status == "SUCCEEDED":
        reason = "it succeeded"
    elif age > timedelta(days=REDRIVE_DAYS):
        reason = f"it ended {age.days} days ago, more than {REDRIVE_DAYS}"
    else:
        return ""
    return not_redriven(view.run_id, reason, options)


def not_redriven(run_id: str, reason: str, options: str) -> str:
    return f"run {run_id} cannot be redriven: {reason}; start a new run: drugsync run{options}"


def files_of(store: RunStore, run_id: str, run: Run | None) -> RunFiles:
    """Those of a run that AcceptRun refused have no seal: this machine wrote its report."""
    return RunFiles.of(store, run.holder) if run else RunFiles(store, run_id)


def readable_report(files: RunFiles, view: RunView) -> RunReport | None:
    """The report of a run; none if it left none that this version can read."""
    try:
        report = files.read_if_there(REPORT, RunReport)
    except (RunFileCorrupt, SettingsChanged):
        return None
    return None if view.running else report


def ended_report(files: RunFiles, view: RunView, run: Run) -> RunReport:
    """The report that a run left, or one assembled from its files if it failed."""
    done = files.read_if_there(REPORT, RunReport)
    if done is not None and done.status == view.status:
        return done
    if view.running or view.ended_at is None:
        raise SiteError(f"run {view.run_id} has not ended; see its progress: drugsync status")
    return assemble(
        files,
        run,
        read_summaries(files),
        status=view.status,  # type: ignore[arg-type] # it ended
        ended_at=view.ended_at,
        error=view.error,
        cause=view.cause,
    )
