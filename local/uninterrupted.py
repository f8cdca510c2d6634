"""A piece of work that is done whole or not at all, whatever ends this process meanwhile."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
