"""Notices of an answer: data, and a sentence for people."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from workflow.contract.folding import fold
from workflow.search.strengths import MG_IN_A_G

MOST_LISTED: Final = 3
TOGETHER: Final = "together with other substances"


class NoticeKind(StrEnum):
    """The reason for a notice."""

    NOT_IN_CATALOG = "not_in_catalog"
    READ_AS = "read_as"
    DID_YOU_MEAN = "did_you_mean"
    UNKNOWN_WORD = "unknown_word"
    STRENGTH_MISSING = "strength_missing"
    STRENGTH_IS_SUM = "strength_is_sum"
    SEVERAL_DRUGS = "several_drugs"
    NO_SUCH_NDC = "no_such_ndc"
    NOTHING_FOUND = "nothing_found"
    FILTERS_HIDE = "filters_hide"
    NO_SUCH_VALUE = "no_such_value"
    MEANING_UNAVAILABLE = "meaning_unavailable"
    CUT_SHORT = "cut_short"
    LEFT_OUT = "left_out"
    NOT_TOGETHER = "not_together"


class Notice(NamedTuple):
    """`words` are the query's; `instead` what was done or what may be asked instead."""

    kind: NoticeKind
    text: str
    words: str = ""
    instead: tuple[str, ...] = ()
    number: int = 0


def not_in_catalog(name: str, substances: Sequence[str]) -> Notice:
    others = [one for one in substances if one != name]
    what = f"{name} is {listed(others)}; this" if others else "This"
    text = f"{what} catalog has no {listed(others) if others else name}."
    return Notice(NoticeKind.NOT_IN_CATALOG, text, name, tuple(substances))


def none_of(name: str, drugs: Sequence[str]) -> Notice:
    text = f"{name} is {listed(drugs, 'or')}; this catalog has none of these."
    return Notice(NoticeKind.NOT_IN_CATALOG, text, name, tuple(drugs))


def by_substance(name: str, substances: Sequence[str]) -> Notice:
    text = f"No product here is called {name}; these have the same substance: {listed(substances)}."
    return Notice(NoticeKind.NOT_IN_CATALOG, text, name, tuple(substances))


def only_so(name: str, substances: Sequence[str], alone: Sequence[str], count: int) -> Notice:
    """`alone`: the substances of which it is a part of the name."""
    how = [f"as {listed(alone[:MOST_LISTED], 'or')}"] if alone else []
    text = f"This catalog has {listed(substances)} only {listed([*how, TOGETHER], 'or')}."
    return Notice(NoticeKind.NOT_IN_CATALOG, text, name, tuple(substances), number=count)


def read_as(word: str, name: str) -> Notice:
    text = f"Searched for {name} instead of {word}."
    return Notice(NoticeKind.READ_AS, text, word, (name,))


def left_out(names: Sequence[str]) -> Notice:
    text = f"Left out: what has, or is, {listed(names, 'or')}."
    return Notice(NoticeKind.LEFT_OUT, text, " ".join(names), tuple(names))


def not_left_out(words: Sequence[str]) -> Notice:
    text = f"No column says {listed(words, 'or')}, so this was not left out."
    return Notice(NoticeKind.UNKNOWN_WORD, text, " ".join(words))


def not_together(names: Sequence[str]) -> Notice:
    text = f"No product has {listed(names)} together; each is shown by itself."
    return Notice(NoticeKind.NOT_TOGETHER, text, " ".join(names), tuple(names))


def did_you_mean(word: str, names: Sequence[str]) -> Notice:
    several = f"{word} may be several drugs. " if len(names) > 1 else ""
    text = f"{several}Did you mean {listed(names, 'or')}?"
    return Notice(NoticeKind.DID_YOU_MEAN, text, word, tuple(names))


def unknown_word(words: Sequence[str]) -> Notice:
    text = f"No name contains {listed(words, 'or')}; searched without it."
    return Notice(NoticeKind.UNKNOWN_WORD, text, " ".join(words))


def strength_missing(asked: str) -> Notice:
    text = "No product with this name has the requested strength; others are shown."
    return Notice(NoticeKind.STRENGTH_MISSING, text, asked)


def strength_is_sum(asked: str, milligrams: Sequence[float]) -> Notice:
    """`15 mg is the sum of 5 mg and 10 mg`."""
    parts = tuple(map(_weight, milligrams))
    text = f"{_weight(sum(milligrams))} is the sum of {listed(parts)}."
    return Notice(NoticeKind.STRENGTH_IS_SUM, text, asked, parts)


def _weight(milligrams: float) -> str:
    in_grams = milligrams >= MG_IN_A_G
    return f"{milligrams / MG_IN_A_G:.6g} g" if in_grams else f"{milligrams:.6g} mg"


def several_drugs(ndc: str, keys: Sequence[str]) -> Notice:
    text = f"{ndc} may be the NDC of {len(keys)} packages; all are shown."
    return Notice(NoticeKind.SEVERAL_DRUGS, text, ndc, tuple(keys))


def no_such_ndc(ndc: str) -> Notice:
    return Notice(NoticeKind.NO_SUCH_NDC, f"This catalog has no NDC {ndc}.", ndc)


def nothing_found(query: str) -> Notice:
    text = "Nothing in this catalog matches the query."
    if any(one.isalpha() and not one.isascii() for one in fold(query)):
        text = f"{text[:-1]}; it has letters that are not Latin. Is the keyboard set to others?"
    return Notice(NoticeKind.NOTHING_FOUND, text, query)


def no_such_class(words: str, classes: Sequence[str]) -> Notice:
    text = f"This catalog has no drug of the class {listed(classes, 'or')}."
    return Notice(NoticeKind.NOT_IN_CATALOG, text, words, tuple(classes))


def filters_hide(count: int) -> Notice:
    text = f"The filters hide {count:,} packages."
    return Notice(NoticeKind.FILTERS_HIDE, text, number=count)


def no_such_value(column: str, value: str) -> Notice:
    what = column.replace("dea_", "DEA ").replace("_", " ")
    text = f"No drug of this catalog has the {what} {value}."
    return Notice(NoticeKind.NO_SUCH_VALUE, text, value, (column,))


def meaning_unavailable() -> Notice:
    text = "The query's meaning could not be compared; only its words were searched."
    return Notice(NoticeKind.MEANING_UNAVAILABLE, text)


def cut_short() -> Notice:
    text = "The search ended before all drugs were checked; narrow it by name."
    return Notice(NoticeKind.CUT_SHORT, text)


def listed(words: Sequence[str], joint: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} {joint} {last}" if most else last
