"""Compiled files for a bundle.

Lambda keeps none, so each cold start would compile everything it imports. They fit one version of
Python only, and are made by that version if the building machine has it. Otherwise a bundle holds
sources alone, and starts more slowly.
"""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

PLACE = "/var/task"
"""Where Lambda unpacks a bundle: what tracebacks name."""

OURS = ("handlers", "workflow")


@cache
def interpreter(version: str) -> str | None:
    """A Python of this version on this machine, such as `3.14`."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    return shutil.which(f"python{version}")


def compile_all(folder: Path, version: str) -> None:
    """Put our compiled files beside their sources, whose lines a traceback shows. Libraries are
    put in place of their sources.

    Both for everything would be a third more to fetch. Without a Python of this version: nothing.
    """
    python = interpreter(version)
    if python is None:
        return
    ours = [folder / name for name in OURS]
    others = [path for path in sorted(folder.iterdir()) if path not in ours]
    _compile(python, folder, ours)
    _compile(python, folder, others, "-b")
    for source in [*others, *(one for path in others for one in path.rglob("*.py"))]:
        if source.suffix == ".py" and source.with_suffix(".pyc").exists():
            source.unlink()


def _compile(python: str, folder: Path, paths: list[Path], *options: str) -> None:
    """Python does not compare them with their sources: the times of files in a zip mean nothing."""
    command = [python, "-I", "-m", "compileall", "-q", "-f", "-s", str(folder), "-p", PLACE]
    command += ["--invalidation-mode", "unchecked-hash", *options, *map(str, paths)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own folders
