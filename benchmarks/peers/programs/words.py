"""The text of a drug, the same for all."""

from collections.abc import Mapping

COLUMNS = ("generic_name", "brand_name", "strength", "dosage_form", "route", "drug_class")


def text(row: Mapping[str, str]) -> str:
    return " ".join(" ".join(row[name] for name in COLUMNS if name in row).lower().split())
