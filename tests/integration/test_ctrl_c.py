"""Ctrl-C, a second one, Ctrl-Z: nothing is lost or left alone; a sentence says what stays."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mysql.connector.abstracts import MySQLConnectionAbstract

from local.catalogs.catalog import count_rows
from local.servers import processes, servers
from local.servers.processes import Home
from local.standin.bedrock_process import stop_standin
from local.uninterrupted import uninterrupted
from tests.commands import begin


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


def done(home: Path, *arguments: str) -> str:
    """What a command said that must succeed."""
    with begin(home, *arguments) as process:
        said, code = said_and_code(process)
    assert code == 0, said
    return said


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
    assert "running: M" in done(fresh, "up", "--embedder", "hash")
    done(fresh, "down")


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
    until(lambda: processes.running(home))  # the kernel may still be starting it
    assert processes.stop(home)


def test_a_signal_that_another_thread_is_given_waits_as_well() -> None:
    """The progress line has a thread of its own, which the kernel may choose."""
    came: list[str] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with uninterrupted():
            thread = threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGINT))
            thread.start()
            thread.join()
            time.sleep(0.05)
            came.append("whole")
    except KeyboardInterrupt:
        came.append("interrupted")
    finally:
        signal.signal(signal.SIGINT, before)
    assert came == ["whole", "interrupted"]


ANYWHERE = {
    "while it imports": "os.kill(os.getpid(), signal.SIGINT); time.sleep(60)",
    "while it leaves": """
try:
    os.kill(os.getpid(), signal.SIGINT); time.sleep(60)
finally:
    os.kill(os.getpid(), signal.SIGINT); time.sleep(60)""",
    "while Python ends": """
atexit.register(lambda: (os.kill(os.getpid(), signal.SIGINT), time.sleep(60)))
sys.exit(0)""",
}
"""Code in the place of a library: it presses Ctrl-C at a moment that no clock would hit."""


@pytest.mark.parametrize("code", ANYWHERE.values(), ids=ANYWHERE)
def test_ctrl_c_ends_every_command_without_a_traceback_wherever_it_comes(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "typer.py").write_text(f"import atexit, os, signal, sys, time\n{code}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with begin(tmp_path / "home", "runs") as process:
        assert said_and_code(process) == ("", 130)


@pytest.fixture
def loaded(fresh: Path) -> Iterator[tuple[Path, MySQLConnectionAbstract]]:
    """A home with a catalog, and a connection to it."""
    done(fresh, "up", "--embedder", "hash")
    done(fresh, "catalog", "load", "--rows", "10")
    own = servers.running_mysql(fresh)
    assert own is not None
    with closing(servers.connect(own)) as connection:
        connection.autocommit = True
        yield fresh, connection
    done(fresh, "down")


def until_it_loads(connection: MySQLConnectionAbstract) -> None:
    def drafts() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SHOW TABLES LIKE 'ndc%draft'")
            return cursor.fetchall()

    until(drafts)


def test_a_load_that_is_stopped_changes_nothing_and_one_that_is_suspended_goes_on(
    loaded: tuple[Path, MySQLConnectionAbstract],
) -> None:
    home, connection = loaded
    load = ("catalog", "load", "--replace", "--rows")
    for times in (1, 2):
        with begin(home, *load, "all") as process:
            until_it_loads(connection)
            for _ in range(times):
                process.send_signal(signal.SIGINT)
                time.sleep(0.1)
            said, code = said_and_code(process)
        assert code == 130
        # A second one waits for nothing, so not for the words either.
        assert "stopped: the catalog is as it was" in said or times == 2
        assert "Traceback" not in said
        assert count_rows(connection) == 10
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS ndc_products_draft, ndc_packages_draft")
    with begin(home, *load, "20000") as process:
        until_it_loads(connection)
        process.send_signal(signal.SIGTSTP)
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGCONT)
        said, code = said_and_code(process)
    assert (code, "20,000 drugs loaded" in said) == (0, True), said
