"""A second process for the pages of Maps, so that two cores work on them.

Python's threads take turns on one core. On AWS each function is a process of its own; here one
process beside the engine's takes a page whenever it is idle, and the other pages stay where they
were. It has connections of its own to MySQL, Redis and the model. The run bucket is moto's, in the
engine's memory, so the process asks the engine for each file.
"""

import gc
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from handlers.wiring import wiring
from local.engine.definition import maps
from local.engine.functions import handler_of
from local.engine.invocations import LambdaFailure, Payload
from local.engine.runs import let_go
from local.uninterrupted import uninterrupted
from workflow.contract.ports.run_store import RunStore

Function = Callable[[str, Payload, str], Payload]
"""State, event and request id -> result."""

RESULT, ERROR = "result", "error"
"""How the process ends a page. Otherwise it names a method of the RunStore."""


class AskedRuns:
    """A RunStore in the process: the engine does what is asked."""

    def __init__(self, engine: "Connection", bucket: str) -> None:
        self._engine = engine
        self.bucket = bucket

    def write(self, key: str, body: bytes) -> None:
        self._ask("write", key, body)

    def read(self, key: str) -> bytes:
        body: bytes = self._ask("read", key)
        return body

    def keys(self, prefix: str) -> list[str]:
        found: list[str] = self._ask("keys", prefix)
        return found

    def _ask(self, method: str, *arguments: Any) -> Any:
        self._engine.send((method, *arguments))
        answer = self._engine.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


class PageProcess:
    """The engine's side: one page at a time."""

    def __init__(self, function: Function, bucket: str) -> None:
        self._pages, pages = Pipe()
        self._alive, alive = os.pipe()
        self._idle = threading.Lock()
        sys.stdout.flush()  # otherwise both would write what waits in it
        with warnings.catch_warnings():
            # Python warns of threads: those of a progress bar and of the standby, which hold
            # nothing that a page needs. The engine has none yet.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid == 0:
            self._pages.close()
            os.close(alive)
            _serve(pages, self._alive, function, AskedRuns(pages, bucket))
        pages.close()
        os.close(self._alive)
        self._alive = alive

    def take(self) -> bool:
        """Whether the next call is its own; each that is must be made."""
        return self._idle.acquire(blocking=False)

    def call(self, state: str, event: Payload, request_id: str) -> Payload:
        """As the function in this process. One that has ended takes no page any more."""
        try:
            outcome, *values = self._answered((state, event, request_id))
        except (EOFError, OSError) as error:
            raise LambdaFailure(
                "Runtime.ExitError", "the second process of this run has ended; stderr may say why"
            ) from error
        self._idle.release()
        if outcome == ERROR:
            raise LambdaFailure(*values)
        result: Payload = values[0]
        return result

    def _answered(self, page: tuple[str, Payload, str]) -> tuple[Any, ...]:
        self._pages.send(page)
        while True:
            said: tuple[Any, ...] = self._pages.recv()
            if said[0] in (RESULT, ERROR):
                return said
            self._pages.send(_done(wiring().runs, *said))

    def end(self) -> None:
        """At once; a page that it was at is not finished."""
        self._pages.close()
        os.close(self._alive)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _done(runs: RunStore, method: str, *arguments: Any) -> Any:
    try:
        return getattr(runs, method)(*arguments)
    except Exception as error:  # raised where it was asked for
        return error


@contextmanager
def page_process(function: Function, bucket: str) -> Iterator[PageProcess]:
    """For a run. Forked before the engine has threads; what both need is imported first, and stays
    shared memory: the collector does not touch it any more."""
    for one in maps():
        handler_of(one.function)
    with ExitStack() as ends:
        gc.freeze()
        ends.callback(gc.unfreeze)
        with uninterrupted():  # a Ctrl-C at the fork is the engine's alone
            process = PageProcess(function, bucket)
            ends.callback(process.end)
        yield process


def _serve(engine: "Connection", alive: int, function: Function, runs: AskedRuns) -> NoReturn:
    """Call functions until the engine's process ends, however it does."""
    try:
        # Ctrl-C reaches every process of a terminal; the engine says what follows.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        let_go()
        threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
        vars(wiring())["runs"] = runs
        while True:
            page = engine.recv()
            outcome = _outcome(function, *page)
            with suppress(OSError):
                sys.stdout.flush()  # a log that cannot be written fails no page
            engine.send(outcome)
    except (EOFError, ConnectionError):
        os._exit(0)  # the engine's process has ended
    except BaseException:  # whatever it is, stderr says why the process ends
        traceback.print_exc()
        sys.stderr.flush()
        raise
    finally:
        os._exit(1)  # whatever is to be cleaned up is the engine's


def _outcome(function: Function, state: str, event: Payload, request_id: str) -> tuple[Any, ...]:
    try:
        return RESULT, function(state, event, request_id)
    except Exception as error:  # Lambda, too, reports whatever a handler raises
        return ERROR, type(error).__name__, str(error)


def _end_with(alive: int) -> None:
    """The kernel closes the other end when the engine's process is gone, also where it was
    killed."""
    os.read(alive, 1)
    os._exit(1)
