"""The caller's side: hand a command over, forward Ctrl-C, and end as the command ended."""

import json
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.places import home
from local.uninterrupted import INTERRUPTED

FOLDER = "standby"
SOCKET = "socket"
ALIKE = "alike"

HERE = frozenset({"up", "down", "demo", "serve", "schedule"})
"""Commands that start or stop servers, including the standby, or that run for long."""

KILLED = 1


def handed_over() -> int | None:
    """The exit code of the command, done by the standby; None if this process has to do it."""
    folder = home() / FOLDER
    if HERE & set(sys.argv[1:2]):
        return None
    other = stands_by(folder)
    if other is None:
        return None
    connection = reach(folder)
    if connection is None:
        return None
    if other:
        connection.close()
        _tell(other)
        return None
    with connection:
        return call(connection, sys.argv)


def stands_by(folder: Path) -> str | None:
    """What makes a standby another one than we need; empty where it is ours; None without one."""
    try:
        said = (folder / ALIKE).read_text(encoding="utf-8")
    except OSError:
        return None
    from cli.standby.alike import differs

    return differs(said)


def _tell(other: str) -> None:
    """A user is told why this takes longer; a program's stderr stays as it was."""
    if sys.stderr.isatty():
        sys.stderr.write(f"the standby has {other}: running without it, which takes longer\n")


def reach(folder: Path) -> socket.socket | None:
    """A connection, or None if nobody listens, or someone else does.

    Whoever listens gets our environment and our terminal, and a home may be open to others.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        with by_descriptor(folder) as path:
            connection.connect(path)
        if is_ours(connection):
            return connection
    except OSError:
        pass
    connection.close()
    return None


def is_ours(connection: socket.socket) -> bool:
    """Whether the other side is a process of this user (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("3i")
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return bool(struct.unpack("3i", found)[1] == os.geteuid())


@contextmanager
def by_descriptor(folder: Path) -> Iterator[str]:
    """The socket's path by way of its folder's descriptor: sun_path has 108 bytes (unix(7))."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


def call(connection: socket.socket, arguments: list[str]) -> int | None:
    """None if nothing has begun, so that the caller may still do it."""
    interrupted = False
    try:
        asked = {"argv": arguments, "environ": dict(os.environ), "cwd": os.getcwd()}
        body = json.dumps(asked).encode("ascii")
        socket.send_fds(connection, [len(body).to_bytes(8, "big")], [0, 1, 2])
        connection.sendall(body)
        pid = int.from_bytes(_exactly(connection, 8), "big")
    except OSError:
        return None

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        _send(pid, signal.SIGINT)

    def pause(*_: object) -> None:
        """The terminal stops our process group, where the child is not."""
        _send(pid, signal.SIGSTOP)
        watcher = _wakes_if_we_end(pid)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.kill(watcher, signal.SIGKILL)
        os.waitpid(watcher, 0)
        _send(pid, signal.SIGCONT)

    def end(number: int, _: object) -> None:
        """A child that is stopped does not see that we are gone."""
        _send(pid, signal.SIGCONT)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    answers: list[tuple[int, Callable[..., None]]] = [
        (signal.SIGINT, interrupt),
        (signal.SIGTSTP, pause),
        (signal.SIGHUP, end),
        (signal.SIGTERM, end),
    ]
    # What the caller ignores stays ignored: after `nohup`, the end of a terminal ends nothing.
    heard = [one for one in answers if signal.getsignal(one[0]) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, answer)) for number, answer in heard]
    try:
        return int.from_bytes(_exactly(connection, 8), "big")
    except OSError:
        return INTERRUPTED if interrupted else _killed(pid)
    finally:
        for number, answer in before:
            signal.signal(number, answer)


def _wakes_if_we_end(pid: int) -> int:
    """A process that lets `pid` continue once we are gone, so that it sees that and ends, too.

    While we are stopped, SIGKILL ends us and nothing of ours runs any more.
    """
    us = os.pidfd_open(os.getpid())
    watcher = os.fork()
    if watcher == 0:
        try:
            select.select([us], [], [])
            _send(pid, signal.SIGCONT)
        finally:
            os._exit(0)
    os.close(us)
    return watcher


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _killed(pid: int) -> int:
    sys.stderr.write(f"error the process that ran this command ({pid}) was killed\n")
    return KILLED


def _exactly(connection: socket.socket, size: int) -> bytes:
    """Raises OSError if the other side ends too early."""
    found = b""
    while len(found) < size:
        part = connection.recv(size - len(found))
        if not part:
            raise ConnectionError("the standby closed the connection")
        found += part
    return found
