"""A suite of Debian in a folder, to run commands with other Pythons and other servers.

Needs root and debootstrap. Each command runs in namespaces of its own, so that neither a mount nor
a process outlives it. The network is the host's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path("/etc/apt")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PROJECT = Path("/project")
ALWAYS = ("ca-certificates", "git", "make")
BUILD_S = 1200
"""Of a mirror that answers, a minute or two."""

NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
MOUNTS = 'mount --rbind /dev "$1/dev" && mount --rbind /sys "$1/sys" && mount -t tmpfs t "$1/tmp"'
FROM_STDIN = ("--pathspec-from-file=-", "--pathspec-file-nul")
HANDED_ON = re.compile(
    "(PIP_(INDEX_URL|DEFAULT_TIMEOUT|RETRIES)|(https?|no)_proxy)$", re.IGNORECASE
)
"""Variables by which this machine reaches a package index. Nothing else of its environment is
passed."""


class PlaceError(Exception):
    """A place could not be built or tried; the message says what to do."""


class NotHere(PlaceError):
    """This machine cannot build a place at all."""


@dataclass(frozen=True)
class Place:
    """A suite of Debian and what is installed of it."""

    suite: str
    packages: tuple[str, ...]
    python: str = "python3"


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    output: str


def require() -> None:
    """Raises NotHere with what is missing."""
    if os.geteuid() != 0:
        raise NotHere("a place is built by root: run it with sudo, or in a container")
    if shutil.which("debootstrap") is None:
        raise NotHere("run: apt-get install --no-install-recommends debootstrap")
    done = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"no namespaces for root here: {done.stderr.strip()}")


def mirror() -> str:
    """Where this machine takes Debian's packages from: $MIRROR, or the first source of apt."""
    if "MIRROR" in os.environ:
        return os.environ["MIRROR"]
    files = [SOURCES / "sources.list", *sorted(SOURCES.glob("sources.list.d/*.sources"))]
    for path in files:
        found = re.search(r"^(?:deb|URIs:) +(?:\[.*\] +)?(https?://\S+)", _text(path), re.MULTILINE)
        if found:
            return found[1]
    raise NotHere("apt has no source to build a place from: name a mirror in MIRROR")


def build(place: Place, folder: Path, log: Path) -> None:
    """Debian's packages, and this machine's way to the network."""
    packages = ",".join((*place.packages, *ALWAYS))
    command = ["debootstrap", "--variant=minbase", f"--include={packages}", place.suite]
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            ["timeout", str(BUILD_S), *command, str(folder), mirror()],
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        why = f"was not done after {BUILD_S} s" if done.returncode == 124 else "failed"
        last = "\n".join(_text(log).splitlines()[-15:])
        raise PlaceError(f"debootstrap of {place.suite} {why}; the end of {log}:\n{last}")
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    (folder / "etc/hosts").write_text("127.0.0.1 localhost\n", "utf-8")
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, inside(folder, CERTIFICATES))


def inside(folder: Path, path: Path) -> Path:
    """Where a path of the place is on this machine."""
    return folder / path.relative_to("/")


def run(folder: Path, command: str, log: Path) -> Done:
    """A shell command in the place, in the project's folder; its output is shown and logged."""
    script = f'{MOUNTS} && exec chroot "$1" /bin/sh -c "cd {PROJECT} && $2"'
    lines = []
    with (
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL", *NAMESPACES),
                f"--mount-proc={folder / 'proc'}",
                *("sh", "-c", script, "sh", str(folder), command),
            ],
            env=_environment(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None  # noqa: S101  it is a pipe
        file.write(f"$ {command}\n")
        for line in process.stdout:
            for shown in (file, sys.stdout):
                shown.write(line)
                shown.flush()
            lines.append(line)
    return Done(process.returncode, "".join(lines))


def _environment(outside: Mapping[str, str]) -> dict[str, str]:
    """A newcomer's: nothing of the Python or the servers that run this."""
    return {
        **{name: value for name, value in outside.items() if HANDED_ON.match(name)},
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PIP_CERT": str(CERTIFICATES),
        "PIP_ROOT_USER_ACTION": "ignore",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def copy_project(root: Path, folder: Path) -> None:
    """The project's files that git knows, with uncommitted changes.

    Of a place that was kept, nothing else stays but the virtual environment.
    """
    target = inside(folder, PROJECT)
    names = [name for name in _tracked(root) if (root / name).is_file()]
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, target / name)
    _git(target, "init", "--quiet")
    _git(target, "read-tree", "--empty")
    _git(target, "add", "--force", *FROM_STDIN, given="\0".join(names))
    _git(target, "clean", "-ffdxq", "--exclude=/.venv")


def _tracked(folder: Path) -> Sequence[str]:
    return list(filter(None, _git(folder, "ls-files", "-z").split("\0")))


def _git(folder: Path, *words: str, given: str = "") -> str:
    command = ["git", "-C", str(folder), *words]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    return done.stdout


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""
