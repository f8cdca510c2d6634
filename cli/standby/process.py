"""Start and stop the standby of one home."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.standby.alike import alike
from cli.standby.client import FOLDER, SOCKET, stands_by
from local.servers import processes
from local.servers.processes import Facts, Home, Record

READY_S = 10.0
"""On a machine that needs longer, the first commands do without it."""

POLL_S = 0.05


@contextmanager
def beside(root: Path) -> Iterator[None]:
    """Start one, and wait at the end of what is done meanwhile until it serves.

    Where that fails, none is left.
    """
    start(root)
    try:
        yield
    except BaseException:
        stop(root)
        raise
    deadline = time.monotonic() + READY_S
    while not serves(root) and time.monotonic() < deadline and record(root):
        time.sleep(POLL_S)


def start(root: Path) -> None:
    """Start one with the current code. Nobody waits for it: until it is ready, commands do without
    it."""
    home = _home(root)
    running = record(root)
    if running and running.facts["alike"] != alike():
        processes.stop(home)
    processes.start(home, lambda: _launch(home), lambda _: True, env=dict(os.environ))


def stop(root: Path) -> bool:
    """False when none ran."""
    return processes.stop(_home(root))


def record(root: Path) -> Record | None:
    """Its process, where one runs."""
    return processes.running(_home(root))


def serves(root: Path) -> bool:
    """Whether commands are handed over."""
    return stands_by(root / FOLDER) == ""


def _home(root: Path) -> Home:
    path = root.resolve() / FOLDER
    return Home("The standby", path, str(path / SOCKET))


def _launch(home: Home) -> tuple[list[str], Facts]:
    # -P: a folder `cli` where the command was given is not ours.
    command = [sys.executable, "-P", "-m", "cli.standby.server", home.marker]
    return command, {"alike": alike()}
