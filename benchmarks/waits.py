"""How long a user waits for commands of `drugsync`, with a standby and without."""

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.lab import empty_redis, load_catalog
from cli.standby import process as standby
from cli.standby.client import ALIKE, FOLDER
from local.places import HOME_VARIABLE
from local.servers.stack import Stack

ROUNDS = 5
COMMANDS = {
    "--help": ["--help"],
    "search": ["search", "aspirin"],
    "run, nothing changed": ["run"],
}


def waits(stack: Stack, rows: int) -> dict[str, Any]:
    """Wall seconds by command, alternately without and with the standby: minimum and median."""
    empty_redis(stack)
    load_catalog(stack, rows)
    _seconds(stack.root, ["run"])
    found: dict[str, dict[str, list[float]]] = {name: {} for name in COMMANDS}
    for _ in range(ROUNDS):
        for way in ("imports", "standby"):
            _stand_by(stack.root, way == "standby")
            for name, arguments in COMMANDS.items():
                found[name].setdefault(way, []).append(_seconds(stack.root, arguments))
    standby.stop(stack.root)
    return {
        "rows": rows,
        "start_of_python_s": min(_python() for _ in range(ROUNDS)),
        "commands": {
            name: {
                way: {"least_s": min(seconds), "median_s": statistics.median(seconds)}
                for way, seconds in ways.items()
            }
            for name, ways in found.items()
        },
    }


def _stand_by(root: Path, wanted: bool) -> None:
    if not wanted:
        standby.stop(root)
        (root / FOLDER / ALIKE).unlink(missing_ok=True)
        return
    standby.start(root)
    while not (root / FOLDER / ALIKE).exists():
        time.sleep(0.1)


def _seconds(root: Path, arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env={**os.environ, HOME_VARIABLE: str(root)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def _python() -> float:
    """Processor seconds of a Python that does nothing: how loaded this machine is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
