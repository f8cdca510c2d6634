"""Background processes that outlive the command which started them.

Each has a home directory with its data, its log and a record of the process id. A record is trusted
only while that process has the command-line argument that no other process has (``Home.marker``),
so that a recycled process id is never mistaken for the server, and never killed.
Needs ``/proc``, so Linux.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError
from local.places import closed, is_there
from local.servers.reasons import did_not_start
from local.uninterrupted import uninterrupted

Facts = dict[str, str | int]
Announce = Callable[[str], None]

SOCKET_PATH_LIMIT = 107  # bytes: sun_path is 108 with its closing zero (unix(7))
POLL_S = 0.02
BEGIN_S = 1.0
"""Until the kernel says a new process's arguments, which it does a moment after `exec`."""

SAY_EVERY_S = 10
WORKING = 0.01
"""A process works if it takes this share of a processor; an idle server takes a tenth of it."""


@dataclass(frozen=True)
class Home:
    """Where one background process lives, and the argument that identifies it."""

    name: str
    path: Path
    marker: str

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def record(self) -> Path:
        return self.path / "process.json"


@dataclass(frozen=True)
class Record:
    """A started process and what one needs to reach it."""

    pid: int
    facts: Facts


def start(
    home: Home,
    launch: Callable[[], tuple[Sequence[str], Facts]],
    ready: Callable[[Record], bool],
    *,
    env: Mapping[str, str] | None = None,
    patience_s: float = 60,
    announce: Announce = lambda _: None,
) -> Record:
    """The process that already runs, or a new one, once it is ready.

    ``launch`` gives the command and the facts of a new process. Two callers at once start one.
    LocalError if it ends, or does no work for ``patience_s`` and is not ready: a server that reads
    its data, and Redis that builds its vector index again, may need many minutes.
    """
    closed(home.path)
    with _locked(home):
        record = running(home)
        if record is None:
            command, facts = launch()
            record = _spawn(home, command, facts, env)
        _wait_until_ready(home, record, ready, patience_s, announce)
    return record


def running(home: Home) -> Record | None:
    """The process of an earlier ``start``, if it still runs."""
    try:
        saved = json.loads(home.record.read_text())
        record = Record(int(saved["pid"]), saved["facts"])
    except (FileNotFoundError, ValueError, KeyError):  # none, or cut by a crash
        return None
    return record if is_process(record.pid, home.marker) else None


def is_process(pid: int, marker: str) -> bool:
    """Whether ``pid`` lives and was started with the argument ``marker`` (a zombie has none)."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return os.fsencode(marker) in arguments


def stop(home: Home, *, timeout_s: float = 30) -> bool:
    """End exactly the process that ``start`` started; False when there was none."""
    if not is_there(home.path):
        return False
    with _locked(home):
        record = running(home)
        if record is not None:
            _end(record.pid, home.marker, timeout_s)
        home.record.unlink(missing_ok=True)
        shutil.rmtree(_short_directory(home.path), ignore_errors=True)
    return record is not None


def socket_path(directory: Path, name: str) -> Path:
    """``directory/name``, or a private short path if a unix socket's limit is exceeded."""
    path = directory / name
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    private = _short_directory(directory)
    private.mkdir(mode=0o700, exist_ok=True)
    _require_private(private)
    return private / name


def _short_directory(directory: Path) -> Path:
    digest = hashlib.blake2b(os.fsencode(directory), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"drugsync-{os.geteuid()}-{digest}"


def _require_private(directory: Path) -> None:
    found = directory.lstat()
    if directory.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise LocalError(
            f"{directory} belongs to another user or is open to others, so sockets cannot be "
            f"kept there. Move the project to a shorter path, or run: rm -r {directory}"
        )


@contextlib.contextmanager
def _locked(home: Home) -> Iterator[None]:
    with (home.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel releases it when we die
        yield


def _spawn(
    home: Home, command: Sequence[str], facts: Facts, env: Mapping[str, str] | None
) -> Record:
    """Start ``command`` in its own session, so that Ctrl-C in the terminal does not reach it.

    With its record: a server without one could neither be found again nor be stopped.
    """
    with uninterrupted():
        record = Record(_spawned(home, command, env), facts)
        _save(home, record)
    ends = time.monotonic() + BEGIN_S
    while (
        not is_process(record.pid, home.marker) and _alive(record.pid) and time.monotonic() < ends
    ):
        time.sleep(0)
    return record


def _spawned(home: Home, command: Sequence[str], env: Mapping[str, str] | None) -> int:
    log = os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        # Not subprocess: a Popen object warns if it is dropped while its child runs.
        return os.posix_spawn(
            command[0],
            list(command),
            dict(os.environ if env is None else env),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(log)


def _save(home: Home, record: Record) -> None:
    draft = home.record.with_suffix(".new")
    draft.write_text(json.dumps({"pid": record.pid, "facts": record.facts}))
    draft.replace(home.record)


def _wait_until_ready(
    home: Home,
    record: Record,
    ready: Callable[[Record], bool],
    patience_s: float,
    announce: Announce,
) -> None:
    started = worked = said = time.monotonic()
    seconds = processor_s(record.pid)
    while not ready(record):
        now = time.monotonic()
        if processor_s(record.pid) > seconds + WORKING * patience_s:
            worked, seconds = now, processor_s(record.pid)
        died = not _alive(record.pid)
        if died or now > worked + patience_s:
            _end(record.pid, home.marker, timeout_s=1)
            home.record.unlink(missing_ok=True)
            what = "ended at once" if died else f"did nothing for {patience_s:.0f} s"
            raise LocalError(did_not_start(f"{home.name} {what}", home.log))
        if now > said + SAY_EVERY_S:
            announce(f"{home.name}, which is reading its data ({now - started:.0f} s)")
            said = now
        time.sleep(POLL_S)


def processor_s(pid: int) -> float:
    """User and system time, fields 14 and 15 of proc(5)'s stat; 0 for a process that has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _end(pid: int, marker: str, timeout_s: float) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not is_process(pid, marker):
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + timeout_s
        while _alive(pid) and time.monotonic() < deadline:
            time.sleep(POLL_S)
    _reap(pid)


def _alive(pid: int) -> bool:
    """Between fork and exec the command line is not the server's yet; the state shows it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _reap(pid: int) -> None:
    """Collect our own child's exit status; init collects other processes' children."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
