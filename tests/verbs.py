"""Every verb of `drugsync`, one after the other in one process: `python -m tests.verbs [VERB ...]`.

A process, so that it can have another user's rights, limits and environment; one for all of them,
because the imports take longer than most verbs do. It answers with a line of JSON for each.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from local.places import HOME_VARIABLE

LINES = {
    "info": "info",
    "search": "search 00000000000",
    "status": "status",
    "runs": "runs",
    "report": "report",
    "changes": "changes",
    "logs": "logs",
    "explain": "explain 00000000000 --query tablet",
    "doctor": "doctor",
    "verify": "verify",
    "run": "run --page-size 10",
    "redrive": "redrive nightly",
    "rollback": "rollback",
    "schedule": "schedule --times 1",
    "serve": "serve --port 0",
    "catalog load": "catalog load --rows 5",
    "catalog init": "catalog init drugs",
    "up": "up --embedder hash",
    "demo": "demo --rows 5",
    "down": "down",
}
"""What is typed for each verb. Those that start or stop servers come last."""

SERVES_S = 3.0
"""`serve` goes on until Ctrl-C."""


class Said(NamedTuple):
    """What a verb printed, its exit code, and how long a person waited."""

    verb: str
    code: int
    out: str
    err: str
    waited_s: float
    """Without the time in which it worked, or waited for a processor."""

    def assert_a_sentence(self, *words: str) -> None:
        """Exit code 2, one sentence on stderr, and nothing else."""
        assert self.code == 2, self
        assert self.err.startswith("error "), self
        assert self.err.count("\n") == 1, self
        for word in words:
            assert word.lower() in self.err.lower(), self

    def assert_no_defect(self) -> None:
        assert "Traceback" not in self.out + self.err, self

    def assert_at_once(self, most_s: float) -> None:
        assert self.waited_s < most_s, self


def each(
    home: Path,
    verbs: Iterable[str] = LINES,
    *,
    before: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    without: Iterable[str] = (),
) -> dict[str, Said]:
    """What the verbs say in this home; `before` is a command that gives up rights.

    `environ` is added to this process's variables, and those of `without` are left out.
    """
    ours = {name: value for name, value in os.environ.items() if name not in set(without)}
    done = subprocess.run(
        [*before, sys.executable, "-m", "tests.verbs", *verbs],
        env={**ours, HOME_VARIABLE: str(home), **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {one.verb: one for one in (Said(*json.loads(line)) for line in done.stdout.splitlines())}


def say(verb: str) -> Said:
    """Run it as the command does, and have its streams instead of the terminal."""
    from cli.app import main

    sys.argv = ["drugsync", *LINES[verb].split()]
    out, err = stream(), stream()
    started = time.monotonic() - worked_s()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), ctrl_c(verb == "serve"):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException:
            # What Python itself prints of a defect.
            sys.excepthook(*sys.exc_info())
            code = 1
    waited = time.monotonic() - worked_s() - started
    return Said(verb, code, text_of(out), text_of(err), waited)


def worked_s() -> float:
    """Seconds in which this process had a processor, or its main thread waited for one."""
    ran, delayed, _ = map(int, Path("/proc/self/schedstat").read_text().split())
    return (ran + delayed) / 1e9


def stream() -> io.TextIOWrapper:
    """Like this process's own stdout, which the standby compares with its own."""
    return io.TextIOWrapper(io.BytesIO(), sys.stdout.encoding, sys.stdout.errors)


def text_of(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


@contextlib.contextmanager
def ctrl_c(wanted: bool) -> Iterator[None]:
    if wanted:
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
        # Again and again: the first may come before it serves.
        signal.setitimer(signal.ITIMER_REAL, SERVES_S, SERVES_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    import cli.app
    import cli.failures
    import cli.options  # noqa: F401 - so that no verb's time has the imports of all

    for verb in sys.argv[1:] or LINES:
        print(json.dumps(say(verb)), flush=True)
