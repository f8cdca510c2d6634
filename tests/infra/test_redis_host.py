"""The script that makes a machine a Redis server, as far as a machine without EC2 can tell.

Its configuration is given to a real server with the real query engine; the rest is read.
"""

from __future__ import annotations

import json
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

from infra.data.redis_users import USERS, probes
from infra.stage.stage import ROOT
from infra.watch.metrics import NAMESPACE
from local.errors import LocalError
from local.servers.redis_binaries import find_redis
from tests.redis_versions import VERSIONS
from workflow.contract.redis_versions import OLDEST_SAFE
from workflow.contract.rights import READS, RUNS, SEARCHES

SCRIPT = ROOT / "infra" / "data" / "redis_host" / "install.sh"
NAME = "redis.drug-catalog-sync-test.internal"
RIGHTS = {user.name: user.rights.rules for user in USERS}

REDIS_CLI = f"""#!{sys.executable} -SE
import os, socket, sys
words, options = sys.argv[1:], {{}}
while words and words[0].startswith("-"):
    option = words.pop(0)
    if option != "-e":
        options[option] = words.pop(0)
server = socket.socket(socket.AF_UNIX)
try:
    server.connect(options["-s"])
except OSError as error:
    sys.exit(print(f"Could not connect to Redis: {{error}}") or 1)
replies = server.makefile("rb")
def ask(*words):
    parts = [f"${{len(word.encode())}}\\r\\n{{word}}\\r\\n" for word in words]
    server.sendall(f"*{{len(words)}}\\r\\n{{''.join(parts)}}".encode())
    return read()
def read():
    line = replies.readline().decode().rstrip()
    kind, rest = line[:1], line[1:]
    if kind == "*":
        return chr(10).join(read() for _ in range(int(rest)))
    return replies.read(int(rest) + 2)[:-2].decode() if kind == "$" and rest != "-1" else rest
if "REDISCLI_AUTH" in os.environ:
    ask("AUTH", options.get("--user", "default"), os.environ["REDISCLI_AUTH"])
answer = ask(*words)
print(answer)
sys.exit(answer.partition(" ")[0] in ("ERR", "NOPERM", "NOAUTH", "LOADING"))
"""
"""redis-cli's answers to the few commands of the script, where there is no redis-cli."""

