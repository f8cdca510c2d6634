"""The versions of the functions' libraries (constraints.txt), and their files (hashes.txt)."""

import re
from collections.abc import Mapping
from pathlib import Path

PINS = "constraints.txt"
HASHES = "infra/compute/hashes.txt"
"""In pip's own format; `make hashes` writes it. Without addresses: any index may serve the
files."""


def read_pins(path: Path) -> dict[str, str]:
    """`name==version` lines by normalized name."""
    pins = {}
    for line in path.read_text().splitlines():
        found = re.match(r"^([A-Za-z0-9._-]+)==([^\s;#]+)", line)
        if found:
            pins[normal(found[1])] = found[2]
    return pins


def read_hashes(path: Path) -> dict[str, str]:
    """The SHA-256 of each library's one wheel, by `name==version`."""
    lines = re.findall(r"^(\S+==\S+) --hash=sha256:([0-9a-f]{64})$", path.read_text(), re.MULTILINE)
    return dict(lines)


def hash_line(requirement: str, sha256: str) -> str:
    """A line of hashes.txt."""
    return f"{requirement} --hash=sha256:{sha256}"


def requirements(names: tuple[str, ...], pins: Mapping[str, str]) -> list[str]:
    """`name==version` of each. Raises KeyError with the name of a library that is not pinned."""
    return [f"{name}=={pins[name]}" for name in names]


def normal(name: str) -> str:
    """A project's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
