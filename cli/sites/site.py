"""Where the workflow is: this machine, or a stage on AWS. The same verbs for both."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from rich.console import Console

from workflow.contract.events.base import Mode, RunStatus
from workflow.contract.events.payloads import Run
from workflow.contract.events.report import RunReport
from workflow.contract.runs import REPORT, RunFiles
from workflow.operate.doctor import Finding
from workflow.operate.operate import OperatorAnswer
from workflow.report.assemble import assemble

Action = Literal["verify", "rollback"]
MAPS = ("DiffPages", "EmbedPages", "LoadPages", "VerifyPages")


class SiteError(Exception):
    """What a person must know before it works: says what is wrong, and what to do."""


@dataclass(frozen=True)
class MapProgress:
    """One distributed Map: pages by how they stand, and the seconds since it began."""

    state: str
    total: int
    done: int
    failed: int = 0
    running: int = 0
    seconds: float = 0.0
    ended: bool = False
    redriven: bool = False
    """Pages of an earlier try are among the done ones, so that they tell no rate."""

    @property
    def pending(self) -> int:
        """Pages that nobody works on yet."""
        return max(0, self.total - self.done - self.failed - self.running)

    @property
    def rate(self) -> float | None:
        """Pages done in a second."""
        if self.redriven or not self.done or not self.seconds:
            return None
        return self.done / self.seconds

    @property
    def eta_s(self) -> float | None:
        """Seconds until the last page is done, at this rate."""
        left = self.total - self.done - self.failed
        return None if self.ended or self.rate is None else left / self.rate


@dataclass(frozen=True)
class RunView:
    """One execution as it stands now."""

    run_id: str
    status: RunStatus | Literal["RUNNING", "PENDING_REDRIVE"]
    mode: str
    started_at: datetime
    ended_at: datetime | None = None
    state: str = ""
    """The state that it is in, or that failed."""
    maps: tuple[MapProgress, ...] = ()
    error: str | None = None
    cause: str | None = None

    @property
    def running(self) -> bool:
        return self.status in ("RUNNING", "PENDING_REDRIVE")


class Site(Protocol):
    """One deployment of the workflow. Errors: SiteError, LocalError, `errors.SyncError`."""

    options: str
    """What to add to a command that is named in a hint, such as ` --stage prod`."""

    def start(self, run_input: dict[str, Any], console: Console) -> str | RunReport:
        """The run's id where it goes on by itself, its report where it has ended."""
        ...

    def view(self, run_id: str | None) -> RunView:
        """One run; the newest unless named."""
        ...

    def runs(self, limit: int) -> list[RunView]:
        """The newest first, without their Maps."""
        ...

    def redrive(self, run_id: str) -> None: ...
    def report(self, run_id: str | None) -> tuple[RunReport, Path]:
        """The report and its page on this machine."""
        ...

    def operate(self, action: Action) -> OperatorAnswer: ...
    def doctor(self) -> list[Finding]: ...


def ended_report(files: RunFiles, view: RunView, run: Run) -> RunReport:
    """The report that a run left, or one assembled from its files where it failed."""
    done = files.read_if_there(REPORT, RunReport)
    if done is not None and done.status == view.status:
        return done
    if view.running or view.ended_at is None:
        raise SiteError(f"run {view.run_id} has not ended; see how far it is: drugsync status")
    return assemble(
        files,
        run,
        status=view.status,  # type: ignore[arg-type] # it ended
        ended_at=view.ended_at,
        error=view.error,
        cause=view.cause,
    )


def mode_of(run_input: dict[str, Any]) -> Mode:
    """The mode that an input asks for; a wrong one was refused, and shows as the default."""
    return "backfill" if run_input.get("mode") == "backfill" else "sync"
