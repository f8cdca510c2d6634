"""Plays the demo once and keeps what the documents show of it: python -m tools.played.

README.md's sample of a sync, the pictures of the search page and of a report, and the sample
answers of docs/search-api.md. It needs a Chromium on this machine.
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools import reference, sample, screenshots, search_answers

COMMAND = (sys.executable, "-m", "cli.main")
PORT = 8321


class Played(NamedTuple):
    """The demo was played: what it printed, and the folder that has its servers and runs."""

    output: str
    home: Path


@contextmanager
def demo_home() -> Iterator[Played]:
    """The demo, in a folder and with servers of its own, which stop at the end."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"DRUGSYNC_HOME": home, "COLUMNS": "100", "NO_COLOR": "1"}
        try:
            done = subprocess.run(
                [*COMMAND, "demo"], env=environment, check=False, capture_output=True, text=True
            )
            if done.returncode:
                raise SystemExit(f"the demo failed:\n{done.stdout}\n{done.stderr}")
            yield Played(done.stdout, Path(home) / "demo")
        finally:
            subprocess.run([*COMMAND, "down"], env=environment, check=False)


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """The address of a home's search page and API."""
    environment = os.environ | {"DRUGSYNC_HOME": str(home)}
    address = f"http://127.0.0.1:{PORT}"
    server = subprocess.Popen([*COMMAND, "serve", "--port", str(PORT)], env=environment)
    try:
        _wait_for(address)
        yield address
    finally:
        server.terminate()
        server.wait()


def _wait_for(address: str, seconds: int = 60) -> None:
    for _ in range(seconds):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own server
        except urllib.error.URLError:
            time.sleep(1)
        else:
            return
    raise SystemExit(f"nothing answered at {address}")


if __name__ == "__main__":
    with demo_home() as played:
        text = sample.README.read_text(encoding="utf-8")
        shown = sample.sample_of(played.output)
        sample.README.write_text(sample.page(text, shown), encoding="utf-8")
        with serving(played.home) as address:
            search_answers.record(address)
            screenshots.take(played.home, address)
    reference.write()
