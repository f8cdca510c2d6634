"""Searches go on while runs succeed, fail, die or are rolled back, and never see half of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest

from local.engine.invocations import LambdaFailure
from tests.integration.test_rolling_back import back
from tests.lab import Failing, Lab, before
from tests.rows import DIMENSIONS, make_row, ndc, text_of, vector_of
from workflow.adapters.redis.index import RedisIndex
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.model import Purpose, Vector
from workflow.contract.ports.search import SearchIndex
from workflow.search.floor import Meaning
from workflow.search.search import search

DIED = LambdaFailure("Died", "an error that no state tries again")

Answer = frozenset[tuple[str, str, str]]
"""Of each drug that was found: its NDC, manufacturer and strength."""

NDCS = {"by a changed NDC": ndc(3), "by a removed NDC": ndc(4), "by a new NDC": ndc(100)}
MEANT = {
    "by meaning": ("xqzv", text_of(make_row(8))),
    "by a meaning that a drug loses": ("qzxw", text_of(make_row(3))),
    "by a meaning that a drug gains": ("zxqj", text_of(make_row(3, strength="999 mg/1"))),
}
"""Words that name nothing, and the text that they mean: only its vector is near."""

QUERIES = {"by name": "generic", **NDCS, **{kind: words for kind, (words, _) in MEANT.items()}}


class Meant:
    """Gives a query the vector of the text that it means."""

    texts_per_call = 1
    _meant: ClassVar = dict(MEANT.values())

    def embed(self, texts: Sequence[str], _purpose: Purpose = "document") -> list[Vector]:
        return [Vector(vector_of(self._meant.get(text, text)), 1) for text in texts]


class Searcher(threading.Thread):
    """Asks continuously; keeps each query's answers in order, without repetitions."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(daemon=True)
        self._index = RedisIndex(
            lab.resp3(), dimensions=DIMENSIONS, algorithm="HNSW", options={}
        ).search
        self._ended = threading.Event()
        self.asked = 0
        self.error: Exception | None = None
        self.answers: dict[str, list[Answer]] = {kind: [] for kind in QUERIES}

    def run(self) -> None:
        try:
            # Other threads of this process run the state machine, and want to get on, too.
            while not self._ended.wait(0.01):
                self.ask()
        except Exception as error:  # the test raises it
            self.error = error

    def ask(self) -> None:
        for kind, query in QUERIES.items():
            found = answer(query, self._index)
            if found not in self.answers[kind][-1:]:
                self.answers[kind].append(found)
            self.asked += 1

    def end(self) -> None:
        self._ended.set()
        self.join(60)
        if self.error:
            raise self.error


def answer(query: str, index: SearchIndex) -> Answer:
    """One search that lists every drug it finds; repeated if a switch came in between."""
    while True:
        names = index.live()
        assert names is not None
        found = _found(query, names, index)
        if index.live() == names:
            return found


def _found(query: str, names: LiveNames, index: SearchIndex) -> Answer:
    if query in NDCS.values():
        drugs = [one for one in index.documents(names.generation, [query]) if one]
    else:
        found = search(query, names, meaning=Meaning(Meant()), index=index, limit=60)
        drugs = [drug for product in found.products for drug in product.packages]
    return frozenset(
        (one["ndc"], one.get("manufacturer", ""), one.get("strength", "")) for one in drugs
    )


@contextmanager
def searching(lab: Lab) -> Iterator[Searcher]:
    """Searches go on in the block, and once more at its begin and its end."""
    searcher = Searcher(lab)
    searcher.ask()
    asked = searcher.asked
    searcher.start()
    yield searcher
    searcher.end()
    assert searcher.asked > asked
    searcher.ask()


def edit(lab: Lab) -> None:
    """Every answer changes: all manufacturers, one strength, a new drug, a removed one."""
    lab.catalog.update_all(manufacturer="Another, Ltd.")
    lab.catalog.update(ndc(3), strength="999 mg/1")
    lab.catalog.insert(make_row(100, manufacturer="Another, Ltd."))
    lab.catalog.delete(ndc(4))


def of_catalog(lab: Lab) -> dict[str, Answer]:
    """What each query must find if the index equals the catalog now."""
    rows = lab.catalog.rows()
    drugs = {
        key: (key, (row["manufacturer"] or "").strip(), (row["strength"] or "").strip())
        for key, row in rows.items()
    }
    found = {"by name": frozenset(drugs.values())}
    for kind, key in NDCS.items():
        found[kind] = frozenset(drug for one, drug in drugs.items() if one == key)
    for kind, (_, text) in MEANT.items():
        found[kind] = frozenset(drugs[key] for key, row in rows.items() if text_of(row) == text)
    return found


def assert_whole(searcher: Searcher, *allowed: dict[str, Answer]) -> None:
    """Each query's answers, without repetition, are these in their order."""
    for kind, answers in searcher.answers.items():
        expected: list[Answer] = []
        for one in allowed:
            if one[kind] not in expected[-1:]:
                expected.append(one[kind])
        sizes = [len(one) for one in answers], [len(one) for one in expected]
        assert answers == expected, (kind, sizes)


