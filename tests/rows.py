"""Small made-up catalogs, and what the index must hold for them, without the product's code."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Mapping

from local.standin.embedders import HashEmbedder
from workflow.contract.folding import fold, plain

Row = dict[str, str | None]

COLUMNS = (
    *("ndc", "drug_name", "brand_name", "generic_name", "gcn_seqno", "dosage_form", "route"),
    *("strength", "manufacturer", "drug_class", "therapeutic_class", "dea_schedule"),
    *("is_generic", "is_brand", "is_active", "product_type"),
)
TEXT_COLUMNS = ("generic_name", "brand_name", "strength", "dosage_form", "route", "drug_class")
"""Those of the default template, in its order."""

SEARCHED_COLUMNS = (
    *("drug_name", "brand_name", "generic_name", "drug_class", "therapeutic_class", "strength"),
    *("dosage_form", "route", "product_type"),
)

DIMENSIONS = 256
NAMES = (
    *("Aspirin", "Café-Menthol 0.5 µg", "ζιπρασιδόνη", "阿司匹林"),
    "Warfarin {Sodium} | 'x' \"y\"",
)
LONG_CLASS = "Angiotensin-converting enzyme inhibitor [EPC], " * 85 + "end."


def ndc(number: int) -> str:
    """Eleven digits, rising with the number."""
    return f"{number * 100:011d}"


def make_row(number: int, **changed: str | None) -> Row:
    """Rows 2k and 2k + 1 share their text: they differ in what is not embedded.

    NULLs, blanks, names beyond ASCII and a class of 4,000 characters are among any forty rows.
    """
    drug = number // 2
    row: Row = {
        "ndc": ndc(number),
        "drug_name": f"{NAMES[drug % len(NAMES)]} {drug}",
        "brand_name": f"Brand {drug}" if drug % 3 else None,
        "generic_name": f"{NAMES[drug % len(NAMES)]} generic {drug}",
        "gcn_seqno": str(1000 + drug) if drug % 4 else None,
        "dosage_form": "TABLET" if drug % 2 else "INJECTION, SOLUTION",
        "route": "ORAL" if drug % 5 else "   ",
        "strength": None if drug % 7 == 3 else f"{drug} mg/1",
        "manufacturer": f"Acme, Inc. {number}",
        "drug_class": LONG_CLASS if drug % 10 == 6 else f"Class {drug % 3} [EPC]",
        "therapeutic_class": "",
        "dea_schedule": "CII" if drug % 9 == 0 else None,
        "is_generic": "1" if drug % 2 else "0",
        "is_brand": "0" if drug % 2 else "1",
        "is_active": "1",
        "product_type": None,
    }
    return row | changed


def make_rows(count: int, first: int = 0) -> list[Row]:
    """`count` rows of about half as many texts; the same ones each time."""
    return [make_row(number) for number in range(first, first + count)]


def text_of(row: Mapping[str, str | None]) -> str:
    """The text of a row under the default template."""
    words = " ".join(row.get(column) or "" for column in TEXT_COLUMNS)
    return " ".join(words.lower().split())[:8000].rstrip()


def text_hash_of(row: Mapping[str, str | None], text: str | None = None) -> str:
    """Over the text (of the default template unless given) and the searched columns, folded."""
    said = [text_of(row) if text is None else text, searched_of(row)]
    words = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()


def searched_of(row: Mapping[str, str | None]) -> dict[str, str]:
    """The columns of a text's record: a strength keeps its marks, of all others words are kept."""
    kept = {
        name: (plain if name == "strength" else fold)(row.get(name) or "")
        for name in SEARCHED_COLUMNS
    }
    return {name: value for name, value in kept.items() if value}


def texts_of(rows: Iterable[Mapping[str, str | None]]) -> set[str]:
    return {text_of(row) for row in rows}


def fields_of(row: Mapping[str, str | None]) -> dict[str, str]:
    """What a document says of the catalog: nothing that is NULL or blank; the key as it is."""
    return {
        name: value if name == "ndc" else value.strip()
        for name, value in row.items()
        if value and value.strip()
    }


def vector_of(text: str, dimensions: int = DIMENSIONS) -> bytes:
    """float32[dimensions], little-endian: what the stand-in's hash embedder answers."""
    return array("f", map(float, HashEmbedder().embed(text, dimensions, 1.0))).tobytes()
