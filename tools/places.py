"""Try the project as a newcomer would, in a place of Debian's packages: other Pythons and servers.

    python -m tools.places sid             build it, install, demo, tests; a table at the end
    python -m tools.places sid --record    and write the result into docs/support.md

Needs root and debootstrap. Each command runs in namespaces of its own, so that neither a mount nor
a process outlives it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tools.support import Result, read_results, table, write_page

ROOT = Path(__file__).parents[1]
SOURCES = Path("/etc/apt")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PROJECT = "/project"
ALWAYS = ("ca-certificates", "git", "make")
TESTS = "tests/contract tests/integration tests/faults"
NOT_THERE = re.compile("playwright|tests[.]browser|hatchling")
"""A browser and what builds the wheel: test files that name them are left out."""
COUNTS = re.compile(r"(\d+) (passed|failed|error|errors|skipped)")


class PlaceError(Exception):
    """A place could not be built or tried; the message says what to do."""


def mirror() -> str:
    """Where this machine takes Debian's packages from: $MIRROR, or the first source of apt."""
    if "MIRROR" in os.environ:
        return os.environ["MIRROR"]
    files = [SOURCES / "sources.list", *sorted(SOURCES.glob("sources.list.d/*.sources"))]
    for path in files:
        found = re.search(r"^(?:deb|URIs:) +(?:\[.*\] +)?(https?://\S+)", _text(path), re.MULTILINE)
        if found:
            return found[1]
    raise PlaceError("apt has no source to build a place from: name a mirror in MIRROR")


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


@dataclass(frozen=True)
class Place:
    """A suite of Debian and what is installed of it."""

    suite: str
    packages: tuple[str, ...]
    python: str = "python3"


MARIADB = ("mariadb-server-core", "mariadb-client-core")
PLACES = {
    "debian12": Place("bookworm", (*MARIADB, "python3", "python3-venv")),
    "debian13": Place("trixie", (*MARIADB, "python3", "python3-venv", "redis-server")),
    "sid": Place(
        "sid",
        (
            *("mysql-server-core", "mysql-client-core"),
            *("python3.14", "python3.14-venv", "redis-server"),
        ),
        "python3.14",
    ),
}


def build(place: Place, folder: Path) -> None:
    """Debian's packages and the project's files. The network is the host's."""
    if os.geteuid() != 0:
        raise PlaceError("a place is built by root: run it with sudo, or in a container")
    if shutil.which("debootstrap") is None:
        raise PlaceError("run: apt-get install --no-install-recommends debootstrap")
    packages = ",".join((*place.packages, *ALWAYS))
    log = folder.with_suffix(".log")
    with log.open("w", encoding="utf-8") as output:
        command = ["debootstrap", "--variant=minbase", f"--include={packages}", place.suite]
        done = subprocess.run(
            [*command, str(folder), mirror()], stdout=output, stderr=output, check=False
        )
    if done.returncode:
        last = "\n".join(log.read_text(encoding="utf-8").splitlines()[-15:])
        raise PlaceError(f"debootstrap failed for {place.suite}; the end of {log}:\n{last}")
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, folder / str(CERTIFICATES).lstrip("/"))


