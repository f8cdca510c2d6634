"""Packets that arrive in other pieces than they were sent in."""

from __future__ import annotations

import io

import pytest
from mysql.connector.errors import InterfaceError

from workflow.adapters.mysql.buffered import LOST, PIECE, BufferedBroker

BODIES = [b"", b"one", b"x" * (2 * PIECE), b"two", b"y" * 255]


class Wire:
    """A socket that gives no more than `piece` bytes at once, and nothing after the last."""

    def __init__(self, sent: bytes, piece: int = 1 << 30) -> None:
        self._sent = io.BytesIO(sent)
        self._piece = piece
        self.asked = 0

    def recv(self, most: int) -> bytes:
        self.asked += 1
        return self._sent.read(min(most, self._piece))


def packet(number: int, body: bytes) -> bytes:
    """The protocol's: three bytes of length, the packet's number, the body."""
    return len(body).to_bytes(3, "little") + bytes([number]) + body


@pytest.mark.parametrize("piece", [1, 3, 4, 5, 1000, PIECE, 1 << 30])
def test_packets_are_read_whole_however_they_arrive(piece: int) -> None:
    bodies = BODIES if piece > 5 else [b"", b"one", b"y" * 255]
    packets = [packet(number, body) for number, body in enumerate(bodies)]
    wire, broker = Wire(b"".join(packets), piece), BufferedBroker()
    assert [bytes(broker.recv(wire, "here")) for _ in packets] == packets


def test_the_rows_of_a_piece_need_one_question_to_the_kernel() -> None:
    packets = [packet(number, b"row") for number in range(100)]
    wire, broker = Wire(b"".join(packets)), BufferedBroker()
    assert [bytes(broker.recv(wire, "here")) for _ in packets] == packets
    assert wire.asked == 1


@pytest.mark.parametrize("sent", [b"", b"\x03\0", packet(0, b"row")[:-1]])
def test_an_answer_that_ends_early_is_a_lost_connection(sent: bytes) -> None:
    with pytest.raises(InterfaceError) as caught:
        BufferedBroker().recv(Wire(sent), "here")
    assert caught.value.errno == LOST
