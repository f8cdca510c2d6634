"""The Bedrock stand-in as a background process, and its remote control."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.errors import LocalError
from local.places import is_there, own_only
from local.servers import processes
from local.servers.processes import Facts, Home, Record
from local.standin.bedrock import CONTROL_PATH, JSON, SECRET_HEADER

PROJECT = Path(__file__).resolve().parents[2]
CONTROL_TIMEOUT_S = 10
SECRET = "secret"  # noqa: S105  a file's name


@dataclass(frozen=True)
class StandinProcess:
    """A running stand-in; ``endpoint`` is what boto3 takes as ``endpoint_url``."""

    pid: int
    endpoint: str
    embedder: str
    secret: str = field(default="", repr=False)
    """For `control` and `counters`."""

    @property
    def version(self) -> str:
        """What answers, named like the servers next to it."""
        return f"with {self.embedder} vectors"


def start_standin(root: Path, *, embedder: str, port: int = 0) -> StandinProcess:
    """The stand-in below ``root``; one with another embedder is replaced."""
    home = _home(root)
    record = processes.running(home)
    if record and record.facts["embedder"] != embedder:
        processes.stop(home)
    ready_file = Path(home.marker)
    record = processes.start(
        home,
        lambda: _launch(home, embedder, port),
        lambda _: ready_file.exists(),
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    return _found(home, record)


def running_standin(root: Path) -> StandinProcess | None:
    home = _home(root)
    record = processes.running(home)
    if record is None or not is_there(Path(home.marker)):
        return None
    return _found(home, record)


def stop_standin(root: Path) -> bool:
    """False when none ran."""
    return processes.stop(_home(root))


def control(standin: StandinProcess, **settings: Any) -> dict[str, Any]:
    """Change what the stand-in does (local/standin/faults.py); gives its counters."""
    return _ask(standin, json.dumps(settings).encode())


def counters(standin: StandinProcess) -> dict[str, Any]:
    """``calls, texts, tokens, throttled, peak_concurrency, errors`` since the last reset."""
    return _ask(standin, None)


def _found(home: Home, record: Record) -> StandinProcess:
    endpoint = Path(home.marker).read_text()
    return StandinProcess(
        record.pid, endpoint, str(record.facts["embedder"]), (home.path / SECRET).read_text()
    )


def _home(root: Path) -> Home:
    path = root.resolve() / "bedrock"
    return Home("The Bedrock stand-in", path, str(path / "endpoint"))


def _launch(home: Home, embedder: str, port: int) -> tuple[list[str], Facts]:
    chosen = port or _port_before(home)
    Path(home.marker).unlink(missing_ok=True)
    command = [sys.executable, "-m", "local.standin.bedrock", "--port", str(chosen)]
    command += ["--embedder", embedder, "--ready-file", home.marker]
    # By a file: the arguments of a process are seen by every user of the machine.
    with open(home.path / SECRET, "w", opener=own_only) as file:
        file.write(secrets.token_urlsafe(24))
    command += ["--secret-file", str(home.path / SECRET)]
    return command, {"embedder": embedder}


def _port_before(home: Home) -> int:
    """Its previous port, so that programs which know it, such as `serve`, find it again."""
    try:
        port = urlsplit(Path(home.marker).read_text()).port or 0
        with socket.create_server(("127.0.0.1", port)):
            return port
    except (OSError, ValueError):
        return 0


def _ask(standin: StandinProcess, body: bytes | None) -> dict[str, Any]:
    headers = {"Content-Type": JSON, SECRET_HEADER: standin.secret}
    address = standin.endpoint + CONTROL_PATH
    request = urllib.request.Request(address, body, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=CONTROL_TIMEOUT_S) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            message = json.load(error)["message"]
        raise LocalError(f"The Bedrock stand-in refused: {message}") from error
    return found
