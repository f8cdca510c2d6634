"""The caller's side: hand a command over, forward Ctrl-C, and end as the command ended."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.places import home

FOLDER = "standby"
SOCKET = "socket"
ALIKE = "alike"

HERE = frozenset({"up", "down", "demo", "serve", "schedule"})
"""Commands that start or stop servers, including the standby, or that run for long."""

KILLED = 1
INTERRUPTED = 130


def handed_over() -> int | None:
    """The exit code of the command, done by the standby; None if this process has to do it."""
    folder = home() / FOLDER
    if HERE & set(sys.argv[1:2]) or not _stands_by(folder):
        return None
    connection = reach(folder)
    if connection is None:
        return None
    with connection:
        return call(connection, sys.argv)


def _stands_by(folder: Path) -> bool:
    try:
        said = (folder / ALIKE).read_text(encoding="utf-8")
    except OSError:
        return False
    from cli.standby.alike import alike

    return said == alike()


def reach(folder: Path) -> socket.socket | None:
    """A connection, or None if nobody listens."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with by_descriptor(folder) as path:
            connection.connect(path)
    except OSError:
        connection.close()
        return None
    return connection


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
        try:
            os.kill(pid, signal.SIGINT)
        except ProcessLookupError:
            return

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        return int.from_bytes(_exactly(connection, 8), "big")
    except OSError:
        return INTERRUPTED if interrupted else _killed(pid)
    finally:
        signal.signal(signal.SIGINT, before)


def _killed(pid: int) -> int:
    sys.stderr.write(f"error the process that did this command ({pid}) was killed\n")
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
