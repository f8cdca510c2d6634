"""Start and stop the standby of one home."""

import os
import sys
from pathlib import Path

from cli.standby.alike import alike
from cli.standby.client import FOLDER, SOCKET
from local.servers import processes
from local.servers.processes import Facts, Home


def start(root: Path) -> None:
    """Start one with the current code. Nobody waits for it: until it is ready, commands do without
    it."""
    home = _home(root)
    record = processes.running(home)
    if record and record.facts["alike"] != alike():
        processes.stop(home)
    processes.start(home, lambda: _launch(home), lambda _: True, env=dict(os.environ))


def stop(root: Path) -> bool:
    """False when none ran."""
    return processes.stop(_home(root))


def _home(root: Path) -> Home:
    path = root.resolve() / FOLDER
    return Home("The standby", path, str(path / SOCKET))


def _launch(home: Home) -> tuple[list[str], Facts]:
    # -P: a folder `cli` where the command was given is not ours.
    command = [sys.executable, "-P", "-m", "cli.standby.server", home.marker]
    return command, {"alike": alike()}
