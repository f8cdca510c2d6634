"""MySQL and Redis as private processes: no root, no TCP, data below one root.

    root/mariadb/ or root/mysql/   data, log, socket      root/redis/   data (AOF), log, socket

The folders are open to their owner only, and so are the sockets: nobody else on the machine can
reach a server, which is why no account needs a password. ``start_*`` returns the server that runs
already, or starts it; data survive a SIGKILL. The drivers are imported where they are used: most
commands only ask what runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.errors import LocalError
from local.places import is_there
from local.servers import processes
from local.servers.mysql_binaries import MySQLBinaries, find_mysql
from local.servers.processes import Announce, Facts, Home, Record
from local.servers.reasons import did_not_start
from local.servers.redis_binaries import find_redis

if TYPE_CHECKING:
    from mysql.connector.abstracts import MySQLConnectionAbstract

DATABASE = "drugs"
USER = "drugs"


@dataclass(frozen=True)
class MySQLServer:
    """A running server. ``user`` has no password and rights on databases ``drugs...`` only.

    ``pid`` is 0 if it is not ours; then its login is in the settings, and its ``socket`` may be
    host and port.
    """

    pid: int
    version: str
    socket: str
    user: str
    database: str


@dataclass(frozen=True)
class RedisServer:
    """A running Redis with vector search; ``url`` is what ``redis.from_url`` takes.

    ``pid`` is 0 if it is not ours.
    """

    pid: int
    url: str
    version: str = ""


def start_mysql(
    root: Path, *, extra_args: Sequence[str] = (), announce: Announce = lambda _: None
) -> MySQLServer:
    """Private MariaDB or MySQL below ``root``; LocalError with the apt command where none is.

    ``extra_args`` apply to new data and to a new process only.
    """
    home = _mysql_home(root) or _home_of(root, find_mysql().kind)
    record = processes.start(
        home, lambda: _launch_mysql(home, extra_args), _mysql_answers, announce=announce
    )
    return _mysql(record)


def running_mysql(root: Path) -> MySQLServer | None:
    home = _mysql_home(root)
    record = processes.running(home) if home else None
    return _mysql(record) if record else None


def stop_mysql(root: Path) -> bool:
    """False when none ran."""
    home = _mysql_home(root)
    return home is not None and processes.stop(home)


def connect(server: MySQLServer, database: str | None = None) -> MySQLConnectionAbstract:
    """A connection for loading catalogs; autocommit off."""
    import mysql.connector
    from mysql.connector.abstracts import MySQLConnectionAbstract

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


def start_redis(
    root: Path, *, extra_args: Sequence[str] = (), announce: Announce = lambda _: None
) -> RedisServer:
    """Private Redis below ``root``. ``extra_args`` apply to a new process only."""
    home = _redis_home(root)
    record = processes.start(
        home, lambda: _launch_redis(home, extra_args), _redis_answers, announce=announce
    )
    server = _redis(record)
    _require_search(root, server)
    return server


def running_redis(root: Path) -> RedisServer | None:
    record = processes.running(_redis_home(root))
    return _redis(record) if record else None


def stop_redis(root: Path) -> bool:
    """False when none ran."""
    return processes.stop(_redis_home(root))


def _mysql_home(root: Path) -> Home | None:
    """The kind of server that existing data belong to, if there are any."""
    homes = [_home_of(root, kind) for kind in ("MariaDB", "MySQL")]
    return next((home for home in homes if is_there(home.path)), None)


def _home_of(root: Path, kind: str) -> Home:
    path = root.resolve() / kind.lower()
    return Home(kind, path, f"--datadir={path / 'data'}")


def _redis_home(root: Path) -> Home:
    path = root.resolve() / "redis"
    return Home("Redis", path, str(path / "data"))


def _mysql(record: Record) -> MySQLServer:
    facts = record.facts
    return MySQLServer(
        pid=record.pid,
        version=str(facts.get("version", "")),
        socket=str(facts["socket"]),
        user=USER,
        database=DATABASE,
    )


def _launch_mysql(home: Home, extra_args: Sequence[str]) -> tuple[list[str], Facts]:
    binaries = find_mysql(home.name)
    if not is_there(home.data):
        _install_mysql(home, binaries, extra_args)
    socket = processes.socket_path(home.path, f"{home.name.lower()}.sock")
    # MySQL's lock names a process that was killed; another may have its number now.
    for left in (socket, socket.with_name(f"{socket.name}.lock")):
        left.unlink(missing_ok=True)
    options = [
        home.marker,
        f"--socket={socket}",
        "--skip-networking",
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
        *extra_args,
    ]
    facts: Facts = {"socket": str(socket), "version": binaries.version}
    return binaries.start_command(options), facts


def _install_mysql(home: Home, binaries: MySQLBinaries, extra_args: Sequence[str]) -> None:
    """Create the system tables; an interrupted installation leaves no half-made ``data``."""
    draft = home.path / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    command = binaries.install_command(draft.name, extra_args)
    own = {**os.environ, "TMPDIR": str(_tmpdir(home))}
    failed, said = _whole_or_ended(command, home.path, own)
    if failed:
        home.log.write_text(said)
        what = f"{Path(command[0]).name} could not make its data in {home.path}"
        raise LocalError(did_not_start(what, home.log))
    draft.replace(home.data)


def _whole_or_ended(command: list[str], folder: Path, env: dict[str, str]) -> tuple[int, str]:
    """Exit code and output. Where we are interrupted, the script's own server ends with it: else
    it would go on writing into the folder that the next start makes anew."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as script:
        try:
            said, _ = script.communicate()
        except BaseException:
            os.killpg(script.pid, signal.SIGKILL)
            raise
    return script.returncode, said


