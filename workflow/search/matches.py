"""The texts whose names hold a query's terms, as the index has them."""

from collections.abc import Sequence

from workflow.contract.ports.search import NameQuery
from workflow.search.asked import Asked, Texts
from workflow.search.facts import Facts
from workflow.search.naming import Term, alternatives_of
from workflow.search.ranking import Match, form_of, match

Alternatives = tuple[tuple[tuple[str, ...], ...], ...]
"""Of each term its alternatives, and of each of these the words."""


class Matcher:
    """Asks one space for one query. `texts`: everything that was found."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._query = asked, asked.query
        self.texts: dict[str, Facts] = {}

    def match(self, terms: Sequence[Term]) -> list[Match]:
        """Texts that hold every term, by name or by substance."""
        return self.match_each([terms])[0] if terms else []

    def match_each(self, several: Sequence[Sequence[Term]]) -> list[list[Match]]:
        """The same for several lists of terms, in one round trip, or in two."""
        texts = self.ask([tuple(map(alternatives_of, terms)) for terms in several])
        full = [n for n, one in enumerate(texts) if self.is_cut(one)]
        # Too many: those with exactly this spelling must be among them.
        spelt = self.ask([tuple((term.words,) for term in several[n]) for n in full])
        for number, one in zip(full, spelt, strict=True):
            texts[number] = {**one, **texts[number]}
        return [match(self._query, terms, of) for terms, of in zip(several, texts, strict=True)]

    def ask(self, several: Sequence[Alternatives]) -> list[Texts]:
        """A word that ends in `*` is the beginning of one."""
        forms = tuple(word for form in self._query.forms for word in form)
        found = self._asked.named(
            [NameQuery(terms, self._query.numbers, forms) for terms in several]
        )
        for one in found:
            self.texts |= one
        return found

    def fits(self, one: Match) -> bool:
        """True if it has the strength and the form that are asked for."""
        query = self._query
        fits = one.has_amounts or not query.has_amounts
        described = not (query.forms or query.routes) or form_of(query, self.texts[one.hash]) == 1
        return fits and described and not one.unasked

    def is_cut(self, texts: Texts) -> bool:
        """True if the index may have more."""
        return len(texts) >= self._asked.name_count

    def present(self, terms: Sequence[Term]) -> dict[str, bool]:
        """Whether the catalog has each of them."""
        found = self.match_each([[term] for term in terms])
        return {term.typed: bool(one) for term, one in zip(terms, found, strict=True)}
