"""Asks pip which of the pinned packages have no wheel for Linux on arm64, for each Python.

python -m tools.arm64            needs the network; nothing is installed
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

PINS = Path(__file__).parents[1] / "constraints.txt"
PYTHONS = ("3.14", "3.13", "3.12", "3.11")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux2014_aarch64", "manylinux_2_17_aarch64")
MISSING = re.compile(r"No matching distribution found for ([\w.-]+)==")


class PipFailed(Exception):
    """pip failed for another reason than a missing wheel; carries pip's words."""


def without_wheels(python: str) -> list[str]:
    """pip names one at a time."""
    wanted = {line.partition("==")[0]: line for line in PINS.read_text("utf-8").splitlines()
              if "==" in line}  # fmt: skip
    missing: list[str] = []
    while words := refused(python, list(wanted.values())):
        found = MISSING.search(words)
        if found is None:
            raise PipFailed(words)
        missing.append(found[1])
        del wanted[found[1]]
    return missing


def refused(python: str, requirements: list[str]) -> str:
    """pip's complaint; empty if each has a wheel."""
    platforms = [option for name in PLATFORMS for option in ("--platform", name)]
    options = ["--dry-run", "--quiet", "--no-deps", "--only-binary=:all:", *platforms]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", *options, "--target", folder),
                *("--implementation", "cp", "--python-version", python, *requirements),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    return done.stderr if done.returncode else ""


if __name__ == "__main__":
    for version in PYTHONS:
        print(version, *without_wheels(version) or ["every package has a wheel"], flush=True)
