"""`make bench-scale`: what the functions that grow with the catalog need, and where each fails.

Each is measured in a process of its own: the peak of its memory over what its imports took, and
the processor's seconds, those of MySQL and Redis included. Its files are those of one page of a
real run, repeated (`any_size_files.py`), MySQL holds as many keys as are asked for, and what does
not grow (Redis' answers) comes from fakes. A request to S3 is measured apart and added by its
number.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import orjson
import typer

from benchmarks.any_size_files import PackedRuns, pack
from benchmarks.any_size_table import RESULTS, record, show
from benchmarks.lab import FAST, adapters, empty_redis, load_catalog, machine, start
from benchmarks.s3_cost import seconds_a_read
from local.catalogs.tables import execute
from local.engine.runner import run
from local.places import home
from local.servers.servers import connect
from local.servers.stack import Stack, down, running
from tests.fakes import FakeCatalog, FakeEmbedder, FakeIndex, FakeQuota, clock
from tests.payloads import settings
from workflow.contract.events.payloads import (
    Plan,
    PlanTask,
    PruneTask,
    ReviewedTask,
    ReviewRef,
    RunTask,
)
from workflow.contract.holder import Holder
from workflow.contract.ports.generations import Generation, Live, LiveNames
from workflow.steps.plan_pages import plan_pages
from workflow.steps.prune import SWEPT
from workflow.steps.prune_index import prune_index
from workflow.steps.publish_index import publish_index
from workflow.steps.report_run import report_run
from workflow.steps.review_changes import review_changes
from workflow.steps.verify_index import verify_index

SIZES = (250_000, 1_000_000, 4_000_000)
KEYS = "keys_{}"
REVIEW = ReviewRef(dry_run=False, embed_key="e", embed_pages=1, load_key="l", load_pages=1)
NO_SEARCHES: dict[str, Any] = {"verify_texts": 0, "verify_queries": 0, "embedding_dimensions": 256}


class World:
    """A finished run's files, and an index whose numbers agree with them."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.runs = PackedRuns(folder)
        made = Plan.model_validate({**_file(self.runs, "plan.json")})
        live = {"new_generation": False, "live_generation": made.generation}
        self.plan = made.model_copy(update=live)
        self.holder = self.plan.run.holder
        self.index = _fakes()
        names = LiveNames(made.generation, made.space)
        self.index.generations.take_fence(self.holder)
        self.index.generations.create(_generation(made), self.holder)
        self.index.server.create_indexes(names)
        self.index.server.point_aliases(names, self.holder)
        self.index.memory.live = Live(names)
        for kind, name in (("drugs", made.generation), ("texts", made.space)):
            self.index.memory.said[kind, name] = {"documents": rows}
        self.index.documents.count = lambda generation: rows
        self.index.generations.switch = lambda *_, **__: None


def _fakes() -> Any:
    """Untyped, because some methods are replaced."""
    return FakeIndex()


