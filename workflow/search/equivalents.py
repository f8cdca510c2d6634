"""Drugs equivalent to a drug: by what they are, not by how their names are spelled."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from workflow.contract.folding import fold, plain
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.search import NameQuery, SearchIndex
from workflow.search.facts import strength_text, substances_of
from workflow.search.known import KnownNames
from workflow.search.strengths import amounts_of
from workflow.search.written import Strength

MOST: Final = 2000
"""Drugs, and texts, that are looked at."""

PROBED: Final = 200
"""Texts whose drugs are asked for."""


class Equivalents(NamedTuple):
    """`same` is what all of them share. `complete`: there are no more than these."""

    same: dict[str, str]
    drugs: list[Fields]
    complete: bool


def equivalents(
    drug: Fields, names: LiveNames, index: SearchIndex, known: KnownNames
) -> Equivalents:
    """By the catalog's own group of equivalents if it has one, otherwise by substances.

    A drug without a generic name has none, because nothing says what it is made of.
    """
    if drug.get("gcn_seqno"):
        found = index.drugs_like(names.generation, {"gcn_seqno": (drug["gcn_seqno"],)}, "", MOST)
        same = {"gcn_seqno": drug["gcn_seqno"]}
        return Equivalents(same, _others(found, drug), len(found) < MOST)
    if not drug.get("generic_name"):
        return Equivalents({}, [], True)
    return _by_substances(drug, names, index, known)


def _by_substances(
    drug: Fields, names: LiveNames, index: SearchIndex, known: KnownNames
) -> Equivalents:
    substances = substances_of(drug, known)
    columns = ("strength", "dosage_form", "route")
    same = {"substances": ", ".join(sorted(substances))}
    same |= {name: drug[name] for name in columns if name in drug}
    if not substances:
        return Equivalents(same, [], True)
    words = tuple((tuple(fold(one).split()),) for one in sorted(substances))
    texts = index.find_named(names.space, [NameQuery(words, (), ())], MOST)[0]
    wanted = what_counts(drug, known)
    alike = [one for one, fields in texts.items() if what_counts(fields, known) == wanted]
    found = index.drugs_of_texts(names.generation, alike[:PROBED], MOST, {})
    drugs = [one for some in found for one in some.some]
    complete = (
        len(texts) < MOST and len(alike) <= PROBED and sum(o.total for o in found) <= len(drugs)
    )
    return Equivalents(same, _others(drugs, drug), complete)


def _others(found: Sequence[Fields], drug: Fields) -> list[Fields]:
    return [one for one in found if one["ndc"] != drug["ndc"]]


def what_counts(fields: Fields, known: KnownNames) -> tuple[object, ...]:
    """Substances, amounts, form and route, as they compare."""
    strength = strength_text(fields)
    amounts = [_comparable(one.forms) or (one.number, "") for one in amounts_of(strength)]
    return (
        substances_of(fields, known),
        sorted(amounts, key=str) or plain(strength),
        fold(fields.get("dosage_form", "")),
        fold(fields.get("route", "")),
    )


def _comparable(forms: frozenset[Strength]) -> tuple[float, str] | None:
    """2 mg/mL is 10 mg/5 mL: compared as percent if an amount has a volume."""
    return min(((one.amount, one.unit) for one in forms), key=lambda one: one[1], default=None)
