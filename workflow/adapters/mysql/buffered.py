"""Reads what the server sends in large pieces; the pure driver asks the kernel twice for each row.

Half of the time that a page's rows take. With several pages at once it is more: each question lets
another thread go first.
"""

from socket import socket
from typing import Any

from mysql.connector.abstracts import MySQLConnectionAbstract
from mysql.connector.errors import InterfaceError
from mysql.connector.network import NetworkBrokerPlain

PIECE = 1 << 16
LOST = 2013
"""CR_SERVER_LOST, as the driver says where a connection ends within an answer."""


class BufferedBroker(NetworkBrokerPlain):  # type: ignore[misc] # untyped
    """The driver's own reader of packets, which takes their bytes from a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()
        self._at = 0

    def _recv_chunk(self, sock: socket, size: int = 0) -> bytearray:
        end = self._at + size
        if end > len(self._held):
            self._held = self._filled(sock, self._held[self._at :], size)
            self._at, end = 0, size
        chunk = self._held[self._at : end]
        self._at = end
        return chunk

    @staticmethod
    def _filled(sock: socket, held: bytearray, size: int) -> bytearray:
        while len(held) < size:
            piece = sock.recv(max(PIECE, size - len(held)))
            if not piece:
                raise InterfaceError(errno=LOST)
            held += piece
        return held


def buffer_answers(connection: MySQLConnectionAbstract) -> None:
    """From the next answer on: nothing of an earlier one may be on its way.

    `_netbroker` is private. A driver that has another one there reads as it always did.
    """
    sock: Any = getattr(connection, "_socket", None)
    if type(getattr(sock, "_netbroker", None)) is NetworkBrokerPlain:
        sock._netbroker = BufferedBroker()
