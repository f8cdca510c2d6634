"""The peers: where each one's Python is, its program, and how it is started."""

import os
import socket
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import NamedTuple

from redis import Redis

from cli.standby import process as standby
from cli.standby.client import ALIKE, FOLDER
from local.places import HOME_VARIABLE, home
from local.servers.stack import Stack

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
THREADS, PAGE = 32, 500
NO_QUOTA = "1000000000"


class Peer(NamedTuple):
    """`program` runs in an environment of its own; none: this project."""

    name: str
    environment: str
    program: str = ""
    threads: bool = False
    stands_by: bool = False
    tcp: bool = False
    """Its client knows no Unix socket: Redis listens on a port of this machine for it."""

    @property
    def is_ours(self) -> bool:
        return not self.program

    @property
    def lines(self) -> int | None:
        """What a team would write: code without blank lines and docstrings."""
        if not self.program:
            return None
        text = (PROGRAMS / self.program).read_text(encoding="utf-8").splitlines()
        return sum(1 for line in text if line.strip() and not line.strip().startswith(('"""', "#")))


PEERS = (
    Peer("drugsync", "", stands_by=True),
    Peer("drugsync, no standby", ""),
    Peer("script, 64 threads", "", "script.py", threads=True),
    Peer("LangChain, threads", "langchain", "langchain_index.py", threads=True),
    Peer("RedisVL, 64 threads", "redisvl", "redisvl_load.py", threads=True),
    Peer("CocoIndex", "cocoindex", "cocoindex_app.py", tcp=True),
    Peer("LlamaIndex, async", "llamaindex", "llamaindex_pipeline.py", tcp=True),
    Peer("LangChain index()", "langchain", "langchain_index.py"),
)


def installed(peer: Peer) -> str:
    """Makes its environment if it is missing; returns why it cannot."""
    if not peer.environment:
        return ""
    root = home() / "peers" / peer.environment
    requirements = HERE / "requirements" / f"{peer.environment}.txt"
    done = root / "installed.txt"
    if done.exists() and done.read_text() == requirements.read_text():
        return ""
    venv.create(root, with_pip=True)
    pip = [str(root / "bin/python"), "-m", "pip", "install", "--quiet", "-r", str(requirements)]
    said = subprocess.run(pip, capture_output=True, text=True, check=False)
    if said.returncode:
        return f"pip could not install it: {said.stderr.strip().splitlines()[-1]}"
    done.write_text(requirements.read_text())
    return ""


def command(peer: Peer) -> list[str]:
    if peer.is_ours:
        return [sys.executable, "-m", "cli.main", "run"]
    python = home() / "peers" / peer.environment / "bin/python"
    return [str(python if peer.environment else sys.executable), str(PROGRAMS / peer.program)]


def environment(
    peer: Peer, stack: Stack, state: Path, dimensions: int, quota: int | None
) -> dict[str, str]:
    """What it finds: the servers, AWS's SDK pointed at the stand-in, and nothing of ours else."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("DRUGSYNC_")}
    sdk = {name: value for name, value in stack.environment().items() if name.startswith("AWS_")}
    if peer.is_ours:
        settings = {
            "catalog_table": "peer_drugs",
            "tokens_per_minute": str(quota or NO_QUOTA),
            "embedding_dimensions": str(dimensions),
            "embedding_threads": str(THREADS),
            "embed_concurrency": "2",
            "embed_page_size": str(PAGE),
        }
        ours = {f"DRUGSYNC_{name.upper()}": value for name, value in settings.items()}
        return given | {HOME_VARIABLE: str(stack.root)} | ours
    return (
        given
        | sdk
        | {
            "PEER_REDIS_URL": _on_a_port(stack) if peer.tcp else stack.redis.url,
            "PEER_MYSQL_SOCKET": stack.mysql.socket,
            "PEER_MYSQL_USER": stack.mysql.user,
            "PEER_MYSQL_DATABASE": stack.mysql.database,
            "PEER_STATE": str(state),
            "PEER_DIMENSIONS": str(dimensions),
            "PEER_THREADS": "1" if peer.threads else "",
        }
    )


def _on_a_port(stack: Stack) -> str:
    """Redis listens there from now on, for this machine alone."""
    with Redis.from_url(stack.redis.url) as redis:
        port = int(redis.config_get("port")["port"])
        if not port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            redis.config_set("bind", "127.0.0.1")
            redis.config_set("port", port)
    return f"redis://127.0.0.1:{port}"


def standby_of(peer: Peer, stack: Stack) -> int:
    """The process whose children do this peer's work; 0 where the peer does it itself."""
    record = standby.record(stack.root) if peer.stands_by else None
    return record.pid if record else 0


def stand_by(stack: Stack, wanted: bool) -> None:
    """Start or stop the standby, and wait for it."""
    if not wanted:
        standby.stop(stack.root)
        return
    (stack.root / FOLDER / ALIKE).unlink(missing_ok=True)
    standby.stop(stack.root)
    standby.start(stack.root)
    while not (stack.root / FOLDER / ALIKE).exists():
        time.sleep(0.1)