ACCEPT = ["profile"]


@pytest.mark.parametrize("mode", ["sync", "backfill"])
def test_searches_are_answered_from_before_a_run_and_then_from_after_it(
    synced: Lab, mode: str
) -> None:
    old = of_catalog(synced)
    edit(synced)
    with searching(synced) as searcher:
        synced.succeed(mode, accept=ACCEPT)
    assert_whole(searcher, old, of_catalog(synced))


FAILED_BEFORE_THE_SWITCH = [
    *((state, after) for state in ("PlanPages", "DiffPage", "ReviewChanges") for after in (True,)),
    *((state, after) for state in ("EmbedPage", "LoadPage") for after in (False, True)),
    *((state, True) for state in ("VerifyPage", "VerifyIndex")),
    ("PublishIndex", False),
]


@pytest.mark.parametrize(("state", "dies_behind_its_work"), FAILED_BEFORE_THE_SWITCH)
def test_a_sync_that_dies_before_the_switch_is_seen_by_no_search(
    synced: Lab, state: str, dies_behind_its_work: bool
) -> None:
    old = of_catalog(synced)
    edit(synced)
    with searching(synced) as searcher:
        intercept = Failing(state, DIED, after=dies_behind_its_work)
        assert synced.run(accept=ACCEPT, intercept=intercept).status == "FAILED"
    assert_whole(searcher, old)
    with searching(synced) as searcher:
        synced.succeed(accept=ACCEPT)
    assert_whole(searcher, old, of_catalog(synced))


@pytest.mark.parametrize("mode", ["sync", "backfill"])
@pytest.mark.parametrize(
    ("state", "dies_behind_its_work"),
    [("PublishIndex", True), ("PruneIndex", False), ("PruneIndex", True), ("ReportRun", False)],
)
def test_a_run_that_dies_behind_the_switch_is_seen_whole(
    synced: Lab, mode: str, state: str, dies_behind_its_work: bool
) -> None:
    old = of_catalog(synced)
    edit(synced)
    with searching(synced) as searcher:
        intercept = Failing(state, DIED, after=dies_behind_its_work)
        assert synced.run(mode, accept=ACCEPT, intercept=intercept).status == "FAILED"
        synced.succeed(accept=ACCEPT)
    assert_whole(searcher, old, of_catalog(synced))


@pytest.mark.parametrize("mode", ["sync", "backfill"])
@pytest.mark.parametrize("state", ["EmbedPage", "LoadPage"])
def test_a_run_that_uses_up_the_memory_is_seen_by_no_search(
    synced: Lab, mode: str, state: str
) -> None:
    old = of_catalog(synced)
    edit(synced)
    with searching(synced) as searcher, full_memory(synced) as fill:
        report = synced.run(mode, accept=ACCEPT, intercept=before(state, fill))
        assert report.error == "MemoryShort"
    assert_whole(searcher, old)
    with searching(synced) as searcher:
        synced.succeed(mode, accept=ACCEPT)
    assert_whole(searcher, old, of_catalog(synced))


def test_a_switch_of_a_sync_needs_no_memory(synced: Lab) -> None:
    old = of_catalog(synced)
    edit(synced)
    with searching(synced) as searcher, full_memory(synced) as fill:
        synced.succeed(accept=ACCEPT, intercept=before("PublishIndex", fill))
    assert_whole(searcher, old, of_catalog(synced))
    synced.assert_in_step()


@contextmanager
def full_memory(lab: Lab) -> Iterator[Callable[[], Any]]:
    """Yields a function that makes Redis full until the block ends."""
    client = lab.index.redis
    try:
        yield lambda: client.config_set("maxmemory", 1_000_000)
    finally:
        client.config_set("maxmemory", 0)


def test_a_rollback_is_seen_whole_and_so_is_the_way_forward_again(synced: Lab) -> None:
    old = of_catalog(synced)
    edit(synced)
    synced.succeed(accept=ACCEPT)
    new = of_catalog(synced)
    with searching(synced) as searcher:
        back(synced)
        searcher_sees(searcher, old)
        back(synced)
    assert_whole(searcher, new, old, new)


def searcher_sees(searcher: Searcher, expected: dict[str, Answer]) -> None:
    """Wait until each query was answered from here."""
    pause = threading.Event()
    for _ in range(3000):
        if all(answers[-1] == expected[kind] for kind, answers in searcher.answers.items()):
            return
        pause.wait(0.01)
    raise AssertionError(f"searches see something else: {searcher.error}")


def test_a_sync_whose_verification_fails_is_seen_by_no_search(synced: Lab) -> None:
    old = of_catalog(synced)
    edit(synced)

    def damage() -> None:
        (key,) = synced.index.redis.keys(f"staged:*:{ndc(5)}")
        synced.index.redis.hset(key, "strength", "by hand")

    with searching(synced) as searcher:
        report = synced.run(accept=ACCEPT, intercept=before("VerifyPage", damage))
        assert report.error == "VerificationFailed"
    assert_whole(searcher, old)
