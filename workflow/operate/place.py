"""Where a drug stands in the answer to a query, or which rule leaves it out."""

from collections.abc import Iterator
from typing import NamedTuple

from workflow.contract.errors import EmbedderError
from workflow.contract.events.base import Event
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.model import Embedder, TextRefused
from workflow.contract.ports.search import SearchIndex
from workflow.contract.settings import Settings
from workflow.search.answers import meaning_of
from workflow.search.cards import Product
from workflow.search.described import exactly
from workflow.search.floor import Meaning
from workflow.search.notices import listed
from workflow.search.parts import Answer, Part, PartKind
from workflow.search.search import search
from workflow.search.synonyms import Synonyms, read_synonyms

DEEPEST = 50
"""How many products an answer of the search API may hold."""

NOT_INDEXED = "the index does not have it"
BEHIND = f"found, but not among the first {DEEPEST} products"
NO_ROOM = "found, but the card of its product has no room for it"
OTHERS = "the query names other drugs"
NO_MODEL = "its name and class do not answer the query, and the model cannot be asked"
NO_VECTOR = "its name and class do not answer the query, and its text has no vector"
FAR = "its name and class do not answer the query, and its meaning is too far"
NEARER = "its meaning answers the query, and others are nearer"
NAMED = (PartKind.FOUND, PartKind.SAME_SUBSTANCE, PartKind.OTHERS, PartKind.BEGINS)


class Place(Event):
    """Where a drug's product stands in the answer to a query."""

    query: str
    rank: int | None
    """From 1, over all parts of the answer."""
    products: int
    part: str = ""
    """The part that it stands in: found, similar, ..."""
    why: str = ""
    """Which words of the query the product has."""
    cosine: float | None = None
    """How near its meaning is to the query's, if meanings were compared."""
    why_not: str = ""
    notices: tuple[str, ...] = ()
    """The notices of the answer."""


class Asker(NamedTuple):
    """Asks like the search API, as deep as its answers go."""

    query: str
    names: LiveNames
    meaning: Meaning | None
    reads: SearchIndex
    synonyms: Synonyms

    def answer(self) -> Answer:
        """Raises EmbedderError, TextRefused."""
        return search(
            self.query,
            self.names,
            meaning=self.meaning,
            index=self.reads,
            synonyms=self.synonyms,
            limit=DEEPEST,
            packages=1,
        )

    def cosine(self, text_hash: str) -> float | None:
        """Of a text and the query; None without a vector of either."""
        if self.meaning is None:
            return None
        vector = self.meaning.embedder.embed([self.query], "query")[0].data
        near = exactly([text_hash], vector, self.names.space, self.reads)
        return 1 - near[0].distance if near else None


def place_of(
    query: str,
    fields: Fields,
    names: LiveNames,
    *,
    index: SearchIndex,
    embedder: Embedder,
    settings: Settings,
) -> Place:
    """By words alone if the model fails or is not the live space's."""
    meaning = meaning_of(names, index, settings, embedder)
    asker = Asker(query, names, meaning, index, read_synonyms(settings.synonyms_file))
    try:
        return _place(asker, fields)
    except (EmbedderError, TextRefused):
        return _place(asker._replace(meaning=None), fields)


def _place(asker: Asker, fields: Fields) -> Place:
    answer = asker.answer()
    place = Place(
        query=asker.query,
        rank=None,
        products=len(answer.products),
        notices=tuple(one.text for one in answer.notices),
    )
    mine = fields.get("text_hash", "")
    for rank, (part, product) in enumerate(_ranked(answer), start=1):
        if any(package.get("text_hash") == mine for package in product.packages):
            where = {"part": str(part.kind), "why": product.why, "cosine": product.cosine}
            return place.model_copy(update={"rank": rank, **where})
    return place.model_copy(update=_left_out(asker, answer, mine))


def _ranked(answer: Answer) -> Iterator[tuple[Part, Product]]:
    return ((part, one) for part in answer.parts for one in part.products)


def _left_out(asker: Asker, answer: Answer, text_hash: str) -> dict[str, str | float | None]:
    """The rule that leaves it out, with its figures."""
    if not text_hash:
        return {"why_not": NOT_INDEXED}
    if text_hash in answer.texts:
        return {"why_not": BEHIND if answer.more else NO_ROOM}
    first = answer.parts[0] if answer.parts else None
    if first and first.kind in NAMED:
        return {"why_not": f"{OTHERS}: {listed(first.about)}" if first.about else OTHERS}
    if asker.meaning is None:
        return {"why_not": NO_MODEL}
    cosine = asker.cosine(text_hash)
    if cosine is None:
        return {"why_not": NO_VECTOR}
    if cosine < asker.meaning.floor:
        floor = f"{FAR}: cosine {cosine:.3f}, and below {asker.meaning.floor:.3f} nothing answers"
        return {"why_not": floor, "cosine": cosine}
    return {"why_not": f"{NEARER}: its cosine is {cosine:.3f}", "cosine": cosine}
