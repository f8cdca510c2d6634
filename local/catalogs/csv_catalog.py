"""Read a catalog from a CSV file with the documented columns, or say exactly what is wrong."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from local.catalogs.fda import pad_ndc
from local.catalogs.flag_words import flag_of
from local.catalogs.spreadsheet_keys import short_keys, why_mangled
from local.errors import LocalError
from workflow.contract.columns import COLUMNS, FLAG_COLUMNS, REQUIRED

LONGEST_NDC = 64
DASHED_NDC = re.compile(r"\d{4,5}-\d{3,4}-\d{1,2}")
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The marks of encodings at the beginning of a file; spreadsheets write both."""

DELIMITERS = ",;\t|"

CsvRow = tuple[str | None, ...]


@dataclass(frozen=True)
class CsvForm:
    """How a file is written. Without an encoding, its mark decides, otherwise UTF-8; without a
    delimiter, the one that its first line has most of."""

    delimiter: str | None = None
    encoding: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Column of the catalog -> its heading in the file, if they differ."""
    any_keys: bool = False
    """Accept keys unchanged, even those that a spreadsheet seems to have mangled."""
    pad_keys: bool = False
    """NDCs with dashes are stored as their eleven digits."""
    others: bool = False
    """Leave out columns that the catalog does not have."""


def read_csv(path: Path, form: CsvForm) -> list[CsvRow]:
    """Rows in the order of ``COLUMNS``; blanks are None. LocalError names file, line and value."""
    with _lines(path, form) as lines:
        return _rows(path, lines, form)


def first_rows(path: Path, form: CsvForm, most: int) -> tuple[list[str], list[dict[str, str]]]:
    """The headings as they are, and the first rows by them. Raises LocalError."""
    with _lines(path, form) as lines:
        header = [name.strip() for name in next(lines, [])]
        rows = [dict(zip(header, values, strict=False)) for values in islice(lines, most) if values]
    return header, rows


@contextmanager
def _lines(path: Path, form: CsvForm) -> Iterator[Iterator[list[str]]]:
    """Turns errors while reading into a LocalError."""
    try:
        encoding = form.encoding or _marked(path)
        with path.open(encoding=encoding, newline="") as file:
            first = file.readline()
            file.seek(0)
            lines = csv.reader(file, strict=True, delimiter=form.delimiter or _most_of(first))
            try:
                yield lines
            except csv.Error as error:
                raise _wrong(path, lines.line_num, f"{error}", "close the quotes") from error
    except LookupError as error:
        raise LocalError(
            f"{form.encoding!r} is not an encoding that Python knows; use utf-8, utf-16 or cp1252"
        ) from error
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}. Check the path: ls -l {path}") from error
    except UnicodeError as error:
        raise _undecodable(path, encoding) from error


def _most_of(first: str) -> str:
    return max(DELIMITERS, key=first.count)


def _marked(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for mark, name in MARKS.items() if start.startswith(mark)), "utf-8")


def _rows(path: Path, lines: Iterator[list[str]], form: CsvForm) -> list[CsvRow]:
    header = [name.strip() for name in next(lines, [])]
    headings = {column: form.headers.get(column, column) for column in COLUMNS}
    _check_header(path, header, headings, form)
    places = {ours: header.index(name) for ours, name in headings.items() if name in header}
    seen: dict[str, int] = {}
    rows = []
    for values in lines:
        number: int = lines.line_num  # type: ignore[attr-defined]  # csv.reader has it
        if not values:
            continue
        if len(values) != len(header):
            problem = f"{len(values)} values for {len(header)} columns, starting with {values[0]!r}"
            raise _wrong(path, number, problem, "quote values that contain the delimiter")
        row = {ours: values[place].strip() or None for ours, place in places.items()}
        _name(path, number, row, headings)
        key = _key(path, number, row["ndc"], seen, form)
        seen[key], row["ndc"] = number, key
        rows.append(tuple(as_loaded(column, row.get(column)) for column in COLUMNS))
    if not rows:
        raise _wrong(path, 1, "there are no rows", "add at least one drug")
    if not form.any_keys:
        _check_lengths(path, seen)
    return rows


def as_loaded(column: str, value: str | None) -> str | None:
    """A flag's word as a run reads it; what else there is, as it is."""
    return flag_of(value) if column in FLAG_COLUMNS else value


