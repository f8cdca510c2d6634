"""Search: what a query names, what it describes, and what is near it in meaning, each apart.

An answer is in parts. A weaker part never replaces a stronger one, no part is padded, and an answer
may be empty. A filter excludes drugs and does not change the order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.search import Filters, SearchIndex
from workflow.search import notices
from workflow.search.asked import HEAD, UNDER_FILTERS, Asked, Texts
from workflow.search.by_ndc import by_ndc
from workflow.search.cards import Candidate, Drawer, Product
from workflow.search.described import Described
from workflow.search.filters import as_stored
from workflow.search.floor import Meaning
from workflow.search.known import known_names
from workflow.search.lookup import Lookup
from workflow.search.named import Named
from workflow.search.notices import Notice
from workflow.search.parts import Answer, Listed, Part, PartKind
from workflow.search.queries import understand
from workflow.search.ranking import Match
from workflow.search.synonyms import Synonyms, fda_synonyms
from workflow.search.used import queries_of

HIDDEN: Final = 30
"""Texts of the best part for which hidden packages are counted."""

NO_FILTERS: Final[Filters] = {}


def search(
    query: str,
    names: LiveNames,
    *,
    meaning: Meaning | None,
    index: SearchIndex,
    synonyms: Synonyms | None = None,
    limit: int = 10,
    offset: int = 0,
    packages: int = 5,
    filters: Filters = NO_FILTERS,
    as_written: bool = False,
) -> Answer:
    """`limit` products of one generation that pass the filters, after the first `offset`.

    The model is asked if the query names no drug; without one, the words alone are searched.
    `as_written`: no word is corrected.
    """
    digits = any(map(str.isdigit, query))
    by_key = by_ndc(query, names, index, filters) if digits else None
    if by_key is not None:
        return by_key
    known = known_names()
    asked = Asked(
        query=understand(query, synonyms or fda_synonyms(), known),
        names=names,
        meaning=meaning,
        index=index,
        filters=as_stored(filters, names, index),
        known=known,
    )
    asked.foresee(queries_of(asked))
    answer = _answer(*_named(asked, as_written=as_written), packages, limit, offset)
    # Nobody has a key without a digit, so this costs no command.
    by_key = None if digits or answer.parts else by_ndc(query, names, index, filters)
    return by_key or answer


def _named(asked: Asked, *, as_written: bool) -> tuple[Asked, Named]:
    """What the names find. If only a form is lay, the other words may be a misspelled name, or
    beginnings of names: `symbacort inhaler`, `ipra/albut nebs`."""
    named = Lookup(asked, as_written=as_written).named()
    if named.found or named.same or not asked.query.is_lay_by_form:
        return asked, named
    other = replace(asked, query=asked.query.without_lay)
    again = Lookup(other, as_written=as_written).named()
    return (other, again) if again.found or again.same else (asked, named)


def _answer(asked: Asked, named: Named, packages: int, limit: int, offset: int) -> Answer:
    """Asks for longer lists if a filter leaves too few of the usual ones."""
    wanted = limit + 1
    counts = (HEAD, UNDER_FILTERS) if asked.filters else (HEAD,)
    for count in counts:
        described = Described(asked, count)
        drawer = Drawer(asked, packages)
        listed = list(_named_parts(named))
        if not named.decided and (asked.query.lay or not named.found):
            listed += described.parts(named)
        texts: list[str] = []
        taken = _take(listed, drawer, wanted, offset, texts)
        more = sum(len(part.products) for part in taken) == wanted
        if more or not described.cut:
            break
    parts = _without_last(taken) if more else taken
    last = () if offset else _last_notices(asked, parts, listed, drawer)
    cut = [notices.cut_short()] if drawer.cut else []
    out = asked.query.without
    without = [notices.left_out(out.words)] if out.words and out.typed else []
    without += [notices.not_left_out(out.unread)] if out.unread else []
    return Answer(parts, [*without, *named.notices, *described.notices, *cut, *last], texts, more)


def _named_parts(named: Named) -> Iterator[Listed]:
    about = tuple(sorted(named.about))
    for kind, matches in (
        (PartKind.FOUND, named.found),
        (PartKind.SAME_SUBSTANCE, named.same),
        (PartKind.OTHERS, named.others),
        (PartKind.BEGINS, named.begins),
    ):
        if matches:
            said = about if kind in (PartKind.FOUND, PartKind.SAME_SUBSTANCE) else ()
            yield Listed(kind, said, _candidates(matches, named.texts, _why(kind, said)))


def _last_notices(
    asked: Asked, parts: Sequence[Part], listed: Sequence[Listed], drawer: Drawer
) -> Iterator[Notice]:
    shown = {part.kind for part in parts}
    best = next(iter(listed), None)
    if asked.filters and best and best.kind not in shown:
        hidden = drawer.hidden([one.hash for one in best.candidates][:HIDDEN])
        if hidden:
            yield notices.filters_hide(hidden)
    if not parts:
        yield notices.nothing_found(asked.query.text)


def _take(
    listed: Sequence[Listed], drawer: Drawer, limit: int, offset: int, texts: list[str]
) -> list[Part]:
    """The products of all parts in a row, without the first `offset`."""
    texts += [candidate.hash for one in listed for candidate in one.candidates]
    products: list[list[Product]] = [[] for _ in listed]
    cards = drawer.cards([one.candidates for one in listed], offset + limit)
    for number, card in islice(cards, offset, offset + limit):
        products[number].append(card)
    return [Part(one.kind, one.about, of) for one, of in zip(listed, products, strict=True) if of]


def _without_last(parts: Sequence[Part]) -> list[Part]:
    """Without the extra product, which only shows whether there are more."""
    *most, last = parts
    kept = last._replace(products=last.products[:-1])
    return [*most, kept] if kept.products else most


def _candidates(matches: Sequence[Match], texts: Texts, why: str) -> list[Candidate]:
    return [Candidate(one.hash, texts[one.hash], why) for one in matches]


def _why(kind: PartKind, about: Sequence[str]) -> str:
    if kind == PartKind.FOUND:
        return "has the name"
    if kind == PartKind.BEGINS:
        return "its name begins so"
    if kind == PartKind.OTHERS:
        return "has the name, and other substances"
    return f"is {notices.listed(about)}" if about else "has the same substances"
