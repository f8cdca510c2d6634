"""The search API's answers, each with the generation that it comes from."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Final, TypeVar

from workflow.contract.columns import FLAG_COLUMNS
from workflow.contract.documents import space_of
from workflow.contract.errors import EmbedderError, NothingLive
from workflow.contract.folding import fold
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import Generation, LiveNames
from workflow.contract.ports.model import Embedder, TextRefused
from workflow.contract.ports.search import Filters, SearchIndex
from workflow.contract.settings import Settings
from workflow.search import shown
from workflow.search.cards import OfStrength, Product
from workflow.search.equivalents import equivalents
from workflow.search.facts import facts_of
from workflow.search.filters import REMEMBERED, as_stored, unknown_values
from workflow.search.floor import Meaning, floor_of
from workflow.search.known import known_names
from workflow.search.ndcs import LONGEST_KEY, dashed, ndcs_of
from workflow.search.notices import no_such_value
from workflow.search.search import search
from workflow.search.shown import (
    Alternatives,
    DrugsFound,
    DrugShown,
    Health,
    ProductShown,
    Shaper,
)
from workflow.search.strengths import shown_of, sort_key
from workflow.search.synonyms import Synonyms

FACETS: Final = ("dosage_form", "route", "manufacturer", "dea_schedule", "is_generic", "is_active")
FACET_TEXTS: Final = 100
FACET_VALUES: Final = 12
TRIES: Final = 3
"""Most attempts of a search, if a switch comes between its reads."""

T = TypeVar("T")


def live_names(index: SearchIndex) -> LiveNames:
    """Raises NothingLive."""
    names = index.live()
    if names is None:
        raise NothingLive("no generation is live yet; run a sync first")
    return names


def meaning_of(
    names: LiveNames, index: SearchIndex, settings: Settings, embedder: Embedder
) -> Meaning | None:
    """The embedder and the space's floor, if the live space is the one that the settings describe.

    Vectors of two models are never compared: while a new model's backfill runs, and until the
    functions have its settings, only the words of a query are searched.
    """
    try:
        revision, floor = _space_of(names, index.generation)
    except LookupError:
        return None
    return Meaning(embedder, floor) if space_of(settings, revision).id == names.space else None


@lru_cache(REMEMBERED)
def _space_of(names: LiveNames, find: Callable[[str], Generation | None]) -> tuple[str, float]:
    """The revision and the floor of the live space, read once between two switches."""
    generation = find(names.generation)
    if generation is None:
        raise LookupError(names.generation)
    return generation.space_revision, floor_of(generation.baseline.asked, names.space)


def between_switches(index: SearchIndex, ask: Callable[[LiveNames], T]) -> T:
    """An answer that is wholly from before a switch or from after it; asks again if needed."""
    for _ in range(TRIES - 1):
        names = live_names(index)
        answer = ask(names)
        if live_names(index) == names:
            return answer
    return ask(live_names(index))


def find_drugs(
    query: str,
    filters: Filters,
    *,
    limit: int,
    offset: int,
    packages: int,
    facets: bool,
    as_written: bool,
    meaning: Callable[[LiveNames], Meaning | None],
    index: SearchIndex,
    synonyms: Synonyms,
    on_degraded: Callable[[Exception], None],
) -> DrugsFound:
    """The parts of an answer; by words alone if the model fails or is not the live space's."""

    def ask(names: LiveNames) -> DrugsFound:
        asked = partial(
            search,
            query,
            names,
            index=index,
            synonyms=synonyms,
            limit=limit,
            offset=offset,
            packages=packages,
            filters=filters,
            as_written=as_written,
        )
        try:
            found = asked(meaning=meaning(names))
        except (EmbedderError, TextRefused) as error:
            on_degraded(error)
            found = asked(meaning=None)
        unknown = unknown_values(filters, names, index)
        told = [no_such_value(column, value) for column, value in unknown]
        shaper = Shaper()
        return DrugsFound(
            generation=names.generation,
            parts=[shaper.part(part) for part in found.parts],
            notices=[shown.notice(one) for one in (*told, *found.notices)],
            facets=_facets(names, index, found.texts, filters) if facets else {},
            offset=offset,
            next_offset=offset + limit if found.more else None,
        )

    return between_switches(index, ask)