def _check_header(
    path: Path, header: Sequence[str], headings: Mapping[str, str], form: CsvForm
) -> None:
    used, known = set(headings.values()), ", ".join(COLUMNS)
    for name in header:
        if name not in used and not form.others:
            todo = (
                f"name it with --column NAME={name}, where NAME is one of {known}, or leave such "
                f"columns out with --other-columns; drugsync catalog init {path} proposes all of it"
            )
            if len(header) == 1:
                todo = "name what stands between the values with --delimiter"
            raise _wrong(path, 1, f"unknown column {name!r}", todo)
        if header.count(name) > 1 and name in used:
            raise _wrong(path, 1, f"column {name!r} appears twice", "remove one")
    for column in REQUIRED:
        if headings[column] not in header:
            todo = f"name yours with --column {column}=HEADER; drugsync catalog init proposes one"
            raise _wrong(path, 1, f"the required column {headings[column]!r} is missing", todo)


def _name(path: Path, number: int, row: dict[str, str | None], headings: Mapping[str, str]) -> None:
    """If the brand's name is used as the drug's, a drug without a brand gets its generic name."""
    if row["drug_name"] is None and headings["drug_name"] == headings["brand_name"]:
        row["drug_name"] = row.get("generic_name")
    if row["drug_name"] is None:
        raise _wrong(path, number, f"drug_name is blank (ndc {row['ndc']!r})", "fill it in")


def _key(path: Path, number: int, ndc: str | None, seen: dict[str, int], form: CsvForm) -> str:
    if ndc is None:
        raise _wrong(path, number, "ndc is blank", "give each drug its own key")
    if len(ndc) > LONGEST_NDC:
        problem = f"ndc {ndc!r} is longer than {LONGEST_NDC} characters"
        raise _wrong(path, number, problem, "give a shorter key")
    mangled = "" if form.any_keys else why_mangled(ndc)
    if mangled:
        raise _wrong(path, number, f"ndc {ndc!r} {mangled}", _AS_TEXT)
    if DASHED_NDC.fullmatch(ndc) and not form.any_keys:
        if not form.pad_keys:
            problem = f"ndc {ndc!r} has dashes, so that a search by its digits would not find it"
            todo = f"store it as {pad_ndc(ndc)} with --pad-keys (or as it is, --keys-as-they-are)"
            raise _wrong(path, number, problem, todo)
        ndc = pad_ndc(ndc)
    if ndc in seen:
        problem = f"ndc {ndc!r} is on line {seen[ndc]} already"
        raise _wrong(path, number, problem, "keep one of the two")
    return ndc


def _check_lengths(path: Path, lines: Mapping[str, int]) -> None:
    short = short_keys(lines)
    if short:
        shown = ", ".join(f"{key} (line {lines[key]})" for key in short[:5])
        more = f" and {len(short) - 5:,} more" if len(short) > 5 else ""
        problem = f"{shown}{more}: digits are missing that the other keys have, as zeros in front"
        raise _wrong(path, lines[short[0]], problem, _AS_TEXT)


_AS_TEXT = (
    "export the column as text, not as a number (or load it as it is with --keys-as-they-are)"
)


def _undecodable(path: Path, encoding: str) -> LocalError:
    """Decoding happens in blocks, so the line must be searched for."""
    if not encoding.startswith("utf-8"):
        return LocalError(f"{path} is not {encoding}. Name its --encoding. Nothing was loaded.")
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            byte = line[error.start]
            problem = f"byte 0x{byte:02x} at position {error.start + 1} is not UTF-8"
            return _wrong(path, number, problem, "name its encoding, often: --encoding cp1252")
    return LocalError(f"{path} is not UTF-8. Save it as UTF-8.")


def _wrong(path: Path, line: int, problem: str, todo: str) -> LocalError:
    return LocalError(f"{path}, line {line}: {problem}. To correct it, {todo}. Nothing was loaded.")
