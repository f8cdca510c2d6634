"""MariaDB and Redis as private processes: started once, stopped exactly, safe after a crash."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from redis.commands.search.field import VectorField
from redis.commands.search.index_definition import IndexDefinition

from local.errors import LocalError
from local.servers import mysql_binaries, processes, servers


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """As people name folders: with a blank, an apostrophe and a letter beyond ASCII."""
    path = tmp_path / "Zoë's drugs"
    path.mkdir()
    yield path
    servers.stop_redis(path)
    servers.stop_mysql(path)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_the_database_answers_on_its_socket_and_nowhere_else(root: Path) -> None:
    """An account without a password on TCP would let every user of the machine change a drug."""
    server = servers.start_mysql(root)
    with servers.connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT DATABASE(), @@collation_database, @@skip_networking")
        assert cursor.fetchall() == [("drugs", "utf8mb4_bin", 1)]
    assert listening(server.pid) == []


def listening(pid: int) -> list[str]:
    """TCP sockets that a process listens on (proc(5): state 0A of /proc/net/tcp)."""
    own = {os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return [one[1] for one in lines if one[3] == "0A" and f"socket:[{one[9]}]" in own]


@pytest.mark.parametrize("start", [servers.start_mysql, servers.start_redis])
def test_the_folder_of_a_socket_is_its_owners_also_where_it_was_open(
    root: Path, start: Callable[[Path], servers.MySQLServer | servers.RedisServer]
) -> None:
    folder = socket_of(start(root)).parent
    servers.stop_mysql(root)
    servers.stop_redis(root)
    folder.chmod(0o755)
    assert stat.S_IMODE(socket_of(start(root)).parent.stat().st_mode) == 0o700


def socket_of(server: servers.MySQLServer | servers.RedisServer) -> Path:
    address = server.socket if isinstance(server, servers.MySQLServer) else server.url
    return Path(address.removeprefix("unix://"))


def test_starting_twice_gives_the_same_servers(root: Path) -> None:
    assert servers.start_mysql(root) == servers.start_mysql(root)
    assert servers.start_redis(root) == servers.start_redis(root)


def test_two_callers_at_once_start_one_server(root: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        started = set(pool.map(servers.start_redis, [root] * 4))
    assert len(started) == 1


def test_servers_have_their_own_session_so_that_ctrl_c_does_not_reach_them(root: Path) -> None:
    server = servers.start_redis(root)
    assert os.getsid(server.pid) == server.pid


def test_stopping_ends_the_server_and_says_whether_there_was_one(root: Path) -> None:
    server = servers.start_redis(root)
    assert servers.running_redis(root) == server
    assert servers.stop_redis(root)
    assert servers.running_redis(root) is None
    assert not Path(f"/proc/{server.pid}/exe").exists()
    assert not servers.stop_redis(root)


def test_stopping_what_never_started_makes_nothing(tmp_path: Path) -> None:
    assert not servers.stop_mysql(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_stopping_leaves_the_servers_of_another_root_alone(root: Path, tmp_path: Path) -> None:
    other = servers.start_redis(tmp_path / "other")
    try:
        servers.start_redis(root)
        servers.stop_redis(root)
        assert servers.running_redis(tmp_path / "other") == other
    finally:
        servers.stop_redis(tmp_path / "other")


def test_a_recycled_process_id_is_neither_believed_nor_killed(root: Path) -> None:
    home = root / "redis"
    home.mkdir()
    (home / "process.json").write_text(f'{{"pid": {os.getpid()}, "facts": {{"url": "x"}}}}')
    assert servers.running_redis(root) is None
    assert not servers.stop_redis(root)
    assert servers.start_redis(root).pid != os.getpid()


def test_a_record_cut_short_by_a_crash_does_not_stop_the_next_start(root: Path) -> None:
    (root / "redis").mkdir()
    (root / "redis" / "process.json").write_text('{"pid": 12')
    assert servers.start_redis(root).url.startswith("unix:///")


def test_redis_has_vector_search_and_recovers_index_and_data_after_a_kill(root: Path) -> None:
    """With `appendfsync everysec`, what is answered while a sync is under way waits up to two
    seconds before it is written to the file (flushAppendOnlyFile), so the test waits for it.
    """
    server = servers.start_redis(root)
    with redis.from_url(server.url) as client:
        client.ft("idx").create_index(
            [VectorField("v", "FLAT", {"TYPE": "FLOAT32", "DIM": 2, "DISTANCE_METRIC": "L2"})],
            definition=IndexDefinition(prefix=["d:"]),
        )
        client.hset("d:1", mapping={"v": b"\0\0\x80?\0\0\0\0"})
        assert client.execute_command("WAITAOF", 1, 0, 60_000) == [1, 0]
    kill(server.pid)
    again = servers.start_redis(root)
    assert again.pid != server.pid
    with redis.from_url(again.url) as client:
        assert client.hgetall("d:1") == {b"v": b"\0\0\x80?\0\0\0\0"}
        assert client.execute_command("FT._LIST") == [b"idx"]


def test_a_lock_that_a_killed_server_left_stops_no_other(root: Path) -> None:
    server = servers.start_mysql(root)
    kill(server.pid)
    Path(f"{server.socket}.lock").write_text(f"{os.getpid()}\n")  # its number is another's now
    assert servers.start_mysql(root).pid != server.pid


def test_a_database_recovers_its_data_after_a_kill(root: Path) -> None:
    server = servers.start_mysql(root)
    with servers.connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INT)")
        cursor.execute("INSERT INTO t VALUES (42)")
        connection.commit()
    kill(server.pid)
    again = servers.start_mysql(root)
    with servers.connect(again) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT a FROM t")
        assert cursor.fetchall() == [(42,)]


def test_redis_takes_extra_arguments(root: Path) -> None:
    server = servers.start_redis(root, extra_args=["--maxmemory", "50mb"])
    with redis.from_url(server.url) as client:
        assert client.config_get("maxmemory") == {"maxmemory": str(50 * 1024 * 1024)}


def test_redis_opens_no_tcp_port_and_its_socket_is_private(root: Path) -> None:
    server = servers.start_redis(root)
    with redis.from_url(server.url) as client:
        assert client.config_get("port") == {"port": "0"}
    mode = Path(server.url.removeprefix("unix://")).stat().st_mode
    assert stat.S_IMODE(mode) == 0o700


def test_a_failed_start_shows_the_end_of_the_log_and_leaves_nothing(root: Path) -> None:
    with pytest.raises(LocalError, match=r"(?s)ended at once.*no-such-option.*cat .*redis/log"):
        servers.start_redis(root, extra_args=["--no-such-option", "1"])
    assert servers.running_redis(root) is None


def test_a_root_too_deep_for_a_socket_gets_a_private_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    server = servers.start_redis(deep)
    try:
        socket = Path(server.url.removeprefix("unix://"))
        assert len(str(socket)) <= processes.SOCKET_PATH_LIMIT
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert servers.start_redis(deep) == server
    finally:
        servers.stop_redis(deep)
    assert not socket.parent.exists()


def test_without_a_database_the_error_has_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mysql_binaries, "SERVER_DIRECTORIES", ())
    with pytest.raises(LocalError, match=r"apt-get install .*mariadb-server-core"):
        servers.start_mysql(tmp_path)


WORKS_THEN_SERVES = """
import pathlib, sys, time
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    pass
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""


def started(root: Path, program: str, works_s: float, announced: list[str]) -> processes.Record:
    """A server that is ready once its marker exists, and has two seconds to show that it works."""
    home = processes.Home("A server", root / "server", str(root / "ready"))
    command = [sys.executable, "-c", program, home.marker, str(works_s)]
    return processes.start(
        home,
        lambda: (command, {}),
        lambda _: Path(home.marker).exists(),
        patience_s=2,
        announce=announced.append,
    )


def test_a_server_that_reads_its_data_is_waited_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis builds a large vector index again before it answers, which takes minutes."""
    monkeypatch.setattr(processes, "SAY_EVERY_S", 1)
    announced: list[str] = []
    record = started(root, WORKS_THEN_SERVES, 5, announced)
    kill(record.pid)
    assert len(announced) >= 3
    assert announced[0].startswith("A server, which is reading its data (1 s)")


def test_a_server_that_does_nothing_is_given_up(root: Path) -> None:
    with pytest.raises(LocalError, match=r"A server did nothing for 2 s"):
        started(root, "import time; time.sleep(600)", 0, [])
    assert processes.running(processes.Home("", root / "server", str(root / "ready"))) is None
