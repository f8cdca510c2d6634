"""Ctrl-C: what every command does with it, and work that is done whole or not at all."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHOW_CURSOR = "\x1b[?25h"


def heed_ctrl_c() -> None:
    """The first one is a KeyboardInterrupt; a second one waits for nothing, wherever it comes.

    A caller that ignores Ctrl-C, as a shell does for its background, has its commands ignore it.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _first)


def hear_the_second() -> None:
    """After the first one: the next is a KeyboardInterrupt as well, for who has more to say."""
    if signal.getsignal(signal.SIGINT) is end_at_once:
        signal.signal(signal.SIGINT, _first)


def work_is_over() -> None:
    """Only Python itself still ends: there is nothing to interrupt, and no traceback to show."""
    if signal.getsignal(signal.SIGINT) is _first:
        signal.signal(signal.SIGINT, end_at_once)


def _first(*_: Any) -> None:
    signal.signal(signal.SIGINT, end_at_once)
    raise KeyboardInterrupt


def end_at_once(*_: Any) -> None:
    """No exit handler and no thread delays it, and no further Ctrl-C kills what is ending."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError, AttributeError):
            stream.write(SHOW_CURSOR if stream.isatty() else "")
            stream.flush()
    os._exit(INTERRUPTED)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C and a request to end are answered after it. Only for what takes milliseconds.

    Not by a mask, which another thread does not have. Python handles signals in the main thread, so
    that no other one is interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {one: signal.signal(one, lambda number, _: came.append(number)) for one in ENDING}
    try:
        yield
    finally:
        for one, answer in before.items():
            signal.signal(one, signal.SIG_DFL if answer is None else answer)
        for number in came:
            signal.raise_signal(number)
