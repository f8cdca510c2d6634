"""CSV files as people have them: other marks, headings and separators, and keys gone wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local.catalogs.csv_catalog import CsvForm, read_csv
from local.errors import LocalError
from workflow.contract.columns import COLUMNS

PLAIN = CsvForm()


def file(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def keys(path: Path, form: CsvForm = PLAIN) -> list[str | None]:
    return [row[COLUMNS.index("ndc")] for row in read_csv(path, form)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_an_encoding_is_known_by_its_mark(tmp_path: Path, encoding: str) -> None:
    path = file(tmp_path / "drugs.csv", "ndc,drug_name\n1,Ménière\n", encoding)
    assert read_csv(path, PLAIN)[0][:2] == ("1", "Ménière")


def test_an_encoding_without_a_mark_is_named(tmp_path: Path) -> None:
    path = file(tmp_path / "drugs.csv", "ndc,drug_name\n1,Ménière\n", "cp1252")
    with pytest.raises(LocalError, match=r"line 2: byte 0xe9.*--encoding cp1252"):
        read_csv(path, PLAIN)
    assert read_csv(path, CsvForm(encoding="cp1252"))[0][1] == "Ménière"


def test_an_encoding_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="'klingon' is not an encoding"):
        read_csv(file(tmp_path / "drugs.csv", "ndc\n"), CsvForm(encoding="klingon"))


def test_values_may_be_separated_by_something_else(tmp_path: Path) -> None:
    path = file(tmp_path / "drugs.csv", "ndc;drug_name\n1;Aspirin, 500 mg\n")
    assert read_csv(path, CsvForm(delimiter=";"))[0][:2] == ("1", "Aspirin, 500 mg")
    with pytest.raises(LocalError, match="--delimiter"):
        read_csv(path, CsvForm(delimiter="|"))


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_first_line_says_what_separates_values(tmp_path: Path, mark: str) -> None:
    lines = (("ndc", "drug_name", "route"), ("1", "Aspirin 500 mg", "ORAL"))
    path = file(tmp_path / "drugs.csv", "".join(mark.join(line) + "\n" for line in lines), "utf-16")
    assert read_csv(path, PLAIN)[0][:2] == ("1", "Aspirin 500 mg")


@pytest.mark.parametrize(
    ("word", "flag"),
    [("ja", "1"), ("NEIN", "0"), ("○", "1"), ("true", "1"), ("x", "x")],
)
def test_words_for_yes_and_no_become_flags(tmp_path: Path, word: str, flag: str) -> None:
    path = file(tmp_path / "drugs.csv", f"ndc,drug_name,is_active\n1,ja,{word}\n")
    row = dict(zip(COLUMNS, read_csv(path, PLAIN)[0], strict=True))
    assert (row["drug_name"], row["is_active"]) == ("ja", flag)


def test_headings_may_be_other_ones(tmp_path: Path) -> None:
    path = file(tmp_path / "drugs.csv", "NDC Code,Name\n1,Aspirin\n")
    form = CsvForm(headers={"ndc": "NDC Code", "drug_name": "Name"})
    assert keys(path, form) == ["1"]
    with pytest.raises(
        LocalError, match=r"unknown column 'NDC Code'.*--column NAME='NDC Code'.*catalog init"
    ):
        read_csv(path, PLAIN)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("5.55E+10", "as a spreadsheet shortens it"),
        ("5,55e+10", "as a spreadsheet shortens it"),
        ("2080001.0", "with decimals"),
        ('="00002080001"', "formula"),
        ("'00002080001", "quotes"),
        ("###########", "error"),
        ("#N/A", "error"),
        ("55,500,000,001", "thousands"),
        ("55 500 000 001", "thousands"),
        ("1/2/2024", "date"),
        ("2024-01-02", "date"),
        ("Jan-02", "date"),
        ("2-Jan", "date"),
        ("00002080001\u200b", "nobody sees"),
        ("00002\u00ad080001", "nobody sees"),
        ("\uff10" * 11, "digits of another script"),
    ],
)
def test_a_key_that_a_spreadsheet_mangled_is_named_with_its_line(
    tmp_path: Path, key: str, what: str
) -> None:
    quoted = '"' + key.replace('"', '""') + '"'
    path = file(tmp_path / "drugs.csv", f"ndc,drug_name\n00002080001,A\n{quoted},B\n")
    with pytest.raises(LocalError, match=rf"line 3: ndc .*{what}.*Nothing was loaded"):
        read_csv(path, PLAIN)
    if what != "error":
        assert keys(path, CsvForm(any_keys=True)) == ["00002080001", key]


def test_keys_that_lost_their_zeros_are_named_with_their_lines(tmp_path: Path) -> None:
    lines = [f"{number:011d},A" for number in range(5_000_000_0000, 5_000_000_0009)]
    path = file(tmp_path / "drugs.csv", "\n".join(["ndc,drug_name", *lines, "2080001,B"]))
    with pytest.raises(LocalError, match=r"2080001 \(line 11\): digits are missing"):
        read_csv(path, PLAIN)
    assert len(keys(path, CsvForm(any_keys=True))) == 10


def test_lost_zeros_are_seen_also_where_most_keys_lost_them(tmp_path: Path) -> None:
    short = ("2080001", "93012345", "5912345678", "2080002")
    path = file(
        tmp_path / "drugs.csv",
        "\n".join(["ndc,drug_name", *(f"{one},A" for one in (*short, "50242004006"))]),
    )
    with pytest.raises(LocalError, match=r"2080001 \(line 2\), 93012345 \(line 3\)"):
        read_csv(path, PLAIN)


@pytest.mark.parametrize(
    "given",
    [("1", "2", "10", "11", "12"), ("A1", "B22", "C333"), ("2-0800", "A-1", "1143001F1024")],
    ids=" ".join,
)
def test_keys_of_other_kinds_are_taken_as_they_are(tmp_path: Path, given: tuple[str, ...]) -> None:
    path = file(
        tmp_path / "drugs.csv", "\n".join(["ndc,drug_name", *(f"{key},A" for key in given)])
    )
    assert keys(path) == list(given)


def test_a_key_with_dashes_is_named_unless_somebody_says_how_to_store_it(tmp_path: Path) -> None:
    path = file(tmp_path / "drugs.csv", "ndc,drug_name\n00002080001,A\n50242-040-06,B\n")
    with pytest.raises(LocalError, match=r"line 3: ndc '50242-040-06' has dashes.*--pad-keys"):
        read_csv(path, PLAIN)
    assert keys(path, CsvForm(pad_keys=True)) == ["00002080001", "50242004006"]
    assert keys(path, CsvForm(any_keys=True)) == ["00002080001", "50242-040-06"]


def test_one_heading_may_stand_for_two_columns_and_others_are_left_out(tmp_path: Path) -> None:
    path = file(
        tmp_path / "drugs.csv", "code,trade,inn,price\n1,Coumadin,warfarin,2\n2,,insulin,3\n"
    )
    names = {"ndc": "code", "drug_name": "trade", "brand_name": "trade", "generic_name": "inn"}
    with pytest.raises(LocalError, match=r"unknown column .price.*--other-columns"):
        read_csv(path, CsvForm(headers=names))
    rows = read_csv(path, CsvForm(headers=names, others=True))
    assert [row[1:4] for row in rows] == [
        ("Coumadin", "Coumadin", "warfarin"),
        ("insulin", None, "insulin"),
    ]


NOT_CSV = {
    "a workbook": (b"PK\x03\x04" + bytes(100), "an Excel workbook"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + bytes(100), "an Excel workbook"),
    "gzip": (b"\x1f\x8b\x08" + bytes(100), "a gzip file"),
    "UTF-16 without a mark": (
        "ndc,drug_name\n1,A\n".encode("utf-16-le"),
        "line 1: it holds NUL bytes.*--encoding utf-16-le",
    ),
    "NUL in a value": (b"ndc,drug_name\n1,A\0B\n", "line 2: it holds NUL bytes"),
    "one line without end": (b"ndc,drug_name\n" + b"x" * (5 << 20), "line 2: .*characters"),
    "an error in a name": (b"ndc,drug_name\n1,#NAME?\n", "line 2: drug_name '#NAME.'"),
    "a blank heading": (b"ndc,drug_name,\n1,A,\n", "line 1: the heading of column 3 is blank"),
    "a long heading": (b"ndc,drug_name," + b"h" * 5000 + b"\n1,A,\n", "line 1: .*'h{60}\\.\\.\\.'"),
}


@pytest.mark.parametrize("name", NOT_CSV)
def test_what_is_no_catalog_is_named_as_what_it_is(tmp_path: Path, name: str) -> None:
    body, words = NOT_CSV[name]
    path = tmp_path / "drugs.csv"
    path.write_bytes(body)
    with pytest.raises(LocalError, match=words):
        read_csv(path, PLAIN)


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "drugs.csv" if kind == "pipe" else Path("/dev/null")
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(LocalError, match="pipe or a device; write it to a file first"):
        read_csv(path, PLAIN)


def test_a_path_in_a_command_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=rf"ls -l '{tmp_path}/my drugs.csv'"):
        read_csv(tmp_path / "my drugs.csv", PLAIN)


def test_what_a_spreadsheet_adds_is_read_over(tmp_path: Path) -> None:
    """Its line about the delimiter, and the delimiters of rows that once held something."""
    path = file(tmp_path / "drugs.csv", "sep=|\r\nndc|drug_name\r\n1|A, B\r\n|\r\n2|C\r\n||||\r\n")
    assert keys(path) == ["1", "2"]
    assert read_csv(path, PLAIN)[0][1] == "A, B"
    path = file(tmp_path / "drugs.csv", "\ufeffndc,drug_name\n1,A\n")
    assert keys(path, CsvForm(encoding="utf-8")) == ["1"]
