"""The standard streams as a caller may leave them: closed, full, or without our characters."""

import codecs
import os
import sys
from io import TextIOWrapper
from typing import IO

STANDARD = 2
"""The highest number of a standard stream."""

PLAIN = {"✓": "+", "✗": "x", "…": "...", "━": "-", "╸": "-", "╺": "-"}
"""Replacements for marks that the terminal's encoding lacks."""


def hold() -> None:
    """A stream that the caller closed is /dev/null: no file that is opened later gets its number,
    and so what is printed."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= STANDARD:
        os.set_inheritable(number, True)
    os.close(number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def fit_encodings() -> None:
    """Print into any encoding: a mark in its plain form, any other character as its number."""
    codecs.register_error("drugsync", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not is_utf8(stream):
            stream.reconfigure(errors="drugsync")


def is_utf8(stream: IO[str]) -> bool:
    """One of Unicode's encodings has every character; streams of memory have no encoding."""
    return (getattr(stream, "encoding", None) or "utf").lower().startswith("utf")


def lose(stream: IO[str]) -> None:
    """Nobody reads it any more, or it is full: what follows goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - only what is printed
    mark = error.object[error.start]
    if mark in PLAIN:
        return PLAIN[mark], error.start + 1
    alone = UnicodeEncodeError(error.encoding, mark, 0, 1, error.reason)
    return codecs.backslashreplace_errors(alone)[0], error.start + 1
