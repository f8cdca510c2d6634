"""Machines that lack something: it works all the same, or one line says what is missing."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.commands.runs_pages import RunsPages
from cli.commands.serve import _server
from cli.sites.local_site import LocalSite
from local.errors import LocalError
from local.places import HOME_VARIABLE
from local.servers.stack import down

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "local/servers"
NEEDED = ("env", "mkdir", "tail", "wc")
SAID = ("#", "echo ", "install=")

LOOPBACK = "import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, "
LOOPBACK += "struct.pack('16sh22x', b'lo', 0x49))"
"""Up (SIOCSIFFLAGS): a network of one's own begins without even that."""


# What pip cannot install


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`prerequisites.sh` on a machine that has these programs and no others."""
    programs = tmp_path / "bin"
    programs.mkdir()
    project = tmp_path / "a project"
    scripts = project / "local/servers"
    scripts.mkdir(parents=True)
    for script in SCRIPTS.glob("*.sh"):
        shutil.copy(script, scripts)
    for name in NEEDED:
        (programs / name).symlink_to(str(shutil.which(name)))

    def ask(**others: str) -> subprocess.CompletedProcess[str]:
        has = {"id": "echo 1000", "python3": "exit 0", **others}
        for name, body in has.items():
            (programs / name).write_text(f"#!/bin/sh\n{body}\n")
            (programs / name).chmod(0o755)
        return subprocess.run(
            ["/bin/sh", "local/servers/prerequisites.sh", "python3", "no-such-program"],
            cwd=project,
            env={"PATH": str(programs), "DRUGSYNC_MYSQL_SERVER": "sh-database"},
            capture_output=True,
            text=True,
            check=False,
        )

    return ask


def test_a_machine_without_apt_is_told_what_to_install(
    machine: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    said = machine(**{"sh-database": ""})
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("Please install: no-such-program (")
    assert said.stderr.count("\n") == 1


def test_who_is_not_root_is_given_the_one_command(
    machine: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    said = machine(**{"apt-get": "exit 100", "sudo": "exit 1", "sh-database": ""})
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.endswith(
        "run: sudo apt-get install -y --no-install-recommends no-such-program\n"
    )


def test_an_installation_that_fails_is_no_success(
    machine: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    said = machine(**{"apt-get": "echo no network >&2; exit 100", "id": "echo 0"})
    assert said.returncode == 100
    assert said.stderr.splitlines()[0] == "no network"
    log = Path(said.stderr.splitlines()[-1].removeprefix("All that it printed: "))
    assert log.read_text() == "$ apt-get update\nno network\n"


def test_what_an_installation_prints_is_in_the_log_alone(
    machine: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    said = machine(**{"apt-get": "echo WARNING: $1; echo $DEBIAN_FRONTEND >&2", "id": "echo 0"})
    assert (said.returncode, said.stdout) == (0, "installing no-such-program\n")
    assert said.stderr == ""
    assert (tmp_path / "a project/.venv/install.log").read_text() == (
        "$ apt-get update\nWARNING: update\n\n"
        "$ env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "
        "no-such-program\nWARNING: install\nnoninteractive\n"
    )


def test_an_error_shows_the_last_lines_of_its_own_command(tmp_path: Path) -> None:
    script = tmp_path / "a project/local/servers/quietly.sh"
    script.parent.mkdir(parents=True)
    shutil.copy(SCRIPTS / script.name, script)
    subprocess.run([script, "echo", "an older line"], check=True)
    said = subprocess.run(
        [script, "sh", "-c", "seq 1 40; exit 7"], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (7, "")
    assert said.stderr.splitlines()[:15] == [str(n) for n in range(26, 41)]


def test_nothing_is_installed_but_with_its_output_in_the_log() -> None:
    """Both scripts and the Makefile: no line calls pip or apt but through `quietly.sh`."""
    for path in (ROOT / "Makefile", *SCRIPTS.glob("*.sh")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"(pip install|-m venv|apt-get (update|install)|\$install)\b", line):
                assert "quietly" in line.lower() or line.lstrip().startswith(SAID), line


# A network, a home, a port


def in_namespaces(*script: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Shell commands without any network, with a HOME that nobody can write to."""
    prepared = ('mount -t tmpfs -o ro none "$HOME"', f'"$0" -c "{LOOPBACK}"', *script)
    nowhere = home.parent / "read-only"
    nowhere.mkdir(exist_ok=True)
    return subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", " && ".join(prepared), sys.executable],
        env={**os.environ, HOME_VARIABLE: str(home), "HOME": str(nowhere)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def drugsync(*lines: str) -> Sequence[str]:
    return [f'"$0" -m cli.main {line}' for line in lines]


@pytest.fixture
def own_home(tmp_path: Path) -> Path:
    """Of a machine whose root may make namespaces; other machines cannot play this."""
    ours = ["unshare", "--mount", "--net", "true"]
    if shutil.which("unshare") is None or subprocess.run(ours, check=False).returncode:
        pytest.skip("no namespaces here: a machine without a network cannot be played")
    return tmp_path / "a home"


@pytest.mark.timeout(300)
def test_after_the_installation_no_network_and_no_writable_home_are_needed(own_home: Path) -> None:
    try:
        done = in_namespaces(
            *drugsync("up", "catalog load --rows 20", "run", "search trulicity", "down"),
            home=own_home,
        )
    finally:
        down(own_home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_on_a_read_only_disk_is_one_line(own_home: Path) -> None:
    said = in_namespaces(
        *('mount -t tmpfs -o ro none "$DRUGSYNC_HOME"', *drugsync("up")),
        home=_made(own_home),
    )
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert "the file system is read-only; mount it writable" in said.stderr


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_port_that_is_taken_is_named_with_what_to_do(tmp_path: Path) -> None:
    def nobody(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
        return {}

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"port {port} is in use .*another with --port"):
            _server(port, nobody, RunsPages(LocalSite(tmp_path)))
