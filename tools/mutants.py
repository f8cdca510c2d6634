"""Plant defects into the product, one at a time, and see whether the tests notice.

python -m tools.mutants              # all of tools/mutants.toml, into docs/mutants.md
python -m tools.mutants fence swap   # only those whose name has one of these words, no page

Each is planted into a copy of the repository, in which the named tests then run. A defect that they
let pass has survived: a rule without a test.
"""

import importlib
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tools" / "mutants.toml"
PAGE = ROOT / "docs" / "mutants.md"
NOT_RUN = "Of the list, not run since they were added: "
BY_MACHINE = "## Made by machine"
LONGEST_S = 300
"""A mutant that makes a test hang is noticed, too."""

PASSED, FAILED = 100, 101
"""Exit code of the tests' process; Python's own errors also end with 1."""

FORK = multiprocessing.get_context("fork")
LIBRARIES = ("aws_lambda_powertools", "boto3", "moto", "mysql.connector", "redis")
LIBRARIES_OF_MOTO = ("moto.stepfunctions.parser.models", "moto.s3.models")
"""Imported once: loading them anew for each mutant would take most of the time."""


class Mutant(NamedTuple):
    """`old` stands once in `file`; with `new` in its place, one of `tests` must fail."""

    area: str
    name: str
    file: str
    old: str
    new: str
    tests: Sequence[str]


class Result(NamedTuple):
    """What became of one mutant."""

    mutant: Mutant
    killed: bool
    seconds: float


def read_mutants() -> list[Mutant]:
    """The hand-written list."""
    return [Mutant(**one) for one in tomllib.loads(LIST.read_text(encoding="utf-8"))["mutant"]]


def main() -> None:
    words = sys.argv[1:]
    import_libraries()
    every = read_mutants()
    chosen = [one for one in every if not words or any(word in one.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        copy_tracked(copy)
        check_baseline(copy, {test for one in chosen for test in one.tests})
        results = [show(try_one(copy, one)) for one in chosen]
    if not words:
        write(by_hand=page(results, datetime.now(UTC)))
    print(f"{sum(one.killed for one in results)} of {len(results)} killed")


def import_libraries() -> None:
    """Before the first fork."""
    for name in (*LIBRARIES, *LIBRARIES_OF_MOTO):
        importlib.import_module(name)


def copy_tracked(target: Path) -> None:
    """What is under version control, as it is now."""
    command = ["git", "ls-files"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603
    for name in listed.stdout.decode().splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def check_baseline(copy: Path, tests: set[str]) -> None:
    """Without a defect the tests must pass; otherwise everything would look killed."""
    if not pass_there(copy, sorted(tests)):
        raise SystemExit("the tests fail without any mutant, so they can tell nothing")


def try_one(copy: Path, mutant: Mutant) -> Result:
    path = copy / mutant.file
    before = path.read_text(encoding="utf-8")
    if before.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.name}: {mutant.old!r} is not once in {mutant.file}")
    started = time.monotonic()
    path.write_text(before.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        killed = not pass_there(copy, mutant.tests)
    finally:
        path.write_text(before, encoding="utf-8")
    return Result(mutant, killed, time.monotonic() - started)


def pass_there(copy: Path, tests: Sequence[str]) -> bool:
    """Whether all tests pass; the first that fails ends them."""
    child = FORK.Process(target=run_tests, args=(copy, tests))
    child.start()
    child.join(LONGEST_S)
    if child.is_alive():
        child.kill()
        child.join()
        return False
    if child.exitcode not in (PASSED, FAILED):
        raise SystemExit(f"pytest ended with {child.exitcode} on {', '.join(tests)}")
    return child.exitcode == PASSED


def run_tests(copy: Path, tests: Sequence[str]) -> None:
    """In a forked process, which has imported the libraries and nothing of the product."""
    os.chdir(copy)
    sys.path = [str(copy), *(one for one in sys.path if one not in ("", str(ROOT)))]
    sys.dont_write_bytecode = True
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
    sys.exit(PASSED + int(code))


def show(result: Result) -> Result:
    word = "killed" if result.killed else "SURVIVED"
    print(f"{word:9} {result.seconds:6.1f} s  {result.mutant.name}", flush=True)
    return result


def write(*, by_hand: str = "", by_machine: str = "") -> None:
    """One part of docs/mutants.md anew; the other stays. Between them, what was not run."""
    old_hand, _, old_machine = PAGE.read_text(encoding="utf-8").partition(BY_MACHINE)
    by_hand = by_hand or old_hand.partition(NOT_RUN)[0]
    tried = {line.split(" | ")[0].removeprefix("| ") for line in by_hand.splitlines()}
    new = [one.name for one in read_mutants() if one.name not in tried]
    missing = f"{NOT_RUN}{len(new)}: {'; '.join(new) or 'none'}.\n\n"
    machine = by_machine or old_machine.lstrip("\n") or "None was drawn yet.\n"
    text = f"{by_hand.rstrip()}\n\n{missing}{BY_MACHINE}\n\n{machine}"
    PAGE.write_text(text, encoding="utf-8")


def page(results: Sequence[Result], now: datetime) -> str:
    """The part of docs/mutants.md about those made by hand."""
    killed = sum(one.killed for one in results)
    lines = [
        "# Planted defects in the code",
        "",
        "Tests are worth what they notice. Each row is a defect that was planted into the product "
        "by hand, alone, and whether the tests named for it went red. A new rule gets its mutant "
        "in `tools/mutants.toml`; a survivor is a rule without a test.",
        "",
        f"Written by `python -m tools.mutants` on {now:%Y-%m-%d}: **{killed} of {len(results)} "
        f"killed, {len(results) - killed} survived.**",
    ]
    for area, of_area in groupby(results, key=lambda one: one.mutant.area):
        lines += ["", f"## {area}", "", "| defect | in | tests | outcome |", "|---|---|---|---|"]
        lines += [row(one) for one in of_area]
    return "\n".join(lines) + "\n"


def row(result: Result) -> str:
    mutant = result.mutant
    tests = ", ".join(f"`{Path(test.partition('::')[0]).stem}`" for test in mutant.tests)
    outcome = "killed" if result.killed else "**survived**"
    return f"| {mutant.name} | `{mutant.file}` | {tests} | {outcome} |"


if __name__ == "__main__":
    main()
