"""One heap for all threads of a run.

glibc gives each thread a heap of its own. What a page took stays in its thread's heap when the page
is done, so a run over many pages held a fifth more memory than it used. Own heaps are for threads
that allocate at the same time, and Python's take turns.
"""

import ctypes
from typing import Final

M_ARENA_MAX: Final = -8
"""Of glibc's malloc.h."""


def share_one_heap() -> None:
    """Before the threads start. Other C libraries have no such heaps, and nothing to set."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)
