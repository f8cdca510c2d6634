"""A CSV file as lines of values: its encoding, what stands between values, and what is no CSV."""

from __future__ import annotations

import codecs
import csv
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from local.errors import LocalError
from local.places import is_there

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The marks of encodings at the beginning of a file, the longer ones first."""

MARK = "\ufeff"
"""The same as a character, where an encoding was named that does not expect it."""

NO_TEXT = {
    b"PK\x03\x04": "an Excel workbook or another ZIP archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "a gzip file",
}
DELIMITERS = ",;\t|"
SEPARATOR = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
"""The first line that a spreadsheet reads as the delimiter of the others."""

LONGEST_LINE = 4 * 1024 * 1024
"""In characters: a file without line breaks is not read to its end."""

LONGEST_SHOWN = 60


@contextmanager
def lines_of(
    path: Path, encoding: str | None, delimiter: str | None
) -> Iterator[Iterator[list[str]]]:
    """A `csv.reader`. Turns errors while reading into a LocalError."""
    known = encoding or "utf-8"
    try:
        known = _encoding(path, encoding)
        with path.open(encoding=known, newline="") as file:
            first = file.readline(LONGEST_LINE)
            file.seek(0)
            given = SEPARATOR.fullmatch(first.removeprefix(MARK))
            between = delimiter or (given[1] if given else _most_of(first))
            lines = csv.reader(_checked(path, file, known), strict=True, delimiter=between)
            try:
                yield lines
            except csv.Error as error:
                raise wrong(path, lines.line_num, f"{error}", "close the quotes") from error
    except LookupError as error:
        raise LocalError(
            f"{encoding!r} is not an encoding that Python knows; use utf-8, utf-16 or cp1252"
        ) from error
    except OSError as error:
        look = f"Check the path: ls -l {shlex.quote(str(path))}"
        raise LocalError(f"{path}: {error.strerror}. {look}") from error
    except UnicodeError as error:
        raise _undecodable(path, known) from error


def wrong(path: Path, line: int, problem: str, todo: str) -> LocalError:
    """What is wrong with a line of a file."""
    return LocalError(f"{path}, line {line}: {problem}. To correct it, {todo}. Nothing was loaded.")


def shown(value: str) -> str:
    """As Python writes it, and not longer than a person reads."""
    return repr(value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}...")


def _encoding(path: Path, named: str | None) -> str:
    """The named one, else that of the file's mark. Raises LocalError if it is no file of text."""
    if is_there(path) and not path.is_file() and not path.is_dir():
        raise LocalError(f"{path} is a pipe or a device; write it to a file first, and name that")
    with path.open("rb") as file:
        start = file.read(4)
    for magic, what in NO_TEXT.items():
        if start.startswith(magic):
            raise LocalError(f"{path} is {what}, not text. Save it as CSV (UTF-8), or unpack it.")
    marked = next((name for mark, name in MARKS.items() if start.startswith(mark)), "utf-8")
    return named or marked


def _most_of(first: str) -> str:
    return max(DELIMITERS, key=first.count)


def _checked(path: Path, file: IO[str], encoding: str) -> Iterator[str]:
    """Its lines; a spreadsheet's line about the delimiter is a blank one."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            problem = f"it has more than {LONGEST_LINE:,} characters"
            raise wrong(path, number, problem, "end each row with a line break")
        if "\0" in line:
            problem = f"it holds NUL bytes, so it is no text in {encoding}"
            raise wrong(path, number, problem, "name its encoding, often: --encoding utf-16-le")
        if number == 1:
            line = line.removeprefix(MARK)
            line = "\n" if SEPARATOR.fullmatch(line) else line
        yield line


def _undecodable(path: Path, encoding: str) -> LocalError:
    """Decoding happens in blocks, so the line must be searched for."""
    if not encoding.startswith("utf-8"):
        return LocalError(f"{path} is not {encoding}. Name its --encoding. Nothing was loaded.")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte = line[error.start]
                problem = f"byte 0x{byte:02x} at position {error.start + 1} is not UTF-8"
                return wrong(path, number, problem, "name its encoding, often: --encoding cp1252")
    return LocalError(f"{path} is not UTF-8. Save it as UTF-8.")
