"""MariaDB and Redis as private processes: no root, no TCP beyond loopback, data below one root.

    root/mariadb/   data, log, socket          root/redis/   data (AOF), log, socket

``start_*`` returns the server that runs already, or starts it; data survive a SIGKILL.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mysql.connector
import redis
from mysql.connector.abstracts import MySQLConnectionAbstract

from local.errors import LocalError
from local.servers import processes
from local.servers.processes import Facts, Home, Record
from local.servers.reasons import did_not_start
from local.servers.redis_binaries import find_redis

DATABASE = "drugs"
USER = "drugs"
APT_COMMAND = "sudo apt-get install --no-install-recommends mariadb-server-core mariadb-client-core"
SERVER_DIRECTORIES = ("/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/bin")


@dataclass(frozen=True)
class MariaDBServer:
    """A running MariaDB. ``user`` has no password and rights on databases ``drugs...`` only."""

    pid: int
    host: str
    port: int
    socket: str
    user: str
    database: str


@dataclass(frozen=True)
class RedisServer:
    """A running Redis with vector search; ``url`` is what ``redis.from_url`` takes."""

    pid: int
    url: str


def start_mariadb(root: Path) -> MariaDBServer:
    """Private MariaDB below ``root``; LocalError with the apt command where it is missing."""
    home = _mariadb_home(root)
    record = processes.start(home, lambda: _launch_mariadb(home), _mariadb_answers)
    return _mariadb(record)


def running_mariadb(root: Path) -> MariaDBServer | None:
    record = processes.running(_mariadb_home(root))
    return _mariadb(record) if record else None


def stop_mariadb(root: Path) -> bool:
    """False when none ran."""
    return processes.stop(_mariadb_home(root))


def connect(server: MariaDBServer, database: str | None = None) -> MySQLConnectionAbstract:
    """A connection for loading catalogs; autocommit off."""
    connection = mysql.connector.connect(
        unix_socket=server.socket,
        user=server.user,
        database=database or server.database,
        charset="utf8mb4",
        use_pure=True,
        allow_local_infile=True,
    )
    assert isinstance(connection, MySQLConnectionAbstract)  # noqa: S101  not a pooled one
    return connection


def start_redis(root: Path, *, extra_args: Sequence[str] = ()) -> RedisServer:
    """Private Redis below ``root``. ``extra_args`` apply to a new process only."""
    home = _redis_home(root)
    record = processes.start(home, lambda: _launch_redis(home, extra_args), _redis_answers)
    server = RedisServer(record.pid, str(record.facts["url"]))
    _require_search(root, server)
    return server


def running_redis(root: Path) -> RedisServer | None:
    record = processes.running(_redis_home(root))
    return RedisServer(record.pid, str(record.facts["url"])) if record else None


def stop_redis(root: Path) -> bool:
    """False when none ran."""
    return processes.stop(_redis_home(root))


def _mariadb_home(root: Path) -> Home:
    path = root.resolve() / "mariadb"
    return Home("MariaDB", path, f"--datadir={path / 'data'}")


def _redis_home(root: Path) -> Home:
    path = root.resolve() / "redis"
    return Home("Redis", path, str(path / "data"))


def _mariadb(record: Record) -> MariaDBServer:
    facts = record.facts
    return MariaDBServer(
        pid=record.pid,
        host="127.0.0.1",
        port=int(facts["port"]),
        socket=str(facts["socket"]),
        user=USER,
        database=DATABASE,
    )


def _launch_mariadb(home: Home) -> tuple[list[str], Facts]:
    server = _program("mariadbd")
    if not home.data.exists():
        _install_mariadb(home)
    socket = processes.socket_path(home.path, "mariadb.sock")
    socket.unlink(missing_ok=True)
    port = processes.free_port()
    command = [
        server,
        "--no-defaults",
        home.marker,
        f"--socket={socket}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--local-infile=1",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_bin",
        "--innodb-flush-log-at-trx-commit=2",  # safe against a killed process, not a power cut
        "--innodb-buffer-pool-size=256M",
        "--max-allowed-packet=64M",
        f"--init-file={_write_init_file(home)}",
        f"--tmpdir={_tmpdir(home)}",
        *_as_user(),
    ]
    return command, {"port": port, "socket": str(socket)}


def _install_mariadb(home: Home) -> None:
    """Create the system tables; an interrupted installation leaves no half-made ``data``."""
    draft = home.path / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    done = subprocess.run(
        [
            _program("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={draft}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            f"--tmpdir={_tmpdir(home)}",
            *_as_user(),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        home.log.write_text(done.stdout + done.stderr)
        raise LocalError(did_not_start("MariaDB could not make its tables", home.log))
    draft.replace(home.data)


def _tmpdir(home: Home) -> Path:
    """Its own: a server that starts deletes temporary tables that it finds, also another's."""
    path = home.path / "tmp"
    path.mkdir(exist_ok=True)
    return path


def _write_init_file(home: Home) -> Path:
    """Run at each start. Other people on this machine can reach the port: root gets no TCP."""
    path = home.path / "init.sql"
    accounts = [f"'{USER}'@'localhost'", f"'{USER}'@'127.0.0.1'"]
    statements = [
        f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
        "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost';",
        "FLUSH PRIVILEGES;",
        *(f"CREATE USER IF NOT EXISTS {account};" for account in accounts),
        *(f"GRANT ALL ON `{DATABASE}%`.* TO {account};" for account in accounts),
    ]
    path.write_text("\n".join(statements) + "\n")
    return path


def _as_user() -> list[str]:
    """mariadbd refuses to run as root unless told to."""
    return [f"--user={pwd.getpwuid(0).pw_name}"] if os.geteuid() == 0 else []


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(SERVER_DIRECTORIES))
    if found is None:
        raise LocalError(f"MariaDB is not installed ({name} not found). Run: {APT_COMMAND}")
    return found


def _mariadb_answers(record: Record) -> bool:
    try:
        connect(_mariadb(record)).close()
    except mysql.connector.Error:
        return False
    return True


def _launch_redis(home: Home, extra_args: Sequence[str]) -> tuple[list[str], Facts]:
    home.data.mkdir(mode=0o700, exist_ok=True)
    socket = processes.socket_path(home.path, "redis.sock")
    socket.unlink(missing_ok=True)
    binaries = find_redis()
    command = [binaries.server, "--port", "0", "--unixsocket", str(socket)]
    command += ["--unixsocketperm", "700", "--dir", home.marker, "--appendonly", "yes"]
    command += ["--save", "", "--set-proc-title", "no"]  # the title would hide --dir from us
    if binaries.search_module:
        command += ["--loadmodule", binaries.search_module]
    return [*command, *extra_args], {"url": f"unix://{socket}"}


def _redis_answers(record: Record) -> bool:
    """False also while it still reads its AOF (BusyLoadingError is a ConnectionError)."""
    try:
        with redis.from_url(str(record.facts["url"])) as client:
            return bool(client.ping())
    except redis.exceptions.ConnectionError:
        return False


def _require_search(root: Path, server: RedisServer) -> None:
    try:
        with redis.from_url(server.url) as client:
            client.execute_command("FT._LIST")
    except redis.exceptions.ResponseError as error:
        stop_redis(root)
        raise LocalError(
            "The redis-server on the PATH has no vector search (FT._LIST is unknown). "
            "Install Redis 8 with its query engine: https://redis.io/docs/latest/install/"
        ) from error
