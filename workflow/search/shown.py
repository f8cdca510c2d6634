"""The shapes of the search API's answers."""

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from workflow.contract.columns import FLAG_COLUMNS
from workflow.contract.ports.documents import Fields
from workflow.search.cards import OfStrength, Product
from workflow.search.ndcs import dashed
from workflow.search.notices import Notice, NoticeKind, listed
from workflow.search.parts import Part, PartKind
from workflow.search.strengths import shown_of
from workflow.search.tall_man import in_tall_man

INTERNAL: Final = ("content_hash", "run_id", "indexed_at", "text_hash")
"""Fields of a document that this system added."""

LONGEST_VALUE: Final = 1000
"""Longest value in a list, in characters; a single drug's may be longer."""

LONGEST_ALONE: Final = 4000
MOST_PACKAGES: Final = 2000
"""Packages in one answer. Even with every value at its longest, API Gateway passes it."""


class Shown(BaseModel):
    """Part of an answer. Built at its first use."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class Package(Shown):
    """One drug of the catalog."""

    ndc: str = Field(description="its key, as it is stored")
    ndc_dashed: str = Field(description="5-4-2 if the key has eleven digits")
    drug_name: str | None = Field(None, description="of the catalog")
    manufacturer: str | None = Field(None, description="of the catalog")
    gcn_seqno: str | None = Field(None, description="of the catalog")
    dea_schedule: str | None = Field(None, description="of the catalog")
    is_generic: bool | None = Field(None, description="null if the catalog does not say")
    is_brand: bool | None = Field(None, description="null if the catalog does not say")
    is_active: bool | None = Field(None, description="null if the catalog does not say")


class StrengthShown(Shown):
    """The packages of one strength of a product, of whichever labeler."""

    strength: str | None = Field(None, description="as the catalog has it")
    strength_shown: str | None = Field(None, description="as people read it: `1 mg/1` is 1 mg")
    package_count: int = Field(description="how many packages there are")
    packages: list[Package] = Field(description="some of them, by NDC")


class ProductShown(Shown):
    """One name, form and route with its strengths: the one asked for first, the others in order."""

    drug_name: str | None = Field(None, description="of its first package")
    brand_name: str | None = Field(None, description="of its first package")
    generic_name: str | None = Field(None, description="of its first package")
    name_shown: str = Field(description="the name in tall-man letters")
    generic_shown: str | None = Field(None, description="the generic name in tall-man letters")
    dosage_form: str | None = Field(None, description="of all its packages")
    route: str | None = Field(None, description="of all its packages")
    drug_class: str | None = Field(None, description="of its first package")
    therapeutic_class: str | None = Field(None, description="of its first package")
    product_type: str | None = Field(None, description="what the catalog says that it is")
    why: str = Field(description="why the product is in the answer")
    cosine: float | None = Field(None, description="how near its meaning is to the query's")
    package_count: int = Field(description="of all strengths")
    strengths: list[StrengthShown] = Field(description="the one asked for first, then by amount")


class PartShown(Shown):
    """Products that are in the answer for one reason."""

    kind: PartKind = Field(description="the reason")
    heading: str = Field(description="the reason, for people")
    about: list[str] = Field(description="the substances or classes that are meant")
    products: list[ProductShown] = Field(description="best first")


class NoticeShown(Shown):
    """A remark about the answer, next to its products."""

    kind: NoticeKind = Field(description="what it is about")
    text: str = Field(description="a sentence for people")
    words: str = Field("", description="the query's words that it is about")
    instead: list[str] = Field(default_factory=list, description="what to ask, or was asked")
    count: int = Field(0, description="number of packages that it is about")


class DrugsFound(Shown):
    """Parts, the strongest reason first. No part is padded; there may be none."""

    generation: str = Field(description="the live generation that answered")
    parts: list[PartShown] = Field(description="the strongest reason first")
    notices: list[NoticeShown] = Field(description="notices for the person who asked")
    facets: dict[str, dict[str, int]] = Field(
        description="column -> value -> drugs, of the best products; when asked for"
    )
    offset: int = Field(description="as it was asked for")
    next_offset: int | None = Field(description="where the next page begins; null at the end")


class DrugShown(Shown):
    """One drug with every column of the catalog; flags are booleans."""

    generation: str = Field(description="the live generation that answered")
    drug: dict[str, str | bool] = Field(description="column -> value; blank columns are absent")
    name_shown: str = Field(description="the name in tall-man letters")
    strength_shown: str | None = Field(None, description="as people read it")
    ndc_dashed: str = Field(description="5-4-2 if the key has eleven digits")


class Alternatives(Shown):
    """Drugs that may stand for one: the same substances, strength, form and route."""

    generation: str = Field(description="the live generation that answered")
    ndc: str = Field(description="the key of the drug that was asked for")
    same: dict[str, str] = Field(description="what all of them share")
    generic: list[ProductShown] = Field(description="generics, itself left out")
    brand: list[ProductShown] = Field(description="brands, itself left out")
    other: list[ProductShown] = Field(description="neither, such as unapproved drugs")
    complete: bool = Field(description="false if there are more than were looked at")


class Health(Shown):
    """What is live."""

    generation: str = Field(description="the live generation")
    space: str = Field(description="what its vectors are comparable with")
    documents: int = Field(description="drugs that can be found")
    published_at: str = Field(description="when a run published it last")
    age_s: int | None = Field(description="seconds since then")


HEADINGS: Final = {
    PartKind.FOUND: "Found",
    PartKind.SAME_SUBSTANCE: "Same substance",
    PartKind.OTHERS: "With this name, but other substances",
    PartKind.BEGINS: "Names that begin so",
    PartKind.CLASS: "Drugs of the class",
    PartKind.USE: "Drugs for this use",
    PartKind.MEANING: "Related by meaning",
}


class Shaper:
    """Shapes products, with so many packages in all."""

    def __init__(self, most: int = MOST_PACKAGES) -> None:
        self._left = most

    def part(self, part: Part) -> PartShown:
        return PartShown(
            kind=part.kind,
            heading=heading(part),
            about=list(part.about),
            products=[self.product(one) for one in part.products],
        )

    def product(self, product: Product) -> ProductShown:
        first = product.packages[0]
        columns = {name: short(first[name]) for name in _NAMED if name in first}
        cosine = None if product.cosine is None else round(product.cosine, 4)
        return ProductShown(
            **columns,
            name_shown=name_of(first),
            generic_shown=in_tall_man(columns.get("generic_name", "")) or None,
            why=product.why,
            cosine=cosine,
            package_count=product.total,
            strengths=[self._strength(one) for one in product.items],
        )

    def _strength(self, item: OfStrength) -> StrengthShown:
        packages = item.packages[: max(self._left, 1)]
        self._left -= len(packages)
        return StrengthShown(
            strength=short(item.strength) or None,
            strength_shown=short(shown_of(item.strength)) or None,
            package_count=item.total,
            packages=[package(one) for one in packages],
        )


_NAMED: Final = (
    *("drug_name", "brand_name", "generic_name", "dosage_form", "route"),
    *("drug_class", "therapeutic_class", "product_type"),
)


def name_of(fields: Fields) -> str:
    """The brand if there is one, because a drug's own name often includes its strength."""
    named = (fields.get(column) for column in ("brand_name", "drug_name", "generic_name"))
    return short(in_tall_man(next(filter(None, named), fields["ndc"])))