AWS = f"""#!{sys.executable} -SE
import json, os, sys
from pathlib import Path
words = sys.argv[1:]
folder = Path(os.environ["SECRETS"])
option = lambda name, default="": words[words.index(name) + 1] if name in words else default
with open(folder / "calls", "a") as log:
    log.write(" ".join(words) + chr(10))
if "get-secret-value" in words:
    versions = json.loads((folder / option("--secret-id")).read_text())
    stage = option("--version-stage", "AWSCURRENT")
    if stage not in versions:
        sys.exit("ResourceNotFoundException")
    print(versions[stage])
if "put-secret-value" in words:
    path = folder / option("--secret-id")
    versions = json.loads(path.read_text())
    file = Path(option("--secret-string").removeprefix("file://"))
    assert file.stat().st_mode & 0o077 == 0
    new = {{"AWSCURRENT": file.read_text(), "AWSPREVIOUS": versions["AWSCURRENT"]}}
    path.write_text(json.dumps(new))
if "describe-volumes" in words:
    print(os.environ.get("OTHER" if "--filters" in words else "HOLDER", "None"))
if "cp" in words:
    Path(os.environ["PACKAGE_FILE"]).write_text("changed")
"""
"""The few calls of the script, over secrets in a folder."""


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
        self.folder = folder
        self.config = folder / "drug-catalog.conf"
        self.users = folder / "users.acl"
        self.port = _free_port()
        self.socket = folder / "redis.sock"
        tools, self.secrets = folder / "tools", folder / "secrets"
        tools.mkdir()
        self.secrets.mkdir()
        for name, program in (("redis-cli", REDIS_CLI), ("aws", AWS)):
            (tools / name).write_text(program)
            (tools / name).chmod(0o755)
        for user in USERS:
            self.keep(user.name, {"username": user.name, "password": f"first-of-{user.name}"})
        for name in ("authority", "certificate"):
            self.keep(name, {"password": "what Secrets Manager made"})
        self.environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "SECRETS": str(self.secrets),
            "REGION": "us-east-1",
            "ETC": str(folder),
            "DATA": str(folder),
            "LOG_FILE": str(folder / "redis.log"),
            "SOCKET": str(self.socket),
            "REDIS_PORT": str(self.port),
            "MAX_MEMORY_MB": "128",
            "MODULE_FOLDERS": str(module.parent),
            "PACKAGE_FILE": str(folder / "redis.rpm"),
            "TRIES": "3",
            "HOST_NAME": NAME,
            "OLDEST_VERSIONS": " ".join(OLDEST_SAFE),
            "AUTHORITY_SECRET": "authority",
            "CERTIFICATE_SECRET": "certificate",
            "PROBES": probes(),
            "METRICS_NAMESPACE": NAMESPACE,
            "METRICS_STAGE": "test",
        }
        self.give(RIGHTS)

    def give(self, rights: dict[str, str]) -> None:
        """The list of users, each with its secret and rights."""
        lines = [f"{name} {name} {words}" for name, words in rights.items()]
        self.environment["USERS"] = "\n".join(lines)

    def keep(self, name: str, secret: dict[str, str]) -> None:
        (self.secrets / name).write_text(json.dumps({"AWSCURRENT": json.dumps(secret)}))

    def secret(self, name: str) -> dict[str, str]:
        versions = json.loads((self.secrets / name).read_text())
        found: dict[str, str] = json.loads(versions["AWSCURRENT"])
        return found

    def calls(self) -> list[str]:
        return (self.secrets / "calls").read_text().splitlines()

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        # The server of the tests is built without TLS.
        plain = 'listen_lines() { echo "port $REDIS_PORT"; }'
        return subprocess.run(
            ["bash", "-c", f"source {SCRIPT}; {plain}; {command}"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def client(self, user: str, password: str = "") -> redis.Redis:
        return redis.Redis(
            port=self.port,
            username=user,
            password=password or self.secret(user)["password"],
            protocol=2,
        )


@pytest.fixture
def host(tmp_path: Path, server_files: tuple[Path, Path]) -> Host:
    return Host(tmp_path, server_files[1])


@pytest.fixture
def running(host: Host, server_files: tuple[Path, Path]) -> Iterator[Host]:
    """A server started with what the script wrote."""
    write(host, server_files[1])
    yield from _serve(host, server_files[0])


def write(host: Host, module: Path) -> None:
    done = host.run(f'write_users; write_config "$(find_module {module.name})"')
    assert done.returncode == 0, done.stderr


def _serve(host: Host, server: Path) -> Iterator[Host]:
    process = subprocess.Popen([server, host.config], stdout=subprocess.DEVNULL)
    try:
        _wait(host.port)
        yield host
    finally:
        process.terminate()
        process.wait(10)


def test_the_server_keeps_its_data_never_evicts_and_writes_down_no_query(running: Host) -> None:
    text = running.config.read_text().splitlines()
    with running.client(RUNS.user) as client:
        memory = client.info()["maxmemory"]
        assert client.info()["maxmemory_policy"] == "noeviction"
    assert memory == 128 * 1024 * 1024
    assert {"appendonly yes", "slowlog-log-slower-than -1"} <= set(text)


def test_nobody_is_let_in_without_a_password_and_nobody_by_default(running: Host) -> None:
    for login in ({}, {"password": running.secret(RUNS.user)["password"]}):
        with (
            redis.Redis(port=running.port, **login) as client,
            pytest.raises(redis.exceptions.AuthenticationError),
        ):
            client.ping()


def test_each_user_may_do_what_the_list_says_and_nothing_else(running: Host) -> None:
    done = running.run("cli ACL LIST")
    names = re.findall(r"user (\w+) on", done.stdout)
    assert sorted(names) == sorted([*RIGHTS, "drugsync_host"])
    assert "user default off" in done.stdout
    with running.client(RUNS.user) as client:
        client.execute_command(
            "FT.CREATE", "drugs:g", "PREFIX", 1, "drug:g:", "SCHEMA", "ndc", "TAG"
        )
        client.hset("drug:g:1", "ndc", "1")
        client.execute_command("FT.ALIASUPDATE", "drugs", "drugs:g")
        client.rename("drug:g:1", "undo:r:1")
        client.rename("undo:r:1", "drug:g:1")
        for command in (("HGETALL", "other:1"), ("FLUSHALL",), ("ACL", "LIST"), ("KEYS", "*")):
            _is_refused(client, *command)
    for user in (READS, SEARCHES):
        with running.client(user.user) as client:
            assert client.hgetall("drug:g:1") == {b"ndc": b"1"}
            assert client.execute_command("FT.SEARCH", "drugs:g", "*", "LIMIT", 0, 0) == [1]
            _is_refused(client, "HSET", "drug:g:1", "ndc", "2")
            _is_refused(client, "HGETALL", "other:1")
            _is_refused(client, "DEL", "drug:g:1")
            _is_refused(client, "FLUSHALL")


def _is_refused(client: redis.Redis, *command: str) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command)


def test_passwords_are_kept_as_hashes(running: Host) -> None:
    text = running.users.read_text() + running.config.read_text()
    assert not [name for name in RIGHTS if running.secret(name)["password"] in text]


@pytest.mark.parametrize("secret", ["", "no JSON", "{}", json.dumps({"password": ""})])
def test_a_secret_that_was_not_read_ends_the_installation(host: Host, secret: str) -> None:
    (host.secrets / READS.user).write_text(json.dumps({"AWSCURRENT": secret}))
    done = host.run("write_users; echo went on")
    assert done.returncode != 0
    assert "went on" not in done.stdout
    assert not host.users.exists()


@pytest.mark.parametrize(
    ("rights", "expected"),
    [("~* +@all", "may HSET"), ("~drug:* -@all +hgetall", "may not FT.SEARCH")],
)
def test_the_installation_fails_when_a_user_has_other_rights(
    host: Host, server_files: tuple[Path, Path], rights: str, expected: str
) -> None:
    host.give(RIGHTS | {SEARCHES.user: rights})
    write(host, server_files[1])
    for running in _serve(host, server_files[0]):
        done = running.run("check_answers")
        assert done.returncode == 1
        assert f"the user {SEARCHES.user} {expected}" in done.stdout


def test_the_files_are_read_by_their_owner_only(running: Host) -> None:
    for path in (running.config, running.users, running.folder / "host-password"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_installation_ends_well_when_ping_and_the_query_engine_answer(running: Host) -> None:
    done = running.run("check_answers")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_server_that_knows_no_search_does_not_start_and_its_log_says_why(
    host: Host, server_files: tuple[Path, Path]
) -> None:
    """The users may FT.SEARCH: without the query engine there is no such command."""
    write(host, server_files[1])
    text = host.config.read_text()
    host.config.write_text(re.sub("^loadmodule .*$", "", text, flags=re.MULTILINE))
    started = subprocess.run([server_files[0], host.config], check=False, timeout=30)
    assert started.returncode != 0
    host.environment["TRIES"] = "1"
    done = host.run("check_answers")
    assert done.returncode == 1
    assert "does not answer PING" in done.stdout
    assert "ft." in done.stdout


def test_the_installation_fails_when_the_server_is_open(
    host: Host, server_files: tuple[Path, Path]
) -> None:
    write(host, server_files[1])
    users = host.users.read_text()
    host.users.write_text(users.replace("user default off resetkeys resetpass -@all",
                                        "user default on nopass ~* +@all"))  # fmt: skip
    for running in _serve(host, server_files[0]):
        done = running.run("check_answers")
        assert done.returncode == 1
        assert "answers without a password" in done.stdout


# What changes while it runs


def test_more_memory_is_taken_without_a_restart_and_anything_else_restarts(
    running: Host, server_files: tuple[Path, Path]
) -> None:
    module = f'"$(find_module {server_files[1].name})"'
    same = running.run(f"write_config {module}; echo $RESTART")
    assert same.stdout.split() == ["no"]
    running.environment["MAX_MEMORY_MB"] = "256"
    more = running.run(f"write_config {module}; take_over; echo $RESTART")
    assert more.stdout.split()[-1] == "no"
    with running.client(RUNS.user) as client:
        assert client.info()["maxmemory"] == 256 * 1024 * 1024
    running.environment["REDIS_PORT"] = "1"
    assert running.run(f"write_config {module}; echo $RESTART").stdout.split()[-1] == "yes"


def test_a_rotation_keeps_the_old_password_and_open_connections(running: Host) -> None:
    running.give({RUNS.user: RUNS.rules})
    old = running.secret(RUNS.user)["password"]
    with running.client(RUNS.user) as connected:
        connected.hset("drug:g:1", "ndc", "1")
        done = running.run("rotate_users")
        assert done.returncode == 0, done.stdout + done.stderr
        assert connected.hget("drug:g:1", "ndc") == b"1"
    new = running.secret(RUNS.user)["password"]
    assert new != old
    for password in (old, new):
        with running.client(RUNS.user, password) as client:
            client.hgetall("drug:g:1")


def test_an_old_password_ends_with_the_daily_run_after_the_next_rotation(running: Host) -> None:
    running.give({READS.user: READS.rules})
    first = running.secret(READS.user)["password"]
    done = running.run("rotate_users; rotate_users; NEXT=(); write_users; take_over")
    assert done.returncode == 0, done.stdout + done.stderr
    with (
        running.client(READS.user, first) as client,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        client.ping()
    with running.client(READS.user) as client:
        client.hgetall("drug:g:1")


def test_a_daily_run_that_ended_well_is_told(running: Host) -> None:
    assert upkeep(running) == []
    done = running.run("rotate_users; tell_of_upkeep")
    assert done.returncode == 0, done.stdout + done.stderr
    (told,) = upkeep(running)
    assert "--dimensions stage=test" in told
    assert "--namespace DrugCatalogSync" in told


def test_after_a_rotation_that_broke_off_nothing_is_told_until_one_ends_well(running: Host) -> None:
    kept = running.secrets / USERS[-1].name
    text = kept.read_text()
    kept.unlink()
    assert running.run("rotate_users").returncode != 0
    done = running.run("tell_of_upkeep")
    assert done.returncode == 0, done.stderr
    assert "the last rotation did not end" in done.stdout
    assert upkeep(running) == []
    kept.write_text(text)
    assert running.run("rotate_users; tell_of_upkeep").returncode == 0
    assert len(upkeep(running)) == 1


def upkeep(host: Host) -> list[str]:
    return [one for one in host.calls() if "redis_upkeep" in one]


def test_a_rotation_gives_no_user_the_password_of_another(running: Host) -> None:
    running.give({RUNS.user: RUNS.rules, READS.user: READS.rules})
    running.run("rotate_users")
    password = running.secret(RUNS.user)["password"]
    with (
        running.client(READS.user, password) as client,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        client.ping()


def test_the_server_takes_a_rotated_password_before_the_secret_has_it(host: Host) -> None:
    """A function that reads the secret during the change must still be able to log in."""
    source = SCRIPT.read_text()
    body = source[source.index("rotate_users() {") :]
    assert body.index("cli ACL LOAD") < body.index("put_secret")


SPIED = ("openssl", "python3", "sha256sum", "tr", "cut", "sed", "sort", "cat", "install", "mktemp")


def test_no_secret_is_an_argument_of_any_program(running: Host) -> None:
    """Every user of a machine sees the arguments of all of its programs."""
    tools, said = running.folder / "tools", running.secrets / "calls"
    for name in SPIED:
        spy = f'#!/bin/sh\nprintf "%s\\n" "$*" >> {said}\nexec {shutil.which(name)} "$@"\n'
        (tools / name).write_text(spy)
        (tools / name).chmod(0o755)
    before = {user: running.secret(user)["password"] for user in RIGHTS}
    done = running.run("issue_certificates; rotate_users")
    assert done.returncode == 0, done.stderr
    after = {user: running.secret(user)["password"] for user in RIGHTS}
    assert all(before[user] != after[user] for user in RIGHTS)
    key = running.secret("authority")["key"].splitlines()[1]
    host_password = (running.folder / "host-password").read_text().strip()
    arguments = said.read_text()
    assert "put-secret-value" in arguments
    assert "sys.argv[1]" in arguments
    for secret in (*before.values(), *after.values(), key, host_password):
        assert secret not in arguments


def test_an_authority_that_cannot_be_read_is_not_made_anew(host: Host) -> None:
    host.environment["AUTHORITY_SECRET"] = "nothing-of-this-name"
    assert host.run("issue_certificates").returncode != 0
    assert not [call for call in host.calls() if "put-secret-value" in call]


# The certificate


def test_the_certificate_is_signed_for_the_servers_name(host: Host) -> None:
    done = host.run("issue_certificates")
    assert done.returncode == 0, done.stderr
    authority = host.folder / "authority.pem"
    authority.write_text(host.secret("certificate")["ca"])
    verify = ["openssl", "verify", "-CAfile", authority, "-verify_hostname"]
    server = host.folder / "server.pem"
    assert subprocess.run([*verify, NAME, server], check=False).returncode == 0
    assert subprocess.run([*verify, "other.internal", server], check=False).returncode != 0


def test_the_authoritys_key_is_in_its_own_secret_only(host: Host) -> None:
    host.run("issue_certificates")
    assert "PRIVATE KEY" in host.secret("authority")["key"]
    assert set(host.secret("certificate")) == {"ca"}
    assert not list(host.folder.glob("**/ca.key"))
    assert (host.folder / "server.key").stat().st_mode & 0o077 == 0


def test_a_good_certificate_and_its_authority_are_kept(host: Host) -> None:
    host.run("issue_certificates")
    before = (host.folder / "server.pem").read_text(), host.secret("certificate")
    puts = len([call for call in host.calls() if "put-secret-value" in call])
    assert host.run("issue_certificates").returncode == 0
    assert ((host.folder / "server.pem").read_text(), host.secret("certificate")) == before
    assert len([call for call in host.calls() if "put-secret-value" in call]) == puts == 2


def test_another_instance_gets_a_certificate_of_the_same_authority(host: Host) -> None:
    host.run("issue_certificates")
    authority = host.secret("certificate")
    (host.folder / "server.pem").unlink()
    assert host.run("issue_certificates").returncode == 0
    assert host.secret("certificate") == authority
    assert (host.folder / "server.pem").exists()


def test_the_server_listens_with_tls_only() -> None:
    done = subprocess.run(
        ["bash", "-c", f"source {SCRIPT}; listen_lines"],
        env={"PATH": os.environ["PATH"], "ETC": "/etc/redis"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert {"port 0", "tls-port 6379", "tls-cert-file /etc/redis/server.pem"} <= set(lines)


# The volume


def test_the_volume_is_taken_from_an_instance_that_was_stopped(host: Host) -> None:
    host.environment |= {"VOLUME": "vol-1", "DATA_DEVICE": "/dev/sdb", "HOLDER": "i-old"}
    done = host.run("instance_id() { echo i-new; }; attach_volume")
    assert done.returncode == 0, done.stderr
    steps = [call.split()[3] for call in host.calls()]
    assert steps == [
        *("describe-volumes", "stop-instances", "wait", "detach-volume", "describe-volumes"),
        *("wait", "attach-volume", "wait"),
    ]


def test_a_volume_of_another_snapshot_takes_the_place_of_the_one_before(host: Host) -> None:
    host.environment |= {"VOLUME": "vol-2", "DATA_DEVICE": "/dev/sdb", "OTHER": "vol-1"}
    done = host.run(
        "instance_id() { echo i-1; }; systemctl() { echo $*; }; umount() { echo off; }; "
        "attach_volume; echo $RESTART"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == ["stop drug-catalog-redis", "off", "yes"]
    (detached,) = [call for call in host.calls() if "detach-volume" in call]
    assert "vol-1" in detached


@pytest.mark.parametrize(("holder", "calls"), [("i-new", 1), ("None", 5)])
def test_a_volume_that_nobody_else_holds_is_attached_once(
    host: Host, holder: str, calls: int
) -> None:
    host.environment |= {"VOLUME": "vol-1", "DATA_DEVICE": "/dev/sdb", "HOLDER": holder}
    assert host.run("instance_id() { echo i-new; }; attach_volume").returncode == 0
    assert len(host.calls()) == calls
    assert not [call for call in host.calls() if "stop-instances" in call]


# The package


@pytest.mark.parametrize("version", VERSIONS)
def test_the_host_refuses_the_versions_that_planning_refuses(host: Host, version: str) -> None:
    done = host.run(f'check_version "Redis server v={version} sha=0 malloc=x bits=64"')
    assert (done.returncode == 0) == VERSIONS[version]
    assert VERSIONS[version] or f"holds Redis {version}; {' '.join(OLDEST_SAFE)} or" in done.stdout


def test_a_server_that_says_no_version_is_refused(host: Host) -> None:
    done = host.run('check_version "Redis server, of somebody"')
    assert done.returncode == 1
    assert "holds Redis of no version" in done.stdout


def test_a_package_without_the_query_engine_is_named(host: Host) -> None:
    done = host.run("find_module nothing-of-this-name.so")
    assert done.returncode == 1
    assert "lacks the query engine" in done.stderr


def test_a_package_that_was_changed_is_refused(host: Host) -> None:
    host.environment |= {"PACKAGE": "s3://b/k.rpm", "PACKAGE_SHA256": "0" * 64}
    done = host.run("install_package")
    assert done.returncode != 0
    assert "FAILED" in done.stdout


def test_the_script_is_valid_and_stops_at_the_first_failure() -> None:
    assert subprocess.run(["bash", "-n", SCRIPT], check=False).returncode == 0
    assert "set -euo pipefail" in SCRIPT.read_text()
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", SCRIPT], check=True)


def test_the_service_starts_with_the_machine_and_is_checked_last() -> None:
    text = SCRIPT.read_text()
    assert "systemctl enable drug-catalog-redis\n" in text
    body = text[text.index("apply() {") : text.index("\n}\n")]
    steps = [line.strip() for line in body.splitlines()]
    assert steps.index("start_service") < steps.index("check_answers")
    assert steps[-3:] == ["check_answers", "tell_of_upkeep", 'echo "redis is ready"']


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
