"""One run on the local stack, from its input to its report, and its redrive."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from local.catalogs.catalog import FDA_GOLDEN_QUERIES, is_fda
from local.engine.definition import DEFINITION
from local.engine.history import (
    EXECUTION,
    HISTORY,
    Execution,
    History,
    accepted,
    begin,
    no_way_back,
    read_execution,
)
from local.engine.invocations import Interceptor, Invocation, Observer, Outcome, call_through
from local.engine.run_store import FolderRunStore
from local.engine.runs import input_as_far_as_right, only_one, run_id_of
from local.errors import LocalError
from local.places import closed, is_there, own_only
from local.servers.servers import connect
from local.servers.stack import BUCKET, Stack
from workflow.adapters.s3.run_store import S3RunStore
from workflow.contract.errors import RunStoreError
from workflow.contract.events.payloads import Run
from workflow.contract.events.report import RunReport
from workflow.contract.runs import REPORT, REPORT_PAGE, REVIEW, RunFiles
from workflow.report.assemble import assemble, write_report
from workflow.report.page import render
from workflow.report.summaries import read_summaries

if TYPE_CHECKING:
    from local.engine.engine import Engine

LOG = "log.jsonl"
LINE = 1 << 20
"""Bytes of a line of the log that are written at once: two processes may write to it."""

OWN = frozenset({LOG, EXECUTION, HISTORY})
"""Files that the run bucket on AWS does not have: there, CloudWatch and Step Functions keep
this."""

OF_ANY_END = {REPORT, REPORT_PAGE}
"""Files that a run has which AcceptRun refused."""

GOLDEN = "golden_queries.json"
INTERRUPTED = Outcome(
    "ABORTED", "Interrupted", "Ctrl-C stopped the execution; redrive it, or start another run"
)


class Options(TypedDict, total=False):
    """Who sees each call, who stands between, how long retries wait, and other settings.

    `interrupted` hears of Ctrl-C at once; the flag says that it is the second one. With
    `two_processes`, a second process takes pages, too, and nobody can stand between its functions
    and their servers.
    """

    observe: Observer
    interrupted: Callable[[bool], None]
    intercept: Interceptor
    retry_wait_scale: float
    settings: dict[str, str]
    two_processes: bool


def has_two_cores() -> bool:
    """Whether a second process for pages gains anything: it may be held to one core."""
    return len(os.sched_getaffinity(0)) > 1


class Failures:
    """Remembers each function's last error until a later attempt succeeds."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str | None], Invocation] = {}

    def see(self, invocation: Invocation) -> None:
        key = (invocation.state, invocation.page)
        if invocation.error is not None:
            self._open[key] = invocation
        elif not invocation.begun:
            self._open.pop(key, None)

    @property
    def first(self) -> Invocation | None:
        return next(iter(self._open.values()), None)


def run(
    stack: Stack,
    run_input: dict[str, Any],
    *,
    run_id: str | None = None,
    **options: Unpack[Options],
) -> RunReport:
    """Execute the state machine once. Its files and log are kept under `runs/{run_id}/`.

    A failed run has a report, too. Ctrl-C stops the execution, keeps its files and is raised again.
    """
    run_id = run_id or run_id_of(input_as_far_as_right(run_input).mode)
    folder = stack.root / "runs" / run_id
    with only_one(stack.root, run_id):
        closed(folder.parent)
        closed(folder)
        begin(folder, run_input, datetime.now(UTC), DEFINITION.read_text(encoding="utf-8"))
        (folder / HISTORY).unlink(missing_ok=True)
        return _execute(stack, folder, _plan_of(stack, run_input), options)


def _plan_of(stack: Stack, run_input: dict[str, Any]) -> list[str]:
    """The review of the dry run that the input names, if it is kept."""
    plan = input_as_far_as_right(run_input).plan
    if plan is None:
        return []
    key = RunFiles(FolderRunStore(stack.root), plan).key(REVIEW)
    return [key] if is_there(stack.root / key) else []


def redrive(stack: Stack, run_id: str, **options: Unpack[Options]) -> RunReport:
    """Execute a failed run again, with its name, input and files.

    Calls only what failed or never started, then what follows.
    """
    folder = stack.root / "runs" / run_id
    with only_one(stack.root, run_id):
        keys = FolderRunStore(stack.root).keys(f"runs/{run_id}/")
        mine = [key for key in keys if key.rpartition("/")[2] not in OWN]
        if accepted(folder) is None and {key.rpartition("/")[2] for key in mine} - OF_ANY_END:
            # Called again, AcceptRun would give another key, and no file were the run's own.
            raise LocalError(no_way_back(folder / HISTORY))
        mine += _plan_of(stack, read_execution(folder).input)
        return _execute(stack, folder, mine, options)


