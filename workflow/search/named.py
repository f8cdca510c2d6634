"""The parts of an answer that names have found: the drug itself, its equivalents, mixtures."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from workflow.search import notices, telling
from workflow.search.asked import Asked, Texts
from workflow.search.known import Substances
from workflow.search.matches import Matcher
from workflow.search.naming import Term, meant_sets
from workflow.search.notices import Notice
from workflow.search.ranking import Match, is_asked, match, own_substances
from workflow.search.strength_met import weights_of


class Named(NamedTuple):
    """Texts in their order, by part. `decided`: the query is about names, not about a meaning."""

    found: list[Match]
    same: list[Match]
    others: list[Match]
    begins: list[Match]
    texts: Texts
    notices: list[Notice]
    about: Substances
    decided: bool
    read: Mapping[str, str]


class Sharer:
    """Distributes the texts of one query to the parts. `told`: the notices so far."""

    def __init__(self, asked: Asked, matcher: Matcher, told: Sequence[Notice]) -> None:
        self._query, self._known, self._matcher = asked.query, asked.known, matcher
        self._told = told

    def named(
        self,
        matches: Sequence[Match],
        terms: Sequence[Term],
        read_as: Mapping[str, str],
        *,
        decided: bool,
        begins: Sequence[Match] = (),
        apart: bool = False,
    ) -> Named:
        """`apart`: each match is for one of the terms."""
        each = frozenset(one for term in terms for one in term.means)
        meant = each if apart else meant_sets(terms)
        found = [one for one in matches if one.by_name and is_asked(one, meant, self._query)]
        meant = meant or own_substances(found, self._known)
        same = [one for one in _without(found, matches) if one.substances in meant]
        if found and not same and not any(term.means for term in terms):
            same = self._equivalents(found, meant)
        generic = all(self._known.is_generic(one.name) for one in terms)
        wanted = self._query.has_amounts or self._query.forms or self._query.routes
        if wanted and generic:
            # However a substance is spelled, the right strength and form come before the others.
            found, same = sorted((*found, *same), key=lambda one: one.place), []
        shown = [*found, *same]
        others = [one for one in _without(shown, matches) if one.substances not in meant]
        # Beside the drug itself, mixtures of its name; if there is none, of a generic's substance:
        # of aspirin for `asa`, but no Percocet for OxyContin.
        others = [one for one in others if one.by_name or (generic and not (shown or one.unasked))]
        return Named(
            found,
            same,
            others,
            [] if shown else list(begins),
            self._matcher.texts,
            [*self._told, *self._notices(matches, terms, found, same, meant, apart=apart)],
            next(iter(meant), frozenset()) if len(meant) == 1 else frozenset(),
            decided,
            read_as,
        )

    def _notices(
        self,
        matches: Sequence[Match],
        terms: Sequence[Term],
        found: Sequence[Match],
        same: Sequence[Match],
        meant: frozenset[Substances],
        *,
        apart: bool,
    ) -> list[Notice]:
        told: list[Notice] = []
        if matches and not (found or same):
            told += [] if apart else telling.combined(terms, matches)
        elif same and not found:
            told += telling.substance(terms, meant)
        shown = list(chain(found, same))
        return told + (self._of_strength(shown) if self._query.has_amounts and shown else [])

    def _of_strength(self, shown: Sequence[Match]) -> list[Notice]:
        asked = self._query.text
        have = [one for one in shown if one.has_amounts]
        if not have:
            return [notices.strength_missing(asked)]
        if not all(one.as_sum for one in have):
            return []
        return [
            notices.strength_is_sum(asked, weights_of(self._matcher.texts[have[0].hash].amounts))
        ]

    def _equivalents(self, found: Sequence[Match], meant: frozenset[Substances]) -> list[Match]:
        """For a brand that only the catalog knows: the other names of its substances."""
        if len(meant) != 1:
            return []
        substances = next(iter(meant))
        texts = self._matcher.ask([tuple((tuple(one.split()),) for one in sorted(substances))])[0]
        others = _without(found, match(self._query, [], texts))
        return [one for one in others if one.substances == substances]


def _without(some: Sequence[Match], matches: Sequence[Match]) -> list[Match]:
    held = {one.hash for one in some}
    return [one for one in matches if one.hash not in held]
