"""A proxy that cuts connections where a test wants it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CHUNK = 65_536


class Cut:
    """Cuts `times` connections at the first chunk that holds `pattern`, in either direction.

    With `deliver`, the chunk still arrives: what is lost is the answer.
    """

    def __init__(self, pattern: bytes, *, times: int = 1, deliver: bool = False) -> None:
        self._pattern, self._deliver = pattern, deliver
        self._left = times
        self._lock = threading.Lock()
        self.done = 0

    def takes(self, chunk: bytes) -> bool:
        with self._lock:
            if self._left == 0 or self._pattern not in chunk:
                return False
            self._left -= 1
            self.done += 1
            return True

    def what_still_arrives(self, chunk: bytes) -> bytes:
        return chunk if self._deliver else chunk[: chunk.index(self._pattern)]


class Proxy:
    """One listening port; `cut` may be set at any time."""

    def __init__(self, upstream: Callable[[], socket.socket]) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.cut = Cut(b"", times=0)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                try:
                    server = self._upstream()
                except OSError:
                    # Nobody is there: the client is told so, and the next one may find somebody.
                    client.close()
                    continue
                self._open.append(server)
                for ways in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pump, args=ways, daemon=True).start()

    def forward(self, source: socket.socket, sink: socket.socket, *, asking: bool) -> None:
        """Everything, until one side ends or the cut comes; `asking` is the client's way."""
        while chunk := source.recv(CHUNK):
            if self.cut.takes(chunk):
                # The asking side first, so that no answer overtakes the cut.
                source.shutdown(socket.SHUT_RDWR)
                sink.sendall(self.cut.what_still_arrives(chunk))
                break
            sink.sendall(chunk)

    def _pump(self, source: socket.socket, sink: socket.socket, asking: bool) -> None:
        with contextlib.suppress(OSError):
            self.forward(source, sink, asking=asking)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for one in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextmanager
def proxy_to(address: tuple[str, int] | Path) -> Iterator[Proxy]:
    """A proxy before a TCP address or a unix socket."""

    def upstream() -> socket.socket:
        if isinstance(address, tuple):
            return socket.create_connection(address)
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(str(address))
        except OSError:
            made.close()
            raise
        return made

    made = Proxy(upstream)
    try:
        yield made
    finally:
        made.close()
