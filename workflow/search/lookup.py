"""What a query's names find: texts by name, substance or prefix, and notices about them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from typing import Final

from workflow.contract.ports.search import ClassQuery
from workflow.search import notices, telling
from workflow.search.asked import HEAD, Asked
from workflow.search.begun import begun
from workflow.search.known import NOTHING
from workflow.search.matches import Matcher
from workflow.search.named import Named, Sharer
from workflow.search.naming import (
    Term,
    are_names,
    is_unknown,
    may_go_on,
    spelled,
    terms_of,
)
from workflow.search.notices import Notice
from workflow.search.ordinary import ORDINARY
from workflow.search.ranking import Match, any_usable, match
from workflow.search.several import chosen
from workflow.search.shortened import SpelledOut, spelled_out
from workflow.search.spelling import SHORTEST, Reading, may_be_misspelt, read, unless_begun
from workflow.search.vocabulary import KINDS

MOST_UNKNOWN: Final = 2
"""A query with more unknown words than this is a sentence, not a misspelled name."""

MOST_TERMS: Final = 12
"""Terms that are looked up one by one: each is a command or two."""


class Lookup:
    """The names of one space, asked for one query."""

    def __init__(self, asked: Asked, *, as_written: bool = False) -> None:
        self._as_written = as_written
        self._asked, self._query, self._known = asked, asked.query, asked.known
        self._matcher = Matcher(asked)
        self._notices: list[Notice] = []
        self._named = Sharer(asked, self._matcher, self._notices).named

    def named(self) -> Named:
        """One or two round trips if all words are names; more if some are not."""
        terms = terms_of(self._query, self._known)
        if any(self._known.asks(term.name) for term in terms):
            one = self._spelled_out(terms) or self._begun(terms) or self._narrowed(terms)
            if one:
                return one
            read = chosen(terms, self._matcher, self._known)
            self._notices += read.notices
            if not read.decided:
                return self._named([], terms, {}, decided=True)
            terms = read.terms
        if self._beside(terms):
            return self._named([], [], {}, decided=True)
        if self._says_kind(terms) and self._is_class():
            return self._named([], [], {}, decided=False)
        matches = [*self._named_so(), *self._matcher.match(terms)]
        if self._only_has_the_word(matches, terms):
            one = self._spelled_out(terms, sure=True) or self._begun(terms, sure=True)
            if one:
                return one
        if matches and self._only_homeopathic(matches, terms):
            return self._named([], [], {}, decided=False)
        if matches and self._query.lay:
            matches = [one for one in matches if not one.unasked]
            if not matches:
                return self._named([], [], {}, decided=False)
        if not any_usable(matches, terms) and (grown := self._grown_together()):
            return self._named(grown, [], {}, decided=True)
        if any_usable(matches, terms) or not terms:
            return self._named(
                matches, terms, {}, decided=are_names(terms, self._query, self._known)
            )
        if self._is_class():
            return self._named([], [], {}, decided=False)
        if matches:
            return self._named(
                matches, terms, {}, decided=are_names(terms, self._query, self._known)
            )
        return self._one_by_one(terms)

    def _only_has_the_word(self, matches: Sequence[Match], terms: Sequence[Term]) -> bool:
        """An unknown word is in names, but none of these drugs has the strength and the form asked
        for: no Dex-Moxi for `moxi 0.5% ophth`."""
        return (
            bool(matches)
            and any(not term.means and not self._known.is_name(term.name) for term in terms)
            and not any(map(self._matcher.fits, matches))
        )

    def _beside(self, terms: Sequence[Term]) -> bool:
        """Asks for what an abbreviation means only next to another drug: `pe`."""
        if len(terms) != 1 or not self._known.beside(terms[0].name):
            return False
        if any(self._matcher.match(terms)):
            return False
        means = terms[0]._replace(means=self._known.beside(terms[0].name))
        self._notices += telling.which([means])
        return True

    def _only_homeopathic(self, matches: Sequence[Match], terms: Sequence[Term]) -> bool:
        """A homeopathic product does not answer lay words, a class, or a word within its names. It
        answers its own name, the beginning of it, and its substances.
        """
        if not all(one.unasked for one in matches) or any(one.named_so for one in matches):
            return False
        if all(term.means and not term.lay for term in terms):
            return False
        if all(term.lay for term in terms) or self._is_class():
            return True
        if self._is_substance(matches):
            return False
        texts = self._matcher.texts
        return not any(texts[one.hash].begins_with(terms[0].words) for one in matches)

    def _is_substance(self, matches: Sequence[Match]) -> bool:
        """The first word of a substance's name, or words in a row: `pulsatilla`, `rhus tox`."""
        words, texts = self._query.telling, self._matcher.texts
        if self._query.lay or not ORDINARY.isdisjoint(words):
            return False
        if len(words) > 1:
            return any(texts[one.hash].says_together(words) for one in matches)
        return any(one.split()[0] in words for one in self._known.begun_by(words))

    def _named_so(self) -> list[Match]:
        """Lay words are a name if a drug has exactly this name.

        A homeopathic product called `Nausea` does not count, unless one is asked for.
        """
        words = self._query.words
        if not self._query.lay or not words:
            return []
        matches = self._matcher.match([Term(words, NOTHING, " ".join(words))])
        return [one for one in matches if one.named_so and not one.unasked]

    def _grown_together(self) -> list[Match]:
        """A name and its strength that are one word in the catalog: `Quorvex10mg`."""
        whole = self._query.whole
        if whole == self._query.words:
            return []
        return [
            one
            for one in self._matcher.match([Term(whole, NOTHING, " ".join(whole))])
            if one.named_so
        ]

    def _says_kind(self, terms: Sequence[Term]) -> bool:
        """True if an enzyme's name means its inhibitors, not a drug: `protease inhibitor`."""
        named = {word for term in terms for word in term.words}
        return any(word in KINDS and word not in named for word in self._query.words)

    def _is_class(self) -> bool:
        """The query's words are those of a class, not of a drug: `kinase inhibitor`."""
        words = self._query.of_class
        if self._query.lay or not words:
            return False
        return any(self._asked.classed([ClassQuery(words, exact=False)], HEAD))

    def _one_by_one(self, terms: Sequence[Term]) -> Named:
        """Which of the terms the catalog has. The others are misspelled, missing here, or not
        names."""
        if short := self._spelled_out(terms) or self._begun(terms):
            return short
        terms = terms[:MOST_TERMS]
        present = self._matcher.present(terms)
        unknown = [one for one in terms if not present[one.typed] and is_unknown(one, self._known)]
        if named := self._written_apart(unknown):
            return named
        begins = self._begin(terms[-1]) if not present[terms[-1].typed] else []
        sentence = len(unknown) > MOST_UNKNOWN
        readings = {} if sentence or self._as_written else self._readings(unknown)
        if begins:
            readings = unless_begun(readings, [one.substances for one in begins], self._known)
        read_as = {word: one.read_as for word, one in readings.items() if one.read_as}
        if read_as:
            terms = terms_of(self._query, self._known, read_as)
            anew = [one for one in terms if one.typed in read_as or one.typed not in present]
            present |= self._matcher.present(anew)
            self._notices += [notices.read_as(word, name) for word, name in read_as.items()]
        self._notices += telling.missing(terms, present, readings, self._known, self._query)
        if not self._as_written:
            self._notices += telling.nearest(terms, present, self._known)
        if not sentence:
            self._notices += telling.unknown(
                terms, present, readings, self._known, self._query, begun=bool(begins)
            )
        kept = [one for one in terms if present.get(one.typed) or one.typed in read_as]
        if any(one.means for one in terms):
            kept = [one for one in kept if one.means]
        # Few letters of an unknown name are in the names of other drugs: `k dur` is no Nitro-Dur.
        kept = [one for one in kept if one.means or len(one.name) >= SHORTEST]
        matches = self._matcher.match(kept)
        if len(kept) < len(terms) and not any(one.means for one in kept):
            matches = self._called(matches, kept)
        if not any_usable(matches, kept) and (apart := self._apart(kept)):
            self._notices.append(notices.not_together([one.typed for one in kept]))
            return self._named(apart, kept, read_as, decided=True, apart=True)
        decided = bool(matches or begins or any(one.may_be for one in readings.values()))
        decided = decided or (not sentence and are_names(terms, self._query, self._known))
        # One unknown word and a strength are a drug that is not here, not a meaning.
        decided = decided or (self._query.has_amounts and len(terms) == 1 and not self._query.lay)
        return self._named(matches, kept, read_as, decided=decided, begins=begins)

    def _written_apart(self, unknown: Sequence[Term]) -> Named | None:
        """Asks anew for names of two words that are one in the query: `solumedrol`."""
        apart = {one.typed: self._known.grown_together(one.name) for one in unknown}
        apart = {word: name for word, name in apart.items() if name}
        if not apart or self._as_written:
            return None
        query = self._query
        words, whole = (
            tuple(part for word in of for part in apart.get(word, word).split())
            for of in (query.words, query.whole)
        )
        asked = replace(self._asked, query=query._replace(words=words, whole=whole))
        named = Lookup(asked).named()
        told = [notices.read_as(word, name) for word, name in apart.items()]
        return named._replace(notices=[*told, *named.notices])

    def _called(self, matches: Sequence[Match], terms: Sequence[Term]) -> list[Match]:
        """Texts whose names have these words. Next to unknown words, one word of a long name does
        not count: the `vial` of `T-DM1 vial`, which ends a name of adenosine."""
        asked = frozenset(word for term in terms for word in term.words)
        return [one for one in matches if self._matcher.texts[one.hash].is_called(asked)]

    def _spelled_out(self, terms: Sequence[Term], *, sure: bool = False) -> Named | None:
        """A mixture by the beginnings of its substances; None if the words are none.

        `sure`: no question.
        """
        found = (
            None
            if self._as_written
            else spelled_out(terms, self._query, self._matcher, self._known)
        )
        return self._read_so(found, sure=sure)

    def _read_so(self, found: SpelledOut | None, *, sure: bool) -> Named | None:
        if found is None or (sure and not found.terms):
            return None
        self._notices += found.notices
        return self._named(self._matcher.match(found.terms), found.terms, {}, decided=True)

    def _begun(self, terms: Sequence[Term], *, sure: bool = False) -> Named | None:
        """One drug by the beginning of its name; None if the words are none."""
        if self._as_written or not terms:
            return None
        found = begun(terms, self._query, self._matcher, self._known)
        return self._read_so(found, sure=sure)

    def _narrowed(self, terms: Sequence[Term]) -> Named | None:
        """An abbreviation of several drugs, only one of which the catalog has in the form and the
        strength asked for: `TAC cream`."""
        query = self._query
        if self._as_written or len(terms) > 1 or not (query.forms or query.routes):
            return None
        typed = terms[0].typed
        each = [[spelled(one, typed)] for one in sorted(terms[0].means, key=sorted)]
        found = zip(each, self._matcher.match_each(each), strict=True)
        fit = [(one, of) for one, of in found if any(map(self._matcher.fits, of))]
        if len(fit) != 1:
            return None
        (read, matches), *_ = fit
        self._notices.append(notices.read_as(typed, read[0].name))
        return self._named(matches, read, {}, decided=True)

    def _apart(self, terms: Sequence[Term]) -> list[Match]:
        """Each name separately, if no drug has all of them."""
        if len(terms) < 2 or not all(term.means for term in terms):
            return []
        found = self._matcher.match_each([[term] for term in terms])
        turns = chain.from_iterable(zip_longest(*found))
        return list({one.hash: one for one in turns if one is not None}.values())

    def _readings(self, unknown: Sequence[Term]) -> dict[str, Reading]:
        # A short word beside others is a word of a sentence: `my face hurts`.
        alone = len(self._query.telling) == 1
        words = [one.words[0] for one in unknown if may_be_misspelt(one.words[0], alone=alone)]
        known = self._known
        return {word: read(word, known, self._spellings, self._is_spelling) for word in words}

    def _is_spelling(self, word: str, name: str) -> bool:
        """True if all drugs that are called so are also called by the name, or made of it."""
        found = self._matcher.match([Term((word,), NOTHING, word)])
        texts = [self._matcher.texts[one.hash] for one in found]
        means = self._known.means(name)
        return bool(texts) and all(name in one.words or one.substances in means for one in texts)

    def _spellings(self, word: str, edits: int) -> Sequence[str]:
        found = self._asked.index.spellings(self._asked.names.space, [word], edits)
        return found.get(word, ())

    def _begin(self, last: Term) -> list[Match]:
        """Texts with a name that begins as the last word does: it may still be being typed."""
        if not may_go_on(last, self._query) or self._known.is_name(last.name):
            return []
        texts = self._matcher.ask([(((f"{last.name}*",),),)])[0]
        return [one for one in match(self._query, [], texts) if not one.unasked]
