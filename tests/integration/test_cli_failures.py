"""Every command in every state of its folder and servers: a sentence, no traceback, no waiting."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from cli.app import main
from local.places import HOME_VARIABLE
from local.servers.stack import Stack, up
from tests.lab import Lab

MOST_S = 5.0
ASK = ("search TABLET", "verify", "rollback", "doctor", "run --dry-run")
LOOK = ("status", "runs", "report", "status nightly", "report nightly", "redrive nightly")
SERVERS = ("info", "serve --port 0", "catalog load --rows 5 --replace")
EVERY = (*ASK, *LOOK, *SERVERS, "down")


class Said(NamedTuple):
    code: int
    out: str
    err: str
    seconds: float


@pytest.fixture
def drugsync(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Said]:
    def call(line: str) -> Said:
        monkeypatch.setattr("sys.argv", ["drugsync", *line.split()])
        capsys.readouterr()
        started = time.monotonic()
        with pytest.raises(SystemExit) as ended:
            main()
        seconds = time.monotonic() - started
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err, seconds)

    return call


def assert_a_sentence(said: Said, *words: str) -> None:
    assert said.code == 2, said
    assert said.err.startswith("error "), said
    assert said.err.count("\n") == 1, said
    assert "Traceback" not in said.out + said.err
    assert said.seconds < MOST_S
    for word in words:
        assert word in said.err, said


@pytest.fixture
def home(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(lab.stack.root))
    return lab.stack.root


@pytest.mark.parametrize("command", EVERY)
def test_before_anything_was_started(
    drugsync: Callable[[str], Said], command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "new"))
    said = drugsync(command)
    if command in ("runs", "down"):
        assert said.code == 0
    elif command == "doctor":
        assert (said.code, said.out.count("drugsync up")) == (1, 3)
    else:
        assert_a_sentence(said)
        assert "drugsync" in said.err


NOWHERE = {
    "a file": (lambda path: path.write_text(""), "a file is in the place of a folder"),
    "a folder of nobody's": (lambda path: path.symlink_to("/proc/drugsync"), "does not exist"),
}


@pytest.mark.parametrize("state", NOWHERE)
@pytest.mark.parametrize("command", ["up", "runs", "status", "redrive nightly"])
def test_where_no_folder_can_be(
    drugsync: Callable[[str], Said],
    command: str,
    state: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make, words = NOWHERE[state]
    make(tmp_path / "home")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    assert_a_sentence(drugsync(command), words, HOME_VARIABLE)


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A port where somebody listens, and says something else, or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        if answer is not None:
            import threading

            def serve() -> None:
                connection, _ = server.accept()
                connection.sendall(answer)
                connection.close()

            threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize("command", [one for one in ASK if one != "doctor"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [(None, "did not answer within 2 s"), (b"HTTP/1.1 400 Bad Request", "is no Redis")],
    ids=["silence", "another server"],
)
def test_a_wrong_redis_address_is_said_at_once(
    home: Path,
    drugsync: Callable[[str], Said],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    answer: bytes | None,
    words: str,
) -> None:
    with listening(answer) as port:
        monkeypatch.setenv("DRUGSYNC_REDIS_URL", f"redis://127.0.0.1:{port}")
        assert_a_sentence(drugsync(command), "DRUGSYNC_REDIS_URL is wrong", words)


WRONG = {
    "refused": ({"DRUGSYNC_REDIS_URL": "redis://127.0.0.1:1"}, "Connection refused"),
    "no such host": ({"DRUGSYNC_REDIS_URL": "redis://nowhere.invalid"}, "nowhere.invalid"),
    "no such socket": ({"DRUGSYNC_MYSQL_SOCKET": "/nowhere/mysql.sock"}, "No such file"),
    "no such user": ({"DRUGSYNC_MYSQL_USER": "nobody"}, "CatalogAccessDenied"),
    "no such database": ({"DRUGSYNC_MYSQL_DATABASE": "nowhere"}, "nowhere"),
    "no such table": ({"DRUGSYNC_CATALOG_TABLE": "nowhere"}, "CatalogMissing"),
    "a wrong setting": ({"DRUGSYNC_EMBEDDING_DIMENSIONS": "7"}, "DRUGSYNC_EMBEDDING_DIMENSIONS"),
    "an unknown setting": ({"DRUGSYNC_EMBEDING_MODEL": "x"}, "DRUGSYNC_EMBEDING_MODEL"),
}


SAID_BY_A_STEP = {"no such user", "no such database", "no such table"}
"""The servers answer, so that a verification begins: it is a run, whose step is refused."""


@pytest.mark.parametrize("state", WRONG)
def test_what_is_wrong_with_the_servers_is_said_by_verify_and_doctor(
    home: Path, drugsync: Callable[[str], Said], monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    variables, words = WRONG[state]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    verified = drugsync("verify")
    if state in SAID_BY_A_STEP:
        assert (verified.code, verified.err) == (1, ""), verified
        assert "Traceback" not in verified.out
        assert words in verified.out
    else:
        assert_a_sentence(verified, words)
    examined = drugsync("doctor")
    assert (examined.code, examined.err) == (1, "")
    assert "✗" in examined.out
    assert words in examined.out
    assert examined.seconds < MOST_S


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--page-size 0", "page_size = 0"),
        ("--accept foo", "'foo'"),
        ("--mode backfill --after-key 1", "after_key"),
        ("--reembed", "reembed goes with mode 'backfill' only"),
        ("--after-key 9 --through-key 1", "is not below"),
    ],
)
def test_what_a_person_typed_wrong_starts_no_run(
    home: Path, drugsync: Callable[[str], Said], arguments: str, words: str
) -> None:
    assert_a_sentence(drugsync(f"run {arguments}"), "InvalidInput", words)
    assert drugsync("runs").out == "no run yet\n"


def test_a_wrong_setting_starts_no_run(
    home: Path, drugsync: Callable[[str], Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRUGSYNC_EMBEDDING_DIMENSIONS", "7")
    assert_a_sentence(drugsync("run"), "SettingsInvalid")
    assert drugsync("runs").out == "no run yet\n"


HALF = ("report.json", "execution.json", "history.jsonl", "log.jsonl", "plan.json")


@pytest.mark.parametrize("name", HALF)
def test_a_file_that_is_cut_is_named_or_walked_past(
    home: Path, drugsync: Callable[[str], Said], lab: Lab, name: str
) -> None:
    lab.control_model(faults=[{"kind": "AccessDeniedException", "times": 1}])
    report = lab.run(run_id="nightly")
    assert report.status == "FAILED"
    path = home / "runs" / "nightly" / name
    path.write_bytes(path.read_bytes()[:-20])
    for command in ("status", "runs", "report"):
        said = drugsync(command)
        assert "Traceback" not in said.err
        assert said.code in (0, 1, 2)
        assert said.code != 2 or name in said.err
    assert "nightly" in drugsync("runs").out


def test_a_servers_record_that_is_cut_is_a_server_that_does_not_run(
    drugsync: Callable[[str], Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    for server in ("mariadb", "mysql"):
        (tmp_path / server).mkdir()
        (tmp_path / server / "process.json").write_text('{"pid": 1')
    assert_a_sentence(drugsync("info"), "MySQL", "drugsync up")


def small_files() -> None:
    """As a disk that is full: no file may grow beyond 100 KB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize("command", ["up", "up --embedder hash"])
