"""Read a catalog from a CSV file with the documented columns, or say exactly what is wrong."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from local.catalogs.csv_file import lines_of, shown, wrong
from local.catalogs.fda import pad_ndc
from local.catalogs.flag_words import flag_of
from local.catalogs.spreadsheet_keys import is_spreadsheet_error, short_keys, why_mangled
from workflow.contract.columns import COLUMNS, FLAG_COLUMNS, REQUIRED

LONGEST_NDC = 64
DASHED_NDC = re.compile(r"\d{4,5}-\d{3,4}-\d{1,2}")
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
    with lines_of(path, form.encoding, form.delimiter) as lines:
        return _rows(path, lines, form)


def first_rows(path: Path, form: CsvForm, most: int) -> tuple[list[str], list[dict[str, str]]]:
    """The headings as they are, and the first rows by them. Raises LocalError."""
    with lines_of(path, form.encoding, form.delimiter) as lines:
        header = _header(lines)
        found = (values for values in lines if not _is_blank(values))
        rows = [dict(zip(header, values, strict=False)) for values in islice(found, most)]
    return header, rows


def _rows(path: Path, lines: Iterator[list[str]], form: CsvForm) -> list[CsvRow]:
    header = _header(lines)
    first: int = lines.line_num  # type: ignore[attr-defined]  # csv.reader has it
    headings = {column: form.headers.get(column, column) for column in COLUMNS}
    _check_header(path, max(first, 1), header, headings, form)
    places = {ours: header.index(name) for ours, name in headings.items() if name in header}
    seen: dict[str, int] = {}
    rows = []
    for values in lines:
        number: int = lines.line_num  # type: ignore[attr-defined]
        if _is_blank(values):
            continue
        if len(values) != len(header):
            problem = f"{len(values)} values for {len(header)} columns"
            problem += f", starting with {shown(values[0])}"
            raise wrong(path, number, problem, "quote values that contain the delimiter")
        row = {ours: values[place].strip() or None for ours, place in places.items()}
        _refuse_errors(path, number, row)
        _name(path, number, row, headings)
        key = _key(path, number, row["ndc"], seen, form)
        seen[key], row["ndc"] = number, key
        rows.append(tuple(as_loaded(column, row.get(column)) for column in COLUMNS))
    if not rows:
        raise wrong(path, 1, "there are no rows", "add at least one drug")
    if not form.any_keys:
        _check_lengths(path, seen)
    return rows


def _header(lines: Iterator[list[str]]) -> list[str]:
    """The first line that is not blank."""
    return [name.strip() for name in next((one for one in lines if one), [])]


def _is_blank(values: Sequence[str]) -> bool:
    """Spreadsheets write the delimiters of rows that once held something."""
    return not any(value.strip() for value in values)


def _refuse_errors(path: Path, number: int, row: Mapping[str, str | None]) -> None:
    for column, value in row.items():
        if value and is_spreadsheet_error(value):
            todo = "correct the cell, or empty it, and export the sheet again"
            raise wrong(path, number, f"{column} {value!r} is a spreadsheet's error", todo)


def as_loaded(column: str, value: str | None) -> str | None:
    """A flag's word as a run reads it; what else there is, as it is."""
    return flag_of(value) if column in FLAG_COLUMNS else value


def _check_header(
    path: Path, line: int, header: Sequence[str], headings: Mapping[str, str], form: CsvForm
) -> None:
    used, known = set(headings.values()), ", ".join(COLUMNS)
    for place, name in enumerate(header, start=1):
        if name not in used and not form.others:
            problem = f"unknown column {shown(name)}"
            todo = (
                f"name it with --column NAME={shlex.quote(name)}, where NAME is one of {known}, "
                "or leave such columns out with --other-columns; drugsync catalog init "
                f"{shlex.quote(str(path))} proposes all of it"
            )
            if not name:
                problem = f"the heading of column {place} is blank"
                todo = "give it one, or leave such columns out with --other-columns"
            if len(header) == 1:
                todo = "name what stands between the values with --delimiter"
            raise wrong(path, line, problem, todo)
        if header.count(name) > 1 and name in used:
            raise wrong(path, line, f"column {name!r} appears twice", "remove one")
    for column in REQUIRED:
        if headings[column] not in header:
            todo = f"name yours with --column {column}=HEADER; drugsync catalog init proposes one"
            raise wrong(path, line, f"the required column {headings[column]!r} is missing", todo)


def _name(path: Path, number: int, row: dict[str, str | None], headings: Mapping[str, str]) -> None:
    """If the brand's name is used as the drug's, a drug without a brand gets its generic name."""
    if row["drug_name"] is None and headings["drug_name"] == headings["brand_name"]:
        row["drug_name"] = row.get("generic_name")
    if row["drug_name"] is None:
        raise wrong(path, number, f"drug_name is blank (ndc {row['ndc']!r})", "fill it in")


def _key(path: Path, number: int, ndc: str | None, seen: dict[str, int], form: CsvForm) -> str:
    if ndc is None:
        raise wrong(path, number, "ndc is blank", "give each drug its own key")
    if len(ndc) > LONGEST_NDC:
        problem = f"ndc {shown(ndc)} is longer than {LONGEST_NDC} characters"
        raise wrong(path, number, problem, "give a shorter key")
    mangled = "" if form.any_keys else why_mangled(ndc)
    if mangled:
        raise wrong(path, number, f"ndc {ndc!r} {mangled}", _AS_TEXT)
    if DASHED_NDC.fullmatch(ndc) and not form.any_keys:
        if not form.pad_keys:
            problem = f"ndc {ndc!r} has dashes, so that a search by its digits would not find it"
            todo = f"store it as {pad_ndc(ndc)} with --pad-keys (or as it is, --keys-as-they-are)"
            raise wrong(path, number, problem, todo)
        ndc = pad_ndc(ndc)
    if ndc in seen:
        problem = f"ndc {ndc!r} is on line {seen[ndc]} already"
        raise wrong(path, number, problem, "keep one of the two")
    return ndc


def _check_lengths(path: Path, lines: Mapping[str, int]) -> None:
    short = short_keys(lines)
    if short:
        shown = ", ".join(f"{key} (line {lines[key]})" for key in short[:5])
        more = f" and {len(short) - 5:,} more" if len(short) > 5 else ""
        problem = f"{shown}{more}: digits are missing that the other keys have, as zeros in front"
        raise wrong(path, lines[short[0]], problem, _AS_TEXT)


_AS_TEXT = (
    "export the column as text, not as a number (or load it as it is with --keys-as-they-are)"
)
