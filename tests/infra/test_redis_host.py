"""The script that makes a machine a Redis server, as far as a machine without EC2 can tell.

Its configuration is given to a real server with the real query engine; the rest is read.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from infra.search.search_rights import SEARCH_RIGHTS, SEARCH_USER
from infra.stage.stage import ROOT
from local.errors import LocalError
from local.servers.redis_binaries import find_redis

SCRIPT = ROOT / "infra" / "data" / "redis_host" / "install.sh"
PASSWORD = "aPasswordOfTheTest0123456789"
SEARCH_PASSWORD = "anotherPasswordOfTheTest0123"
PASSWORDS = f"{PASSWORD} {SEARCH_PASSWORD}"

REDIS_CLI = f"""#!{sys.executable}
import os, sys
import redis
words = sys.argv[1:]
port = int(words[words.index("-p") + 1])
command = [word for word in words if word not in ("-e", "-p", str(port))]
try:
    client = redis.Redis(port=port, password=os.environ.get("REDISCLI_AUTH"), decode_responses=True)
    found = client.execute_command(*command)
    print("PONG" if found is True else found)
    client.close()
except redis.exceptions.RedisError as error:
    print(error)
    sys.exit("-e" in words)
"""
"""redis-cli's answers to the few commands of the script, where there is no redis-cli."""


@pytest.fixture
def server_files() -> tuple[Path, Path]:
    try:
        found = find_redis()
    except LocalError as error:
        pytest.skip(str(error))
    if found.search_module is None:
        pytest.skip("the server has its query engine built in, the script loads a module")
    return Path(found.server), Path(found.search_module)


class Host:
    """A folder that stands for the machine."""

    def __init__(self, folder: Path, module: Path) -> None:
        self.config = folder / "redis.conf"
        self.port = _free_port()
        tools = folder / "tools"
        tools.mkdir()
        (tools / "redis-cli").write_text(REDIS_CLI)
        (tools / "redis-cli").chmod(0o755)
        self.environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "CONFIG": str(self.config),
            "DATA": str(folder),
            "LOG_FILE": str(folder / "redis.log"),
            "REDIS_PORT": str(self.port),
            "MAX_MEMORY_MB": "128",
            "MODULE_FOLDERS": str(module.parent),
            "PACKAGE_FILE": str(folder / "redis.rpm"),
            "TRIES": "3",
            "SEARCH_USER": SEARCH_USER,
            "SEARCH_RIGHTS": SEARCH_RIGHTS,
        }

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", f"source {SCRIPT}; {command}"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def host(tmp_path: Path, server_files: tuple[Path, Path]) -> Host:
    return Host(tmp_path, server_files[1])


@pytest.fixture
def running(host: Host, server_files: tuple[Path, Path]) -> Iterator[Host]:
    """A server started with the configuration that the script wrote."""
    done = host.run(f'write_config "$(find_module {server_files[1].name})" {PASSWORDS}')
    assert done.returncode == 0, done.stderr
    yield from _serve(host, server_files[0])


def _serve(host: Host, server: Path) -> Iterator[Host]:
    process = subprocess.Popen([server, host.config], stdout=subprocess.DEVNULL)
    try:
        _wait(host.port)
        yield host
    finally:
        process.terminate()
        process.wait(10)


def test_the_server_keeps_its_data_and_never_evicts(running: Host) -> None:
    with redis.Redis(port=running.port, password=PASSWORD, decode_responses=True) as client:
        settings = client.config_get("*")
    assert settings["appendonly"] == "yes"
    assert settings["maxmemory"] == str(128 * 1024 * 1024)
    assert settings["maxmemory-policy"] == "noeviction"


def test_the_server_answers_nobody_without_the_password(running: Host) -> None:
    with (
        redis.Redis(port=running.port) as client,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        client.ping()


def test_the_user_of_searches_reads_the_index_and_nothing_else(running: Host) -> None:
    with redis.Redis(port=running.port, password=PASSWORD) as admin:
        admin.execute_command(
            "FT.CREATE", "drugs:g", "PREFIX", 1, "drug:g:", "SCHEMA", "ndc", "TAG"
        )
        admin.hset("drug:g:1", "ndc", "1")
        admin.hset("other:1", "name", "of somebody else")
    with redis.Redis(
        port=running.port, username=SEARCH_USER, password=SEARCH_PASSWORD, protocol=2
    ) as client:
        assert client.hgetall("drug:g:1") == {b"ndc": b"1"}
        assert client.execute_command("FT.SEARCH", "drugs:g", "*", "LIMIT", 0, 0) == [1]
        for command in (("HGETALL", "other:1"), ("HSET", "drug:g:1", "ndc", "2"), ("FLUSHALL",)):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)


def test_the_password_of_searches_is_kept_as_a_hash(running: Host) -> None:
    assert SEARCH_PASSWORD not in running.config.read_text()


