"""One heap for all threads of a run, and what is free goes back to the system.

glibc gives each thread a heap of its own. What a page took stays in its thread's heap when the page
is done, so a run over many pages held a fifth more memory than it used. Own heaps are for threads
that allocate at the same time, and Python's take turns.
"""

import ctypes
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_ARENA_MAX: Final = -8
"""Of glibc's malloc.h."""

FREE_BYTES: Final = 128 * 1024
"""glibc's own value to begin with. Named, it no longer grows with each large file."""


def share_one_heap() -> None:
    """Before the threads start. Other C libraries have no such heaps, and nothing to set."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_TRIM_THRESHOLD, FREE_BYTES)
