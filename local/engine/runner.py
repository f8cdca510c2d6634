"""One run on the local stack, from its input to its report."""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.catalogs.catalog import FDA_GOLDEN_QUERIES, is_fda
from local.engine.invocations import Interceptor, Invocation, Observer, Outcome, call_through
from local.errors import LocalError
from local.servers.servers import connect
from local.servers.stack import BUCKET, Stack
from workflow.adapters.s3.run_store import S3RunStore
from workflow.contract.errors import InvalidInput, RunStoreError
from workflow.contract.events.payloads import Run, RunInput
from workflow.contract.events.report import RunReport
from workflow.contract.runs import REPORT, RunFiles
from workflow.report.assemble import assemble, write_report
from workflow.steps.accept_run import parse_input

if TYPE_CHECKING:
    from local.engine.engine import Engine

LOG = "log.jsonl"
GOLDEN = "golden_queries.json"
INTERRUPTED = Outcome("ABORTED", "Interrupted", "Ctrl-C stopped the execution; start another run")


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


def run_id_of(mode: str) -> str:
    """Readable, unique, and sortable: a small run takes less than a second."""
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    return f"{now[:-3]}-{mode}-{secrets.token_hex(2)}"


def run(
    stack: Stack,
    run_input: dict[str, Any],
    *,
    run_id: str | None = None,
    observe: Observer = lambda _: None,
    intercept: Interceptor = call_through,
    retry_wait_scale: float = 1.0,
    settings: dict[str, str] | None = None,
) -> RunReport:
    """Execute the state machine once. Its files and log are kept under `runs/{run_id}/`.

    A failed run has a report, too. Ctrl-C stops the execution, keeps its files and is raised again.
    """
    # Here, because moto takes two seconds to import, and most commands need none of it.
    from local.engine.engine import engine

    run_id = run_id or run_id_of(str(run_input.get("mode", "sync")))
    folder = stack.root / "runs" / run_id
    folder.mkdir(parents=True, exist_ok=True)
    failures = Failures()

    def see(invocation: Invocation) -> None:
        failures.see(invocation)
        observe(invocation)

    started_at = datetime.now(UTC)
    golden = golden_queries(stack)
    own = {"golden_queries_key": GOLDEN} if golden else {}
    environment = stack.environment(**(own | (settings or {})))
    with (
        _only_one(stack.root),
        (folder / LOG).open("a", encoding="utf-8") as log,
        engine(
            environment,
            BUCKET,
            log,
            observe=see,
            intercept=intercept,
            retry_wait_scale=retry_wait_scale,
        ) as machine,
    ):
        if golden:
            S3RunStore(machine.s3, BUCKET).write(GOLDEN, golden)
        try:
            outcome = machine.wait(machine.start(run_input, run_id))
            return _report(machine, run_id, run_input, started_at, outcome, failures.first)
        except KeyboardInterrupt:
            _report(machine, run_id, run_input, started_at, INTERRUPTED, None)
            raise
        finally:
            _keep_files(machine, run_id, folder)


def golden_queries(stack: Stack) -> bytes:
    """The default set where the catalog is the FDA's and vectors mean something; else empty."""
    if stack.bedrock.embedder != "minilm":
        return b""
    connection = connect(stack.mysql)
    try:
        return FDA_GOLDEN_QUERIES.read_bytes() if is_fda(connection) else b""
    finally:
        connection.close()


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    """Each process has a Step Functions of its own, so AcceptRun cannot see a run of another."""
    with (root / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalError(
                f"another run is under way on {root}; wait for its end, then run again"
            ) from error
        yield


def _report(
    machine: "Engine",
    run_id: str,
    run_input: dict[str, Any],
    started_at: datetime,
    outcome: Outcome,
    failure: Invocation | None,
) -> RunReport:
    files = RunFiles(S3RunStore(machine.s3, BUCKET), run_id)
    done = files.read_if_there(REPORT, RunReport)
    if outcome.status == "SUCCEEDED" and done is not None:
        return done
    run = Run(
        run_id=run_id,
        started_at=started_at,
        settings_digest="",
        input=_input_as_far_as_it_is_right(run_input),
    )
    ended: dict[str, Any] = {
        "status": outcome.status,
        "error": failure.error if failure else outcome.error,
        "cause": f"{failure.state}: {failure.message}" if failure else outcome.cause,
    }
    try:
        return write_report(files, assemble(files, run, ended_at=datetime.now(UTC), **ended))
    except RunStoreError:
        # A damaged file may be why the run failed: the report then says that and no more.
        return _bare_report(run, ended)


def _bare_report(run: Run, ended: dict[str, Any]) -> RunReport:
    return RunReport(
        run_id=run.run_id,
        mode=run.input.mode,
        dry_run=run.input.dry_run,
        started_at=run.started_at,
        duration_s=(datetime.now(UTC) - run.started_at).total_seconds(),
        **ended,
    )


def _input_as_far_as_it_is_right(run_input: dict[str, Any]) -> RunInput:
    """AcceptRun refused a wrong input; its report shows its mode, and the defaults."""
    try:
        return parse_input(run_input)
    except InvalidInput:
        mode = run_input.get("mode")
        return RunInput(mode="backfill" if mode == "backfill" else "sync")


def _keep_files(machine: "Engine", run_id: str, folder: Path) -> None:
    prefix = f"runs/{run_id}/"
    for key, body in machine.objects(prefix).items():
        path = folder / key.removeprefix(prefix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