def package(fields: Fields) -> Package:
    columns = ("drug_name", "manufacturer", "gcn_seqno", "dea_schedule")
    texts = {name: short(fields[name]) for name in columns if name in fields}
    flags = {name: flag(fields[name]) for name in FLAG_COLUMNS if name in fields}
    return Package(ndc=fields["ndc"], ndc_dashed=dashed(fields["ndc"]), **texts, **flags)


def flag(value: str) -> bool | None:
    """None for any other value."""
    return {"1": True, "0": False, "true": True, "false": False}.get(value.lower())


def heading(part: Part) -> str:
    """For people."""
    title = HEADINGS[part.kind]
    return f"{title}: {listed(part.about)}" if part.about else title


def short(value: str, most: int = LONGEST_VALUE) -> str:
    return value if len(value) <= most else f"{value[: most - 1]}\u2026"


def notice(one: Notice) -> NoticeShown:
    return NoticeShown(
        kind=one.kind,
        text=short(one.text),
        words=short(one.words),
        instead=[short(name) for name in one.instead],
        count=one.number,
    )


def every_column(fields: Fields) -> dict[str, str | bool]:
    """A drug's columns without this system's own, flags as booleans."""
    shown: dict[str, str | bool] = {}
    for name, value in fields.items():
        if name in INTERNAL:
            continue
        known = flag(value) if name in FLAG_COLUMNS else None
        shown[name] = short(value, LONGEST_ALONE) if known is None else known
    return shown


def products(products_: Sequence[Product], shaper: Shaper) -> list[ProductShown]:
    return [shaper.product(one) for one in products_]