def _file(runs: PackedRuns, name: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(runs.read(f"runs/bench/{name}"))
    found.pop("file")
    return found


def _generation(made: Plan) -> Generation:
    return Generation(
        made.generation, made.space, "0", "schema", "live", run_id="before", created_at="2026"
    )


def _plan_pages(folder: Path, rows: int) -> tuple[Callable[[], Any], PackedRuns]:
    world = World(folder, rows)
    world.index.memory.live = None
    table = {"catalog_table": KEYS.format(rows)}
    with adapters(running(home() / "bench"), FAST | table) as wiring:
        catalog = wiring.catalog
    changed = world.plan.run.model_copy(update={"run_id": "another"})
    call = lambda: plan_pages(  # noqa: E731
        RunTask(run=changed),
        catalog=catalog,
        generations=FakeIndex().generations,
        server=world.index.server,
        engine=world.index.engine,
        texts=world.index.texts,
        runs=world.runs,
        settings=settings(**NO_SEARCHES),
        clock=clock,
    )
    return call, world.runs


def _review_changes(folder: Path, rows: int) -> tuple[Callable[[], Any], PackedRuns]:
    world = World(folder, rows)
    changed = settings(
        budget_usd=1e6, tokens_per_minute=10**9, embedding_threads=128, embed_concurrency=1000
    )
    task = PlanTask(plan=world.plan.model_copy(update={"new_generation": True}))
    return lambda: review_changes(task, runs=world.runs, settings=changed, clock=clock), world.runs


def _verify_index(folder: Path, rows: int) -> tuple[Callable[[], Any], PackedRuns]:
    world = World(folder, rows)
    index = world.index
    call = lambda: verify_index(  # noqa: E731
        ReviewedTask(plan=world.plan.model_copy(update={"new_generation": True}), review=REVIEW),
        embedder=FakeEmbedder(),
        quota=FakeQuota(),
        documents=index.documents,
        texts=index.texts,
        server=index.server,
        search=index.search,
        runs=world.runs,
        settings=settings(**NO_SEARCHES),
        clock=clock,
    )
    return call, world.runs


def _publish_index(folder: Path, rows: int) -> tuple[Callable[[], Any], PackedRuns]:
    world = World(folder, rows)
    index = world.index
    call = lambda: publish_index(  # noqa: E731
        ReviewedTask(plan=world.plan, review=REVIEW),
        catalog=FakeCatalog([]),
        generations=index.generations,
        documents=index.documents,
        server=index.server,
        search=index.search,
        runs=world.runs,
        settings=settings(**NO_SEARCHES),
        clock=clock,
    )
    return call, world.runs


def _report_run(folder: Path, rows: int) -> tuple[Callable[[], Any], PackedRuns]:
    world = World(folder, rows)
    task = ReviewedTask(plan=world.plan, review=REVIEW)
    return lambda: report_run(task, runs=world.runs, clock=clock), world.runs


def _prune_index(folder: Path, rows: int) -> tuple[Callable[[], Any], PackedRuns]:
    """One piece of a sweep, over real Redis: it does not grow."""
    world = World(folder, rows)
    stack = running(home() / "bench")
    empty_redis(stack)
    with adapters(stack, FAST) as wiring:
        index = wiring.index
    holder = Holder("prune", world.plan.run.started_at)
    index.generations.take_fence(holder)
    fill = "for n = 1, ARGV[1] do redis.call('HSET', 'drug:old:' .. n, 'ndc', n) end"
    wiring._redis.eval(fill, 0, 2 * SWEPT)
    run_ = world.plan.run.model_copy(update={"run_id": "prune"})
    task = PruneTask(plan=world.plan.model_copy(update={"run": run_}), review=REVIEW)
    live = ("generation", "live", "space", "0" * 16, "switch", task.run.holder.identity)
    wiring._redis.execute_command("HSET", "drugs:live", *live)
    call = lambda: prune_index(task, generations=index.generations, runs=world.runs)  # noqa: E731
    return call, world.runs


STATES = {
    "PlanPages": _plan_pages,
    "ReviewChanges": _review_changes,
    "VerifyIndex": _verify_index,
    "PublishIndex": _publish_index,
    "PruneIndex": _prune_index,
    "ReportRun": _report_run,
}


def one(state: str, folder: Path, rows: int) -> dict[str, Any]:
    """Runs in its own process: what one call takes."""
    call, runs = STATES[state](folder, rows)
    runs.reads = runs.lists = runs.writes = 0
    stack = running(home() / "bench")
    Path("/proc/self/clear_refs").write_text("5")
    served = _served_s(stack)
    before, started = _peak_mb(), time.process_time()
    wall = time.perf_counter()
    call()
    return {
        "mb": _peak_mb() - before,
        "cpu_s": time.process_time() - started,
        "server_s": _served_s(stack) - served,
        "wall_s": time.perf_counter() - wall,
        "reads": runs.reads,
        "writes": runs.writes + runs.lists,
    }


def _served_s(stack: Stack) -> float:
    """The processor's seconds of MySQL and Redis."""
    stats = [Path(f"/proc/{one.pid}/stat").read_text() for one in (stack.mysql, stack.redis)]
    ticks = [int(one) for stat in stats for one in stat.rpartition(")")[2].split()[11:13]]
    return sum(ticks) / os.sysconf("SC_CLK_TCK")


def _peak_mb() -> float:
    """The peak since the last reset, of this process only; getrusage includes the parent's."""
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def make_keys(stack: Stack, rows: int) -> None:
    """A table with this many keys and nothing else: PlanPages reads only keys."""
    name = KEYS.format(rows)
    with closing(connect(stack.mysql)) as connection:
        execute(connection, f"DROP TABLE IF EXISTS {name}")
        execute(
            connection,
            f"CREATE TABLE {name} (ndc CHAR(11) PRIMARY KEY, drug_name VARCHAR(20)) "
            "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        )
        execute(
            connection,
            f"INSERT INTO {name} SELECT LPAD(seq, 11, '0'), CONCAT('Drug ', seq) "
            f"FROM seq_1_to_{rows}",
        )
        connection.commit()


def a_page(stack: Stack) -> Path:
    """The files of a first build of one page."""
    load_catalog(stack, 1_000)
    empty_redis(stack)
    chosen = {**FAST, "verify_recall": "0"}
    report = run(stack, {"page_size": 1_000, "accept": ["rejects"]}, settings=chosen)
    if report.status != "SUCCEEDED":
        raise RuntimeError(f"{report.error}: {report.cause}")
    return stack.root / "runs" / report.run_id


def measure(sizes: tuple[int, ...]) -> dict[str, Any]:
    """Every state at every size, each in its own process."""
    stack = start(lambda part: print(f"starting {part}"))
    found: dict[str, Any] = {name: {} for name in STATES}
    try:
        page = a_page(stack)
        for rows in sizes:
            print(f"{rows:,} rows: files and keys", flush=True)
            with TemporaryDirectory(dir=stack.root) as folder:
                pack(page, Path(folder), rows)
                make_keys(stack, rows)
                for state in STATES:
                    found[state][str(rows)] = _measured(state, Path(folder), rows)
                    print(f"  {state}: {found[state][str(rows)]}", flush=True)
        return {"machine": machine(), "s3_read_s": seconds_a_read(), "states": found}
    finally:
        down(stack.root)


def _measured(state: str, folder: Path, rows: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.any_size", "--one", state]
    command += ["--folder", str(folder), str(rows)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return found


def main(
    rows: Annotated[list[int] | None, typer.Argument(help="Sizes.")] = None,
    one_state: Annotated[str, typer.Option("--one", hidden=True)] = "",
    folder: Annotated[Path, typer.Option(hidden=True)] = Path(),
    record_it: Annotated[bool, typer.Option("--record", help="Into docs/performance.md.")] = False,
) -> None:
    """Measure, show the table, and with --record write it into the page."""
    sizes = tuple(rows or SIZES)
    if one_state:
        print(orjson.dumps(one(one_state, folder, sizes[0])).decode())
        return
    results = measure(sizes)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    print(show(results))
    if record_it:
        record(results)


if __name__ == "__main__":
    typer.run(main)
