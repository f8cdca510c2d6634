"""PlanPages: where the key range is cut, and what is made ready before a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW, FakeCatalog, FakeIndex, FakeRunStore, clock
from tests.payloads import HOLDER, generation, plan, settings
from tests.rows import make_rows, ndc, vector_of
from workflow.contract.documents import record_of, space_of, text_hash
from workflow.contract.errors import (
    GenerationMismatch,
    IndexFeatureMissing,
    KeyOrderMismatch,
    LimitExceeded,
    MemoryShort,
    NothingLive,
    RunSuperseded,
)
from workflow.contract.events.files import Baseline
from workflow.contract.events.payloads import IndexFailures, PageRange, Plan, RunInput, RunTask
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Document
from workflow.contract.ports.generations import Live, LiveNames
from workflow.contract.ports.server import ServerFacts
from workflow.contract.ports.texts import NewRecord, Text
from workflow.contract.runs import RunFiles, page_name
from workflow.steps.plan_pages import SAMPLES, plan_pages, split, spread

KEYS = st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4))


def pages(keys: set[str], **run_input: object) -> list[PageRange]:
    return split(FakeCatalog([{"ndc": key} for key in keys]), RunInput(**run_input))


@given(KEYS, st.integers(1, 5))
def test_pages_cover_every_key_once_and_leave_no_gap(keys: set[str], size: int) -> None:
    found = pages(keys, page_size=size)
    assert (found[0].after, found[-1].through) == (None, None)
    assert all(one.through == two.after for one, two in pairwise(found))
    catalog = FakeCatalog([{"ndc": key} for key in keys])
    sizes = [catalog.count(page.after, page.through) for page in found]
    assert sum(sizes) == len(keys)
    assert max(sizes) <= size
    assert all(one == size for one in sizes[:-1])


@given(KEYS, st.integers(1, 5))
def test_page_names_rise(keys: set[str], size: int) -> None:
    names = [page.page for page in pages(keys, page_size=size)]
    assert names == sorted(set(names))


def test_an_empty_catalog_is_one_open_page() -> None:
    assert pages(set()) == [PageRange(page="00000", after=None, through=None)]


def test_a_key_range_closes_both_ends() -> None:
    found = pages(set("abcdefg"), page_size=2, after_key="b", through_key="f")
    assert [(page.after, page.through) for page in found] == [("b", "d"), ("d", "f")]


@pytest.mark.parametrize(
    ("rows", "size", "pages_of"),
    [(8, 1, 8), (9, 1, 5), (16, 2, 8), (17, 2, 5), (32, 1, 8), (33, 1, 9), (100, 4, 9)],
)
def test_pages_double_while_there_would_be_too_many(
    monkeypatch: pytest.MonkeyPatch, rows: int, size: int, pages_of: int
) -> None:
    """Of eight pages at most, of four rows at most: the ninth is for the limits to refuse."""
    monkeypatch.setattr("workflow.steps.plan_pages.MOST_PAGES", 8)
    monkeypatch.setattr("workflow.steps.plan_pages.LARGEST_PAGE", 4)
    found = pages({f"{number:03d}" for number in range(rows)}, page_size=size)
    assert len(found) == pages_of
    assert [one.page for one in found] == [page_name(number) for number in range(pages_of)]
    assert all(one.through == two.after for one, two in pairwise(found))
    if pages_of <= 8:
        assert sum(page.rows for page in found) == rows
        assert (found[0].after, found[-1].through) == (None, None)


def test_a_catalog_that_sorts_unlike_bytes_stops_the_split() -> None:
    class CaseFolding(FakeCatalog):
        def page_end(self, after: str | None, through: str | None, rows: int) -> str | None:
            return {None: "a", "a": "B"}.get(after)

    with pytest.raises(KeyOrderMismatch, match="'B' after 'a'"):
        split(CaseFolding([]), RunInput(page_size=1))


# Keys to search with


@given(KEYS, st.integers(1, 5))
def test_sampled_keys_are_few_each_once_and_of_the_catalog(keys: set[str], size: int) -> None:
    catalog = FakeCatalog([{"ndc": key} for key in keys])
    found = spread(catalog, split(catalog, RunInput(page_size=size)), size)
    assert len(found) == len(set(found)) <= SAMPLES
    assert set(found) <= keys
    assert len(found) >= min(len(keys), SAMPLES) / 4


@pytest.mark.parametrize(("rows", "size"), [(1000, 1000), (1000, 10), (1000, 25), (1000, 300)])
def test_sampled_keys_lie_all_over_the_catalog(rows: int, size: int) -> None:
    catalog = FakeCatalog([{"ndc": ndc(number)} for number in range(rows)])
    found = spread(catalog, split(catalog, RunInput(page_size=size)), size)
    assert len(found) == SAMPLES
    for quarter in range(4):
        part = {ndc(number) for number in range(quarter * rows // 4, (quarter + 1) * rows // 4)}
        assert len(part & set(found)) >= 3


# What is made ready

SPACE = space_of(settings(), "0").id
OLD = Holder("old", NOW - timedelta(days=1))
NEWER = Holder("newer", NOW + timedelta(seconds=1))


class Server:
    """A Redis with a live generation, unless told otherwise, and a run that is about to begin."""

    def __init__(self, *, live: bool = True, space: str = SPACE, schema: str = "schema") -> None:
        self.index, self.runs = FakeIndex(), FakeRunStore()
        self.memory = self.index.memory
        self.index.generations.take_fence(OLD)
        self.rows = make_rows(6)
        if live:
            self.fill("live", space, schema=schema, baseline=Baseline(rows=7))
            self.memory.live = Live(LiveNames("live", space, "s"), finished=OLD.token)

    def fill(self, name: str, space: str = SPACE, **facts: Any) -> None:
        record = generation(name, space=space, **facts)
        self.index.generations.create(record, OLD)
        self.index.documents.write(name, OLD, [Document("1", {"ndc": "1", "text_hash": "t"})])
        self.index.server.create_indexes(LiveNames(name, space))

    def plan(self, holder: Holder = HOLDER, changed: Any = None, **run_input: Any) -> Plan:
        run = plan(**run_input).run.model_copy(
            update={"run_id": holder.run_id, "started_at": holder.started_at}
        )
        return plan_pages(
            RunTask(run=run),
            catalog=FakeCatalog(self.rows),
            generations=self.index.generations,
            server=self.index.server,
            engine=self.index.engine,
            texts=self.index.texts,
            runs=self.runs,
            settings=settings(**changed or {}),
            clock=clock,
        )

    def names(self) -> set[str]:
        return set(self.memory.records)

    @property
    def files(self) -> RunFiles:
        return RunFiles.of(self.runs, HOLDER)


def test_a_sync_writes_the_live_generation() -> None:
    server = Server()
    found = server.plan()
    assert (found.generation, found.live_generation, found.new_generation) == (
        "live",
        "live",
        False,
    )
    assert (found.space, server.names()) == (SPACE, {"live"})
    assert server.files.read("baseline.json", Baseline).rows == 7


@pytest.mark.parametrize(
    ("live", "mode"), [(False, "sync"), (False, "backfill"), (True, "backfill")]
)
def test_a_new_generation_is_named_by_the_execution(live: bool, mode: str) -> None:
    server = Server(live=live)
    found = server.plan(mode=mode)
    assert found.generation == HOLDER.identity
    assert found.live_generation == ("live" if live else None)
    assert server.memory.records[HOLDER.identity].state == "building"
    assert {("drugs", HOLDER.identity), ("texts", SPACE)} <= server.memory.indexes


def test_twice_is_the_same_as_once() -> None:
    server = Server()
    once = server.plan(mode="backfill")
    held = server.names(), set(server.memory.indexes), server.memory.writer
    assert server.plan(mode="backfill") == once
    assert (server.names(), server.memory.indexes, server.memory.writer) == held


def test_a_dry_run_changes_nothing_in_redis() -> None:
    server = Server()
    server.fill("left", state="building")
    before = server.names(), set(server.memory.indexes), server.memory.writer
    server.plan(mode="backfill", dry_run=True)
    assert (server.names(), server.memory.indexes, server.memory.writer) == before


def test_a_run_takes_the_fence_and_an_older_one_does_not_take_it_back() -> None:
    server = Server()
    server.plan(NEWER)
    with pytest.raises(RunSuperseded, match="newer may"):
        server.plan(HOLDER)
    assert server.memory.writer == NEWER.token


def test_a_generation_that_another_run_published_meanwhile_stops_the_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server()
    take = server.index.generations.take_fence

    def publish_meanwhile(holder: Holder) -> str:
        server.fill("other")
        server.memory.live = Live(LiveNames("other", SPACE), "live")
        return take(holder)

    monkeypatch.setattr(server.index.generations, "take_fence", publish_meanwhile)
    with pytest.raises(RunSuperseded, match="published generation other"):
        server.plan()


# Leftovers


def test_what_a_run_left_that_did_not_end_goes_once_the_fence_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In this order the run that left it can no longer write into what is dropped."""
    server = Server()
    server.fill("left", "left space", state="building")
    server.memory.staged[OLD.identity, "1"] = {"ndc": "1"}
    writers: list[str] = []
    for name in ("drop_indexes", "sweep", "forget"):
        make = getattr(server.index.generations, name)

        def look(*given: Any, make: Callable[..., Any] = make, **named: Any) -> Any:
            writers.append(server.memory.writer)
            return make(*given, **named)

        monkeypatch.setattr(server.index.generations, name, look)
    server.plan()
    assert server.names() == {"live"}
    assert server.memory.staged == {}
    assert server.memory.indexes == {("drugs", "live"), ("texts", SPACE)}
    assert set(writers) == {HOLDER.token}


