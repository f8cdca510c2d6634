"""The FDA's files: NDC codes, strengths, traps of the format."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.catalogs.fda import PACKAGE_HEADER, PRODUCT_HEADER, join_strength, pad_ndc, select
from local.errors import LocalError

RX, OTC = "HUMAN PRESCRIPTION DRUG", "HUMAN OTC DRUG"


def product_line(product_id: str, name: str = "Aspirin", kind: str = RX, flag: str = "N") -> str:
    numerators, units = "10; 20", "mg/1; mg/1"
    values = [product_id, "0001-0001", kind, name, "", "aspirin", "TABLET", "ORAL", "20100101", ""]
    values += ["ANDA", "ANDA1", "Acme", "ASPIRIN", numerators, units, "", "", flag, "20191231"]
    return "\t".join(values)


def package_line(product_id: str, code: str, text: str = "1 BOTTLE", flag: str = "N") -> str:
    return "\t".join([product_id, "0001-0001", code, text, "20100101", "", flag, "N"])


def write_directory(path: Path, products: list[str], packages: list[str]) -> Path:
    for name, header, lines in (
        ("product.txt", PRODUCT_HEADER, products),
        ("package.txt", PACKAGE_HEADER, packages),
    ):
        text = "".join(f"{line}\r\n" for line in ["\t".join(header.split()), *lines])
        (path / name).write_bytes(text.encode("cp1252"))
    return path


@pytest.mark.parametrize(
    ("code", "ndc"),
    [
        ("0002-0800-01", "00002080001"),
        ("10956-003-01", "10956000301"),
        ("10096-0241-3", "10096024103"),
    ],
)
def test_each_form_of_ndc_is_padded_by_its_parts(code: str, ndc: str) -> None:
    assert pad_ndc(code) == ndc


@pytest.mark.parametrize("code", ["0002-0800", "000002-0800-01", "0002-08O0-01", "00020800001"])
def test_what_is_not_an_ndc_is_refused_by_name(code: str) -> None:
    with pytest.raises(ValueError, match=code):
        pad_ndc(code)


@pytest.mark.parametrize(
    ("numerators", "units", "strength"),
    [
        ("10", "mg/1", "10 mg/1"),
        ("10; 20", "mg/1; mL/1", "10 mg/1; 20 mL/1"),
        ("", "/; /; /", ""),
        ("5; 6", "mg/1", "5 mg/1; 6"),
    ],
)
def test_strengths_are_joined_pairwise(numerators: str, units: str, strength: str) -> None:
    assert join_strength(numerators, units) == strength


def test_quotes_and_windows_characters_are_plain_text(tmp_path: Path) -> None:
    name = 'Café 3" \u201cgauze\u201d'
    directory = write_directory(
        tmp_path, [product_line("a", name)], [package_line("a", "0001-0001-01", '1 "BOX')]
    )
    found = select(None, directory)
    assert found.products[0].proprietary_name == name
    assert found.packages[0].package_description == '1 "BOX'


def test_the_first_of_colliding_packages_stays_and_the_rest_are_named(tmp_path: Path) -> None:
    packages = [
        package_line("b", "0001-0001-01", "first"),
        package_line("a", "00001-001-01", "second"),
        package_line("a", "0001-0002-01"),
    ]
    found = select(
        None, write_directory(tmp_path, [product_line("a"), product_line("b")], packages)
    )
    assert [p.package_description for p in found.packages] == ["first", "1 BOTTLE"]
    assert found.skipped == ("00001000101",)


def test_rows_takes_prescription_packages_that_nobody_excluded_in_ndc_order(
    tmp_path: Path,
) -> None:
    products = [
        product_line("rx"),
        product_line("otc", kind=OTC),
        product_line("excluded", flag="E"),
    ]
    packages = [
        package_line("rx", "0001-0009-01"),
        package_line("rx", "0001-0008-01", flag="E"),
        package_line("otc", "0001-0002-01"),
        package_line("excluded", "0001-0003-01"),
        package_line("rx", "0001-0004-01"),
    ]
    found = select(2, write_directory(tmp_path, products, packages))
    assert [p.ndc for p in found.packages] == ["00001000401", "00001000901"]
    assert [p.product_id for p in found.products] == ["rx"]


@pytest.mark.parametrize("rows", [0, -1, 2])
def test_more_rows_than_there_are_is_refused_with_the_number_there_are(
    tmp_path: Path, rows: int
) -> None:
    directory = write_directory(tmp_path, [product_line("a")], [package_line("a", "0001-0001-01")])
    with pytest.raises(LocalError, match="give 1 to 1 "):
        select(rows, directory)


def test_another_file_in_its_place_is_refused(tmp_path: Path) -> None:
    directory = write_directory(tmp_path, [], [])
    (directory / "product.txt").write_text("ndc\tname\r\n")
    with pytest.raises(LocalError, match=r"product\.txt is not the FDA's file"):
        select(None, directory)


def test_the_packaged_directory_has_every_package_once() -> None:
    found = select(None)
    assert len(found.packages) == 243_941
    assert len(found.skipped) == 19
    assert [p.ndc for p in found.packages] == sorted({p.ndc for p in found.packages})
