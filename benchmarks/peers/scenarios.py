"""The scenarios, the same for all, over one catalog; a first load starts with an empty Redis."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from redis import Redis

from benchmarks.lab import LATENCY_MS, empty_redis, load_catalog, stand_in
from benchmarks.peers.judge import Row, judged
from benchmarks.peers.peers import Peer, command, environment, stand_by, standby_of
from benchmarks.peers.programs.words import text
from local.servers.processes import processor_s
from local.servers.servers import connect
from local.servers.stack import Stack
from local.standin.bedrock_process import counters

CHANGED = REMOVED = 25
DAMAGED = 5
"""Documents with another text, vectors of nothing, and documents that are gone: so many each."""

QUOTA = 300_000
BUCKET_S = 2
LONGEST_S = 1800
POLL_S = 0.02


@dataclass
class Measured:
    """One run of a peer: processor and memory of its process, or of the standby's child, each with
    its children."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    calls: int
    refused: int
    exit_code: int
    redis_mb: float
    drugs: dict[str, int]
    said: str
    """The last line of one that failed."""


class Bench:
    """One catalog and one Redis, and what has been done to them."""

    def __init__(self, stack: Stack, rows: int, dimensions: int) -> None:
        self.stack = stack
        self.dimensions = dimensions
        load_catalog(stack, rows)
        self._sql("DROP TABLE IF EXISTS peer_drugs, peer_drugs_before")
        for name in ("peer_drugs_before", "peer_drugs"):
            self._sql(f"CREATE TABLE {name} (PRIMARY KEY (ndc)) AS SELECT * FROM drugs")
        self.refused_text = self._a_text()

    def _sql(self, statement: str) -> list[Any]:
        with closing(connect(self.stack.mysql)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            found = cursor.fetchall() if cursor.description else []
            connection.commit()
            return list(found)

    def catalog(self) -> dict[str, Row]:
        with (
            closing(connect(self.stack.mysql)) as connection,
            connection.cursor(dictionary=True) as cursor,
        ):
            cursor.execute("SELECT * FROM peer_drugs ORDER BY ndc")
            rows: list[Any] = cursor.fetchall()
        found = [{name: str(value) for name, value in row.items() if value} for row in rows]
        return {row["ndc"]: row for row in found}

    def restore(self) -> None:
        self._sql("TRUNCATE peer_drugs")
        self._sql("INSERT INTO peer_drugs SELECT * FROM peer_drugs_before")

    def change(self) -> None:
        """Rows with another strength, rows that are gone; one of the new texts is refused."""
        keys = sorted(self.catalog())
        step = len(keys) // (CHANGED + REMOVED)
        for place in range(CHANGED):
            key = keys[2 * place * step]
            self._sql(f"UPDATE peer_drugs SET strength = 'PEER {place}' WHERE ndc = '{key}'")
        gone = ", ".join(f"'{keys[(2 * place + 1) * step]}'" for place in range(REMOVED))
        self._sql(f"DELETE FROM peer_drugs WHERE ndc IN ({gone})")

    def damage(self) -> None:
        """As a defect or a hand would: some hashes of the index are no longer what was written."""
        with Redis.from_url(self.stack.redis.url) as redis:
            prefix = "drug:*" if redis.exists("drugs:live") else "peer*"
            keys = sorted(redis.scan_iter(prefix, count=1000, _type="hash"))
            found = [key for key in keys if redis.hexists(key, "manufacturer")]
            chosen = Random(7).sample(found, min(len(found), 3 * DAMAGED))
            for key in chosen[:DAMAGED]:
                redis.hset(key, "manufacturer", "somebody else")
            for key in chosen[DAMAGED : 2 * DAMAGED]:
                self._spoil(redis, key, self.dimensions)
            for key in chosen[2 * DAMAGED :]:
                redis.delete(key)

    @staticmethod
    def _spoil(redis: "Redis", key: bytes, dimensions: int) -> None:
        """The vector of a document, wherever it is kept."""
        live: Any = redis.hget("drugs:live", "space")
        where: Any = key
        if live:
            text_hash: Any = redis.hget(key, "text_hash")
            where = b"text:%b:%b" % (live, text_hash)
        name = next(one for one in ("embedding", "vector") if redis.hexists(where, one))
        redis.hset(where, name, b"\x00\x00\x80?" * dimensions)

    def _a_text(self) -> str:
        rows = list(self.catalog().values())
        return text(rows[len(rows) // 2])

    def run(
        self,
        peer: Peer,
        state: Path,
        *,
        quota: int | None = None,
        until_calls: int = 0,
        refused: str = "",
    ) -> Measured:
        """One run, killed after `kill_at` calls of the model if that is given."""
        before = counters(self.stack.bedrock)
        log = state / "log"
        started = time.perf_counter()
        with log.open("ab") as out:
            process = subprocess.Popen(
                command(peer),
                env=environment(peer, self.stack, state, self.dimensions, quota),
                stdout=out,
                stderr=out,
            )
        kill_at = before["calls"] + until_calls if until_calls else 0
        cpu_s, peak_kb = self._waited(process, kill_at, standby_of(peer, self.stack))
        wall = time.perf_counter() - started
        after = counters(self.stack.bedrock)
        with Redis.from_url(self.stack.redis.url) as redis:
            drugs = judged(redis, peer.is_ours, self.catalog(), refused, self.dimensions)
            used = int(redis.info("memory")["used_memory_dataset"])
        return Measured(
            wall_s=wall,
            cpu_s=cpu_s,
            peak_mb=peak_kb / 1024,
            calls=after["calls"] - before["calls"],
            refused=after["throttled"] - before["throttled"],
            exit_code=process.returncode,
            redis_mb=used / 1e6,
            drugs=dict(drugs),
            said=_last_line(log) if process.returncode else "",
        )

    def _waited(
        self, process: "subprocess.Popen[bytes]", kill_at: int, standby: int
    ) -> tuple[float, int]:
        """Processor seconds and peak memory, of the process and of the standby's child.

        The kernel's own peak of an ended process begins with its parent's, so it is looked at
        while it runs.
        """
        end = time.monotonic() + LONGEST_S
        peak_kb, child_s = 0, 0.0
        while True:
            peak_kb = max(peak_kb, _memory_kb(process.pid))
            for child in _children(standby):
                peak_kb = max(peak_kb, _memory_kb(child))
                child_s = max(child_s, sum(map(processor_s, (child, *_children(child)))))
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return usage.ru_utime + usage.ru_stime + child_s, peak_kb
            calls = counters(self.stack.bedrock)["calls"] if kill_at else 0
            if time.monotonic() > end or (kill_at and calls >= kill_at):
                os.kill(process.pid, signal.SIGKILL)
            time.sleep(POLL_S)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "")


def _children(pid: int) -> list[int]:
    if not pid:
        return []
    return [int(child) for child in _proc(pid, f"task/{pid}/children").split()]


def _memory_kb(pid: int) -> int:
    """A process's peak, and what its children have of their own now."""
    found = re.search(r"VmHWM:\s+(\d+)", _proc(pid, "status"))
    own = (
        re.findall(r"Private_\w+:\s+(\d+)", _proc(one, "smaps_rollup")) for one in _children(pid)
    )
    return (int(found[1]) if found else 0) + sum(map(int, chain.from_iterable(own)))


def _proc(pid: int, name: str) -> str:
    """A file of a process; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


@contextmanager
def _empty(bench: Bench, root: Path, **model: Any) -> Iterator[Path]:
    """Empties Redis, and deletes what an earlier run kept."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    bench.restore()
    empty_redis(bench.stack)
    stand_in(bench.stack, latency_ms=LATENCY_MS, **model)
    yield root


def measured(bench: Bench, peer: Peer, root: Path, *, loads_only: bool) -> dict[str, Any]:
    """Scenario -> what was measured."""
    stand_by(bench.stack, peer.stands_by)
    with _empty(bench, root) as state:
        found = {"first load": bench.run(peer, state), "nothing changed": bench.run(peer, state)}
        if not loads_only and not found["first load"].exit_code:
            bench.change()
            stand_in(
                bench.stack,
                latency_ms=LATENCY_MS,
                faults=[{"kind": "ValidationException", "times": None, "match": "peer 7 "}],
            )
            found["changed, removed, one refused"] = bench.run(peer, state, refused="peer 7 ")
            found |= _faults(bench, peer, root, found["first load"].calls)
    bench.restore()
    return {name: asdict(one) for name, one in found.items()}


def _faults(bench: Bench, peer: Peer, root: Path, calls: int) -> dict[str, Measured]:
    """What starts with an empty Redis and then meets a fault; a first load makes `calls`."""
    found: dict[str, Measured] = {}
    refuse = {"kind": "ValidationException", "times": None, "match": bench.refused_text}
    with _empty(bench, root, faults=[refuse]) as state:
        found["one text refused"] = bench.run(peer, state, refused=bench.refused_text)
    with _empty(bench, root) as state:
        bench.run(peer, state)
        bench.damage()
        bench.run(peer, state)  # what finds damage may end here, and repair it by the next run
        found["damaged, two runs"] = bench.run(peer, state)
    with _empty(bench, root) as state:
        killed = bench.run(peer, state, until_calls=calls // 2)
        again = bench.run(peer, state)
        again.calls += killed.calls
        again.wall_s += killed.wall_s
        found["killed half-way and run again"] = again
    with _empty(bench, root, tokens_per_minute=QUOTA, bucket_s=BUCKET_S) as state:
        found["quota"] = bench.run(peer, state, quota=QUOTA)
    return found
