"""What a query's names find: texts by name, substance or prefix, and notices about them."""

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Final, NamedTuple

from workflow.contract.ports.search import ClassQuery, NameQuery
from workflow.search import notices, telling
from workflow.search.asked import HEAD, Asked, Texts
from workflow.search.facts import Facts
from workflow.search.known import NOTHING, Substances
from workflow.search.naming import (
    Term,
    alternatives_of,
    are_names,
    is_unknown,
    may_go_on,
    meant_sets,
    terms_of,
)
from workflow.search.notices import Notice
from workflow.search.ranking import Match, any_usable, is_asked, match, own_substances
from workflow.search.spelling import SHORTEST, Reading, may_be_misspelt, read, unless_begun
from workflow.search.vocabulary import KINDS

MOST_UNKNOWN: Final = 2
"""A query with more unknown words than this is a sentence, not a misspelled name."""

MOST_TERMS: Final = 12
"""Terms that are looked up one by one: each is a command or two."""

_Alternatives = tuple[tuple[tuple[str, ...], ...], ...]


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


class Lookup:
    """The names of one space, asked for one query."""

    def __init__(self, asked: Asked, *, as_written: bool = False) -> None:
        self._as_written = as_written
        self._asked, self._query, self._known = asked, asked.query, asked.known
        self._texts: dict[str, Facts] = {}
        self._notices: list[Notice] = []

    def named(self) -> Named:
        """One or two round trips if all words are names; more if some are not."""
        terms = terms_of(self._query, self._known)
        asks = [term for term in terms if self._known.asks(term.name)]
        if asks:
            self._notices += telling.which(asks)
            return self._answer([], terms, {}, decided=True)
        if self._says_kind(terms) and self._is_class():
            return self._answer([], [], {}, decided=False)
        matches = [*self._named_so(), *self._match(terms)]
        if matches and all(term.lay for term in terms):
            matches = [one for one in matches if not one.unasked]
            if not matches:
                return self._answer([], [], {}, decided=False)
        if not any_usable(matches, terms) and (grown := self._grown_together()):
            return self._answer(grown, [], {}, decided=True)
        if any_usable(matches, terms) or not terms:
            return self._answer(
                matches, terms, {}, decided=are_names(terms, self._query, self._known)
            )
        if self._is_class():
            return self._answer([], [], {}, decided=False)
        if matches:
            return self._answer(
                matches, terms, {}, decided=are_names(terms, self._query, self._known)
            )
        return self._one_by_one(terms)

    def _named_so(self) -> list[Match]:
        """Lay words are a name if a drug has exactly this name.

        A homeopathic that is called `Nausea` is none, unless one is asked for.
        """
        words = self._query.words
        if not self._query.lay or not words:
            return []
        matches = self._match([Term(words, NOTHING, " ".join(words))])
        return [one for one in matches if one.named_so and not one.unasked]

    def _grown_together(self) -> list[Match]:
        """A name and its strength that are one word in the catalog: `Quorvex10mg`."""
        whole = self._query.whole
        if whole == self._query.words:
            return []
        return [one for one in self._match([Term(whole, NOTHING, " ".join(whole))]) if one.named_so]

    def _says_kind(self, terms: Sequence[Term]) -> bool:
        """True if an enzyme's name means its inhibitors, not a drug: `protease inhibitor`."""
        named = {word for term in terms for word in term.words}
        return any(word in KINDS and word not in named for word in self._query.words)

    def _is_class(self) -> bool:
        """The query's words are those of a class, not of a drug: `kinase inhibitor`."""
        words = self._query.undescribed
        if self._query.lay or not words:
            return False
        return any(self._asked.classed([ClassQuery(words, exact=False)], HEAD))

    def _match(self, terms: Sequence[Term]) -> list[Match]:
        """Texts that contain every term, by name or by substance."""
        return self._match_each([terms])[0] if terms else []

    def _match_each(self, several: Sequence[Sequence[Term]]) -> list[list[Match]]:
        """The same for several lists of terms, in one round trip, or in two."""
        texts = self._ask([tuple(map(alternatives_of, terms)) for terms in several])
        full = [n for n, one in enumerate(texts) if len(one) >= self._asked.name_count]
        # Too many: those with exactly this spelling must be among them.
        spelt = self._ask([tuple((term.words,) for term in several[n]) for n in full])
        for number, one in zip(full, spelt, strict=True):
            texts[number] = {**one, **texts[number]}
        return [match(self._query, terms, of) for terms, of in zip(several, texts, strict=True)]

    def _ask(self, several: Sequence[_Alternatives], prefix: str = "") -> list[Texts]:
        forms = tuple(word for form in self._query.forms for word in form)
        found = self._asked.named(
            [NameQuery(terms, prefix, self._query.numbers, forms) for terms in several]
        )
        for one in found:
            self._texts |= one
        return found

    def _one_by_one(self, terms: Sequence[Term]) -> Named:
        """Which of the terms the catalog has. The others are misspelled, missing here, or not
        names."""
        terms = terms[:MOST_TERMS]
        present = self._present(terms)
        unknown = [one for one in terms if not present[one.typed] and is_unknown(one, self._known)]
        begins = self._begin(terms[-1]) if not present[terms[-1].typed] else []
        sentence = len(unknown) > MOST_UNKNOWN
        readings = {} if sentence or self._as_written else self._readings(unknown)
        if begins:
            readings = unless_begun(readings, [one.substances for one in begins], self._known)
        read_as = {word: one.read_as for word, one in readings.items() if one.read_as}
        if read_as:
            terms = terms_of(self._query, self._known, read_as)
            anew = [one for one in terms if one.typed in read_as or one.typed not in present]
            present |= self._present(anew)
            self._notices += [notices.read_as(word, name) for word, name in read_as.items()]
        self._notices += telling.missing(terms, present, readings, self._known)
        if not sentence:
            self._notices += telling.unknown(
                terms, present, readings, self._known, begun=bool(begins)
            )
        kept = [one for one in terms if present.get(one.typed) or one.typed in read_as]
        if any(one.means for one in terms):
            kept = [one for one in kept if one.means]
        # Few letters of an unknown name are in the names of other drugs: `k dur` is no Nitro-Dur.
        kept = [one for one in kept if one.means or len(one.name) >= SHORTEST]
        matches = self._match(kept)
        if not any_usable(matches, kept) and (apart := self._apart(kept)):
            self._notices.append(notices.not_together([one.typed for one in kept]))
            return self._answer(apart, kept, read_as, decided=True, apart=True)
        decided = bool(matches or begins or any(one.may_be for one in readings.values()))
        decided = decided or (not sentence and are_names(terms, self._query, self._known))
        return self._answer(matches, kept, read_as, decided=decided, begins=begins)

    def _present(self, terms: Sequence[Term]) -> dict[str, bool]:
        """Whether the catalog has each of them."""
        found = self._match_each([[term] for term in terms])
        return {term.typed: bool(one) for term, one in zip(terms, found, strict=True)}

    def _apart(self, terms: Sequence[Term]) -> list[Match]:
        """Each name separately, if no drug has all of them."""
        if len(terms) < 2 or not all(term.means for term in terms):
            return []
        found = self._match_each([[term] for term in terms])
        turns = chain.from_iterable(zip_longest(*found))
        return list({one.hash: one for one in turns if one is not None}.values())

    def _readings(self, unknown: Sequence[Term]) -> dict[str, Reading]:
        # A short word beside others is a word of a sentence: `my face hurts`.
        alone = len(self._query.telling) == 1
        words = [one.words[0] for one in unknown if may_be_misspelt(one.words[0], alone=alone)]
        return {word: read(word, self._known, self._spellings) for word in words}

    def _spellings(self, word: str, edits: int) -> Sequence[str]:
        found = self._asked.index.spellings(self._asked.names.space, [word], edits)
        return found.get(word, ())

    def _begin(self, last: Term) -> list[Match]:
        """Texts with a name that begins as the last word does: it may still be being typed."""
        if not may_go_on(last, self._query) or self._known.is_name(last.name):
            return []
        texts = self._ask([()], last.words[0])[0]
        return [one for one in match(self._query, [], texts) if not one.unasked]

    def _answer(
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
        held = {one.hash for one in found}
        same = [one for one in matches if one.hash not in held and one.substances in meant]
        if found and not same and not any(term.means for term in terms):
            same = self._equivalents(found, meant)
        if self._query.has_amounts and all(self._known.is_generic(one.name) for one in terms):
            # However a substance is spelled, the right strength comes before the others.
            found, same = sorted((*found, *same), key=lambda one: one.place), []
            held = {one.hash for one in found}
        others = [
            one
            for one in matches
            if one.by_name and one.hash not in held and one.substances not in meant
        ]
        if matches and not (found or same):
            self._notices += [] if apart else telling.combined(terms, len(matches))
        elif same and not found:
            self._notices += telling.substance(terms, meant)
        shown = (*found, *same)
        if self._query.has_amounts and shown and not any(one.has_amounts for one in shown):
            self._notices.append(notices.strength_missing(self._query.text))
        begins = () if found or same else begins
        about = next(iter(meant), frozenset()) if len(meant) == 1 else frozenset()
        return Named(
            found, same, others, list(begins), self._texts, self._notices, about, decided, read_as
        )

    def _equivalents(self, found: Sequence[Match], meant: frozenset[Substances]) -> list[Match]:
        """For a brand that only the catalog knows: the other names of its substances."""
        if len(meant) != 1:
            return []
        substances = next(iter(meant))
        texts = self._ask([tuple((tuple(one.split()),) for one in sorted(substances))])[0]
        held = {one.hash for one in found}
        others = match(self._query, [], texts)
        return [one for one in others if one.hash not in held and one.substances == substances]
