"""How well a text answers a query: by its names, by its classes, by its meaning, and all fused."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from workflow.contract.columns import DETAIL_COLUMNS, NAME_COLUMNS
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.search import Hit, Related
from workflow.search.queries import REMEMBERED, Query, amounts_of, is_description, words_of
from workflow.search.vocabulary import SALTS

RANK_OFFSET: Final = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009)."""

CLASS_WEIGHT: Final = 2.0
NAME_WEIGHT: Final = 100.0
SPELT: Final = 0.7
"""From this share of its words among the names, a query means a drug by name, and names decide."""

PREFIX: Final = 0.9
"""The most that the beginning of a word counts: less than any whole word spelt right."""

MINOR: Final = 0.2
"""What a salt's name counts beside another word of a name."""


class Term(NamedTuple):
    """A word of the query and the words of names that it may mean, each with its likeness."""

    word: str
    meanings: Mapping[str, float]
    prefix: bool


class Score(NamedTuple):
    """How well names answer: the share of the query's words that they hold; and all details."""

    share: float
    total: float


class Ranked(NamedTuple):
    """A text of the head of a ranking, best first. `parts` say where its score comes from."""

    hash: str
    score: float
    parts: dict[str, float]


def score_names(
    query: Query, terms: Sequence[Term], texts: Mapping[str, Fields]
) -> dict[str, Score]:
    """Names count before strength, strength before form, form before route.

    Many texts share their names, and many their details: each is looked at once.
    """
    names: dict[tuple[str, ...], tuple[float, float]] = {}
    details: dict[tuple[str, ...], float] = {}
    asked = _Asked(terms)
    with_details = bool(query.strengths or query.forms or query.routes)
    scores = {}
    for one, fields in texts.items():
        named = columns_of(fields, NAME_COLUMNS)
        if named not in names:
            names[named] = asked.of(named)
        share, whole = names[named]
        total = share * (1 + whole)
        if with_details:
            detailed = columns_of(fields, DETAIL_COLUMNS)
            if detailed not in details:
                details[detailed] = _detailed(query, *detailed)
            total += details[detailed]
        scores[one] = Score(share, round(total, 6))
    return scores


def columns_of(fields: Fields, columns: Sequence[str]) -> tuple[str, ...]:
    """Their values; empty where a column is absent."""
    return tuple([fields.get(column, "") for column in columns])


class _Asked:
    """The words of a query, to be compared with names: each name once."""

    def __init__(self, terms: Sequence[Term]) -> None:
        wanted = [term for term in terms if not is_description(term.word)] or terms
        self._weights = {term.word: _weight(term.word) for term in wanted}
        self._weight = sum(self._weights.values())
        self._begun = next((term.word for term in terms if term.prefix), None)
        self._meant: dict[str, dict[str, float]] = {}
        for term in terms:
            for meaning, likeness in term.meanings.items():
                self._meant.setdefault(meaning, {})[term.word] = likeness
        self._names: dict[str, tuple[dict[str, float], float]] = {}

    def of(self, columns: Sequence[str]) -> tuple[float, float]:
        """The share of the query's words that names hold; of the best name, that it asks for."""
        held: dict[str, float] = {}
        whole = 0.0
        for column in columns:
            if column not in self._names:
                self._names[column] = self._compare(words_of(column))
            found, share = self._names[column]
            whole = max(whole, share)
            for word, likeness in found.items():
                held[word] = max(likeness, held.get(word, 0.0))
        weights = self._weights
        share = sum(held[word] * weights[word] for word in held if word in weights)
        return share / self._weight, whole

    def _compare(self, name: Sequence[str]) -> tuple[dict[str, float], float]:
        """How much of each word of the query the name holds, and the share of it that they are."""
        meant, begun = self._meant, self._begun
        tokens = [one for one in name if one in meant or (begun and one.startswith(begun))]
        held: dict[str, float] = {}
        said = 0.0
        for token in tokens:
            likeness = 0.0
            for word, like in self._meanings(token):
                likeness = max(likeness, like)
                held[word] = max(like, held.get(word, 0.0))
            said += likeness * _weight(token)
        return held, said / _heaviness(name) if said else 0.0

    def _meanings(self, token: str) -> Iterable[tuple[str, float]]:
        """The words of the query that may mean it, each with its likeness."""
        if token in self._meant:
            return self._meant[token].items()
        begun = self._begun or ""
        return ((begun, PREFIX * (0.8 + 0.2 * len(begun) / len(token))),)


