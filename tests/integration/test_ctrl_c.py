"""Ctrl-C, a second one, Ctrl-Z: nothing is lost or left alone; a sentence says what stays."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.servers import processes, servers
from local.servers.processes import Home
from local.standin.bedrock_process import stop_standin
from tests.commands import begin
from tests.lab import Lab


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A home where nothing was started yet."""
    path = tmp_path / "Zoë's home"
    yield path
    for stop in (servers.stop_redis, servers.stop_mysql, stop_standin):
        stop(path)


def until(there: Callable[[], Any]) -> None:
    ends = time.monotonic() + 120
    while not there():
        assert time.monotonic() < ends
        time.sleep(0.01)


def working_in(folder: Path) -> list[str]:
    """The command lines of processes whose working folder is there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("cwd").readlink().is_relative_to(folder.resolve()):
                found.append(process.joinpath("cmdline").read_text().replace("\0", " "))
        except OSError:  # it ended, or is another user's
            continue
    return found


def said_and_code(process: subprocess.Popen[str]) -> tuple[str, int]:
    said, _ = process.communicate(timeout=60)
    return said, process.returncode


def test_an_installation_that_was_stopped_leaves_nobody_who_writes_into_its_folder(
    fresh: Path,
) -> None:
    with begin(fresh, "up", "--embedder", "hash") as process:
        until(lambda: list(fresh.glob("m*/data.new/*")))
        assert working_in(fresh)
        process.send_signal(signal.SIGINT)
        said, code = said_and_code(process)
    assert code == 130
    assert "stopped: what has started keeps running; continue with" in said
    assert working_in(fresh) == []
    with begin(fresh, "up", "--embedder", "hash") as process:
        said, code = said_and_code(process)
    assert (code, "running: M" in said) == (0, True), said
    with begin(fresh, "down") as process:
        assert said_and_code(process)[1] == 0


def test_a_server_is_never_without_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C comes right after the server began, before its process id is written down."""
    marker = str(tmp_path / "marker")
    home = Home("A server", tmp_path / "home", marker)
    spawn = os.posix_spawn

    def spawn_and_interrupt(*arguments: Any, **more: Any) -> int:
        pid = spawn(*arguments, **more)
        signal.raise_signal(signal.SIGINT)
        return pid

    monkeypatch.setattr(os, "posix_spawn", spawn_and_interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    command = ["/bin/sh", "-c", "sleep 600; :", marker]
    with pytest.raises(KeyboardInterrupt):
        processes.start(home, lambda: (command, {}), lambda _: True)
    signal.signal(signal.SIGINT, before)
    record = processes.running(home)
    assert record is not None
    status = Path(f"/proc/{record.pid}/status")
    # A shell blocks signals while it forks.
    until(lambda: int(status.read_text().partition("SigBlk:\t")[2][:16], 16) == 0)
    assert processes.stop(home)


def forget_drafts(lab: Lab) -> None:
    """A load that was stopped leaves them; the next one makes them anew."""
    for name in ("ndc_products_draft", "ndc_packages_draft"):
        lab.catalog.execute(f"DROP TABLE IF EXISTS {name}")


def until_it_loads(lab: Lab) -> None:
    until(lambda: lab.catalog.execute("SHOW TABLES LIKE 'ndc%draft'"))


@pytest.mark.parametrize("signals", [1, 2])
def test_a_load_that_was_stopped_leaves_the_catalog_as_it_was(lab: Lab, signals: int) -> None:
    before = lab.catalog.rows()
    forget_drafts(lab)
    with begin(lab.stack.root, "catalog", "load", "--rows", "all", "--replace") as process:
        until_it_loads(lab)
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        said, code = said_and_code(process)
    assert code in (130, -signal.SIGINT)
    assert "stopped: the catalog is as it was" in said
    assert "Traceback" not in said
    assert lab.catalog.rows() == before


def test_a_load_that_was_suspended_goes_on(lab: Lab) -> None:
    forget_drafts(lab)
    command = ("catalog", "load", "--rows", "20000", "--replace")
    with begin(lab.stack.root, *command) as process:
        until_it_loads(lab)
        process.send_signal(signal.SIGTSTP)
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGCONT)
        said, code = said_and_code(process)
    assert (code, "20,000 drugs loaded" in said) == (0, True), said
