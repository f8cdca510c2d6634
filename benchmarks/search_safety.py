"""Whether a search ever answers with another drug in place of the one asked for.

    python -m benchmarks.search_safety [--share 10] [--processes 2]

By rule from the FDA's names: every brand that the catalog lacks; every name of one word with
another drug's name within two edits; the tall-man list. The last two exactly as they are and with
one slip of the keyboard each. A product under *found* or *same substance* must be made of exactly
what the name means, or be called exactly the name or what was typed; where no table says what the
name means, it must have the name. Anything else is counted, and so is a name that is not found
without a word about it. The goal is 0.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.resources import files
from itertools import chain
from typing import NamedTuple

from benchmarks.fda_index import batched
from workflow.contract.folding import fold, fold_words
from workflow.contract.ports.documents import Fields
from workflow.search.edits import distance
from workflow.search.facts import substances_of
from workflow.search.known import KnownNames, Meanings, known_names
from workflow.search.parts import Answer, PartKind

NAME_COLUMNS = ("drug_name", "brand_name", "generic_name")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHORTEST_PAIR = 4
EDITS = 2
TALL_MAN = "tall_man.json"
AT_ONCE = 250
SHOWN = 200
"""Wrong answers that are printed."""

Ask = Callable[[str], Answer]


class Asked(NamedTuple):
    """A query, and the name that is meant by it."""

    kind: str
    query: str
    name: str


class Wrong(NamedTuple):
    """A query that another drug was shown for."""

    asked: Asked
    part: str
    shown: str


def order(text: str, salt: str = "") -> int:
    """A hash: spreads names evenly, and is the same everywhere."""
    return int.from_bytes(hashlib.blake2b(f"{salt}:{text}".encode(), digest_size=6).digest())


def slip(word: str) -> str:
    """One slip of the keyboard, by the word: a letter too many, too few, another, or swapped."""
    place = order(word, "place") % len(word)
    letter = LETTERS[order(word, "letter") % len(LETTERS)]
    kind = order(word, "kind") % 4
    if kind == 0:
        return word[:place] + letter + word[place:]
    if kind == 1:
        return word[:place] + word[place + 1 :]
    if kind == 2 and place + 1 < len(word):
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + letter + word[place + 1 :]


def with_slips(
    kind: str, names: Iterable[str], known: KnownNames, held: frozenset[str]
) -> Iterator[Asked]:
    """Each name, and its slip where that is no name itself, nor a word of the catalog's names."""
    for name in names:
        yield Asked(kind, name, name)
        slipped = slip(name)
        is_other = known.is_name(slipped) or slipped in held
        if slipped != name and len(slipped) >= SHORTEST_PAIR and not is_other:
            yield Asked(f"{kind}, a slip", slipped, name)


def brands_lacking(known: KnownNames, held: frozenset[str]) -> list[str]:
    """Names of drugs of which no name of the catalog has all the words."""
    names = (name for name, means in known.names() if means)
    return sorted(name for name in names if not set(name.split()) <= held)


def near_names(known: KnownNames) -> list[str]:
    """Names of one word with another drug's name within two edits."""
    words = sorted(
        {one for one in known.single_words() if one.isalpha() and len(one) >= SHORTEST_PAIR}
    )
    by_part: dict[str, list[str]] = defaultdict(list)
    for word in words:
        for part in _without_two(word):
            by_part[part].append(word)
    found: set[str] = set()
    for group in by_part.values():
        for left, right in _pairs(group):
            if not (left in found and right in found) and _differ(left, right, known):
                found |= {left, right}
    return sorted(found)


