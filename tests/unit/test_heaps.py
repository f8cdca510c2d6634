"""What glibc itself says of its heaps, in a process of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from tests.machine import ROOT

THREADS = 8
PROGRAM = f"""
import ctypes, threading
from local.engine.heaps import share_one_heap
{{before}}
met = threading.Barrier({THREADS})

def work():
    met.wait()
    [bytes(1000) for _ in range(1000)]
    met.wait()

threads = [threading.Thread(target=work) for _ in range({THREADS})]
[one.start() for one in threads]
[one.join() for one in threads]
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def heaps(before: str) -> int:
    command = [sys.executable, "-c", PROGRAM.format(before=before)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_info"), reason="another C library than glibc"
)
def test_the_threads_of_a_run_share_one_heap() -> None:
    assert heaps("share_one_heap()") == 1
    assert heaps("") > 1