@pytest.mark.parametrize("passwords", ["", f"{PASSWORD}", f"{PASSWORD} ''"])
def test_a_secret_that_was_not_read_ends_the_installation(host: Host, passwords: str) -> None:
    done = host.run(f"write_config x {passwords}; echo went on")
    assert done.returncode != 0
    assert "no password" in done.stderr
    assert "went on" not in done.stdout
    assert not host.config.exists()


@pytest.mark.parametrize(
    ("rights", "expected"),
    [("~* +@all", "may write"), ("~drug:* -@all +hgetall", "may not search")],
)
def test_the_installation_fails_when_the_user_of_searches_has_other_rights(
    host: Host, server_files: tuple[Path, Path], rights: str, expected: str
) -> None:
    host.environment["SEARCH_RIGHTS"] = rights
    module = server_files[1].name
    assert host.run(f'write_config "$(find_module {module})" {PASSWORDS}').returncode == 0
    for running in _serve(host, server_files[0]):
        done = running.run("check_answers")
        assert done.returncode == 1
        assert expected in done.stdout


def test_the_configuration_is_read_by_its_owner_only(running: Host) -> None:
    assert running.config.stat().st_mode & 0o077 == 0


def test_the_installation_ends_well_when_ping_and_the_query_engine_answer(running: Host) -> None:
    done = running.run("check_answers")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_installation_fails_without_the_query_engine(
    host: Host, server_files: tuple[Path, Path]
) -> None:
    assert host.run(f"write_config x {PASSWORDS}").returncode == 0
    text = host.config.read_text()
    host.config.write_text(re.sub("^(loadmodule|user) .*$", "", text, flags=re.MULTILINE))
    for running in _serve(host, server_files[0]):
        done = running.run("check_answers")
        assert done.returncode == 1
        assert "redis has no query engine" in done.stdout


def test_a_server_that_knows_no_search_does_not_start_and_its_log_says_why(
    host: Host, server_files: tuple[Path, Path]
) -> None:
    """The user of searches may FT.SEARCH: without the query engine there is no such command."""
    assert host.run(f"write_config x {PASSWORDS}").returncode == 0
    text = host.config.read_text()
    host.config.write_text(re.sub("^loadmodule .*$", "", text, flags=re.MULTILINE))
    started = subprocess.run([server_files[0], host.config], check=False, timeout=30)
    assert started.returncode != 0
    host.environment["TRIES"] = "1"
    done = host.run("check_answers")
    assert done.returncode == 1
    assert "ft.search" in done.stdout


def test_the_installation_fails_when_nothing_answers(host: Host) -> None:
    host.run(f"write_config x {PASSWORDS}")
    host.environment["TRIES"] = "1"
    done = host.run("check_answers")
    assert done.returncode == 1
    assert "does not answer PING" in done.stdout


def test_the_installation_fails_when_the_server_is_open(
    host: Host, server_files: tuple[Path, Path]
) -> None:
    module = server_files[1].name
    assert host.run(f'write_config "$(find_module {module})" {PASSWORDS}').returncode == 0
    text = host.config.read_text()
    host.config.write_text(text.replace("requirepass", "# requirepass") + "protected-mode no\n")
    for running in _serve(host, server_files[0]):
        done = running.run("check_answers")
        assert done.returncode == 1
        assert "answers without a password" in done.stdout


def test_a_package_without_the_query_engine_is_named(host: Host) -> None:
    done = host.run("find_module nothing-of-this-name.so")
    assert done.returncode == 1
    assert "lacks the query engine" in done.stderr


def test_a_package_that_was_changed_is_refused(host: Host) -> None:
    tools = Path(host.environment["PATH"].split(":")[0])
    (tools / "aws").write_text("#!/bin/bash\necho changed > $PACKAGE_FILE\n")
    (tools / "aws").chmod(0o755)
    host.environment |= {"REGION": "r", "PACKAGE": "s3://b/k.rpm", "PACKAGE_SHA256": "0" * 64}
    done = host.run("install_package")
    assert done.returncode != 0
    assert "FAILED" in done.stdout


def test_the_script_is_valid_and_stops_at_the_first_failure() -> None:
    assert subprocess.run(["bash", "-n", SCRIPT], check=False).returncode == 0
    assert "set -euo pipefail" in SCRIPT.read_text()
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", SCRIPT], check=True)


def test_the_service_starts_with_the_machine_and_the_signal_comes_last() -> None:
    text = SCRIPT.read_text()
    assert "systemctl enable --now drug-catalog-redis\n" in text
    body = text[text.index("main() {") : text.index("\n}\n")]
    steps = [line.strip() for line in body.splitlines()]
    assert steps.index("start_service") < steps.index("check_answers")
    assert steps[-2:] == ["check_answers", 'echo "redis is ready"']


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(100):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server did not start")
