"""The results of an execution, so that it can be redriven. On AWS, Step Functions keeps them.

Beside a run's files stand `execution.json` (input, start and definition of the execution) and
`history.jsonl`: a line for each result of a function. A redrive answers with these, and calls only
the functions that failed or never started.
"""

import json
import threading
from collections import defaultdict, deque
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from local.errors import LocalError
from local.places import is_there, own_only
from workflow.contract.events.base import Event
from workflow.contract.events.payloads import Run

EXECUTION = "execution.json"
HISTORY = "history.jsonl"
FIRST = "AcceptRun"

Payload = dict[str, Any]


class Execution(Event):
    """`execution.json`."""

    input: dict[str, Any]
    started_at: datetime
    definition: str
    """The state machine as it was then. As on AWS, a redrive uses it."""


class History:
    """The results of one run's functions: those before this start are replayed, in order."""

    def __init__(self, folder: Path, started_at: datetime) -> None:
        self.started_at = started_at
        self._path = folder / HISTORY
        self._lock = threading.Lock()
        self._past: dict[tuple[str, str | None], deque[Payload]] = defaultdict(deque)
        self.replayed = 0
        for line in _whole_lines(self._path):
            self._past[line["state"], line["page"]].append(line["result"])
        self._file: IO[str] = open(  # noqa: SIM115 - closed by close()
            self._path, "a", encoding="utf-8", opener=own_only
        )

    def close(self) -> None:
        self._file.close()

    def replay(self, state: str, page: str | None) -> Payload | None:
        """The earlier result of the function; None if it must be called."""
        with self._lock:
            results = self._past.get((state, page))
            if not results:
                return None
            self.replayed += 1
            return results.popleft()

    def keep(self, state: str, page: str | None, result: Payload) -> None:
        line = json.dumps({"state": state, "page": page, "result": result})
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()


def _whole_lines(path: Path) -> list[Payload]:
    """The last line may be cut if the process was killed; its function runs again."""
    if not is_there(path):
        return []
    *lines, rest = path.read_text(encoding="utf-8").split("\n")
    if rest:
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return [json.loads(line) for line in lines]


def accepted(folder: Path) -> Run | None:
    """The first result: the run, with the key that seals its files. None where it was refused.

    Raises LocalError.
    """
    path = folder / HISTORY
    if not is_there(path):
        return None
    with open(path, encoding="utf-8") as file:
        line = file.readline()
    if not line.endswith("\n"):
        return None
    try:
        first = json.loads(line)
        return Run.model_validate(first["result"]) if first["state"] == FIRST else None
    except (ValueError, TypeError, KeyError) as error:
        raise LocalError(f"the first line of {path} is no result of a function: {error}") from error


def begin(folder: Path, run_input: Payload, started_at: datetime, definition: str) -> None:
    """Record input, start and definition of the execution."""
    execution = Execution(input=run_input, started_at=started_at, definition=definition)
    with open(folder / EXECUTION, "w", encoding="utf-8", opener=own_only) as file:
        file.write(execution.model_dump_json())


def read_execution(folder: Path) -> Execution:
    """Raises LocalError."""
    try:
        return Execution.model_validate_json((folder / EXECUTION).read_bytes())
    except (FileNotFoundError, ValueError) as error:
        raise LocalError(no_way_back(folder / EXECUTION)) from error


def no_way_back(path: Path) -> str:
    """Without one of its two files an execution cannot go on."""
    return f"{path} is missing or cut, so the run cannot be redriven; start a new one: drugsync run"
