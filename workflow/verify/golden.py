"""Golden queries: what a team knows that a search must find."""

from collections.abc import Callable, Sequence
from functools import partial

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from workflow.contract.errors import SettingsInvalid
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.model import Embedder, TextRefused
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.search import SearchIndex
from workflow.search.search import Answer, search
from workflow.search.synonyms import Synonyms

FIRST = 10


class GoldenQuery(BaseModel):
    """`expect` are words; one of them must be in a name of one of the first ten products.

    With `if_present` it counts only where a drug's name holds one of them: for sets that fit any
    part of a catalog. Without it, a drug that vanished is a query that is not answered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(min_length=1)
    expect: tuple[str, ...] = Field(min_length=1)
    if_present: bool = False


def read_golden_queries(runs: RunStore, key: str) -> list[GoldenQuery]:
    """The team's queries, a JSON array in the run bucket; none where the setting is empty."""
    if not key:
        return []
    try:
        return TypeAdapter(list[GoldenQuery]).validate_json(runs.read(key))
    except ValidationError as error:
        raise SettingsInvalid(
            f'golden_queries_key {key}: not a list of {{"query": ..., "expect": [...]}}: {error}'
        ) from error


def that_count(
    queries: Sequence[GoldenQuery], names: LiveNames, index: SearchIndex
) -> list[GoldenQuery]:
    """All queries but those whose expected drugs this catalog does not have."""
    return [
        one
        for one in queries
        if not one.if_present or any(_is_known(word, names, index) for word in one.expect)
    ]


def _is_known(expected: str, names: LiveNames, index: SearchIndex) -> bool:
    return bool(index.drugs_like(names.generation, {}, expected, 1))


def unanswered(
    queries: Sequence[GoldenQuery],
    names: LiveNames,
    *,
    embedder: Embedder,
    index: SearchIndex,
    synonyms: Synonyms,
) -> list[str]:
    """The queries whose first drugs hold none that is expected, or that the model refuses."""
    ask = partial(
        search, names=names, embedder=embedder, index=index, synonyms=synonyms, limit=FIRST
    )
    return [one.query for one in queries if not _is_answered(one, ask)]


def _is_answered(golden: GoldenQuery, ask: Callable[[str], Answer]) -> bool:
    try:
        found = ask(golden.query)
    except TextRefused:
        return False
    named = " ".join(
        fields.get(column, "").lower()
        for product in found.products
        for fields in product.packages
        for column in ("drug_name", "brand_name", "generic_name")
    )
    return any(word.lower() in named for word in golden.expect)
