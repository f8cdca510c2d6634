"""The workflow on this machine: its runs are folders below `runs/`."""

from pathlib import Path
from typing import Any

from cli.documents import LogLine, RunView
from cli.show.progress import RunProgress
from cli.show.terminal import Out
from cli.sites.dead_servers import DeadServers
from cli.sites.embedding_rate import (
    ENOUGH,
    LONG_S,
    LOOKED_AT,
    Rate,
    remembered,
    rows_of_a_minute,
    said,
    tried,
)
from cli.sites.first_steps import LOAD_ONE, advised, catalog_is_missing
from cli.sites.log_lines import read_lines
from cli.sites.run_log import begun, log_lines, view_of
from cli.sites.site import (
    Action,
    FailedPages,
    SiteError,
    files_of,
    no_redrive,
    no_run,
    readable_report,
)
from cli.sites.stopping import stopped, stopping
from handlers.wiring import Wiring
from local.engine import runner
from local.engine.history import accepted, read_execution
from local.engine.invocations import Invocation
from local.engine.kept import kept_runs
from local.engine.run_store import FolderRunStore
from local.engine.runner import GOLDEN, LOG, golden_queries, golden_setting, has_two_cores
from local.engine.runs import holder, input_as_far_as_right, run_id_of
from local.places import is_there
from local.servers import stack as stacks
from workflow.contract.errors import RunFileCorrupt, SettingsChanged, SettingsInvalid
from workflow.contract.events.files import Review
from workflow.contract.events.payloads import Run, RunInput
from workflow.contract.events.report import RunReport
from workflow.contract.runs import REPORT, REPORT_PAGE, REVIEW, RunFiles
from workflow.operate.doctor import Finding, finding
from workflow.operate.explain import CATALOG
from workflow.operate.failure import PAGES_SHOWN, FailedPage
from workflow.operate.operate import OperatorAnswer, OperatorTask, operate
from workflow.report.assemble import write_report
from workflow.report.summaries import read_summaries
from workflow.steps.accept_run import parse_input