def test_without_room_no_server_starts_and_it_is_said(tmp_path: Path, command: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "cli.main", *command.split()],
        env={**os.environ, HOME_VARIABLE: str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=small_files,
    )
    assert said.returncode == 2, said
    assert said.stderr.startswith("error ")
    assert "Traceback" not in said.stderr
    assert "space" in said.stderr
    assert said.stderr.count("\n") == 1, said.stderr


def test_a_catalog_is_replaced_only_where_somebody_says_so(
    drugsync: Callable[[str], Said],
    tmp_path: Path,
    stack: Stack,
    home: Path,
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("ndc,drug_name\n00001,Aspirin\n")
    assert_a_sentence(drugsync(f"catalog load --source {file}"), "40 drugs", "add --replace")
    assert len(lab.catalog.rows()) == 40


def test_a_catalog_is_not_loaded_while_a_run_reads_it(
    drugsync: Callable[[str], Said], home: Path, tmp_path: Path
) -> None:
    from local.engine.runs import only_one

    with only_one(home, "nightly"):
        assert_a_sentence(
            drugsync("catalog load --rows 5 --replace"), "nightly is in progress", "wait"
        )


def test_json_of_a_failure_is_a_sentence_on_stderr_and_nothing_on_stdout(
    drugsync: Callable[[str], Said], home: Path
) -> None:
    said = drugsync("report --json")
    assert_a_sentence(said, "no run yet")
    assert said.out == ""


def test_up_is_not_needed_twice(stack: Stack) -> None:
    assert up(stack.root, lambda _: None, embedder="hash").mysql.pid == stack.mysql.pid


NEEDS_A_FILE = ("run", "run --dry-run", "verify")


def limited(line: str, home: Path, before: list[str], limit: Callable[[], None] | None) -> Said:
    """A command as a process of its own, under a limit."""
    started = time.monotonic()
    said = subprocess.run(
        [*before, sys.executable, "-m", "cli.main", *line.split()],
        env={**os.environ, HOME_VARIABLE: str(home)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
        timeout=60,
    )
    return Said(said.returncode, said.stdout, said.stderr, time.monotonic() - started)


def no_growth() -> None:
    """As a disk with no byte left: no file of the command may grow."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize("command", NEEDS_A_FILE)
def test_without_room_no_run_starts_and_it_is_said(home: Path, command: str) -> None:
    said = limited(command, home, [], no_growth)
    assert (said.code, said.err[:6], said.err.count("\n")) == (2, "error ", 1), said
    assert "reached the size limit" in said.err
    assert not list(home.glob("runs/*/report.json"))


def test_without_room_the_doctor_finds_it_and_the_past_can_be_looked_at(home: Path) -> None:
    examined = limited("doctor", home, [], no_growth)
    assert examined.code == 1, examined
    assert "cannot be written: File too large" in examined.out
    assert limited("runs", home, [], no_growth).code == 0


NO_POWER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
"""Root, who may open any file, as one who may not."""


@pytest.fixture
def forbidden(tmp_path: Path) -> Iterator[Path]:
    """A home that is another user's, or whose owner may not open it."""
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    else:
        folder.chmod(0)
    yield folder
    folder.chmod(0o700)


@pytest.mark.parametrize("command", ["up", "runs", "status", "run", "redrive nightly", "down"])
def test_another_users_folder_is_named(forbidden: Path, command: str) -> None:
    before = NO_POWER if os.geteuid() == 0 else []
    said = limited(command, forbidden, before, None)
    assert (said.code, said.err.count("\n")) == (2, 1), said
    assert "permission denied" in said.err.lower()
    assert str(forbidden) in said.err