def _execute(stack: Stack, folder: Path, files: list[str], options: Options) -> RunReport:
    """`files` are put into the bucket first."""
    execution = read_execution(folder)
    failures = Failures()
    observe = options.get("observe", _nobody)

    def see(invocation: Invocation) -> None:
        failures.see(invocation)
        observe(invocation)

    with _engine(stack, folder, execution, files, see, options) as machine:
        try:
            outcome = machine.wait(machine.start(execution.input, folder.name))
            return _report(machine, folder, execution, outcome, failures.first)
        except KeyboardInterrupt:
            _report(machine, folder, execution, INTERRUPTED, None)
            raise


@contextmanager
def _engine(
    stack: Stack,
    folder: Path,
    execution: Execution,
    files: list[str],
    observe: Observer,
    options: Options,
) -> Iterator["Engine"]:
    # Here, because moto takes two seconds to import, and most commands need none of it.
    from local.engine.engine import engine

    golden = golden_queries(stack)
    own = golden_setting(golden)
    store = FolderRunStore(stack.root)
    with (
        open(folder / LOG, "a", LINE, encoding="utf-8", opener=own_only) as log,
        closing(History(folder, execution.started_at)) as history,
        engine(
            stack.environment(**(own | options.get("settings", {}))),
            BUCKET,
            log,
            observe=observe,
            intercept=options.get("intercept", call_through),
            retry_wait_scale=options.get("retry_wait_scale", 1.0),
            definition=execution.definition,
            history=history,
            keep=store.write,
            interrupted=options.get("interrupted", _nobody),
            two_processes=options.get("two_processes", False),
        ) as machine,
    ):
        bucket = S3RunStore(machine.s3, BUCKET)
        if golden:
            bucket.write(GOLDEN, golden)
        for key in files:
            bucket.write(key, store.read(key))
        yield machine


def _nobody(_: object) -> None:
    """Sees nothing."""


def golden_setting(golden: bytes) -> dict[str, str]:
    """The settings of the default golden queries for a run's functions."""
    return {"golden_queries_key": GOLDEN} if golden else {}


def golden_queries(stack: Stack) -> bytes:
    """The default golden queries if the catalog is the FDA's and vectors have meaning; otherwise
    empty."""
    if stack.bedrock.embedder != "minilm" or not stack.mysql.pid:
        return b""
    connection = connect(stack.mysql)
    try:
        return FDA_GOLDEN_QUERIES.read_bytes() if is_fda(connection) else b""
    finally:
        connection.close()


def _report(
    machine: "Engine",
    folder: Path,
    execution: Execution,
    outcome: Outcome,
    failure: Invocation | None,
) -> RunReport:
    store, run = S3RunStore(machine.s3, BUCKET), accepted(folder)
    files = RunFiles.of(store, run.holder) if run else RunFiles(store, folder.name)
    done = _last_report(files)
    if done is not None and done.status == outcome.status == "SUCCEEDED":
        return done
    run = run or Run(
        run_id=folder.name,
        started_at=execution.started_at,
        settings_digest="",
        input=input_as_far_as_right(execution.input),
    )
    ended: dict[str, Any] = {
        "status": outcome.status,
        "error": failure.error if failure else outcome.error,
        "cause": f"{_where(failure)}: {failure.message}" if failure else outcome.cause,
    }
    try:
        pages = read_summaries(files)
        report = assemble(files, run, pages, ended_at=datetime.now(UTC), **ended)
        return write_report(files, report, pages)
    except RunStoreError:
        # A damaged file may be why the run failed; the report then says only that.
        bare = _bare_report(run, ended)
        files.write(REPORT, bare)
        files.write_text(REPORT_PAGE, render(bare, ()))
        return bare


def _last_report(files: RunFiles) -> RunReport | None:
    """None where it cannot be read: it is written anew."""
    try:
        return files.read_if_there(REPORT, RunReport)
    except RunStoreError:
        return None


def _where(failure: Invocation) -> str:
    return f"{failure.state}, page {failure.page}" if failure.page else failure.state


def _bare_report(run: Run, ended: dict[str, Any]) -> RunReport:
    return RunReport(
        run_id=run.run_id,
        mode=run.input.mode,
        dry_run=run.input.dry_run,
        started_at=run.started_at,
        duration_s=(datetime.now(UTC) - run.started_at).total_seconds(),
        **ended,
    )
