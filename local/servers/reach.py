"""Do the servers that the settings name answer at all? Asked once, before something waits for them.

Functions ask again and again, as they must where a server restarts; a person waits five seconds.
"""

import socket
import threading
from urllib.parse import urlsplit

from workflow.contract.settings import PREFIX, Settings

TIMEOUT_S = 3.0

Address = tuple[str, int] | str
"""Host and port, or a socket's path."""


def unreachable(settings: Settings) -> dict[str, str]:
    """Variable -> why nobody answers there; empty where all do."""
    asked = {name: _Try(address) for name, address in _addresses(settings).items()}
    for one in asked.values():
        one.start()
    for one in asked.values():
        one.join(TIMEOUT_S)
    return {PREFIX + name.upper(): one.failure for name, one in asked.items() if one.failure}


def _addresses(settings: Settings) -> dict[str, Address]:
    url = urlsplit(settings.redis_url)
    redis: Address = url.path if url.scheme == "unix" else (url.hostname or "", url.port or 6379)
    if settings.mysql_socket:
        return {"redis_url": redis, "mysql_socket": settings.mysql_socket}
    return {"redis_url": redis, "mysql_host": (settings.mysql_host, settings.mysql_port)}


class _Try(threading.Thread):
    """A connection, opened and closed. A thread, because looking up a name knows no timeout."""

    def __init__(self, address: Address) -> None:
        super().__init__(daemon=True)
        self._address = address
        self.failure = f"{self._shown} did not answer within {TIMEOUT_S:.0f} s"

    @property
    def _shown(self) -> str:
        return self._address if isinstance(self._address, str) else "{}:{}".format(*self._address)

    def run(self) -> None:
        try:
            if isinstance(self._address, str):
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.settimeout(TIMEOUT_S)
                    probe.connect(self._address)
            else:
                socket.create_connection(self._address, TIMEOUT_S).close()
        except OSError as error:
            self.failure = f"{self._shown}: {error.strerror or error}"
        else:
            self.failure = ""
