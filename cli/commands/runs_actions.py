"""What a page of runs may start: verbs of the command line, each after a confirmation.

Allowed to whoever opened the address with the token that `drugsync serve` printed. A page of
another site cannot send it, and neither can another user of this machine.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs

from cli.commands.serve_token import CLOSED, Token
from cli.documents import RunView
from local.engine.runs import holder
from local.places import HOME_VARIABLE, own_only
from workflow.contract.holder import is_run_id
from workflow.operate.failure import redrive_helps

BEGINS_S = 60.0
"""How long a run may take until it holds the lock: its process imports and plans first."""

POLL_S = 0.05
LOG = "serve.log"
LONGEST = 2_000
"""Longest part of a command's output that is shown, in characters."""

ENDED = (0, 1)
"""Exit codes of a command that did its work; the report says with which result."""


class Action(NamedTuple):
    """A button: what it says, what to know before, and the command."""

    name: str
    title: str
    what: str
    command: Callable[[str], list[str]]
    fits: Callable[[RunView, bool], bool]
    """Whether this run's page offers it; the flag says that the run was a dry run."""


def redrivable(view: RunView, _dry: bool = False) -> bool:
    """Whether it failed, and with an error after which a redrive may end well."""
    failed = view.status in ("FAILED", "TIMED_OUT", "ABORTED")
    return failed and redrive_helps(view.error or "")


ACTIONS = {
    one.name: one
    for one in (
        Action(
            "plan",
            "Plan the next run",
            "A dry run: it reads catalog and index, and writes nothing to either.",
            lambda _: ["run", "--dry-run"],
            lambda view, _: not view.running,
        ),
        Action(
            "do",
            "Apply this plan",
            "A run makes exactly the changes that this dry run showed, or none at all.",
            lambda run_id: ["run", "--plan", run_id],
            lambda view, dry: dry and view.status == "SUCCEEDED",
        ),
        Action(
            "redrive",
            "Redrive",
            "Runs the pages again that failed or never started, then the remaining steps. "
            "Embedded texts are kept.",
            lambda run_id: ["redrive", run_id],
            redrivable,
        ),
        Action(
            "rollback",
            "Roll back",
            "Undoes the last switch at once: searches answer as they did before it. The next "
            "sync applies the catalog's changes again.",
            lambda _: ["rollback"],
            lambda view, dry: not dry and view.status == "SUCCEEDED",
        ),
    )
}


class Refused(Exception):
    """The request is not one of ours, or the command refused."""


class Actions:
    """Starts commands for whoever knows the token."""

    def __init__(self, root: Path, token: Token) -> None:
        self._root = root
        self._token = token

    def form(self, action: Action, run_id: str) -> str:
        """A button behind a disclosure, which is the confirmation. Without a script."""
        where = f"/runs/{run_id or 'new'}/{action.name}"
        return (
            f"<details><summary>{action.title}</summary><p>{action.what}</p>"
            f'<form method="post" action="{where}">'
            f'<input type="hidden" name="form" value="{self._token.of_form}">'
            f"<button>Yes: {action.title.lower()}</button></form></details>"
        )

    def do(self, path: str, body: bytes, headers: Mapping[str, str]) -> str:
        """The page to go to next. Raises Refused."""
        parts = path.strip("/").split("/")
        given = parse_qs(body.decode("ascii", "replace")).get("form", [""])[0]
        same = headers.get("Origin", "null").removeprefix("http://") == headers.get("Host")
        let_in = self._token.let_in(headers.get("Cookie", ""))
        if not (self._token.is_form(given) and same and let_in):
            raise Refused(CLOSED)
        if len(parts) != 3 or parts[2] not in ACTIONS or not is_run_id(parts[1]):
            raise Refused("there is no such action")
        self._start(ACTIONS[parts[2]].command(parts[1]))
        return f"/runs/{parts[1]}" if parts[2] == "redrive" else "/runs"

    def _start(self, command: list[str]) -> None:
        """Starts a process that outlives this one, and returns once it runs or has ended.

        Raises Refused with its output if it started nothing.
        """
        if holder(self._root):
            raise Refused(f"{holder(self._root)} is in progress; wait until it ends")
        with open(self._root / LOG, "w+", encoding="utf-8", opener=own_only) as said:
            started = subprocess.Popen(  # noqa: S603 - one of ACTIONS, and a checked name
                [sys.executable, "-P", "-m", "cli.main", *command],
                env={**os.environ, HOME_VARIABLE: str(self._root)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            # A thread waits for its end, so that no zombie stays.
            threading.Thread(target=started.wait, daemon=True).start()
            deadline = time.monotonic() + BEGINS_S
            while started.poll() is None and not holder(self._root):
                if time.monotonic() > deadline:
                    break
                time.sleep(POLL_S)
            if started.returncode not in (None, *ENDED):
                said.seek(0)
                raise Refused(said.read().strip()[-LONGEST:])
