"""Compiled files for a bundle: Lambda keeps none, so each cold start would compile all it imports.

They are good for one version of Python only, and made by that version itself, where the building
machine has it. Where it does not, a bundle holds sources alone: the same, and slower to start.
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
    """Ours beside their sources, whose lines a traceback shows; libraries in their place.

    Both of everything would be a third more to fetch. Without a Python of the version: nothing.
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
    """Believed without a look at the source: a zip has no times worth comparing."""
    command = [python, "-I", "-m", "compileall", "-q", "-f", "-s", str(folder), "-p", PLACE]
    command += ["--invalidation-mode", "unchecked-hash", *options, *map(str, paths)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own folders