def _facets(
    names: LiveNames, index: SearchIndex, texts: Sequence[str], filters: Filters
) -> dict[str, dict[str, int]]:
    """A column's own filter does not narrow its values, because several may be chosen."""
    filters = as_stored(filters, names, index)
    best = list(dict.fromkeys(texts))[:FACET_TEXTS]
    others = {column: {one: filters[one] for one in filters if one != column} for column in FACETS}
    counted = index.count_values(names.generation, best, others)
    folded = {column: _folded(values) for column, values in counted.items()}
    return {
        column: _as_flags(values) if column in FLAG_COLUMNS else values
        for column, values in folded.items()
    }


def _folded(counted: dict[str, int]) -> dict[str, int]:
    """Values that differ only by case or punctuation count as one, in the commonest spelling."""
    spelt: dict[str, str] = {}
    sums: dict[str, int] = {}
    for value, count in counted.items():
        name = spelt.setdefault(fold(value), value)
        sums[name] = sums.get(name, 0) + count
    most = sorted(sums.items(), key=lambda one: (-one[1], one[0]))[:FACET_VALUES]
    return {shown.short(value): count for value, count in most}


def _as_flags(counted: dict[str, int]) -> dict[str, int]:
    """`true` and `false`, as filters and packages say it; other values are not flags."""
    named = ((shown.flag(value), count) for value, count in counted.items())
    return {str(value).lower(): count for value, count in named if value is not None}


def one_drug(ndc: str, *, index: SearchIndex) -> DrugShown | None:
    """The drug of an NDC, in any form that means exactly one drug."""

    def ask(names: LiveNames) -> DrugShown | None:
        fields = _drug(ndc, names, index)
        if fields is None:
            return None
        return DrugShown(
            generation=names.generation,
            drug=shown.every_column(fields),
            name_shown=shown.name_of(fields),
            strength_shown=shown.short(shown_of(fields.get("strength", ""))) or None,
            ndc_dashed=dashed(fields["ndc"]),
        )

    return between_switches(index, ask)


def alternatives(ndc: str, *, index: SearchIndex) -> Alternatives | None:
    """Drugs equivalent to a drug, without itself; None if it does not exist."""

    def ask(names: LiveNames) -> Alternatives | None:
        drug = _drug(ndc, names, index)
        if drug is None:
            return None
        found = equivalents(drug, names, index, known_names())
        kinds: dict[str, list[Fields]] = {"generic": [], "brand": [], "other": []}
        for one in found.drugs:
            kinds[_kind(one)].append(one)
        shaper = Shaper()
        return Alternatives(
            generation=names.generation,
            ndc=drug["ndc"],
            same={name: shown.short(value) for name, value in found.same.items()},
            complete=found.complete,
            **{kind: _grouped(drugs, shaper) for kind, drugs in kinds.items()},
        )

    return between_switches(index, ask)


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
    """First the key as written; then what the digits may mean, if that is one drug."""
    if len(ndc) > LONGEST_KEY:
        return None
    exact, *others = index.documents(names.generation, (ndc, *ndcs_of(ndc).keys))
    found = {one["ndc"]: one for one in others if one}
    if exact:
        return exact
    return next(iter(found.values())) if len(found) == 1 else None


def _kind(drug: Fields) -> str:
    if drug.get("is_generic") == "1":
        return "generic"
    return "brand" if drug.get("is_brand") == "1" else "other"


def _grouped(drugs: Sequence[Fields], shaper: Shaper) -> list[ProductShown]:
    """One card for each name and form."""
    known = known_names()
    groups: dict[tuple[object, ...], dict[str, list[Fields]]] = {}
    for drug in drugs:
        strengths = groups.setdefault(facts_of(drug, known).card, {})
        strengths.setdefault(drug.get("strength", ""), []).append(drug)
    return [
        shaper.product(
            Product(
                "may stand for it",
                None,
                tuple(
                    OfStrength(strength, len(of), of)
                    for strength, of in sorted(group.items(), key=lambda one: sort_key(one[0]))
                ),
            )
        )
        for group in groups.values()
    ]
