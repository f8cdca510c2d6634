"""Runs: their ids, their inputs, and the one that is executing."""

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.places import own_only, private
from workflow.contract.errors import InvalidInput
from workflow.contract.events.payloads import RunInput
from workflow.steps.accept_run import parse_input

LOCK = "run.lock"
STARTS = "%Y%m%dT%H%M%S%f"
"""How the name of a run begins: its start in UTC, of which the first three digits behind the
second are kept."""


def run_id_of(kind: str) -> str:
    """Readable, unique, and sortable: a small run takes less than a second."""
    now = f"{datetime.now(UTC):{STARTS}}"
    return f"{now[:-3]}-{kind}-{secrets.token_hex(2)}"


def input_as_far_as_right(values: Mapping[str, Any]) -> RunInput:
    """If AcceptRun refused the input, the report shows its mode and the defaults."""
    try:
        return parse_input(dict(values))
    except InvalidInput:
        return RunInput(mode="backfill" if values.get("mode") == "backfill" else "sync")


@contextmanager
def only_one(root: Path, what: str) -> Iterator[None]:
    """`what` (a run's id, a load) holds this machine's catalog and index. Raises LocalError.

    Each process has a Step Functions of its own, so AcceptRun cannot see a run of another.
    """
    with open(private(root) / LOCK, "a+", opener=own_only) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalError(
                f"{holder(root) or 'another run'} is in progress on {root}; wait until it ends, "
                f"then try again"
            ) from error
        lock.truncate(0)
        lock.write(what)
        lock.flush()
        yield


def let_go() -> None:
    """For a forked process: the lock is over with the process that took it, whoever lives on."""
    for one in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the descriptor of this listing
            if Path(os.readlink(one)).name == LOCK:
                os.close(int(one.name))


def holder(root: Path) -> str:
    """What holds the lock now; empty if nothing does."""
    try:
        with (root / LOCK).open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read()
    except FileNotFoundError:
        pass
    return ""
