"""The standby runs a command exactly as the caller would, or leaves it to the caller."""

import ast
import os
import pty
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.standby import process
from cli.standby.client import ALIKE, SOCKET, reach

ROOT = Path(__file__).parents[2]
WHO = "import sys; from cli.main import main; sys.argv[0] = 'drugsync'\n"
WHO += "try: main()\nfinally: print('typer' in sys.modules, file=sys.stderr)"
"""At the end: has this process done the command itself?"""

WAITS = """
import sys, time
from pathlib import Path
from cli.standby import server
from cli.standby.alike import alike

def work():
    try:
        print("working", flush=True)
        (folder / "begun").write_text(str(sys.stdout.isatty()))
        time.sleep(60)
    except KeyboardInterrupt:
        print("interrupted")
        raise SystemExit(7)

folder = Path(sys.argv[1])
listener = server.bound(folder)
(folder / "alike").write_text(alike())
server.serve(listener, work)
"""
"""A standby that does any command by sleeping until Ctrl-C."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a standby and no servers."""
    root = tmp_path_factory.mktemp("home")
    process.start(root)
    until(lambda: (root / "standby" / ALIKE).exists())
    yield root
    assert process.stop(root)


def until(done: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def drugsync(home: Path, *arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [sys.executable, "-c", WHO, *arguments],
        env={**os.environ, "DRUGSYNC_HOME": str(home), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **more,  # type: ignore[call-overload]
    )
    return done


COMMANDS = (
    ["--help"],
    ["--version"],
    ["runs", "--json"],
    ["status", "nothing"],
    ["search"],
    ["no-verb"],
    ["catalog", "load", "--rows", "none"],
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_command_is_the_same_by_the_standby(
    home: Path, tmp_path: Path, arguments: list[str]
) -> None:
    by_standby, itself = drugsync(home, *arguments), drugsync(tmp_path, *arguments)
    assert by_standby.stderr.endswith("False\n")
    assert itself.stderr.endswith("True\n")
    assert by_standby.returncode == itself.returncode
    assert by_standby.stdout == itself.stdout
    said = itself.stderr.removesuffix("True\n").replace(str(tmp_path), str(home))
    assert by_standby.stderr.removesuffix("False\n") == said


def test_a_command_has_the_callers_folder_and_environment(home: Path, tmp_path: Path) -> None:
    (tmp_path / "drugs.csv").write_text("ndc\n")
    done = drugsync(home, "catalog", "load", "--source", "drugs.csv", cwd=tmp_path)
    assert "start with: drugsync up" in done.stderr
    seen = drugsync(home, "runs", "--stage", "prod", "--profile", "nowhere")
    assert "nowhere" in seen.stderr


def test_other_limits_are_the_callers_own(home: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f'ulimit -n 77; exec {sys.executable} -c "$0" --version', WHO],
        env={**os.environ, "DRUGSYNC_HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "True\n"


def test_who_sits_at_a_terminal_is_told_why_it_takes_longer(tmp_path: Path) -> None:
    process.start(tmp_path)
    until(lambda: (tmp_path / "standby" / ALIKE).exists())
    said = ast.literal_eval((tmp_path / "standby" / ALIKE).read_text())
    for part, words in ((1, "other code"), (4, "ulimit")):
        other = [*said]
        other[part] = 0
        (tmp_path / "standby" / ALIKE).write_text(repr(tuple(other)))
        assert words in seen_on_a_terminal(tmp_path, "--version")
        assert drugsync(tmp_path, "--version").stderr == "True\n"
    assert process.stop(tmp_path)
    assert "standby" not in seen_on_a_terminal(tmp_path, "--version")


def seen_on_a_terminal(home: Path, *arguments: str) -> str:
    """What a command writes to a stderr that is a terminal."""
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", WHO, *arguments],
        env={**os.environ, "DRUGSYNC_HOME": str(home), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        check=False,
    )
    said = os.read(ours, 4096).decode()
    os.close(ours)
    os.close(theirs)
    return said


BESIDE = """
import sys
from pathlib import Path
from cli.standby import process

process.READY_S = 120
with process.beside(Path(sys.argv[1])):
    pass
print(process.serves(Path(sys.argv[1])))
"""
"""In a process of its own, as `up` is: what pytest captures is another output."""


def test_up_returns_once_it_serves_and_leaves_none_where_it_fails(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BESIDE, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "True\n"
    assert process.stop(tmp_path)
    with pytest.raises(OSError, match="no server"), process.beside(tmp_path):
        raise OSError("no server")
    assert not process.stop(tmp_path)


def test_a_standby_with_other_code_is_not_asked_and_up_replaces_it(tmp_path: Path) -> None:
    process.start(tmp_path)
    until(lambda: (tmp_path / "standby" / ALIKE).exists())
    (tmp_path / "standby" / ALIKE).write_text("older")
    assert drugsync(tmp_path, "--version").stderr == "True\n"
    assert process.stop(tmp_path)
    assert drugsync(tmp_path, "--version").stderr == "True\n"


def test_nobody_else_reaches_it(home: Path) -> None:
    folder = home / "standby"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / SOCKET).stat().st_mode) == 0o600


def test_nobody_elses_socket_gets_our_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a home that others may write to, somebody else could listen there."""
    ours = reach(home / "standby")
    assert ours is not None
    ours.close()
    somebody = os.geteuid() + 1
    monkeypatch.setattr("cli.standby.client.os.geteuid", lambda: somebody)
    assert reach(home / "standby") is None


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Path]:
    """The home of such a standby."""
    folder = tmp_path / "standby"
    folder.mkdir(mode=0o700)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen([sys.executable, "-c", WAITS, str(folder)], env=environment)
    until(lambda: (folder / ALIKE).exists())
    yield tmp_path
    server.terminate()
    server.wait()


def begin(
    home: Path, output: int, ignored: tuple[signal.Signals, ...] = ()
) -> "subprocess.Popen[bytes]":
    """A command that the standby is at work on. It hears what it is not told to ignore."""

    def heed() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for one in ignored:
            signal.signal(one, signal.SIG_IGN)

    command = subprocess.Popen(
        [sys.executable, "-c", WHO, "runs"],
        env={**os.environ, "DRUGSYNC_HOME": str(home), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.DEVNULL,
        preexec_fn=heed,
    )
    until(lambda: (home / "standby" / "begun").exists())
    return command


def test_ctrl_c_reaches_the_command_and_its_exit_code_comes_back(waiting: Path) -> None:
    command = begin(waiting, subprocess.PIPE)
    command.send_signal(signal.SIGINT)
    assert command.communicate()[0] == b"working\ninterrupted\n"
    assert command.returncode == 7


def test_what_the_caller_ignores_ends_nothing(waiting: Path) -> None:
    """After `nohup`, and in a shell's background."""
    command = begin(waiting, subprocess.PIPE, (signal.SIGHUP, signal.SIGINT))
    for one in (signal.SIGHUP, signal.SIGINT):
        command.send_signal(one)
    time.sleep(0.3)
    assert command.poll() is None
    command.send_signal(signal.SIGTERM)
    assert command.communicate()[0] == b"working\n"


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_ctrl_z_stops_the_work_too_and_both_go_on(waiting: Path) -> None:
    command = begin(waiting, subprocess.PIPE)
    server = _server(waiting)
    child = int(Path(f"/proc/{server}/task/{server}/children").read_text())
    command.send_signal(signal.SIGTSTP)
    until(lambda: (state(command.pid), state(child)) == ("T", "T"))
    command.send_signal(signal.SIGCONT)
    until(lambda: "T" not in (state(command.pid), state(child)))
    command.send_signal(signal.SIGINT)
    assert command.communicate()[0] == b"working\ninterrupted\n"
    assert command.returncode == 7


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_caller_that_ends_while_it_is_stopped_leaves_nobody_stopped(
    waiting: Path, ending: signal.Signals
) -> None:
    command = begin(waiting, subprocess.PIPE)
    command.send_signal(signal.SIGTSTP)
    until(lambda: state(command.pid) == "T")
    command.send_signal(ending)
    if ending != signal.SIGKILL:
        command.send_signal(signal.SIGCONT)
    # The pipe ends when the last process that could write into it is gone.
    assert command.communicate()[0] == b"working\n"
    assert command.returncode == -ending


def test_a_command_sees_the_callers_terminal(waiting: Path) -> None:
    ours, theirs = pty.openpty()
    command = begin(waiting, theirs)
    assert (waiting / "standby" / "begun").read_text() == "True"
    command.kill()
    command.wait()
    os.close(ours)
    os.close(theirs)


def test_nobody_works_on_for_a_caller_that_was_killed(waiting: Path) -> None:
    command = begin(waiting, subprocess.PIPE)
    command.kill()
    # The pipe ends when the last process that could write into it is gone.
    assert command.communicate()[0] == b"working\n"


def test_a_command_whose_process_was_killed_says_so(waiting: Path) -> None:
    command = begin(waiting, subprocess.PIPE)
    children = f"/proc/{_server(waiting)}/task/{_server(waiting)}/children"
    os.kill(int(Path(children).read_text()), signal.SIGKILL)
    command.communicate()
    assert command.returncode == 1


def _server(home: Path) -> int:
    """The process whose command line names the home."""
    marker = os.fsencode(home / "standby")
    found = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if _arguments(path).split(b"\0")[-2:-1] == [marker]
    ]
    return min(found)


def _arguments(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
