"""The frozen queries, asked: hit@1, hit@10 and MRR by kind, with intervals.

    python -m benchmarks.search_frozen [--set second]

`search_frozen.json` was written from the names of the catalog's columns before the search was made
as it is, `..._second.json` and `..._third.json` before the next works on it, `..._fourth.json` to
`..._sixth.json` by people who did not know the code. None is tuned on: they are asked when work on
the search is done. A query's answer is said by substances (the beginnings of their names), strength
and form, or by NDC; where `contains`, one substance is enough. The first strength of a card counts.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.search_eval import Scores, ask_of, interval, meaning_of, served
from workflow.contract.ports.documents import Fields
from workflow.search.parts import Answer
from workflow.search.strengths import Amount, amounts_of

SETS = {
    "first": Path(__file__).with_name("search_frozen.json"),
    "second": Path(__file__).with_name("search_frozen_second.json"),
    "third": Path(__file__).with_name("search_frozen_third.json"),
    "fourth": Path(__file__).with_name("search_frozen_fourth.json"),
    "fifth": Path(__file__).with_name("search_frozen_fifth.json"),
    "sixth": Path(__file__).with_name("search_frozen_sixth.json"),
}
NONSENSE = {
    "first": 0,
    "second": 1000,
    "third": 9000,
    "fourth": 20_000,
    "fifth": 31_000,
    "sixth": 42_000,
}
"""The first seed of the nonsense words that are asked with each set."""
FIRST = 10

Frozen = dict[str, Any]


def read_frozen(path: Path) -> list[Frozen]:
    queries: list[Frozen] = json.loads(path.read_text())
    return queries


def is_right(query: Frozen, fields: Fields, substances: Sequence[str]) -> bool:
    """`substances` are the FDA's of the product, in lower case."""
    if "ndc" in query:
        return bool(fields["ndc"] == query["ndc"])
    if not any(_are(wanted, substances, query.get("contains")) for wanted in query["substances"]):
        return False
    strengths = query.get("strength", "")
    if strengths and not any(_has(fields, one) for one in strengths.split("|")):
        return False
    forms = query.get("form", "")
    return not forms or any(_begins(_form(fields), _words(one)) for one in forms.split("|"))


def _begins(held: Sequence[str], wanted: Sequence[str]) -> bool:
    return list(held[: len(wanted)]) == list(wanted)


def _are(wanted: Sequence[str], held: Sequence[str], contains: bool | None) -> bool:
    each = [any(one.startswith(stem) for one in held) for stem in wanted]
    return all(each) and (bool(contains) or len(wanted) == len(held))


def _has(fields: Fields, strength: str) -> bool:
    wanted = [_amount(one) for part in strength.split("+") for one in amounts_of(part)]
    held = [_amount(one) for one in amounts_of(fields.get("strength", ""))]
    return all(any(one & other for other in held) for one in wanted)


def _amount(one: Amount) -> frozenset[Any]:
    return frozenset((round(of.amount, 6), of.unit) for of in one.forms)


def _words(text: str) -> list[str]:
    return re.findall("[a-z]+", text.lower())


def _form(fields: Fields) -> list[str]:
    return _words(fields.get("dosage_form", ""))


def score(right: Sequence[bool]) -> Scores:
    first = next((1 / rank for rank, hit in enumerate(right, 1) if hit), 0.0)
    return Scores(float(right[:1] == [True]), float(any(right)), first, 0.0)


def scores(
    queries: Sequence[Frozen], answers: Sequence[Answer], made_of: dict[str, list[str]]
) -> list[tuple[Frozen, Scores]]:
    scored = []
    for query, answer in zip(queries, answers, strict=True):
        firsts = [card.packages[0] for card in answer.products[:FIRST]]
        right = [is_right(query, one, made_of[one["ndc"]]) for one in firsts]
        scored.append((query, score(right)))
    return scored


def show(scored: Sequence[tuple[Frozen, Scores]]) -> None:
    print(f"{'':14}{'n':>4}  {'hit@1':22}{'hit@10':22}{'MRR':22}")
    kinds = list(dict.fromkeys(query["kind"] for query, _ in scored))
    for kind in [*kinds, "all"]:
        rows = [of for query, of in scored if kind in (query["kind"], "all")]
        cells = []
        for values in list(zip(*rows, strict=True))[:3]:
            low, high = interval(values)
            cells.append(f"{sum(values) / len(values):.3f} [{low:.2f}, {high:.2f}]    ")
        print(f"{kind:14}{len(rows):4}  {''.join(cells)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--set", choices=SETS, default="first", help="which set to ask")
    chosen = parser.parse_args().set
    queries = read_frozen(SETS[chosen])
    with served() as (index, catalog, _):
        ask = ask_of(index, meaning_of(index))
        made_of = {
            document.ndc: [
                one.strip().lower()
                for one in catalog.products[document.text_hash][0].substance_name.split(";")
                if one.strip()
            ]
            for document in catalog.documents
        }
        scored = scores(queries, [ask(one["query"]) for one in queries], made_of)
        show(scored)
        missed = [query["query"] for query, of in scored if of.hit1 < 1]
        print(f"not first: {', '.join(missed)}")
        words = nonsense(NONSENSE[chosen])
        silent = [one for one in words if not ask(one).products]
        print(f"nonsense: {len(silent)} of {len(words)} answered by nothing")


def nonsense(first: int = 0, count: int = 50) -> tuple[str, ...]:
    """Made-up words, the same ones each time."""
    return tuple(_word(seed) for seed in range(first, first + count))


def _word(seed: int) -> str:
    consonants, vowels = "zxqvkwjfgbdhmnprt", "aeiouy"
    state, letters = seed * 7919 + 17, []
    for place in range(6 + seed % 5):
        state = (state * 1103515245 + 12345) % (1 << 31)
        source = vowels if place % 3 == 1 else consonants
        letters.append(source[(state >> 8) % len(source)])
    return "".join(letters)


if __name__ == "__main__":
    main()
