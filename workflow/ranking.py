"""How well a text answers a query: by its names, by its classes, by its meaning, and all fused."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from workflow.columns import NAME_COLUMNS
from workflow.ports import Fields, Hit, TextHits
from workflow.queries import Query, amounts_of, is_description, words_of
from workflow.vocabulary import SALTS

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


class Ranked(NamedTuple):
    """A text of the head of a ranking, best first. `parts` say where its score comes from."""

    hash: str
    score: float
    parts: dict[str, float]


def score_names(query: Query, terms: Sequence[Term], fields: Fields) -> tuple[float, float]:
    """The share of the query's words that the names hold, and the score with all details.

    The score counts names before strength, strength before form, form before route.
    """
    names = [words_of(fields.get(column, "")) for column in NAME_COLUMNS]
    held = {token for name in names for token in name}
    wanted = [term for term in terms if not is_description(term.word)] or terms
    share = _mean([(_found(term, held), _weight(term.word)) for term in wanted])
    whole = max((_whole(name, terms) for name in names if name), default=0.0)
    detail = (
        0.50 * _strength(query, fields)
        + 0.25 * _form(query, fields)
        + 0.10 * _words_held(query.routes, fields.get("route", ""))
    )
    return share, round(share * (1 + whole) + detail, 6)


def _found(term: Term, held: Iterable[str]) -> float:
    """How much one of the held words is what the term means."""
    best = 0.0
    for token in held:
        likeness = term.meanings.get(token, 0.0)
        if term.prefix and token != term.word and token.startswith(term.word):
            likeness = max(likeness, PREFIX * (0.8 + 0.2 * len(term.word) / len(token)))
        best = max(best, likeness)
    return best


def _whole(name: Sequence[str], terms: Sequence[Term]) -> float:
    """The share of a name's words that the query holds: 1 where it is the name itself."""
    return _mean([(_best(terms, token), _weight(token)) for token in name])


def _best(terms: Sequence[Term], token: str) -> float:
    return max((_found(term, (token,)) for term in terms), default=0.0)


def _weight(word: str) -> float:
    return MINOR if word in SALTS else 1.0


def _mean(values: Sequence[tuple[float, float]]) -> float:
    total = sum(weight for _, weight in values)
    return sum(value * weight for value, weight in values) / total if total else 0.0


def _strength(query: Query, fields: Fields) -> float:
    """The share of amounts that the query and the drug have in common."""
    if not query.strengths:
        return 0.0
    drug = [amounts_of(part) for part in fields.get("strength", "").split(";") if part.strip()]
    volumes = {volume for one in drug for volume in one.volumes}
    wanted = set(query.strengths)
    met = {one for one in wanted if any(one in part.forms for part in drug)}
    missed = wanted - met - volumes
    extra = sum(not (part.forms & wanted) for part in drug)
    return len(met) / (len(met) + len(missed) + extra) if met else 0.0


def _form(query: Query, fields: Fields) -> float:
    """Any form that is meant; a plain tablet before a film-coated one."""
    held = words_of(fields.get("dosage_form", ""))
    return 0.8 + 0.2 / len(held) if set(query.forms) & set(held) else 0.0


def _words_held(words: Sequence[str], value: str) -> float:
    held = set(words_of(value))
    return sum(word in held for word in words) / len(words) if words else 0.0


def fuse(hits: TextHits, names: Mapping[str, tuple[float, float]]) -> list[Ranked]:
    """Reciprocal rank fusion of the three lists. Equal scores of names share their rank.

    Where the query spells a name, the names' list weighs so much that meaning only breaks ties.
    """
    nearest = {hit.name: (rank, hit.distance) for rank, hit in enumerate(hits.nearest, 1)}
    ranks = competition_ranks({one: score for one, (_, score) in names.items()})
    classed = set(hits.classed)
    best = max((share for share, _ in names.values()), default=0.0)
    decisive = best >= SPELT
    found = []
    for one in dict.fromkeys([*ranks, *nearest, *hits.classed]):
        parts: dict[str, float] = {}
        if one in nearest:
            rank, distance = nearest[one]
            parts["meaning"] = 1 / (RANK_OFFSET + rank)
            parts["cosine"] = 1 - distance
        if one in classed:
            parts["class"] = CLASS_WEIGHT / (RANK_OFFSET + 1)
        if one in ranks:
            share, _ = names[one]
            weight = NAME_WEIGHT if decisive else share * share
            parts["name"] = weight / ((1 if decisive else RANK_OFFSET) + ranks[one])
            parts["words"] = share
        score = sum(parts.get(part, 0.0) for part in ("meaning", "class", "name"))
        found.append(Ranked(one, score, parts))
    return sorted(found, key=lambda one: (-one.score, -one.parts.get("cosine", 0.0), one.hash))


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
