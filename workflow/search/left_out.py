"""What a query must not be answered with: `tylenol without codeine`, `metformin not er`."""

from collections.abc import Sequence
from itertools import chain, takewhile
from typing import Final, NamedTuple

from workflow.search.known import LONGEST_NAME, KnownNames, Meanings
from workflow.search.substances import SALTS, salts_of
from workflow.search.synonyms import Synonyms
from workflow.search.vocabulary import (
    BETWEEN,
    FORMS,
    FREE,
    KINDS,
    KINDS_OF_DRUGS,
    NEGATED_VERBS,
    NEGATIONS,
    ROUTES,
    VERBS,
    is_description,
)

LISTING: Final = ("or", "nor", "and")
NEGATING: Final = NEGATIONS | NEGATED_VERBS


class Without(NamedTuple):
    """What an answer must not contain: `words` of the query, and what they mean.

    `named` are words that its names must not hold all of, `salts` those that they must not hold
    any of; `described` words of forms and routes. `unread` are negated words that mean none of
    these. `typed`: the query has words of exclusion; a form that it asks for may exclude another.
    """

    words: tuple[str, ...]
    means: tuple[Meanings, ...] = ()
    named: tuple[tuple[str, ...], ...] = ()
    salts: frozenset[str] = frozenset()
    classes: tuple[str, ...] = ()
    described: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()
    typed: bool = True


NOTHING_LEFT_OUT: Final = Without(())


def left_out(
    words: tuple[str, ...], synonyms: Synonyms, known: KnownNames
) -> tuple[tuple[str, ...], Without]:
    """The words without those that are negated: `tylenol without codeine`, `aspirin free`.

    They are names, lay words, salts, forms and routes. Products are called `Preservative Free`, so
    other words stay. A negation that belongs to a name or to lay words is none: `non steroidal`.
    """
    lay = synonyms.meant_by(words, known).lay
    if known.means(" ".join(words)) or not excludes(words):
        return words, NOTHING_LEFT_OUT
    kept: list[str] = []
    out: list[tuple[str, ...]] = []
    unread: list[str] = []
    place = 0
    while place < len(words):
        negates = words[place] in NEGATING
        start, size = _negated(words, place, negates, synonyms, known)
        if negates and _is_of_a_verb(words, place):
            negates = _is_of_drugs(words[start : start + size], lay, known)
            size = size if negates else 0
        if not size or words[start - 1 if negates else place + 1] in lay:
            if negates and not size and lay.isdisjoint(words[place : start + 1]):
                unread += words[start : start + 1]
            kept.append(words[place])
            place += 1
            continue
        out.append(words[start : start + size])
        place = start + size if negates else place + 2
        while words[place : place + 1] and words[place] in LISTING:
            size = _size_left_out(words[place + 1 :], synonyms, known)
            if not size:
                break
            out.append(words[place + 1 : place + 1 + size])
            place += 1 + size
    return tuple(kept), _without(tuple(kept), out, synonyms, known)._replace(unread=tuple(unread))


def excludes(words: Sequence[str]) -> bool:
    """True if some are words of exclusion."""
    return FREE in words or not NEGATING.isdisjoint(words)


def _is_of_a_verb(words: Sequence[str], place: int) -> bool:
    if words[place] == "not":
        return place > 0 and words[place - 1] in VERBS
    return words[place] in NEGATED_VERBS


def _is_of_drugs(words: Sequence[str], lay: frozenset[str], known: KnownNames) -> bool:
    """Not lay words of a use, which somebody can not do: `can not sleep`."""
    if not words:
        return False
    if words[0] in FORMS or _meant(" ".join(words), known) or not lay.intersection(words):
        return True
    return any(
        word.startswith("anti") or not KINDS_OF_DRUGS.isdisjoint((word, word.removesuffix("s")))
        for word in words
    )


def _without(
    kept: tuple[str, ...], out: Sequence[tuple[str, ...]], synonyms: Synonyms, known: KnownNames
) -> Without:
    """What the words that are left out mean.

    What is called so is left out, and what has the substance. `warfarin not coumadin` asks for the
    other warfarins, so there only the name counts.
    """
    asked = {one for word in (*kept, " ".join(kept)) for one in known.means(word)}
    means: list[Meanings] = []
    named: list[tuple[str, ...]] = []
    for words in out:
        meant = _meant(" ".join(words), known)
        if meant:
            named.append(tuple(_singular(" ".join(words), known).split()))
        if meant and not asked & meant:
            means.append(meant)
    classes = (name for one in out for name in synonyms.meant_by(one, known).classes)
    described = (word for one in out if is_description(one[0]) for word in _described(one[0]))
    return Without(
        words=tuple(map(" ".join, out)),
        means=tuple(means),
        named=tuple(named),
        salts=frozenset(salts_of(one[0] for one in out)),
        classes=tuple(dict.fromkeys(classes)),
        described=frozenset(described),
    )


def _negated(
    words: tuple[str, ...], place: int, negates: bool, synonyms: Synonyms, known: KnownNames
) -> tuple[int, int]:
    """Where what is negated here begins, and how many words it has; none if it is 0.

    `place` has the negation, or the only word before `free`.
    """
    if not negates:
        is_free = FREE in words[place + 1 : place + 2]
        return place, int(is_free and bool(_size(words[place : place + 1], synonyms, known)))
    start = place + 1
    while start < len(words) and words[start] in BETWEEN:
        start += 1
    return start, _size_left_out(words[start:], synonyms, known)


def _size_left_out(words: tuple[str, ...], synonyms: Synonyms, known: KnownNames) -> int:
    """How many of the first words are a name, lay words, a salt, a form or a route."""
    is_salt = bool(words) and words[0] in SALTS
    return _size(words, synonyms, known) or int(is_salt) or _described_size(words)


def _size(words: tuple[str, ...], synonyms: Synonyms, known: KnownNames) -> int:
    """How many of the first words are a name, the longest, or lay words, the fewest.

    Those that end in a kind of drugs come before: the `ace` of `ace inhibitor` may be an ache.
    """
    spans = [words[:size] for size in range(1, min(LONGEST_NAME, len(words)) + 1)]
    named = [len(span) for span in reversed(spans) if _meant(" ".join(span), known)]
    spans.sort(key=lambda span: span[-1] not in KINDS)
    lay = (len(span) for span in spans if synonyms.meant_by(span, known).lay.issuperset(span))
    return next(chain(named, lay), 0)


def _meant(name: str, known: KnownNames) -> Meanings:
    """An abbreviation that is a drug only next to another counts, too: `cough syrup no dm`."""
    one = _singular(name, known)
    return known.means(one) or known.beside(one)


def _singular(name: str, known: KnownNames) -> str:
    """`no penicillins` is no penicillin."""
    one = name.removesuffix("s")
    return one if known.means(one) and not known.is_name(name) else name


def _described_size(words: tuple[str, ...]) -> int:
    """One form or route at the beginning, such as `extended release`."""
    if not words or not is_description(words[0]):
        return 0
    return 1 + len(list(takewhile(lambda word: FORMS.get(word) == (), words[1:])))


def _described(word: str) -> tuple[str, ...]:
    """The words that a form or a route has, where this one is asked for."""
    return FORMS.get(word) or (ROUTES.get(word, word),)
