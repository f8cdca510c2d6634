"""What is printed where the caller's streams are odd: closed, full, cut, or without our marks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.places import HOME_VARIABLE
from tests.lab import Lab

DRUGSYNC = f"{sys.executable} -m cli.main"
BEFORE = ("first", "nightly")
"""Runs that were there."""


def shell(home: Path, line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A line of bash, with `drugsync` in it."""
    return subprocess.run(
        ["bash", "-c", "set -o pipefail; " + line.replace("drugsync", DRUGSYNC)],
        env={**os.environ, HOME_VARIABLE: str(home), **environ},
        capture_output=True,
        text=True,
        check=False,
        errors="replace",
        timeout=60,
    )


@pytest.fixture
def home(synced: Lab) -> Path:
    synced.succeed(run_id="nightly")
    return synced.stack.root


@pytest.mark.parametrize(
    "line", ["drugsync runs >&-", "drugsync status --json >&-", "drugsync runs <&- >&- 2>&-"]
)
def test_a_closed_stream_is_no_failure(home: Path, line: str) -> None:
    done = shell(home, line)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("line", ["drugsync logs", "drugsync logs --json"])
def test_a_full_disk_behind_the_output_is_said(home: Path, line: str) -> None:
    done = shell(home, f"{line} > /dev/full")
    said = "error the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, said)


@pytest.mark.parametrize("line", ["drugsync logs", "drugsync logs --json"])
def test_a_reader_that_has_read_enough_is_no_failure(home: Path, line: str) -> None:
    done = shell(home, f"{line} | head -1")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_run_goes_on_where_nobody_reads_what_it_prints(home: Path, lab: Lab) -> None:
    given = {f"DRUGSYNC_{name.upper()}": value for name, value in lab.settings.items()}
    done = shell(home, "drugsync run | true", **given)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(shell(home, "drugsync runs --json").stdout)
    assert [one["status"] for one in found if one["run_id"] not in BEFORE] == ["SUCCEEDED"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_marks_that_an_encoding_lacks_are_plain(home: Path, encoding: str) -> None:
    done = shell(home, "drugsync doctor", PYTHONIOENCODING=encoding, LC_ALL="C")
    assert done.stderr == ""
    assert done.stdout.startswith("+ MySQL ")
    assert "\nx " in done.stdout or done.returncode == 0


def test_json_is_json_in_any_encoding(home: Path, lab: Lab) -> None:
    lab.catalog.update("00000000000", drug_name="Zoë ✓ \N{PILL}")
    done = shell(home, "drugsync explain 00000000000 --json", PYTHONIOENCODING="ascii")
    assert done.stdout.isascii()
    columns = {one["column"]: one["catalog"] for one in json.loads(done.stdout)["columns"]}
    assert columns["drug_name"] == "Zoë ✓ \N{PILL}"


@pytest.mark.parametrize("environ", [{"COLUMNS": "20"}, {"TERM": ""}, {"NO_COLOR": "1"}])
def test_an_odd_terminal_is_no_failure(home: Path, environ: dict[str, str]) -> None:
    done = shell(home, "drugsync status; drugsync doctor | cat", **environ)
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "SUCCEEDED" in done.stdout