def test_an_index_that_nobody_is_searched_with_is_made_again_once_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No server tells all its options, and they may be those of a failed run's settings."""
    server = Server(live=False)
    server.memory.indexes.add(("texts", SPACE))
    opened: list[set[tuple[str, str]]] = []
    create = server.index.server.create_indexes

    def look(names: LiveNames) -> None:
        opened.append(set(server.memory.indexes))
        create(names)

    monkeypatch.setattr(server.index.server, "create_indexes", look)
    server.plan()
    server.plan()
    assert opened == [set(), {("drugs", HOLDER.identity), ("texts", SPACE)}]


@pytest.mark.parametrize("finished", [True, False])
def test_redis_is_swept_only_where_the_last_writer_did_not_end_its_pruning(
    finished: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep goes through every key."""
    server, swept = Server(), []
    if not finished:
        server.index.generations.take_fence(Holder("cut off", OLD.started_at))
    sweep = server.index.generations.sweep

    def count(*given: Any, **named: Any) -> Any:
        swept.append(given)
        return sweep(*given, **named)

    monkeypatch.setattr(server.index.generations, "sweep", count)
    server.plan()
    assert bool(swept) is not finished


def test_leftovers_make_room_before_room_is_asked_for() -> None:
    server = Server()
    server.fill("left", state="building")
    gone = server.index.generations.forget

    def free(*given: Any) -> None:
        gone(*given)
        server.memory.facts = ServerFacts("8.2.9", 10**9, 0, "noeviction")

    server.memory.facts = ServerFacts("8.2.9", 10**9, 10**9, "noeviction")
    server.index.generations.forget = free  # type: ignore[method-assign]
    assert server.plan(mode="backfill").new_generation


# What a run cannot begin with


@pytest.mark.parametrize(
    ("live", "words"),
    [({"space": "other"}, "another embedding"), ({"schema": "other"}, "another search index")],
)
def test_a_sync_of_an_index_that_was_built_otherwise_needs_a_backfill(
    live: dict[str, str], words: str
) -> None:
    server = Server(**live)  # type: ignore[arg-type]
    with pytest.raises(GenerationMismatch, match=words):
        server.plan()
    assert server.plan(mode="backfill").new_generation


def test_a_backfill_with_other_index_options_leaves_the_live_texts_index_alone() -> None:
    server = Server(schema="other")
    assert server.plan(mode="backfill").space != SPACE
    assert ("texts", SPACE) in server.memory.indexes


def test_embedding_afresh_is_a_space_of_its_own() -> None:
    found = Server().plan(mode="backfill", reembed=True)
    assert (found.space != SPACE, found.space_revision) == (True, HOLDER.identity)


def test_a_verification_plans_for_what_is_live_and_takes_no_fence() -> None:
    server = Server()
    found = server.plan(mode="verify")
    assert (found.generation, found.new_generation) == ("live", False)
    assert (server.memory.writer, server.names()) == (OLD.token, {"live"})


def test_without_a_live_generation_there_is_nothing_to_verify() -> None:
    with pytest.raises(NothingLive, match="build it with a sync"):
        Server(live=False).plan(mode="verify")


def test_a_key_range_needs_a_live_generation() -> None:
    with pytest.raises(GenerationMismatch, match="needs a live generation"):
        Server(live=False).plan(after_key="1")


def test_a_live_generation_without_its_record_stops_the_run() -> None:
    server = Server()
    server.memory.records.clear()
    with pytest.raises(GenerationMismatch, match="drugs:generation:live is gone"):
        server.plan()


def test_another_generation_of_that_name_is_never_taken_for_ones_own() -> None:
    server = Server()
    server.fill(HOLDER.identity, state="previous")
    with pytest.raises(GenerationMismatch, match="exists already and is previous"):
        server.plan(mode="backfill")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (ServerFacts("8.2.9", 0, 0, "allkeys-lru"), "allkeys-lru"),
        (ServerFacts("8.4.0", 0, 0, "noeviction"), "CVE-2026-81934"),
        (ServerFacts("8.2.9", 0, 0, "noeviction", cluster=True), "cluster mode"),
        *(
            (ServerFacts("8.2.9", 0, 0, "noeviction", limits={name: figure}), f"{name} is {figure}")
            for name, figure in {
                "MAXSEARCHRESULTS": 9_999,
                "MAXAGGREGATERESULTS": 9_999,
                "MAXPREFIXEXPANSIONS": 199,
                "MINPREFIX": 3,
            }.items()
        ),
    ],
)
def test_a_server_that_cannot_hold_an_index_is_refused_before_the_fence(
    facts: ServerFacts, words: str
) -> None:
    server = Server()
    server.memory.facts = facts
    with pytest.raises(IndexFeatureMissing, match=words):
        server.plan()
    assert server.memory.writer == OLD.token


def test_a_limit_is_refused_before_the_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.steps.limits.MOST_PAGES", 1)
    server = Server()
    with pytest.raises(LimitExceeded, match=r"pages of 2 rows would be 3, and the limit is 1"):
        server.plan(page_size=2)
    assert server.memory.writer == OLD.token


def test_without_maxmemory_the_node_is_the_limit() -> None:
    server = Server()
    server.memory.facts = ServerFacts("8.2.9", 0, 900, "noeviction", machine_memory=1_000)
    with pytest.raises(MemoryShort, match="of the node's memory"):
        server.plan(mode="backfill")


@pytest.mark.parametrize(("mode", "short"), [("backfill", True), ("sync", False)])
def test_only_a_new_generation_needs_room(mode: str, short: bool) -> None:
    server = Server()
    server.memory.facts = ServerFacts("8.2.9", 10_000, 9_000, "noeviction")
    if short:
        with pytest.raises(MemoryShort, match="a generation of 6 drugs"):
            server.plan(mode=mode)
        assert server.names() == {"live"}
    else:
        server.plan(mode=mode)


# Texts to embed again


@pytest.mark.parametrize("live", [True, False])
def test_texts_to_embed_again_are_read_before_the_diff(live: bool) -> None:
    """Also those of a generation that never went live: nothing else would repair them."""
    server, text = Server(live=live), Text(text_hash("words", {}), "words", {})
    record = NewRecord(text.hash, record_of(text, vector_of("words")), 1)
    server.index.texts.write(SPACE, OLD, [record])
    server.index.texts.doubt(SPACE, OLD, [text.hash, "without a record"])
    server.plan(mode="backfill")
    assert server.files.read_texts("again.jsonl.gz") == [text]


def test_failures_that_the_indexes_had_before_are_noted() -> None:
    server = Server()
    server.memory.said["drugs", "live"] = {"failures": 3}
    server.memory.said["texts", SPACE] = {"failures": 4}
    assert server.plan().failures_before == IndexFailures(documents=3, texts=4)