def _copy_project(target: Path) -> None:
    """What git knows, as it is now: a clone with the changes that are being tried."""
    listed = _output(["git", "-C", str(ROOT), "ls-files", "-z"]).split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def run(folder: Path, command: str, log: Path) -> subprocess.CompletedProcess[str]:
    """A shell command in the place, in the project's folder; its output goes to the log, too."""
    mounts = (
        'mount --rbind /dev "$1/dev" && mount --rbind /sys "$1/sys" && mount -t tmpfs t "$1/tmp"'
    )
    script = f'{mounts} && exec chroot "$1" /bin/sh -c "cd {PROJECT} && $2"'
    done = subprocess.run(
        [
            *("setpriv", "--pdeathsig", "KILL"),
            *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
            f"--mount-proc={folder / 'proc'}",
            *("sh", "-c", script, "sh", str(folder), command),
        ],
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ {command}\n{done.stdout}\n")
    return done


def _environment() -> dict[str, str]:
    """A newcomer's: nothing of the Python or the servers that run this."""
    return {
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PIP_CERT": str(CERTIFICATES),
        "PIP_ROOT_USER_ACTION": "ignore",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def left_out() -> list[Path]:
    """Test files of what a place does not have."""
    return [
        path.relative_to(ROOT)
        for path in sorted(ROOT.glob("tests/*/test_*.py"))
        if NOT_THERE.search(path.read_text(encoding="utf-8"))
    ]


def attempt(name: str, folder: Path, tests: str) -> Result:
    """Install, demo and tests. A step that fails ends it; the result says which."""
    place = PLACES[name]
    log = folder.with_suffix(".log")
    make = f"make PYTHON={place.python}"
    ignored = " ".join(f"--ignore {path}" for path in left_out())
    steps = {
        "install": f"{make} .venv/installed-local",
        "demo": f"{make} demo",
        "tools": f"{make} .venv/installed-test",
        "tests": f".venv/bin/python -m pytest -q -n 2 --dist loadfile {ignored} {tests}",
    }
    if (folder / PROJECT.lstrip("/") / ".venv").exists():
        del steps["install"]  # of a place that was kept: its time would say nothing
    seconds: dict[str, float] = {}
    outputs: dict[str, str] = {}
    failed = ""
    for step, command in steps.items():
        print(f"{name}: {command}", flush=True)
        started = time.monotonic()
        done = run(folder, command, log)
        seconds[step], outputs[step] = time.monotonic() - started, done.stdout
        if done.returncode:
            print("\n".join(done.stdout.splitlines()[-60:]))
            failed = step
            break
    return Result(
        place=name,
        servers=_servers(folder, log),
        seconds={step: round(spent) for step, spent in seconds.items()},
        tests=_counts(outputs.get("tests", "")),
        given="" if tests == TESTS else tests,
        failed=failed,
        tried=time.strftime("%Y-%m-%d", time.gmtime()),
    )


def _servers(folder: Path, log: Path) -> dict[str, str]:
    """What `drugsync info` says that it runs on."""
    script = (
        "import platform; from local.servers.mysql_binaries import find_mysql; "
        "from local.servers.redis_binaries import find_redis; "
        "print('VERSIONS', platform.python_version(), find_mysql().version, "
        "find_redis().version, sep='|')"
    )
    found = run(folder, f'.venv/bin/python -c "{script}"', log).stdout
    line = next((line for line in found.splitlines() if line.startswith("VERSIONS|")), "|||")
    _, python, mysql, redis = line.split("|")
    return {"python": python, "mysql": mysql, "redis": redis.partition(" with ")[0]}


def _counts(output: str) -> dict[str, int]:
    lines = [line for line in output.splitlines() if COUNTS.search(line) and " in " in line]
    return {word: int(count) for count, word in COUNTS.findall(lines[-1])} if lines else {}


def ready(name: str, parent: Path) -> Path:
    """A place with the project's files; one that is there already gets them anew."""
    folder = parent / name
    started = time.monotonic()
    if not (folder / "usr/bin/make").exists():
        build(PLACES[name], folder)
    _copy_project(folder / PROJECT.lstrip("/"))
    print(f"{name}: built in {time.monotonic() - started:.0f} s", flush=True)
    return folder


def _parent(keep: Path | None) -> AbstractContextManager[Path | str]:
    if keep is None:
        return tempfile.TemporaryDirectory(prefix="place-")
    keep.mkdir(parents=True, exist_ok=True)
    return nullcontext(keep)


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Try the project in other places.")
    parser.add_argument("places", nargs="+", choices=[*PLACES, "all"])
    parser.add_argument("--tests", default=TESTS, help="what pytest is given")
    parser.add_argument("--keep", type=Path, help="a folder in which places stay, to try again")
    parser.add_argument("--record", action="store_true", help="write docs/support.md")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    names = list(PLACES) if "all" in chosen.places else chosen.places
    results = []
    for name in names:
        try:
            with _parent(chosen.keep) as parent:
                results.append(attempt(name, ready(name, Path(parent)), chosen.tests))
        except PlaceError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    print("\n".join(table(results)))
    if chosen.record:
        write_page(read_results() | {result.place: result for result in results})
    return 1 if any(result.failed for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