def _without_two(word: str) -> set[str]:
    """The word with up to one letter left out; words two edits apart mostly share one of these."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def _pairs(group: Sequence[str]) -> Iterator[tuple[str, str]]:
    for place, left in enumerate(group):
        for right in group[place + 1 :]:
            yield left, right


def _differ(left: str, right: str, known: KnownNames) -> bool:
    meanings = known.means(left), known.means(right)
    return meanings[0] != meanings[1] and distance(left, right) <= EDITS


def tall_man() -> list[str]:
    listed = json.loads(files("workflow.search").joinpath(TALL_MAN).read_bytes())
    return sorted({name.lower() for name in listed if name.isalpha()})


def wrong(asked: Asked, answer: Answer, known: KnownNames) -> Iterator[Wrong]:
    """What is wrong in an answer: another drug in its strongest parts, or silence."""
    if not answer.parts and not answer.notices:
        yield Wrong(asked, "nothing", "and no word about it")
    means = known.means(asked.name)
    own = means or _own(answer, known)
    for part in answer.parts:
        for card in part.products:
            fields = card.packages[0]
            if not _is_right(part.kind, asked, means, own, fields, known):
                names = (fields.get(column, "") for column in NAME_COLUMNS)
                yield Wrong(asked, part.kind, " | ".join(names))


def _own(answer: Answer, known: KnownNames) -> Meanings:
    """What a brand is made of by the catalog itself, where no table knows it."""
    found = (part for part in answer.parts if part.kind == PartKind.FOUND)
    return frozenset(
        substances_of(card.packages[0], known) for part in found for card in part.products
    )


def _is_right(
    kind: PartKind,
    asked: Asked,
    means: Meanings,
    own: Meanings,
    fields: Fields,
    known: KnownNames,
) -> bool:
    """A product with exactly this name is right, whatever the table says."""
    if kind not in (PartKind.FOUND, PartKind.SAME_SUBSTANCE):
        return True
    names = [fold(fields.get(column, "")) for column in NAME_COLUMNS]
    if substances_of(fields, known) in own or fold(asked.query) in names or asked.name in names:
        return True
    held = {word for name in names for word in name.split()}
    return kind == PartKind.FOUND and not means and held.issuperset(asked.name.split())


def make_queries(known: KnownNames, held: frozenset[str], share: int) -> list[Asked]:
    """Every query, or one of so many by the hash of its name."""
    brands = (Asked("brand that is not here", one, one) for one in brands_lacking(known, held))
    pairs = with_slips("name near another", near_names(known), known, held)
    listed = with_slips("tall-man list", tall_man(), known, held)
    every = list(chain(brands, pairs))
    return [one for one in every if order(one.name, "share") % share == 0] + list(listed)


def judge(queries: Sequence[Asked], ask: Ask, known: KnownNames) -> list[Wrong]:
    return [one for asked in queries for one in wrong(asked, ask(asked.query), known)]


def judge_at(url: str, queries: Sequence[Asked]) -> list[Wrong]:
    """In a process of its own."""
    from benchmarks.search_eval import ask_of, search_at

    return judge(queries, ask_of(search_at(url).search, None), known_names())


def judge_all(url: str, queries: Sequence[Asked], processes: int) -> list[Wrong]:
    started = time.monotonic()
    found: list[Wrong] = []
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        parts = list(batched(queries, AT_ONCE))
        for done, some in enumerate(pool.imap(partial(judge_at, url), parts), 1):
            found += some
            if done % 10 == 0 or done == len(parts):
                asked = min(done * AT_ONCE, len(queries))
                seconds = time.monotonic() - started
                print(f"  {asked:,} of {len(queries):,} asked in {seconds:.0f} s", flush=True)
    return found


def report(queries: Sequence[Asked], found: Sequence[Wrong]) -> None:
    counts: dict[str, list[int]] = {}
    for one in queries:
        counts.setdefault(one.kind, [0, 0])[0] += 1
    for query in {one.asked for one in found}:
        counts[query.kind][1] += 1
    for kind, (asked, bad) in counts.items():
        print(f"{kind:28}{asked:8,} asked{bad:6,} answered by another drug")
    for bad_one in found[:SHOWN]:
        of = bad_one.asked
        print(f"  {of.query!r} ({of.name}): {bad_one.part}: {bad_one.shown}")


def held_words(names: Iterable[Fields]) -> frozenset[str]:
    return frozenset(
        word
        for fields in names
        for column in NAME_COLUMNS
        for word in fold_words(fields.get(column, ""))
    )


def main() -> None:
    from benchmarks.search_eval import served

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--share", type=int, default=1, help="ask one of so many")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    known = known_names()
    with served() as (_, catalog, url):
        held = held_words(text.columns for text in catalog.texts.values())
        queries = make_queries(known, held, arguments.share)
        report(queries, judge_all(url, queries, arguments.processes))


if __name__ == "__main__":
    main()
