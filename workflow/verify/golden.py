"""Golden queries: test queries with the drugs that a search must find."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from workflow.contract.columns import NAME_COLUMNS
from workflow.contract.errors import SettingsInvalid
from workflow.contract.events.files import Check
from workflow.contract.invalid import in_words
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.model import Embedder, Purpose, TextRefused, Vector
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.search import SearchIndex
from workflow.search.floor import Meaning
from workflow.search.parts import Answer
from workflow.search.search import search
from workflow.search.synonyms import Synonyms
from workflow.verify.checks import GOLDEN, check, not_made

FIRST = 10


class GoldenQuery(BaseModel):
    """`expect` are words; one of them must be in a name of one of the first ten products.

    With `if_present` a query counts only if a drug's name holds one of them: for sets that fit any
    part of a catalog. Without it, the query fails if the drug vanished.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(min_length=1)
    expect: tuple[str, ...] = Field(min_length=1)
    if_present: bool = False


def read_golden_queries(runs: RunStore, key: str) -> list[GoldenQuery]:
    """The team's queries, a JSON array in the run bucket; none if the setting is empty."""
    if not key:
        return []
    try:
        return TypeAdapter(list[GoldenQuery]).validate_json(runs.read(key))
    except ValidationError as error:
        raise SettingsInvalid(
            f'golden_queries_key {key}: not a list of {{"query": ..., "expect": [...]}}: '
            f"{in_words(error, most=3)}"
        ) from error


def that_count(
    queries: Sequence[GoldenQuery], names: LiveNames, index: SearchIndex
) -> list[GoldenQuery]:
    """All queries whose expected drugs this catalog has."""
    return [
        one
        for one in queries
        if not one.if_present or any(_is_known(word, names, index) for word in one.expect)
    ]


def _is_known(expected: str, names: LiveNames, index: SearchIndex) -> bool:
    return bool(index.drugs_like(names.generation, {}, expected, 1))


class GoldenAsker:
    """Searches one generation, and keeps each vector, so that PublishIndex needs no model call."""

    def __init__(
        self,
        index: SearchIndex,
        names: LiveNames,
        synonyms: Synonyms,
        embedder: Embedder | None,
        floor: float,
        vectors: Mapping[str, bytes] | None = None,
    ) -> None:
        self.index = index
        self.names = names
        self.vectors = dict(vectors or {})
        self.texts_per_call = 1
        self._embedder = embedder
        self._floor = floor
        self._synonyms = synonyms

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        """The Embedder port. Raises TextRefused for a text that was not embedded before."""
        text = texts[0]
        if text not in self.vectors:
            if self._embedder is None:
                raise TextRefused(f"{text!r} was not embedded when the index was verified")
            self.vectors[text] = self._embedder.embed([text], purpose)[0].data
        return [Vector(self.vectors[text], 0)]

    def ask(self, query: str) -> Answer:
        """The first products of one query."""
        return search(
            query,
            self.names,
            meaning=Meaning(self, self._floor),
            index=self.index,
            synonyms=self._synonyms,
            limit=FIRST,
        )


def golden_not_asked(reason: str) -> Check:
    """The check of a run that calls no model."""
    return not_made(GOLDEN, reason)


def golden_check(queries: Sequence[GoldenQuery], asker: GoldenAsker) -> Check:
    """Says so if no query counts for this catalog."""
    counting = that_count(queries, asker.names, asker.index)
    if not counting:
        return not_made(GOLDEN, f"not asked: none of {len(queries)} expects a drug of this catalog")
    bad = [one.query for one in counting if not _is_answered(one, asker)]
    found = f"{len(counting) - len(bad)} answered" + "".join(f"; not {one!r}" for one in bad[:3])
    return check(GOLDEN, not bad, f"{len(counting)} answered", found)


def _is_answered(golden: GoldenQuery, asker: GoldenAsker) -> bool:
    try:
        found = asker.ask(golden.query)
    except TextRefused:
        return False
    named = " ".join(
        fields.get(column, "").lower()
        for product in found.products
        for fields in product.packages
        for column in NAME_COLUMNS
    )
    return any(word.lower() in named for word in golden.expect)
