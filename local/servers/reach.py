"""Checks once, before anything waits for them, whether the configured servers answer at all.

Functions retry, as they must if a server restarts; a user waits five seconds.
"""

import socket
import threading
from typing import NamedTuple
from urllib.parse import urlsplit

from workflow.contract.settings import PREFIX, Settings

TIMEOUT_S = 2.0


class Server(NamedTuple):
    """Its address, what is sent to it (nothing over TLS), and how its answer begins."""

    what: str
    address: tuple[str, int] | str
    told: bytes
    answers: tuple[bytes, ...]

    @property
    def shown(self) -> str:
        return self.address if isinstance(self.address, str) else "{}:{}".format(*self.address)


def unreachable(settings: Settings) -> dict[str, str]:
    """Variable -> what is wrong with the server that it names; empty if all answer."""
    asked = {name: _Try(server) for name, server in _servers(settings).items()}
    for one in asked.values():
        one.start()
    for one in asked.values():
        one.join(TIMEOUT_S + 1)
    return {PREFIX + name.upper(): one.failure for name, one in asked.items() if one.failure}


def _servers(settings: Settings) -> dict[str, Server]:
    url = urlsplit(settings.redis_url)
    address = url.path if url.scheme == "unix" else (url.hostname or "", url.port or 6379)
    encrypted = url.scheme == "rediss"
    redis = Server("Redis", address, b"" if encrypted else b"PING\r\n", (b"+", b"-"))
    if settings.mysql_socket:
        name, place = "mysql_socket", settings.mysql_socket
        return {"redis_url": redis, name: Server("MySQL", place, b"", _GREETINGS)}
    host = (settings.mysql_host, settings.mysql_port)
    return {"redis_url": redis, "mysql_host": Server("MySQL", host, b"", _GREETINGS)}


_GREETINGS = (b"\x0a", b"\xff")
"""MySQL speaks first: after a header of four bytes, the protocol's version or an error."""


class _Try(threading.Thread):
    """A connection and the first bytes. A thread: looking up a name knows no timeout."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self.failure = f"{server.shown} did not answer within {TIMEOUT_S:.0f} s"

    def run(self) -> None:
        try:
            with self._connected() as connection:
                connection.settimeout(TIMEOUT_S)
                self.failure = self._asked(connection)
        except TimeoutError:
            return
        except OSError as error:
            self.failure = f"{self._server.shown}: {error.strerror or error}"

    def _connected(self) -> socket.socket:
        address = self._server.address
        if not isinstance(address, str):
            return socket.create_connection(address, TIMEOUT_S)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(TIMEOUT_S)
            connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection

    def _asked(self, connection: socket.socket) -> str:
        server = self._server
        if server.what == "Redis" and not server.told:
            return ""
        connection.sendall(server.told)
        said = connection.recv(8)
        start = said[4:] if server.what == "MySQL" else said
        if start.startswith(server.answers):
            return ""
        return f"what answers at {server.shown} is no {server.what}"
