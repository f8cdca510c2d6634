"""The fakes keep the contracts of the real adapters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import NamedTuple

import boto3
import pytest
import redis
from moto import mock_aws

from tests.fakes import NOW, FakeCatalog, FakeIndex, FakeRunStore
from tests.payloads import generation
from tests.rows import make_row, make_rows
from tests.servers import CatalogTable
from workflow.adapters.mysql.catalog import MySQLCatalog
from workflow.adapters.redis.client import RedisClient
from workflow.adapters.redis.documents import RedisDocuments
from workflow.adapters.redis.generations import RedisGenerations
from workflow.adapters.redis.indexes import RedisIndexes
from workflow.adapters.redis.texts import RedisTexts
from workflow.adapters.s3.run_store import S3RunStore
from workflow.contract.documents import record_of
from workflow.contract.errors import IndexCommandFailed, RunFileMissing, RunSuperseded
from workflow.contract.events.files import Baseline
from workflow.contract.holder import Holder
from workflow.contract.ports.catalog import Catalog
from workflow.contract.ports.documents import Document, Documents
from workflow.contract.ports.generations import (
    Generations,
    Kept,
    Live,
    LiveNames,
    Swap,
    Undone,
)
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.server import IndexFacts, Server
from workflow.contract.ports.texts import NewRecord, Text, TextOrigin, Texts

# Run stores


@pytest.fixture(params=["fake", "s3"])
def store(request: pytest.FixtureRequest) -> Iterator[RunStore]:
    if request.param == "fake":
        yield FakeRunStore("bucket")
        return
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="bucket")
        yield S3RunStore(client, "bucket")


def test_an_object_is_read_as_it_was_last_written(store: RunStore) -> None:
    store.write("runs/a.json", b"1")
    store.write("runs/a.json", b"\x00\xff")
    assert store.read("runs/a.json") == b"\x00\xff"
    assert store.bucket == "bucket"


def test_an_object_that_is_not_there_is_missing_by_key(store: RunStore) -> None:
    with pytest.raises(RunFileMissing, match=r"runs/a\.json"):
        store.read("runs/a.json")


def test_keys_are_those_of_the_prefix_in_order(store: RunStore) -> None:
    for key in ("runs/b", "runs/a/2", "runs/a/1", "other"):
        store.write(key, b"")
    assert store.keys("runs/a/") == ["runs/a/1", "runs/a/2"]
    assert store.keys("runs/") == ["runs/a/1", "runs/a/2", "runs/b"]
    assert store.keys("none") == []


def test_more_keys_than_one_answer_holds_are_all_listed(store: RunStore) -> None:
    for number in range(1001):
        store.write(f"runs/{number:04}", b"")
    assert len(store.keys("runs/")) == 1001


# Indexes

SPACE = "space"
HOLDER = Holder("run", NOW)
SYNC = Holder("sync", HOLDER.started_at + timedelta(milliseconds=1))
NEWER = Holder("run", NOW + timedelta(milliseconds=1))
OLDER = Holder("another", NOW - timedelta(milliseconds=1))
KEYS = ["a", "a b", "a\tb", "{x}|y*", "a:b", "ä", "\U0001f600", "\uff5e"]
WORDS = Text("h1", "words", {"route": "oral"})


class Ports(NamedTuple):
    """What of one Redis the steps write, whichever it is."""

    documents: Documents
    texts: Texts
    generations: Generations
    server: Server


@pytest.fixture(params=["fake", "redis"])
def index(request: pytest.FixtureRequest) -> Iterator[Ports]:
    """An index with a generation `new` that the run `run` may write."""
    with ExitStack() as stack:
        ports = _fake() if request.param == "fake" else _redis(request, stack)
        ports.generations.take_fence(HOLDER)
        ports.generations.create(generation("new", state="building"), HOLDER)
        ports.server.create_indexes(LiveNames("new", SPACE))
        yield ports


def _fake() -> Ports:
    index = FakeIndex()
    return Ports(index.documents, index.texts, index.generations, index.server)


def _redis(request: pytest.FixtureRequest, stack: ExitStack) -> Ports:
    request.getfixturevalue("redis_client")  # Empties it.
    url = request.getfixturevalue("stack").redis.url
    client = RedisClient(stack.enter_context(redis.Redis.from_url(url, protocol=3)))
    server = RedisIndexes(client, dimensions=2, algorithm="FLAT", options={})
    generations = RedisGenerations(client, server)
    return Ports(RedisDocuments(client), RedisTexts(client), generations, server)


def document(ndc: str, **fields: str) -> Document:
    return Document(ndc, {"ndc": ndc, "text_hash": "h1", "content_hash": "c", **fields})


def write(index: Ports, *ndcs: str) -> None:
    index.documents.write("new", HOLDER, [document(ndc) for ndc in ndcs])


def record(vector: bytes = b"\0\0\x80?" * 2, refused: str = "", text: Text = WORDS) -> NewRecord:
    return NewRecord(text.hash, record_of(text, vector, refused), 7)


# Documents


def test_keys_are_read_in_the_order_of_their_bytes(index: Ports) -> None:
    write(index, *reversed(KEYS))
    assert index.documents.keys_between("new", None, None) == sorted(KEYS, key=str.encode)
    assert index.documents.count("new") == len(KEYS)
    assert index.documents.count("other") == 0


@pytest.mark.parametrize(
    ("after", "through", "found"),
    [
        (None, "b", ["a", "b"]),
        ("b", None, ["c", "d"]),
        ("a", "c", ["b", "c"]),
        ("a1", "b1", ["b"]),
        ("d", None, []),
        ("x", "z", []),
    ],
)
def test_a_range_excludes_its_lower_and_includes_its_upper_bound(
    index: Ports, after: str | None, through: str | None, found: list[str]
) -> None:
    write(index, "a", "b", "c", "d")
    assert index.documents.keys_between("new", after, through) == found


def test_a_document_replaces_the_old_one_whole(index: Ports) -> None:
    old, new = document("a", route="ORAL"), document("a", strength="5 mg")
    for one in (old, new):
        index.documents.write("new", HOLDER, [one])
        index.documents.stage(HOLDER, [one])
    assert index.documents.read("new", ["a", "b"]) == [new.fields, {}]
    assert index.documents.read_staged(HOLDER, ["a", "b"]) == [new.fields, {}]


def test_what_is_staged_is_in_no_generation_and_of_one_execution(index: Ports) -> None:
    index.documents.stage(HOLDER, [document(ndc) for ndc in KEYS])
    assert index.documents.read("new", KEYS) == [{}] * len(KEYS)
    assert index.documents.count("new") == 0
    assert index.documents.read_staged(NEWER, KEYS) == [{}] * len(KEYS)
    assert [one["ndc"] for one in index.documents.read_staged(HOLDER, KEYS)] == KEYS


def test_a_drug_that_is_left_out_is_gone_from_documents_and_keys(index: Ports) -> None:
    write(index, *KEYS)
    index.documents.leave_out("new", HOLDER, [KEYS[3], "never was"])
    assert index.documents.read("new", [KEYS[3]]) == [{}]
    assert KEYS[3] not in index.documents.keys_between("new", None, None)
    assert index.documents.count("new") == len(KEYS) - 1


def test_hashes_are_in_the_order_asked_and_none_where_nothing_is(index: Ports) -> None:
    write(index, "a", "c")
    assert index.documents.content_hashes("new", ["c", "b", "a"]) == ["c", None, "c"]
    assert index.documents.content_hashes("new", []) == []
    assert index.documents.read("new", []) == []


def test_damage_is_remembered(index: Ports) -> None:
    index.documents.report_damage("new", HOLDER, ["a", "b"])
    index.documents.report_damage("new", HOLDER, ["b", "c"])
    index.documents.report_damage("new", HOLDER, [])
    assert index.documents.to_repair("new", ["a", "b", "c", "d"]) == {"a", "b", "c"}
    assert index.documents.to_repair("new", []) == index.documents.to_repair("x", ["a"]) == set()


# Text records


def test_a_text_record_is_read_as_it_was_written_with_its_origin(index: Ports) -> None:
    index.texts.write(SPACE, HOLDER, [record()])
    assert index.texts.records(SPACE, ["h2", "h1"]) == [None, record().record]
    assert index.texts.origins(SPACE, ["h2", "h1"]) == [None, TextOrigin(HOLDER.identity, 7)]
    assert index.texts.records("other", ["h1"]) == index.texts.origins("other", ["h1"]) == [None]
    assert index.texts.records(SPACE, []) == []


def test_a_record_replaces_the_old_one_whole(index: Ports) -> None:
    for one in (record(), record(text=Text("h1", "other words", {"strength": "5"}))):
        index.texts.write(SPACE, HOLDER, [one])
        assert index.texts.records(SPACE, ["h1"]) == [one.record]


def test_a_refused_text_has_a_record_and_is_asked_again_until_it_is_taken(index: Ports) -> None:
    refused = record(b"", "not to my taste")
    index.texts.write(SPACE, HOLDER, [refused])
    assert index.texts.records(SPACE, ["h1"]) == [refused.record]
    assert index.texts.to_embed_again(SPACE) == ["h1"]
    index.texts.write(SPACE, HOLDER, [record()])
    assert index.texts.to_embed_again(SPACE) == []


def test_a_doubtful_text_keeps_its_record_and_is_asked_again(index: Ports) -> None:
    index.texts.write(SPACE, HOLDER, [record()])
    index.texts.doubt(SPACE, HOLDER, ["h1", "h0"])
    index.texts.doubt(SPACE, HOLDER, [])
    assert index.texts.records(SPACE, ["h1"]) == [record().record]
    assert index.texts.to_embed_again(SPACE) == ["h0", "h1"]


# The fence


def test_the_fence_moves_forward_in_time_only_and_says_who_had_it(index: Ports) -> None:
    assert index.generations.take_fence(HOLDER) == HOLDER.token
    assert index.generations.take_fence(NEWER) == HOLDER.token
    for older in (HOLDER, OLDER):
        with pytest.raises(RunSuperseded, match=f"run {older.run_id} may no longer write, run may"):
            index.generations.take_fence(older)


WRITES: dict[str, Callable[[Ports], object]] = {
    "write": lambda index: write(index, "b"),
    "stage": lambda index: index.documents.stage(HOLDER, [document("b")]),
    "leave_out": lambda index: index.documents.leave_out("new", HOLDER, ["a"]),
    "report_damage": lambda index: index.documents.report_damage("new", HOLDER, ["a"]),
    "write texts": lambda index: index.texts.write(SPACE, HOLDER, [record(b"", "no")]),
    "doubt": lambda index: index.texts.doubt(SPACE, HOLDER, ["h1"]),
    "create": lambda index: index.generations.create(generation("x"), HOLDER),
    "publish": lambda index: index.generations.publish(generation("new"), "", HOLDER),
    "switch": lambda index: index.generations.switch(generation("new"), Swap(["s"], ["a"]), HOLDER),
    "take_back": lambda index: index.generations.take_back(generation("new"), "u", "s", HOLDER),
    "finish": lambda index: index.generations.finish(HOLDER),
    "sweep": lambda index: index.generations.sweep(NOTHING, 0, HOLDER, keys=1000),
    "drop_indexes": lambda index: index.generations.drop_indexes(NOTHING, HOLDER),
    "forget": lambda index: index.generations.forget(NOTHING, HOLDER),
}
NOTHING = Kept([], [], "", "")


@pytest.mark.parametrize("name", WRITES)
def test_an_execution_that_lost_the_fence_writes_nothing(index: Ports, name: str) -> None:
    """Also to one of its own name."""
    write(index, "a")
    index.documents.stage(HOLDER, [document("s")])
    index.texts.write(SPACE, HOLDER, [record()])
    index.server.create_indexes(LiveNames(HOLDER.identity, f"{1:016x}"))
    index.generations.take_fence(NEWER)
    with pytest.raises(RunSuperseded, match="run run may no longer write"):
        WRITES[name](index)
    assert index.documents.keys_between("new", None, None) == ["a"]
    assert index.documents.read("new", ["a"]) == [document("a").fields]
    assert index.documents.read_staged(HOLDER, ["s", "b"]) == [document("s").fields, {}]
    assert index.documents.to_repair("new", ["a"]) == set()
    assert index.texts.records(SPACE, ["h1"]) == [record().record]
    assert index.texts.to_embed_again(SPACE) == []
    assert index.generations.every() == [generation("new", state="building")]
    assert index.generations.live() is None
    assert index.server.index("drugs", "new")


# Generations and the switch


@pytest.fixture
def live(index: Ports) -> Ports:
    """Generation `new` is live with a, b and c; `older` was before it."""
    write(index, "a", "b", "c")
    index.generations.create(generation("older"), HOLDER)
    index.generations.publish(generation("new"), "older", HOLDER)
    index.generations.take_fence(SYNC)
    return index


def versions(index: Ports) -> dict[str, str]:
    keys = index.documents.keys_between("new", None, None)
    read = index.documents.read("new", keys)
    return {ndc: fields.get("version", "") for ndc, fields in zip(keys, read, strict=True)}


def switch(index: Ports) -> None:
    """b changes, c goes, d comes."""
    index.documents.stage(SYNC, [document(ndc, version="2", run_id=SYNC.run_id) for ndc in "bd"])
    index.documents.report_damage("new", SYNC, ["a", "b", "c"])
    index.generations.switch(
        generation("new", run_id="sync"), Swap(["b", "d"], ["c"]), SYNC, repair=["x"]
    )


BEFORE, AFTER = {"a": "", "b": "", "c": ""}, {"a": "", "b": "2", "d": "2"}


def test_a_generation_is_read_as_it_was_recorded(index: Ports) -> None:
    whole = generation(
        "whole", baseline=Baseline(rows=3), before=Baseline(rows=2), published_before="then"
    )
    index.generations.create(whole, HOLDER)
    assert index.generations.every() == [generation("new", state="building"), whole]
    assert index.generations.find("whole") == whole
    assert index.generations.find("other") is None


def test_a_generation_goes_live_and_the_one_before_is_kept(live: Ports) -> None:
    assert live.generations.live() == Live(LiveNames("new", SPACE, HOLDER.identity), "older")
    assert {one.name: one.state for one in live.generations.every()} == {
        "new": "live",
        "older": "previous",
    }


def test_a_switch_exchanges_documents_keys_record_and_names(live: Ports) -> None:
    switch(live)
    assert versions(live) == AFTER
    assert live.documents.read_staged(SYNC, ["b", "d"]) == [{}, {}]
    assert live.documents.to_repair("new", ["a", "b", "c", "x"]) == {"a", "x"}
    found = live.generations.find("new")
    assert found
    assert found.run_id == "sync"
    names = LiveNames("new", SPACE, SYNC.identity)
    assert live.generations.live() == Live(names, "older", undo=SYNC.identity)


def test_a_switch_of_nothing_leaves_what_can_be_undone(live: Ports) -> None:
    switch(live)
    live.generations.take_fence(NEWER)
    live.generations.switch(generation("new"), Swap(), NEWER)
    names = LiveNames("new", SPACE, NEWER.identity)
    assert live.generations.live() == Live(names, "older", undo=SYNC.identity)


def test_a_switch_is_made_whole_or_not_at_all(live: Ports) -> None:
    live.documents.stage(SYNC, [document("b", version="2")])
    with pytest.raises(IndexCommandFailed, match="ndc 'd' is not where it should be"):
        live.generations.switch(generation("new"), Swap(["b", "d"], ["c"]), SYNC)
    assert versions(live) == BEFORE


def test_a_switch_is_taken_back_and_made_again(live: Ports) -> None:
    switch(live)
    for name, found in (("back", BEFORE), ("again", AFTER), ("back", BEFORE)):
        undone = live.generations.take_back(generation("new"), SYNC.identity, name, SYNC)
        assert undone == Undone(changed=1, added=1, removed=1, again=name == "again")
        assert versions(live) == found
        names = live.generations.live()
        assert names
        assert names.names.switch == name
        assert names.undo == SYNC.identity


def test_a_switch_that_counts_as_never_made_leaves_the_way_back_of_the_one_before(
    live: Ports,
) -> None:
    switch(live)
    live.generations.take_back(
        generation("new"), SYNC.identity, "back", SYNC, way_back="sync before"
    )
    found = live.generations.live()
    assert found
    assert found.undo == "sync before"
    assert versions(live) == BEFORE


def test_what_is_not_kept_goes_with_its_index_and_record(live: Ports) -> None:
    switch(live)
    old, old_space, text = OLDER.identity, f"{1:016x}", Text(f"{1:032x}", "words", {})
    live.generations.create(generation(old), SYNC)
    live.documents.write(old, SYNC, [document("a")])
    live.server.create_indexes(LiveNames(old, old_space))
    live.texts.write(old_space, SYNC, [record(text=text)])
    kept = Kept(["new"], [SPACE], SYNC.identity, SYNC.identity)
    live.generations.drop_indexes(kept, SYNC)
    assert live.generations.sweep(kept, 0, SYNC, keys=100_000).cursor is None
    live.generations.forget(kept, SYNC)
    assert versions(live) == AFTER
    assert live.documents.read(old, ["a"]) == [{}]
    assert live.texts.origins(old_space, [text.hash]) == [None]
    assert live.server.index("drugs", old) is None
    assert live.server.index("texts", old_space) is None
    assert [one.name for one in live.generations.every()] == ["new"]
    live.generations.take_back(generation("new"), SYNC.identity, "back", SYNC)
    assert versions(live) == BEFORE


def test_a_run_that_ended_its_pruning_is_remembered_until_the_next_backfill(live: Ports) -> None:
    live.generations.finish(SYNC)
    switch(live)
    found = live.generations.live()
    assert found
    assert found.finished == SYNC.token
    live.server.create_indexes(LiveNames("older", SPACE))
    live.generations.publish(generation("older"), "new", SYNC)
    found = live.generations.live()
    assert found
    assert found.finished == ""


# The server


def test_an_index_that_does_not_exist_is_none(index: Ports) -> None:
    assert index.server.index("drugs", "other") is None
    facts = built(index.server)
    assert (facts.failures, facts.percent) == (0, 1.0)


def built(server: Server) -> IndexFacts:
    """Redis fills an index beside its other work: on a busy machine that takes a moment."""
    until = time.monotonic() + 30
    while (facts := server.index("drugs", "new")) is None or facts.building:
        assert time.monotonic() < until, facts
        time.sleep(0.01)
    return facts


def test_aliases_point_at_what_they_were_pointed_at(index: Ports) -> None:
    names = LiveNames("new", SPACE)
    assert not index.server.aliases_point_at(names)
    index.server.point_aliases(names, HOLDER)
    assert index.server.aliases_point_at(names)


# Catalogs


@pytest.fixture(params=["fake", "mysql"])
def catalog(request: pytest.FixtureRequest) -> Catalog:
    """Six rows."""
    if request.param == "fake":
        return FakeCatalog(make_rows(6))
    table: CatalogTable = request.getfixturevalue("catalog")
    table.insert(*make_rows(6))
    server = request.getfixturevalue("stack").mysql
    options = {"unix_socket": server.socket, "user": server.user, "database": server.database}
    return MySQLCatalog(lambda: options, "drugs", 10)


def test_rows_come_in_key_order_with_their_columns(catalog: Catalog) -> None:
    with catalog.connect() as reader:
        found = reader.read_range(None, None)
        assert found.rows == make_rows(6)
        assert found.keys == [row["ndc"] for row in make_rows(6)]
        assert not found.unreadable
        assert reader.columns() == tuple(make_row(0))
        assert not reader.is_empty()


def test_a_range_of_rows_is_half_open(catalog: Catalog) -> None:
    keys = [row["ndc"] for row in make_rows(6)]
    with catalog.connect() as reader:
        assert reader.read_range(keys[1], keys[3]).keys == [keys[2], keys[3]]
        assert reader.read_range(keys[1], None, 1).keys == [keys[2]]
        assert reader.count(keys[1], keys[3]) == 2
        assert reader.count(None, None) == 6
        assert reader.keys(keys[1], keys[3]) == [keys[2], keys[3]]
        assert reader.keys(None, None) == keys


def test_a_key_is_found_by_its_place_in_a_range(catalog: Catalog) -> None:
    keys = [row["ndc"] for row in make_rows(6)]
    with catalog.connect() as reader:
        assert reader.key_at(None, None, 0) == keys[0]
        assert reader.key_at(keys[1], None, 2) == keys[4]
        assert reader.key_at(keys[1], keys[3], 1) == keys[3]
        assert reader.key_at(keys[1], keys[3], 2) is None


@pytest.mark.parametrize(
    ("after", "through", "rows", "end"),
    [
        (None, None, 2, 1),
        (1, None, 2, 3),
        (3, None, 2, None),
        (None, None, 6, None),
        (None, None, 5, 4),
        (None, 3, 2, 1),
        (None, 3, 4, None),
        (5, None, 1, None),
    ],
)
def test_a_page_ends_at_its_last_row_unless_it_is_the_last_page(
    catalog: Catalog, after: int | None, through: int | None, rows: int, end: int | None
) -> None:
    keys = [row["ndc"] for row in make_rows(6)]

    def key(number: int | None) -> str | None:
        return None if number is None else keys[number]

    with catalog.connect() as reader:
        assert reader.page_end(key(after), key(through), rows) == key(end)


def test_only_keys_that_exist_are_read(catalog: Catalog) -> None:
    key = str(make_row(2)["ndc"])
    with catalog.connect() as reader:
        assert reader.read_keys([key, "none"]).rows == [make_row(2)]
        assert reader.read_keys([]).keys == []
