"""The catalog's documented columns, and how each is searched."""

from typing import Final

KEY: Final = "ndc"
REQUIRED: Final = ("ndc", "drug_name")
COLUMNS: Final = (
    "ndc",
    "drug_name",
    "brand_name",
    "generic_name",
    "gcn_seqno",
    "dosage_form",
    "route",
    "strength",
    "manufacturer",
    "drug_class",
    "therapeutic_class",
    "dea_schedule",
    "is_generic",
    "is_brand",
    "is_active",
    "product_type",
)

TAG_COLUMNS: Final = (
    "gcn_seqno",
    "dosage_form",
    "route",
    "manufacturer",
    "dea_schedule",
    "is_generic",
    "is_brand",
    "is_active",
)
"""Exact filters. A TAG longer than `TAG_BYTES` cannot be found, so classes are TEXT."""

TAG_BYTES: Final = 4096

FLAG_COLUMNS: Final = ("is_generic", "is_brand", "is_active")
"""1 or 0 in a document; a catalog may also say true or false (`workflow.contract.rows`)."""

TEXT_COLUMNS: Final = ("drug_name", "brand_name", "generic_name", "drug_class", "therapeutic_class")

TAG_SEPARATOR: Final = "\x1f"
"""ASCII unit separator: `workflow.contract.documents` lets no control character into a value."""

NAME_COLUMNS: Final = ("drug_name", "brand_name", "generic_name")
CLASS_COLUMNS: Final = ("drug_class", "therapeutic_class")
DETAIL_COLUMNS: Final = ("strength", "dosage_form", "route")
"""The columns of a text that are searched by word."""

TYPE_COLUMN: Final = "product_type"
"""What kind of product it is, such as OTC. Searches rank by it; no query asks for it."""