class LocalSite:
    """The servers and runs of one home."""

    options = ""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "runs"
        self._store = FolderRunStore(root)

    def run(self, run_input: dict[str, Any], out: Out) -> RunReport:
        """Runs it to its end."""
        run_id = run_id_of(parse_input(run_input).mode)
        stack = stacks.ready(self._root)
        self._require_catalog(stack)
        with RunProgress(out) as progress, stopped(out, run_id):
            watch = DeadServers(self._root, out)

            def see(invocation: Invocation) -> None:
                progress.see(invocation)
                watch.see(invocation)
                if invocation.state == "ReviewChanges" and invocation.result:
                    self._announce(stack, run_id, out)

            return runner.run(
                stack,
                run_input,
                run_id=run_id,
                observe=see,
                interrupted=stopping(out, run_id),
                two_processes=has_two_cores(),
            )

    def _require_catalog(self, stack: stacks.Stack) -> None:
        """A run over a catalog that nobody loaded would only say that a table is missing."""
        if catalog_is_missing(stack):
            raise SiteError(f"no catalog is loaded on this machine yet; {LOAD_ONE}")

    def _announce(self, stack: stacks.Stack, run_id: str, out: Out) -> None:
        """Before a long embedding: how long it takes, how to stop it, and what is shorter."""
        review = self._files(run_id).read(REVIEW, Review)
        texts = review.estimate.texts
        rate = None if review.dry_run else self._rate(stack, texts)
        if rate is None or rate.takes(texts) < LONG_S:
            return
        out.say("  {}", said(rate, texts))
        out.say("  Ctrl-C keeps what is embedded; drugsync redrive {} continues from there", run_id)
        if stack.mysql.pid:
            rows = rows_of_a_minute(rate, review.rows, texts)
            out.say(
                "  for a run of about a minute: drugsync catalog load --rows {} --replace", rows
            )

    def _rate(self, stack: stacks.Stack, texts: int) -> Rate | None:
        """Few texts are not worth asking about."""
        if texts < ENOUGH:
            return None
        return remembered(self.history(LOOKED_AT)) or tried(stack)

    def note(self, report: RunReport) -> str:
        if report.error == "CatalogEmpty" and stacks.running(self._root).mysql.pid:
            return LOAD_ONE
        texts = report.texts_to_embed if report.dry_run else 0
        rate = self._rate(stacks.running(self._root), texts)
        return said(rate, texts) if rate else ""

    def redrive(self, run_id: str, out: Out) -> RunReport:
        """Runs it to its end, and counts the calls that are not repeated."""
        refusal = no_redrive(self.view(run_id), self.options)
        if refusal:
            raise SiteError(refusal)
        stack = stacks.ready(self._root)
        before = begun(log_lines(self._folder / run_id / LOG))
        watch = DeadServers(self._root, out)
        with RunProgress(out, before) as progress, stopped(out, run_id):

            def see(invocation: Invocation) -> None:
                progress.see(invocation)
                watch.see(invocation)

            report = runner.redrive(
                stack,
                run_id,
                observe=see,
                interrupted=stopping(out, run_id),
                two_processes=has_two_cores(),
            )
        out.say("  redriven: {}", progress.redriven)
        return report

    def runs(self, limit: int) -> list[RunView]:
        return [self.view(name) for name in kept_runs(self._root)[:limit]]

    def history(self, limit: int) -> list[tuple[RunView, RunReport | None]]:
        return [
            (view, readable_report(self._files(view.run_id), view)) for view in self.runs(limit)
        ]

    def view(self, run_id: str | None) -> RunView:
        name = self._name(run_id)
        lines = list(log_lines(self._folder / name / LOG))
        running = holder(self._root) == name
        try:
            report = self._files(name).read_if_there(REPORT, RunReport)
        except (RunFileCorrupt, SettingsChanged) as error:
            # One that is cut, or of another version, hides neither this run nor the others.
            unread = {"error": type(error).__name__, "cause": str(error)}
            return view_of(name, lines, None, running=running).model_copy(update=unread)
        return view_of(name, lines, report, running=running)

    def failed_pages(self, view: RunView) -> FailedPages:
        last = {(one.function, one.page): one for one in self.logs(view.run_id, None) if one.page}
        failed = [
            FailedPage(page=one.page, error=one.error, cause=one.cause)
            for one in last.values()
            if one.error
        ]
        return FailedPages(tuple(failed[:PAGES_SHOWN]), len(failed) > PAGES_SHOWN)

    def input_of(self, run_id: str) -> RunInput:
        execution = read_execution(self._folder / self._name(run_id))
        return input_as_far_as_right(execution.input)

    def accepted(self, run_id: str) -> Run | None:
        return accepted(self._folder / run_id)

    def _files(self, run_id: str) -> RunFiles:
        return files_of(self._store, run_id, self.accepted(run_id))

    def _name(self, run_id: str | None) -> str:
        names = kept_runs(self._root)
        if run_id is None and not names:
            raise SiteError("no run yet; start one with: drugsync run")
        name = run_id or names[0]
        if name not in names:
            raise SiteError(no_run(name, self.options))
        return name

    def report(self, run_id: str | None) -> tuple[RunReport, Path]:
        view = self.view(run_id)
        files = self._files(view.run_id)
        report = files.read_if_there(REPORT, RunReport)
        if report is None:
            raise SiteError(f"run {view.run_id} has no report: it is still running, or was killed")
        page = self._folder / view.run_id / REPORT_PAGE
        if not is_there(page):
            write_report(files, report, read_summaries(files))
        return report, page

    def logs(self, run_id: str | None, page: str | None) -> list[LogLine]:
        path = self._folder / self._name(run_id) / LOG
        return list(read_lines(log_lines(path), page))

    def operate(self, action: Action, **more: Any) -> OperatorAnswer:
        task = OperatorTask.model_validate({"action": action, "run_id": run_id_of(action), **more})
        if action == "explain":
            return self._explain(task)
        return self._ask(task, stacks.ready(self._root).environment())

    def _explain(self, task: OperatorTask) -> OperatorAnswer:
        """A server that does not answer is not waited for; the others know their part."""
        stack = stacks.as_it_is(self._root)
        silent = stacks.unanswered(stack)
        answer = self._ask(task, stacks.environment_without(stack, silent))
        if answer.explained is None:
            return answer
        why = {one.server: str(one) for one in silent}
        failures = {
            part: why.get(stacks.MYSQL if part == CATALOG else stacks.REDIS, error)
            for part, error in answer.explained.failures.items()
        }
        explained = answer.explained.model_copy(update={"failures": failures})
        return answer.model_copy(update={"explained": explained})

    def _ask(self, task: OperatorTask, environment: dict[str, str]) -> OperatorAnswer:
        with stacks.functions_see(environment):
            return operate(task, Wiring().ports._replace(runs=self._store))

    def doctor(self) -> list[Finding]:
        servers = stacks.parts(self._root)
        found = [
            Finding(
                check=name,
                ok=part is not None,
                found=_stands(part),
                advice="" if part else "drugsync up",
            )
            for name, part in servers.items()
        ]
        if not all(servers.values()):
            return found
        return [*found, *self._examined(stacks.running(self._root))]

    def _examined(self, stack: stacks.Stack) -> list[Finding]:
        try:
            silent = stacks.unanswered(stack)
        except SettingsInvalid as error:
            return [_failed("settings", error)]
        if silent:
            return [
                Finding(check=one.name, ok=False, found=one.why, advice=one.remedy)
                for one in silent
            ]
        return self._examine(stack)

    def _examine(self, stack: stacks.Stack) -> list[Finding]:
        """With the settings that a run's functions get."""
        golden = golden_queries(stack)
        if golden:
            self._store.write(GOLDEN, golden)
        task = OperatorTask(action="doctor", run_id=run_id_of("doctor"))
        found = self._ask(task, stack.environment(**golden_setting(golden))).findings
        return advised(found, stack)


def _stands(part: stacks.Part | None) -> str:
    if part is None:
        return "not running"
    return part.version if part.pid else "yours, in settings.toml"


def _failed(name: str, error: SettingsInvalid) -> Finding:
    def again() -> str:
        raise error

    return finding(name, again)
