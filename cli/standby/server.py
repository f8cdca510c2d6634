"""The standby itself: imports everything once, then forks for each command.

It has one thread and no connection to any server, so a fork of it is as fresh as a new process.
"""

import gc
import importlib
import io
import json
import os
import random
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from cli.standby.alike import alike
from cli.standby.client import ALIKE, SOCKET, by_descriptor, is_ours
from local.uninterrupted import INTERRUPTED, heed_ctrl_c
from workflow.contract.unseen import visible

BACKLOG = 16


def main() -> None:
    """`python -m cli.standby.server FOLDER/socket`."""
    folder = Path(sys.argv[1]).parent
    said = alike()
    listener = bound(folder)
    from cli.app import main as command_line

    prepare()
    gc.freeze()
    (folder / ALIKE).write_text(said, encoding="utf-8")
    serve(listener, command_line)


def prepare() -> None:
    """Import what any command may need, and set the state machine up once, as each run does."""
    from cli.verbs import VERBS
    from local.engine.definition import functions
    from local.engine.engine import engine
    from local.engine.functions import handler_of
    from local.servers.stack import BUCKET
    from workflow.contract.settings import Settings
    from workflow.search.known import known_names
    from workflow.search.synonyms import read_synonyms

    for verb in VERBS.values():
        importlib.import_module(verb.module)
    for state in functions():
        handler_of(state)
    with engine({}, BUCKET, io.StringIO()):
        known_names()
        read_synonyms(Settings.model_fields["synonyms_file"].default)


def bound(folder: Path) -> socket.socket:
    """A socket that only this user can reach: the folder is private, and so is the socket."""
    (folder / ALIKE).unlink(missing_ok=True)
    (folder / SOCKET).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    umask = os.umask(0o177)
    with by_descriptor(folder) as path:
        listener.bind(path)
    os.umask(umask)
    listener.listen(BACKLOG)
    return listener


def serve(listener: socket.socket, work: Callable[[], None]) -> None:
    """Fork for each command, until SIGTERM."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    while True:
        connection, _ = listener.accept()
        if is_ours(connection) and os.fork() == 0:
            listener.close()
            _child(connection, work)
        connection.close()


def _child(connection: socket.socket, work: Callable[[], None]) -> None:
    """Never returns: the parent's loop continues in the parent only."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        heed_ctrl_c()
        _become(*_request(connection))
        connection.sendall(os.getpid().to_bytes(8, "big"))
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        code = _exit_code(work)
        connection.sendall(code.to_bytes(8, "big"))
    finally:
        os._exit(code)


def _request(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    head, descriptors, _, _ = socket.recv_fds(connection, 8, 3)
    with connection.makefile("rb") as body:
        return json.loads(body.read(int.from_bytes(head, "big"))), descriptors


def _become(asked: dict[str, Any], descriptors: list[int]) -> None:
    """Take the caller's place: its terminal, environment, folder and arguments."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["environ"])
    os.chdir(asked["cwd"])
    time.tzset()
    random.seed()
    sys.argv = asked["argv"]
    _line_buffered(sys.stdout, os.isatty(1))


def _line_buffered(stream: TextIO, on: bool) -> None:
    assert isinstance(stream, io.TextIOWrapper)  # noqa: S101 - Python's own
    stream.reconfigure(line_buffering=on)


def _end_with(connection: socket.socket) -> None:
    """End the work for a caller that was killed."""
    if not connection.recv(1):
        os.kill(os.getpid(), signal.SIGKILL)


def _exit_code(work: Callable[[], None]) -> int:
    """The exit code that Python itself would give."""
    try:
        work()
        code: object = 0
    except SystemExit as end:
        code = end.code or 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException:
        traceback.print_exc()
        code = 1
    if not isinstance(code, int):
        print(visible(str(code)), file=sys.stderr)
        code = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        # The reader of our output is gone, or it was closed.
        return code
    return code


if __name__ == "__main__":
    main()
