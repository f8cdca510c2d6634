"""Try the project as a newcomer would, in a place of Debian's packages: other Pythons and servers.

    python -m tools.places sid             build it, install, demo, tests; a table at the end
    python -m tools.places sid --record    and write the result into docs/support.md

Exit status 3: this machine cannot build a place at all, and the last line says why.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tools.debian import (
    PROJECT,
    NotHere,
    Place,
    PlaceError,
    build,
    copy_project,
    inside,
    require,
    run,
)
from tools.support import Result, read_results, table, write_page

ROOT = Path(__file__).parents[1]
TESTS = (
    "tests/unit tests/contract tests/integration tests/faults "
    "tests/infra/test_bundles.py tests/infra/test_redis_tls.py"
)
PYTEST = "pytest -q -n 2 --dist loadfile --durations 20 --timeout 600"
"""Each test's limit is there to end what hangs: a place beside other work, and with a server that
starts in ten seconds, takes longer for the same."""
ELSEWHERE = re.compile("tests[.](?:browser|search_page)|benchmarks[.]search_")
"""What a test file imports that neither the servers nor the Python decide: the search page in a
browser, and how well searches find over the FDA's whole directory. `make test` runs them."""
COUNTS = re.compile(r"(\d+) (passed|failed|error|errors|skipped)")
CANNOT = 3

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


def left_out() -> list[Path]:
    """Test files whose outcome is the same in every place."""
    return [
        path.relative_to(ROOT)
        for path in sorted(ROOT.glob("tests/*/test_*.py"))
        if ELSEWHERE.search(path.read_text(encoding="utf-8"))
    ]


def attempt(name: str, folder: Path, tests: str) -> Result:
    """Install, demo and tests. A step that fails ends it; the result says which."""
    place = PLACES[name]
    log = log_of(folder)
    make = f"make PYTHON={place.python}"
    ignored = " ".join(f"--ignore {path}" for path in left_out())
    steps = {
        "install": f"{make} .venv/installed-local",
        "demo": f"{make} demo",
        "tools": f"{make} .venv/installed-test",
        "tests": f"PATH=$PWD/.venv/bin:$PATH python -m {PYTEST} {ignored} {tests}",
    }
    if (inside(folder, PROJECT) / ".venv").exists():
        del steps["install"]  # in a place that was kept, its time would mean nothing
    seconds: dict[str, float] = {}
    processor: dict[str, float] = {}
    outputs: dict[str, str] = {}
    megabytes = 0
    failed = ""
    for step, command in steps.items():
        print(f"{name}: {command}", flush=True)
        started, used = time.monotonic(), _processor_s()
        done = run(folder, command, log)
        seconds[step], outputs[step] = time.monotonic() - started, done.output
        processor[step] = _processor_s() - used
        if done.code:
            failed = step
            break
        if step == "demo":
            megabytes = _megabytes(inside(folder, PROJECT))
    return Result(
        place=name,
        servers=_servers(folder, log),
        seconds={step: round(spent) for step, spent in seconds.items()},
        processor={step: round(spent) for step, spent in processor.items()},
        words=sum(len(outputs.get(step, "").split()) for step in ("install", "demo")),
        megabytes=megabytes,
        tests=_counts(outputs.get("tests", "")),
        given="" if tests == TESTS else tests,
        failed=failed,
        tried=time.strftime("%Y-%m-%d", time.gmtime()),
    )


def _processor_s() -> float:
    """Of all processes that ended: a place's end with the command, and the servers with them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _megabytes(folder: Path) -> int:
    """On the disk."""
    files = (path.lstat() for path in folder.rglob("*"))
    return sum(one.st_blocks for one in files) * 512 // 10**6


def _servers(folder: Path, log: Path) -> dict[str, str]:
    """What `drugsync info` says that it runs on."""
    script = (
        "import platform; from local.servers.mysql_binaries import find_mysql; "
        "from local.servers.redis_binaries import find_redis; "
        "print('VERSIONS', platform.python_version(), find_mysql().version, "
        "find_redis().version, sep='|')"
    )
    found = run(folder, f'.venv/bin/python -c "{script}"', log).output
    line = next((line for line in found.splitlines() if line.startswith("VERSIONS|")), "|||")
    _, python, mysql, redis = line.split("|")
    return {
        "python": python,
        "mysql": mysql,
        "redis": redis,
    }


def _counts(output: str) -> dict[str, int]:
    lines = [line for line in output.splitlines() if COUNTS.search(line) and " in " in line]
    return {word: int(count) for count, word in COUNTS.findall(lines[-1])} if lines else {}


def ready(name: str, parent: Path) -> Path:
    """A place with the project's files; one that is there already gets them anew."""
    folder = parent / name
    started = time.monotonic()
    if not (folder / "usr/bin/make").exists():
        build(PLACES[name], folder, log_of(folder))
    copy_project(ROOT, folder)
    print(f"{name}: built in {time.monotonic() - started:.0f} s", flush=True)
    return folder


def log_of(folder: Path) -> Path:
    return folder.with_suffix(".log")


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
            require()
            with _parent(chosen.keep) as parent:
                results.append(attempt(name, ready(name, Path(parent)), chosen.tests))
        except PlaceError as error:
            print(f"NOT TRIED on {name}: {error}", file=sys.stderr)
            if isinstance(error, NotHere):
                return CANNOT
    print("\n".join(table(results)))
    if chosen.record:
        write_page(read_results() | {result.place: result for result in results})
    return 1 if len(results) < len(names) or any(one.failed for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
