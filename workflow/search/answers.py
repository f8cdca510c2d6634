"""What the search API answers: drugs as JSON, grouped, with the generation that they are from."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from workflow.contract.documents import normalized
from workflow.contract.errors import EmbedderError, NothingLive
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.model import Embedder, TextRefused
from workflow.contract.ports.search import Filters, SearchIndex
from workflow.search.queries import ndcs_of
from workflow.search.search import search
from workflow.search.synonyms import Synonyms

FACETS: Final = ("dosage_form", "route", "manufacturer", "dea_schedule", "is_generic", "is_active")
FACET_TEXTS: Final = 100
FACET_VALUES: Final = 12
MOST_ALTERNATIVES: Final = 2000


class Shown(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(frozen=True)


class Package(Shown):
    """One drug of the catalog."""

    ndc: str
    drug_name: str | None = None
    manufacturer: str | None = None
    gcn_seqno: str | None = None
    dea_schedule: str | None = None
    is_generic: bool | None = None
    is_brand: bool | None = None
    is_active: bool | None = None


class ProductShown(Shown):
    """Packages of one product: same names, strength, form and route, of whichever labeler."""

    drug_name: str | None = None
    brand_name: str | None = None
    generic_name: str | None = None
    strength: str | None = None
    dosage_form: str | None = None
    route: str | None = None
    drug_class: str | None = None
    therapeutic_class: str | None = None
    package_count: int
    packages: list[Package] = Field(description="some of them, by NDC")
    score: float | None = Field(None, description="higher is better; comparable in one answer only")
    score_parts: dict[str, float] = Field(
        default_factory=dict,
        description="what the score is the sum of (name, meaning, class), the share of the "
        "query's words among the names (words), and the cosine of the vectors",
    )


class DrugsFound(Shown):
    """Products, best first."""

    generation: str
    corrected: dict[str, str] = Field(description="misspelt word -> what was searched instead")
    degraded: str = Field(
        "", description="meaning: the model could not be asked, and words alone were searched"
    )
    products: list[ProductShown]
    facets: dict[str, dict[str, int]] = Field(
        description=f"column -> value -> drugs, of the {FACET_TEXTS} best products; when asked for"
    )


class DrugShown(Shown):
    """One drug with every column of the catalog."""

    generation: str
    drug: dict[str, str]


class Alternatives(Shown):
    """Drugs that may stand for one: same `gcn_seqno`, or same generic name, strength and form."""

    generation: str
    ndc: str
    same: dict[str, str] = Field(description="the columns that all of them share")
    generic: list[ProductShown]
    brand: list[ProductShown]
    other: list[ProductShown] = Field(description="neither, such as unapproved drugs")
    complete: bool = Field(description=f"false where there are more than {MOST_ALTERNATIVES} drugs")


class Health(Shown):
    """What is live."""

    generation: str
    space: str
    documents: int
    published_at: str
    age_s: int | None


def live_names(index: SearchIndex) -> LiveNames:
    """Raises NothingLive."""
    names = index.live()
    if names is None:
        raise NothingLive("no generation is live yet; run a sync first")
    return names


def find_drugs(
    query: str,
    filters: Filters,
    *,
    limit: int,
    packages: int,
    facets: bool,
    embedder: Embedder,
    index: SearchIndex,
    synonyms: Synonyms,
    on_degraded: Callable[[Exception], None],
) -> DrugsFound:
    """The products that answer a query best; by words alone where the model fails or refuses."""
    names = live_names(index)
    ask = partial(
        search,
        query,
        names,
        index=index,
        synonyms=synonyms,
        limit=limit,
        packages=packages,
        filters=filters,
    )
    degraded = ""
    try:
        found = ask(embedder=embedder)
    except (EmbedderError, TextRefused) as error:
        on_degraded(error)
        degraded = "meaning"
        found = ask(embedder=None)
    counts: dict[str, dict[str, int]] = {}
    if facets:
        best = found.texts[:FACET_TEXTS]
        counts = index.count_values(names.generation, best, filters, FACETS)
    return DrugsFound(
        generation=names.generation,
        corrected=found.corrected,
        degraded=degraded,
        products=[
            _product(one.packages, one.total, one.score, dict(one.parts)) for one in found.products
        ],
        facets={name: dict(list(of.items())[:FACET_VALUES]) for name, of in counts.items()},
    )


def one_drug(ndc: str, *, index: SearchIndex) -> DrugShown | None:
    """The drug of an NDC, with or without dashes."""
    names = live_names(index)
    fields = _drug(ndc, names, index)
    return DrugShown(generation=names.generation, drug=fields) if fields else None


def alternatives(ndc: str, *, index: SearchIndex) -> Alternatives | None:
    """What may stand for a drug, itself left out; None where it does not exist."""
    names = live_names(index)
    drug = _drug(ndc, names, index)
    if drug is None:
        return None
    same = _what_counts(drug)
    exact = {name: value for name, value in same.items() if name in ("gcn_seqno", "dosage_form")}
    found = index.drugs_like(
        names.generation, exact, same.get("generic_name", ""), MOST_ALTERNATIVES
    )
    others = [one for one in found if _is_like(one, same) and one["ndc"] != drug["ndc"]]
    kinds: dict[str, list[Fields]] = {"generic": [], "brand": [], "other": []}
    for one in others:
        kinds[_kind(one)].append(one)
    return Alternatives(
        generation=names.generation,
        ndc=drug["ndc"],
        same=same,
        complete=len(found) < MOST_ALTERNATIVES,
        **{kind: _grouped(drugs) for kind, drugs in kinds.items()},
    )


def health(*, index: SearchIndex, clock: Clock) -> Health:
    """Raises NothingLive."""
    names = live_names(index)
    record = index.generation(names.generation)
    published = record.published_at if record else ""
    age = clock() - datetime.fromisoformat(published) if published else None
    return Health(
        generation=names.generation,
        space=names.space,
        documents=index.count(names.generation),
        published_at=published,
        age_s=round(age.total_seconds()) if age else None,
    )


def _drug(ndc: str, names: LiveNames, index: SearchIndex) -> Fields | None:
    keys = tuple(dict.fromkeys((ndc, *ndcs_of(ndc))))
    return next((one for one in index.documents(names.generation, keys) if one), None)


def _what_counts(drug: Fields) -> Fields:
    """What an alternative must share; a drug without its generic name has none but itself."""
    if drug.get("gcn_seqno"):
        return {"gcn_seqno": drug["gcn_seqno"]}
    columns = ("generic_name", "strength", "dosage_form")
    if not drug.get("generic_name"):
        return {}
    return {name: drug[name] for name in columns if name in drug}


def _is_like(drug: Fields, same: Fields) -> bool:
    return bool(same) and all(
        normalized(drug.get(name, "")) == normalized(value) for name, value in same.items()
    )


def _kind(drug: Fields) -> str:
    if drug.get("is_generic") == "1":
        return "generic"
    return "brand" if drug.get("is_brand") == "1" else "other"


def _grouped(drugs: Sequence[Fields]) -> list[ProductShown]:
    groups: dict[str, list[Fields]] = {}
    for drug in drugs:
        groups.setdefault(drug["text_hash"], []).append(drug)
    return [_product(group, len(group)) for group in groups.values()]


def _product(
    drugs: Sequence[Fields],
    total: int,
    score: float | None = None,
    parts: dict[str, float] | None = None,
) -> ProductShown:
    named = {name: value for name, value in drugs[0].items() if name in ProductShown.model_fields}
    return ProductShown(
        **named,
        package_count=total,
        packages=[Package.model_validate(drug) for drug in drugs],
        score=score,
        score_parts={name: round(value, 6) for name, value in (parts or {}).items()},
    )
