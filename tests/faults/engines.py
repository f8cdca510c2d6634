"""Engines that are not Redis' own: a proxy in front of the real server that answers as they do.

Each changes commands on their way, so that the real engine gives the answer that the other one
would: what valkey-search 1.2.1 and MemoryDB do was read and run elsewhere (docs/deploy.md).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.faults.proxy import CHUNK, Proxy

Words = list[bytes]
Behaviour = Callable[[Words], Words]
UNKNOWN: Final = b"FT.NOSUCHCOMMAND"
"""What the real server calls an unknown command."""


def refuses(*names: bytes) -> Behaviour:
    """Commands that the engine does not have."""

    def change(words: Words) -> Words:
        if words[0].upper() == b"COMMAND INFO":
            return [UNKNOWN if one.upper() in names else one for one in words]
        return [UNKNOWN, *words[1:]] if words[0].upper() in names else words

    return change


def in_query(pattern: bytes, replacement: bytes) -> Behaviour:
    """A query form that the engine misreads."""

    def change(words: Words) -> Words:
        if words[0].upper() not in (b"FT.SEARCH", b"FT.AGGREGATE"):
            return words
        return [*words[:2], re.sub(pattern, replacement, words[2]), *words[3:]]

    return change


ONLY_REDIS: Final = (rb"@\w+\|", rb"@\w+:\(", rb"~")
"""Query forms that valkey-search refuses, or reads as another query: one clause over several
columns, alternatives of a column, what is optional."""

LONGEST_QUERY: Final = 10_240
"""Bytes, on valkey-search."""


def refuses_forms(words: Words) -> Words:
    """A strict engine: every form that is not read alike is an unknown command."""
    if words[0].upper() not in (b"FT.SEARCH", b"FT.AGGREGATE"):
        return words
    query, arguments = words[2], words[3:]
    grouped = b"GROUPBY" in arguments
    whole = grouped and b"FILTER" not in arguments and b"@text_hash" not in arguments
    wrong = (
        any(re.search(form, query) for form in ONLY_REDIS),
        len(query) > LONGEST_QUERY,
        grouped and arguments[arguments.index(b"GROUPBY") + 1] == b"0",
        whole,
    )
    return [UNKNOWN, *words[1:]] if any(wrong) else words


def no_stars(words: Words) -> Words:
    """A query for everything is a wrong query."""
    return [*words[:2], b"@", *words[3:]] if b"*" in words[2:3] else words


def no_keys(words: Words) -> Words:
    """INKEYS is an unknown argument."""
    return [b"NOSUCHARGUMENT" if one == b"INKEYS" else one for one in words]


def merged(words: Words) -> Words:
    """Documents that lack a column are counted with the group before."""
    if words[0] != b"FT.AGGREGATE" or b"@route" not in words:
        return words
    at = words.index(b"GROUPBY")
    return [*words[:at], b"APPLY", b"'oral'", b"AS", b"route", *words[at:]]


def without_order(words: Words) -> Words:
    """The nearest texts are fewer than were asked for."""
    return [re.sub(rb"KNN \d+", b"KNN 1", one) for one in words]


def together(*behaviours: Behaviour) -> Behaviour:
    def change(words: Words) -> Words:
        for one in behaviours:
            words = one(words)
        return words

    return change


field_lost = in_query(rb'@drug_class:"', b'"')
asterisk = in_query(rb"\\\*\}", b"*}")
VALKEY: Final = together(
    refuses(b"FT.SPELLCHECK", b"FT.ALIASUPDATE", b"FT.TAGVALS", b"FT.CONFIG"),
    *(refuses_forms, no_stars, no_keys, asterisk, merged),
)
MEMORYDB: Final = refuses(b"FT.SPELLCHECK", b"FT.TAGVALS")


class Engine(Proxy):
    """A proxy that changes commands; `answers` are replaced by others of the same length."""

    def __init__(
        self,
        upstream: Callable[[], socket.socket],
        change: Behaviour,
        answers: tuple[bytes, bytes] = (b"", b""),
    ) -> None:
        self._change = change
        self._answers = answers
        super().__init__(upstream)

    def forward(self, source: socket.socket, sink: socket.socket, *, asking: bool) -> None:
        if asking:
            for words in commands(source):
                sink.sendall(packed(self._change(words)))
            return
        old, new = self._answers
        while chunk := source.recv(CHUNK):
            sink.sendall(chunk.replace(old, new) if old else chunk)


def commands(source: socket.socket) -> Iterator[Words]:
    """What a client sends (RESP): arrays of bulk strings."""
    with source.makefile("rb") as stream:
        while line := stream.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int(stream.readline()[1:])
                words.append(stream.read(size + 2)[:-2])
            yield words


def packed(words: Words) -> bytes:
    parts = [b"$%d\r\n%s\r\n" % (len(one), one) for one in words]
    return b"*%d\r\n%s" % (len(words), b"".join(parts))


@contextmanager
def engine_before(
    redis: Path, change: Behaviour, answers: tuple[bytes, bytes] = (b"", b"")
) -> Iterator[Engine]:
    """One in front of the server that listens on a unix socket."""

    def upstream() -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.connect(str(redis))
        return made

    made = Engine(upstream, change, answers)
    try:
        yield made
    finally:
        made.close()