def _tmpdir(home: Home) -> Path:
    """Its own folder, because a server that starts deletes all temporary tables that it finds."""
    path = home.path / "tmp"
    path.mkdir(exist_ok=True)
    return path


def _write_init_file(home: Home) -> Path:
    """Statements to run at each start, one per line."""
    path = home.path / "init.sql"
    account = f"'{USER}'@'localhost'"
    statements = [
        f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
        f"CREATE USER IF NOT EXISTS {account};",
        f"GRANT ALL ON `{DATABASE}%`.* TO {account};",
    ]
    path.write_text("\n".join(statements) + "\n")
    return path


def _mysql_answers(record: Record) -> bool:
    import mysql.connector

    try:
        connect(_mysql(record)).close()
    except mysql.connector.Error:
        return False
    return True


def _redis(record: Record) -> RedisServer:
    facts = record.facts
    return RedisServer(record.pid, str(facts["url"]), str(facts.get("version", "")))


def _launch_redis(home: Home, extra_args: Sequence[str]) -> tuple[list[str], Facts]:
    home.data.mkdir(mode=0o700, exist_ok=True)
    socket = processes.socket_path(home.path, "redis.sock")
    socket.unlink(missing_ok=True)
    binaries = find_redis()
    command = [binaries.server, "--port", "0", "--unixsocket", str(socket)]
    command += ["--unixsocketperm", "700", "--dir", home.marker, "--appendonly", "yes"]
    command += ["--save", "", "--set-proc-title", "no"]  # a title would hide --dir
    if binaries.search_module:
        command += ["--loadmodule", binaries.search_module]
    return [*command, *extra_args], {"url": f"unix://{socket}", "version": binaries.version}


def _redis_answers(record: Record) -> bool:
    """Also False while it reads its AOF, when it says so or does not answer for seconds."""
    import redis

    try:
        with redis.from_url(str(record.facts["url"])) as client:
            return bool(client.ping())
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
        return False


def _require_search(root: Path, server: RedisServer) -> None:
    import redis

    try:
        with redis.from_url(server.url) as client:
            client.execute_command("FT._LIST")
    except redis.exceptions.ResponseError as error:
        stop_redis(root)
        raise LocalError(
            "The redis-server on the PATH has no vector search (FT._LIST is unknown). "
            "Install Redis 8 with its query engine: https://redis.io/docs/latest/install/"
        ) from error
