"""Read a catalog from a CSV file with the documented columns, or say exactly what is wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from local.errors import LocalError
from workflow.contract.columns import COLUMNS, REQUIRED

LONGEST_NDC = 64

CsvRow = tuple[str | None, ...]


def read_csv(path: Path) -> list[CsvRow]:
    """Rows in the order of ``COLUMNS``; blanks are None. LocalError names file, line and value."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            try:
                return _rows(path, lines)
            except csv.Error as error:
                raise _wrong(path, lines.line_num, f"{error}", "mend the quotes") from error
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}. Check the path: ls -l {path}") from error
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error


def _rows(path: Path, lines: Iterator[list[str]]) -> list[CsvRow]:
    header = [name.strip() for name in next(lines, [])]
    _check_header(path, header)
    seen: dict[str, int] = {}
    rows = []
    for values in lines:
        number: int = lines.line_num  # type: ignore[attr-defined]  # csv.reader has it
        if not values:
            continue
        row = _row(path, number, header, values)
        _check_key(path, number, row["ndc"], seen)
        rows.append(tuple(row.get(column) for column in COLUMNS))
    if not rows:
        raise _wrong(path, 1, "there are no rows", "add at least one drug")
    return rows


def _check_header(path: Path, header: Sequence[str]) -> None:
    known = ", ".join(COLUMNS)
    for name in header:
        if name not in COLUMNS:
            raise _wrong(path, 1, f"unknown column {name!r}", f"use commas and only: {known}")
        if header.count(name) > 1:
            raise _wrong(path, 1, f"column {name!r} appears twice", "remove one")
    for name in REQUIRED:
        if name not in header:
            raise _wrong(path, 1, f"the required column {name!r} is missing", "add it")


def _row(
    path: Path, number: int, header: Sequence[str], values: Sequence[str]
) -> dict[str, str | None]:
    if len(values) != len(header):
        problem = f"{len(values)} values for {len(header)} columns, starting with {values[0]!r}"
        raise _wrong(path, number, problem, "quote values that contain commas")
    row = {name: value.strip() or None for name, value in zip(header, values, strict=True)}
    if row["drug_name"] is None:
        raise _wrong(path, number, f"drug_name is blank (ndc {row['ndc']!r})", "fill it in")
    return row


def _check_key(path: Path, number: int, ndc: str | None, seen: dict[str, int]) -> None:
    if ndc is None:
        raise _wrong(path, number, "ndc is blank", "give each drug its own key")
    if len(ndc) > LONGEST_NDC:
        problem = f"ndc {ndc!r} is longer than {LONGEST_NDC} characters"
        raise _wrong(path, number, problem, "give a shorter key")
    if ndc in seen:
        problem = f"ndc {ndc!r} is on line {seen[ndc]} already"
        raise _wrong(path, number, problem, "keep one of the two")
    seen[ndc] = number


def _not_utf8(path: Path) -> LocalError:
    """Decoding happens in blocks, so the line must be looked for."""
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            byte = line[error.start]
            problem = f"byte 0x{byte:02x} at position {error.start + 1} is not UTF-8"
            todo = f"iconv -f WINDOWS-1252 -t UTF-8 {path} > utf8.csv"
            return _wrong(path, number, problem, f"save it as UTF-8, for example: {todo}")
    return LocalError(f"{path} is not UTF-8. Save it as UTF-8.")


def _wrong(path: Path, line: int, problem: str, todo: str) -> LocalError:
    return LocalError(f"{path}, line {line}: {problem}. To mend it, {todo}. Nothing was loaded.")
