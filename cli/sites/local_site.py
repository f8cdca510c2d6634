"""The workflow on this machine: its runs are folders below `runs/`."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.show.progress import RunProgress
from cli.show.show import show_report
from cli.sites.run_log import log_lines, view_of
from cli.sites.site import Action, RunView, SiteError
from handlers.wiring import Wiring
from local.engine.run_store import FolderRunStore
from local.engine.runner import LOG, run_id_of
from local.engine.runner import run as run_machine
from local.servers import stack as stacks
from workflow.contract.errors import SettingsInvalid
from workflow.contract.events.report import RunReport
from workflow.contract.runs import REPORT, REPORT_PAGE, RunFiles
from workflow.operate.doctor import Finding, examine, finding
from workflow.operate.operate import OperatorAnswer, OperatorTask, operate
from workflow.report.assemble import write_report

HINT = "drugsync run"


class LocalSite:
    """The stack of `stacks.home()`."""

    options = ""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "runs"
        self._store = FolderRunStore(root)

    def start(self, run_input: dict[str, Any], console: Console) -> RunReport:
        """Runs it to its end."""
        return run_once(console, stacks.running(self._root), run_input)

    def runs(self, limit: int) -> list[RunView]:
        names = sorted(self._names(), reverse=True)
        return [self.view(name) for name in names[:limit]]

    def view(self, run_id: str | None) -> RunView:
        name = run_id or max(self._names(), default=None)
        if name is None:
            raise SiteError(f"no run yet; start one with: {HINT}")
        if name not in self._names():
            raise SiteError(f"there is no run {name}; list them with: drugsync runs")
        lines = list(log_lines(self._folder / name / LOG))
        report = RunFiles(self._store, name).read_if_there(REPORT, RunReport)
        return view_of(name, lines, report, running=report is None and self._busy(name))

    def redrive(self, run_id: str) -> None:
        """Not here: an execution ends with the process that ran it."""
        raise SiteError(
            f"a local execution cannot be redriven; start another one, which embeds no text of "
            f"{run_id} twice: {HINT}"
        )

    def report(self, run_id: str | None) -> tuple[RunReport, Path]:
        view = self.view(run_id)
        files = RunFiles(self._store, view.run_id)
        report = files.read_if_there(REPORT, RunReport)
        if report is None:
            raise SiteError(f"run {view.run_id} left no report: it still runs, or was killed")
        page = self._folder / view.run_id / REPORT_PAGE
        if not page.exists():
            write_report(files, report)
        return report, page

    def operate(self, action: Action) -> OperatorAnswer:
        stack = stacks.running(self._root)
        with environment(stack):
            return operate(
                OperatorTask(action=action, run_id=run_id_of(action)),
                Wiring().ports._replace(runs=self._store),
            )

    def doctor(self) -> list[Finding]:
        servers = stacks.parts(self._root)
        found = [
            Finding(
                check=name,
                ok=part is not None,
                found="running" if part else "not running",
                advice="" if part else "drugsync up",
            )
            for name, part in servers.items()
        ]
        if not all(servers.values()):
            return found
        return [*found, *self._examined(stacks.running(self._root))]

    def _examined(self, stack: stacks.Stack) -> list[Finding]:
        with environment(stack):
            w = Wiring()
            try:
                settings = w.settings
            except SettingsInvalid as error:
                return [_failed("settings", error)]
            return examine(
                catalog=w.catalog,
                embedder=w.embedder,
                generations=w.index.generations,
                documents=w.index.documents,
                server=w.index.server,
                runs=self._store,
                settings=settings,
            )

    def _names(self) -> set[str]:
        """Runs, not the folders of `verify` and `doctor`, which have no log."""
        return {path.parent.name for path in self._folder.glob(f"*/{LOG}")}

    def _busy(self, name: str) -> bool:
        """Whether a process executes just now, and this is its run: the newest one."""
        if name != max(self._names()):
            return False
        with (self._root / "run.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


def run_once(
    console: Console, stack: stacks.Stack, run_input: dict[str, Any], *, quiet: bool = False
) -> RunReport:
    """One run with its progress and, unless quiet, its report."""
    try:
        with RunProgress(console) as progress:
            report = run_machine(stack, run_input, observe=progress.see)
    except KeyboardInterrupt:
        console.print(
            "[yellow]stopped[/]: texts that are embedded are kept, and the next run mends what was "
            f"left half done: {HINT}",
            soft_wrap=True,
        )
        raise
    if not quiet:
        show_report(console, report, stack.root / "runs" / report.run_id)
    return report


@contextmanager
def environment(stack: stacks.Stack) -> Iterator[None]:
    """The functions' environment variables, in this process."""
    before = dict(os.environ)
    os.environ.update(stack.environment())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _failed(name: str, error: SettingsInvalid) -> Finding:
    def again() -> str:
        raise error

    return finding(name, again)
