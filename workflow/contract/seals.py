"""What proves that a file of a run is what its writer wrote: a seal by the run's own key.

The key is made by AcceptRun and stands in the payload that Step Functions hands on, never in the
run bucket: who can write into the bucket can make no seal. Each function can write its own files
only (infra/compute/specs.py), so a seal says that the right function wrote the file in this run.

The pages' children return nothing (ten thousand digests do not fit into a payload), hence a keyed
digest and not a list of digests.
"""

import hmac
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

SEAL_BYTES: Final = 16
BLANK: Final = "0" * 2 * SEAL_BYTES
"""Stands for the seal while it is computed, and in files of who has no key."""

_START: Final = b'{"file":{"seal":"'
_AT, _END = len(_START), len(_START) + len(BLANK)

NOT_OURS: Final = "its seal does not match: it is not what this run wrote; start a new run"

PIECE: Final = 1 << 18
LONGEST_HEAD: Final = 4096


def seal_of(key: str, name: str, content: bytes) -> str:
    """BLAKE2b-128 in its keyed mode, over the file's name and content."""
    mac = _mac(key, name)
    mac.update(content)
    return mac.hexdigest()


def sealed(key: str, name: str, content: bytes) -> bytes:
    """A content that begins with a head, with the seal in it."""
    if not content.startswith(_START):
        raise ValueError(f"{name} begins otherwise than {_START!r}")
    seal = seal_of(key, name, _blanked(content))
    return content[:_AT] + seal.encode() + content[_END:]


def check_seal(key: str, name: str, content: bytes) -> None:
    """Raise ValueError where someone else wrote it, or changed it."""
    _check(content, seal_of(key, name, _blanked(content)))


def check_item(key: str, name: str, content: bytes, seal: str) -> None:
    """The same of an item of a manifest, whose seal stands next to it."""
    if not hmac.compare_digest(seal.encode(), seal_of(key, name, content).encode()):
        raise ValueError(NOT_OURS)


def _check(content: bytes, seal: str) -> None:
    if not content.startswith(_START) or not hmac.compare_digest(content[_AT:_END], seal.encode()):
        raise ValueError(NOT_OURS)


def _blanked(content: bytes) -> bytes:
    return content[:_AT] + BLANK.encode() + content[_END:]


def _mac(key: str, name: str) -> blake2b:
    mac = blake2b(key=key.encode(), digest_size=SEAL_BYTES)
    mac.update(name.encode() + b"\0")
    return mac


# Gzipped lines, a piece at a time


def head_line(body: bytes) -> bytes:
    """The first line, without unpacking what follows. Raises ValueError, zlib.error."""
    return next(_lines(body, LONGEST_HEAD), b"")


def check_lines(key: str | None, name: str, body: bytes, size: int, count: int) -> None:
    """Unpack all of a file to nowhere: is it as long as its head says, and sealed?

    `size` bytes and `count` lines follow the head. Without a key, the seal is not looked at.
    Raises ValueError, zlib.error.
    """
    head = head_line(body) + b"\n"
    mac = _mac(key or "", name)
    mac.update(_blanked(head))
    seen = lines = 0
    skip = len(head)
    for piece in _pieces(body):
        rest = piece[skip:]
        skip -= min(skip, len(piece))
        seen += len(rest)
        lines += rest.count(b"\n")
        if seen > size:
            raise ValueError(f"it unpacks to more than the {size:,} bytes that it declares")
        mac.update(rest)
    if (seen, lines) != (size, count):
        raise ValueError(f"it has {lines:,} lines in {seen:,} bytes and not {count:,} in {size:,}")
    if key is not None:
        _check(head, mac.hexdigest())


def lines_of(body: bytes, longest: int) -> Iterator[bytes]:
    """The lines behind the head. Raises ValueError, zlib.error."""
    lines = _lines(body, longest)
    next(lines, None)
    return lines


def _lines(body: bytes, longest: int) -> Iterator[bytes]:
    held: list[bytes] = []
    for piece in _pieces(body):
        *whole, last = piece.split(b"\n")
        for one in whole:
            yield b"".join((*held, one))
            held = []
        if last:
            held.append(last)
        if sum(map(len, held)) > longest:
            raise ValueError(f"a line has more than {longest:,} bytes")
    if held:
        raise ValueError("its last line is cut")


def _pieces(body: bytes) -> Iterator[bytes]:
    """gzip, to its end."""
    unpacker = zlib.decompressobj(wbits=31)
    rest = body
    while not unpacker.eof:
        piece = unpacker.decompress(rest, PIECE)
        rest = unpacker.unconsumed_tail
        if not (piece or rest or unpacker.eof):
            raise ValueError("it ends too early")
        yield piece
    if unpacker.unused_data:
        raise ValueError("data follows its end")
