"""The second process of the local engine, with functions that say where they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers.wiring import wiring
from local.engine.invocations import LambdaFailure, Payload
from local.engine.page_process import PageProcess, page_process
from local.engine.run_store import FolderRunStore
from local.engine.runs import LOCK, only_one
from tests.machine import ROOT
from workflow.contract.errors import RunFileMissing, TextMissing

PAGE = {"page": {"page": "00001"}}


def function(state: str, event: Payload, request_id: str) -> Payload:
    """What the process does for a page, by the state's name."""
    runs = wiring().runs
    match state:
        case "Where":
            return {"pid": os.getpid(), "request": request_id, "event": event}
        case "Files":
            runs.write("runs/a/diff/1.json", b"written there")
            return {"read": runs.read("runs/a/plan.json").decode(), "keys": runs.keys("runs/a/")}
        case "Missing":
            try:
                runs.read("runs/a/nothing.json")
            except RunFileMissing as error:
                return {"missing": error.message}
        case "Fails":
            raise TextMissing("no record")
        case "Defect":
            raise ZeroDivisionError("of ours")
        case "Dies":
            os._exit(9)
        case "Ends":
            sys.stderr = open(event["stderr"], "w")  # noqa: SIM115
            sys.exit("of ours")
        case "Unfit":
            sys.stderr = open(event["stderr"], "w")  # noqa: SIM115
            return {"no JSON": threading.Lock()}
        case "Odd":
            runs.keys("odd")
        case "Full":
            sys.stdout = open("/dev/full", "w")  # noqa: SIM115
            print("a line of the log")
            return {}
    raise AssertionError(state)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[FolderRunStore]:
    """The engine's run store."""
    wiring.cache_clear()
    store = FolderRunStore(tmp_path)
    vars(wiring())["runs"] = store
    yield store
    wiring.cache_clear()


@pytest.fixture
def process(files: FolderRunStore) -> Iterator[PageProcess]:
    with page_process(function, files.bucket) as made:
        yield made


def called(process: PageProcess, state: str) -> Payload:
    assert process.take()
    return process.call(state, PAGE, "first")


def test_a_page_is_done_in_another_process(process: PageProcess) -> None:
    found = called(process, "Where")
    assert found.pop("pid") != os.getpid()
    assert found == {"request": "first", "event": PAGE}


def test_it_is_taken_once_at_a_time(process: PageProcess) -> None:
    assert process.take()
    assert not process.take()
    process.call("Where", PAGE, "first")
    assert process.take()


def test_it_reads_and_writes_the_engines_files(process: PageProcess, files: Any) -> None:
    files.write("runs/a/plan.json", b"written here")
    keys = ["runs/a/diff/1.json", "runs/a/plan.json"]
    assert called(process, "Files") == {"read": "written here", "keys": keys}
    assert files.read("runs/a/diff/1.json") == b"written there"


def test_a_missing_file_is_missing_there_too(process: PageProcess) -> None:
    assert "nothing.json is not there" in called(process, "Missing")["missing"]


@pytest.mark.parametrize(
    ("state", "name", "words"),
    [("Fails", "TextMissing", "no record"), ("Defect", "ZeroDivisionError", "of ours")],
)
def test_an_error_keeps_its_name_and_words(
    process: PageProcess, state: str, name: str, words: str
) -> None:
    with pytest.raises(LambdaFailure, match=words) as failed:
        called(process, state)
    assert failed.value.name == name
    assert called(process, "Where"), "the next page is done"


def test_one_that_died_fails_its_page_as_lambda_would_and_takes_no_other(
    process: PageProcess,
) -> None:
    with pytest.raises(LambdaFailure) as failed:
        called(process, "Dies")
    assert failed.value.name == "Runtime.ExitError"
    assert not process.take()


@pytest.mark.parametrize(("state", "words"), [("Ends", "SystemExit"), ("Unfit", "cannot pickle")])
def test_why_it_ended_is_told(process: PageProcess, tmp_path: Path, state: str, words: str) -> None:
    told = tmp_path / "stderr"
    assert process.take()
    with pytest.raises(LambdaFailure):
        process.call(state, {"stderr": str(told)}, "first")
    assert words in told.read_text()


def test_a_log_that_cannot_be_written_fails_no_page(process: PageProcess) -> None:
    assert called(process, "Full") == {}
    assert called(process, "Where")


def test_a_defect_of_the_engines_store_is_the_functions_error(
    process: PageProcess, files: FolderRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "keys", lambda prefix: {}[prefix])
    with pytest.raises(LambdaFailure) as failed:
        called(process, "Odd")
    assert failed.value.name == "KeyError"
    assert called(process, "Where"), "the next page is done"


def test_the_end_of_one_waits_for_no_page_and_for_no_other_process(files: FolderRunStore) -> None:
    first, second = PageProcess(function, files.bucket), PageProcess(function, files.bucket)
    first.end()
    assert called(second, "Where")
    second.end()


def test_ctrl_c_at_the_fork_is_the_engines(
    files: FolderRunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child must not end as the engine would, nor clean up behind it."""
    fork, forked, ended = os.fork, list[int](), tmp_path / "ended"

    def interrupted() -> int:
        forked.append(fork())
        signal.raise_signal(signal.SIGINT)
        return forked[0]

    monkeypatch.setattr(os, "fork", interrupted)
    with pytest.raises(KeyboardInterrupt):
        begun(files.bucket, os.getpid(), ended)
    until_ended(forked[0])
    assert ended.read_text().split() == [str(os.getpid())]


def begun(bucket: str, parent: int, ended: Path) -> None:
    """Says which process came to its end; one that is not ours must not go on."""
    try:
        with page_process(function, bucket):
            pass
    finally:
        with ended.open("a") as file:
            print(os.getpid(), file=file)
        if os.getpid() != parent:
            os._exit(3)


def test_the_lock_of_a_run_is_the_engines_alone(files: FolderRunStore, tmp_path: Path) -> None:
    """A second Ctrl-C ends the engine, and a redrive may follow before the process has ended."""
    with only_one(tmp_path, "first"), page_process(function, files.bucket) as process:
        pid = called(process, "Where")["pid"]
        held = {Path(os.readlink(one)).name for one in Path(f"/proc/{pid}/fd").iterdir()}
    assert LOCK not in held
    assert held


def test_ctrl_c_is_the_engines(process: PageProcess) -> None:
    os.kill(called(process, "Where")["pid"], signal.SIGINT)
    assert called(process, "Where")


PROGRAM = """
import os, sys, time
from local.engine.page_process import PageProcess

def function(state, event, request_id):
    print(os.getpid(), flush=True)
    time.sleep(600)

process = PageProcess(function, "bucket")
process.take()
process.call("Long", {}, "first")
"""


def test_it_ends_with_an_engine_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdout
        pid = int(engine.stdout.readline())
        engine.kill()
    until_ended(pid)


def until_ended(pid: int) -> None:
    ends = time.monotonic() + 60
    while is_running(pid):
        assert time.monotonic() < ends
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """One that has ended may wait for its parent to ask, which the first of a container may not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
