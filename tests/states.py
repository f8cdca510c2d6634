"""What can be wrong with a home and the servers that it names, each made and taken back."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.engine.runner import LOG
from local.servers import stack as stacks
from local.servers.given import save_settings, use_mysql, use_redis
from local.standin.bedrock_process import start_standin, stop_standin
from tests.lab import Failing, Lab
from tests.rows import ndc
from workflow.contract.errors import IndexUnavailable

NO_POWER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
"""Root, who may open any file, as one who may not."""

SMALL = "20m"
ENOUGH = "400m"
"""For the data of a MariaDB and a Redis."""


@contextmanager
def disk(at: Path, size: str = SMALL) -> Iterator[Path]:
    """A file system of its own. A machine that refuses to mount skips the test."""
    at.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(at)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Mounted over itself, because a file system with open files stays writable."""
    for options in (["--bind"], ["-o", "remount,bind,ro"]):
        subprocess.run(["mount", *options, str(folder), str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Until the file system has no byte left."""
    with open(folder / "fill", "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


@contextmanager
def beside(lab: Lab, home: Path) -> Iterator[Lab]:
    """A home that names the lab's servers as given ones, and has a failed run `nightly`.

    The run is made once in a session, and copied.
    """
    home.mkdir(mode=0o700, parents=True)
    use_mysql(home, f"mysql://drugs@localhost/drugs?socket={lab.stack.mysql.socket}")
    use_redis(home, lab.stack.redis.url)
    save_settings(home, lab.settings)
    start_standin(home, embedder="hash")
    try:
        mine = Lab(stacks.running(home), lab.catalog, lab.index, lab.settings)
        lab.catalog.update(ndc(3), manufacturer="another")
        kept = lab.stack.root / "runs-of-states"
        if not kept.exists():
            mine.run(run_id="nightly", intercept=Failing("LoadPage", IndexUnavailable("gone")))
            shutil.copytree(home / "runs", kept)
        shutil.copytree(kept, home / "runs", dirs_exist_ok=True)
        yield mine
    finally:
        stop_standin(home)


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A port where somebody listens, and says something else, or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        if answer is not None:

            def serve() -> None:
                while True:
                    try:
                        connection, _ = server.accept()
                    except OSError:
                        return
                    with connection:
                        connection.sendall(answer)

            threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def cut(home: Path) -> None:
    """Each file that this home's programs wrote, without its last bytes."""
    for path in home.rglob("*"):
        data = {"data", "tmp"} & set(path.relative_to(home).parts)
        if path.is_file() and not data and path.name not in ("log", LOG):
            body = path.read_bytes()
            path.write_bytes(body[: max(0, len(body) - 20)])


def take_away(home: Path) -> None:
    """All of it belongs to another user, and is closed to others."""
    for path in (home, *home.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534, follow_symlinks=False)
        else:
            path.chmod(0)


def remove(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
