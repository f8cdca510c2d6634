"""The benchmark's own servers, catalogs and runs."""

import os
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from math import ceil
from pathlib import Path
from threading import Lock
from typing import Any

from redis import Redis

from handlers.wiring import Wiring, wiring
from local.catalogs.catalog import load_fda
from local.engine.invocations import Interceptor, Invocation, call_through
from local.engine.runner import run
from local.places import home
from local.servers.servers import connect
from local.servers.stack import Stack, functions_see, up
from local.standin.bedrock_process import control
from workflow.contract.events.report import RunReport
from workflow.contract.ports.run_store import RunStore
from workflow.steps.costs import KEYS_A_LIST

LATENCY_MS = 70
"""What Titan v2 takes for a drug's text, as the old loader's logs show."""

FAST = {
    "tokens_per_minute": "1000000000",
    "embedding_dimensions": "256",
    "embedding_threads": "32",
    "embed_concurrency": "2",
    "embed_page_size": "500",
    "budget_usd": "100",
    "golden_queries_key": "",
}
"""No quota and few dimensions: a benchmark is about this code, not about the stand-in's JSON."""


ONE_BY_ONE = dict.fromkeys(
    [f"{name}_concurrency" for name in ("diff", "embed", "load", "verify")], "1"
)


class CountedRuns:
    """The runs' store, counting what is asked of it, and the CPU seconds that moto's S3 takes."""

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs
        self.bucket = runs.bucket
        self.reads = self.writes = self.bytes_written = 0
        self.cpu_s = 0.0
        self._lock = Lock()

    def write(self, key: str, body: bytes) -> None:
        with self._counted(writes=1, bytes_written=len(body)):
            self._runs.write(key, body)

    def read(self, key: str) -> bytes:
        with self._counted(reads=1):
            return self._runs.read(key)

    def keys(self, prefix: str) -> list[str]:
        with self._counted():
            found = self._runs.keys(prefix)
        with self._lock:
            self.writes += max(1, ceil(len(found) / KEYS_A_LIST))
        return found

    @contextmanager
    def _counted(self, **counts: int) -> Iterator[None]:
        started = time.thread_time()
        try:
            yield
        finally:
            with self._lock:
                self.cpu_s += time.thread_time() - started
                for name, count in counts.items():
                    setattr(self, name, getattr(self, name) + count)


@dataclass
class Timed:
    """One run: its report and its seconds.

    `handlers_s` is the time in which at least one function was at work; the rest of `wall_s` is the
    local engine's own (moto, and the files kept at the end). `functions_s` leaves out what moto's
    S3 took inside the functions, too. `spans_s` divides `handlers_s` by state; `busy_s` adds the
    functions' times up, so that those of a Map count one by one.
    """

    report: RunReport
    wall_s: float
    handlers_s: float
    spans_s: dict[str, float]
    busy_s: dict[str, float]
    calls: dict[str, int]
    runs: CountedRuns

    @property
    def functions_s(self) -> float:
        return self.handlers_s - self.runs.cpu_s


def start(announce: Callable[[str], None]) -> Stack:
    """Servers of the benchmark's own, beside those of the demonstration.

    What is started from here on keeps Python's compiled files, as an installation has them.
    Otherwise each command compiles what it imports: three seconds of `drugsync run`.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    root = home() / "bench"
    root.mkdir(parents=True, exist_ok=True)
    return up(root, announce, embedder="hash")


def load_catalog(stack: Stack, rows: int | None) -> int:
    """Load the FDA's directory; how many rows it has."""
    connection = connect(stack.mysql)
    try:
        return load_fda(connection, rows).rows
    finally:
        connection.close()


def empty_redis(stack: Stack) -> None:
    with Redis.from_url(stack.redis.url) as client:
        client.flushall()


def stand_in(stack: Stack, *, latency_ms: int = 0, **settings: Any) -> None:
    control(stack.bedrock, reset=True, latency_ms=latency_ms, **settings)


def timed_run(
    stack: Stack,
    run_input: dict[str, Any],
    settings: dict[str, str],
    *,
    intercept: Interceptor = call_through,
) -> Timed:
    """One execution of the state machine. Raises RuntimeError if it fails."""
    stopwatch = Stopwatch()
    stores: list[CountedRuns] = []

    def counted(state: str, event: dict[str, Any], call: Callable[[], dict[str, Any]]) -> Any:
        if not isinstance(wiring().runs, CountedRuns):
            stores.append(CountedRuns(wiring().runs))
            vars(wiring())["runs"] = stores[-1]
        return intercept(state, event, call)

    started = time.perf_counter()
    report = run(stack, run_input, observe=stopwatch.see, intercept=counted, settings=settings)
    wall = time.perf_counter() - started
    if report.status != "SUCCEEDED":
        raise RuntimeError(f"{report.error}: {report.cause}")
    return Timed(
        report,
        wall,
        sum(stopwatch.spans_s.values()),
        dict(stopwatch.spans_s),
        dict(stopwatch.busy_s),
        dict(stopwatch.calls),
        stores[0],
    )


class Stopwatch:
    """Measures how long each function of a run was busy, and how long at least one was.

    One state follows the other, so each span belongs to one state.
    """

    def __init__(self) -> None:
        self.busy_s: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self.spans_s: dict[str, float] = defaultdict(float)
        self._begun: dict[tuple[str, str | None], float] = {}
        self._since = 0.0
        self._lock = Lock()

    def see(self, invocation: Invocation) -> None:
        now = time.perf_counter()
        key = (invocation.state, invocation.page)
        with self._lock:
            if invocation.begun:
                self._since = self._since if self._begun else now
                self._begun[key] = now
                return
            self.calls[invocation.state] += 1
            self.busy_s[invocation.state] += now - self._begun.pop(key)
            if not self._begun:
                self.spans_s[invocation.state] += now - self._since


@contextmanager
def adapters(stack: Stack, settings: dict[str, str]) -> Iterator[Wiring]:
    """The product's own adapters, for loops without a state machine."""
    with functions_see(stack.environment(**settings)):
        yield Wiring()


def median_of(measure: Callable[[], float], times: int = 3) -> float:
    return statistics.median(measure() for _ in range(times))


def machine() -> dict[str, Any]:
    """The machine that the figures were measured on."""
    packages = ("redis", "hiredis", "mysql-connector-python", "boto3", "moto", "pydantic", "orjson")
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
    }