@lru_cache(REMEMBERED)
def _heaviness(name: Sequence[str]) -> float:
    return sum(map(_weight, name))


def _weight(word: str) -> float:
    return MINOR if word in SALTS else 1.0


def _detailed(query: Query, strength: str, form: str, route: str) -> float:
    return (
        0.50 * _strength(query, strength)
        + 0.25 * _form(query, form)
        + 0.10 * _words_held(query.routes, route)
    )


def _strength(query: Query, strength: str) -> float:
    """The share of amounts that the query and the drug have in common."""
    if not query.strengths:
        return 0.0
    drug = [amounts_of(part) for part in strength.split(";") if part.strip()]
    volumes = {volume for one in drug for volume in one.volumes}
    wanted = set(query.strengths)
    met = {one for one in wanted if any(one in part.forms for part in drug)}
    missed = wanted - met - volumes
    extra = sum(not (part.forms & wanted) for part in drug)
    return len(met) / (len(met) + len(missed) + extra) if met else 0.0


def _form(query: Query, form: str) -> float:
    """Any form that is meant; a plain tablet before a film-coated one."""
    held = words_of(form)
    return 0.8 + 0.2 / len(held) if set(query.forms) & set(held) else 0.0


def _words_held(words: Sequence[str], value: str) -> float:
    held = set(words_of(value))
    return sum(word in held for word in words) / len(words) if words else 0.0


def are_decisive(scores: Mapping[str, Score]) -> bool:
    """True where the query spells a name: then no text comes before those found by name."""
    return max((score.share for score in scores.values()), default=0.0) >= SPELT


def rank_names(texts: Mapping[str, Fields], scores: Mapping[str, Score]) -> list[Ranked]:
    """The texts of a query that spells a name. Equal ones: fewest other words, then by column."""
    ranks = competition_ranks({one: score.total for one, score in scores.items()})

    def place(one: str) -> tuple[int, int, tuple[str, ...], str]:
        columns = columns_of(texts[one], (*NAME_COLUMNS, *DETAIL_COLUMNS))
        return ranks[one], sum(map(len, columns[: len(NAME_COLUMNS)])), columns, one

    return [
        Ranked(one, score, {"name": score, "words": scores[one].share})
        for one in sorted(texts, key=place)
        for score in (NAME_WEIGHT / ranks[one],)
    ]


def fuse(related: Related, scores: Mapping[str, Score]) -> list[Ranked]:
    """Reciprocal rank fusion of the three lists. Equal scores of names share their rank."""
    parts: dict[str, dict[str, float]] = {}
    for rank, hit in enumerate(related.nearest, RANK_OFFSET + 1):
        parts[hit.name] = {"meaning": 1 / rank, "cosine": 1 - hit.distance}
    for one in related.classed:
        parts.setdefault(one, {})["class"] = CLASS_WEIGHT / (RANK_OFFSET + 1)
    for one, rank in competition_ranks({one: of.total for one, of in scores.items()}).items():
        share = scores[one].share
        of = parts.setdefault(one, {})
        of["name"], of["words"] = share * share / (RANK_OFFSET + rank), share
    ranked = []
    for one, of in parts.items():
        score = of.get("meaning", 0.0) + of.get("class", 0.0) + of.get("name", 0.0)
        ranked.append((-score, -of.get("cosine", 0.0), one))
    ranked.sort()
    return [Ranked(one, -score, parts[one]) for score, _, one in ranked]


def competition_ranks(scores: Mapping[str, float]) -> dict[str, int]:
    """1 for the highest; equal scores share a rank, and the next one counts them all."""
    ranks: dict[str, int] = {}
    rank, last = 0, None
    for place, one in enumerate(sorted(scores, key=lambda one: (-scores[one], one)), 1):
        if scores[one] != last:
            rank, last = place, scores[one]
        ranks[one] = rank
    return ranks


def by_distance(hits: Iterable[Hit]) -> list[Hit]:
    """Nearest first; equally near ones by name, so that any two searches agree."""
    return sorted(hits, key=lambda hit: (hit.distance, hit.name))
