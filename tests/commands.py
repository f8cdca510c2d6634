"""`drugsync` in a process of its own, for what only a process shows: signals, exit codes, kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from local.places import HOME_VARIABLE

DRUGSYNC = [sys.executable, "-m", "cli.main"]
SMALL_PAGES = {"DRUGSYNC_EMBED_PAGE_SIZE": "2"}
"""So that there are several pages to be in the middle of."""


def begin(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """A command over the servers of this home; errors come with its output.

    It hears Ctrl-C also where the tests themselves do not, as in the background of a shell.
    """
    return subprocess.Popen(
        [*DRUGSYNC, *arguments],
        env={**os.environ, HOME_VARIABLE: str(home), **SMALL_PAGES},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
