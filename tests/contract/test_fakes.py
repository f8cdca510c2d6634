"""The fakes keep the contracts of the real adapters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import boto3
import pytest
import redis
from moto import mock_aws
from workflow.adapters.redis.search import RedisIndex
from workflow.contract.ports.index import Index

from tests.fakes import (
    FakeCatalog,
    FakeIndex,
    FakeRunStore,
)
from tests.rows import make_row, make_rows
from tests.servers import CatalogTable
from workflow.adapters.mysql.catalog import MySQLCatalog
from workflow.adapters.s3.run_store import S3RunStore
from workflow.contract.errors import RunFileMissing, RunSuperseded
from workflow.contract.ports.catalog import Catalog
from workflow.contract.ports.documents import Batch, Document
from workflow.contract.ports.generations import Generation
from workflow.contract.ports.model import Vector
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.texts import Text, TextOrigin

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

NEW = Generation("new", "space", "0", "schema", "building", "run", "2026")
KEYS = ["a", "a b", "a\tb", "{x}|y*", "ä", "\U0001f600", "\uff5e"]


@pytest.fixture(params=["fake", "redis"])
def index(request: pytest.FixtureRequest) -> Index:
    """An index whose generation `new` the run `run` may write."""
    if request.param == "fake":
        found = cast(Index, FakeIndex())
    else:
        client: redis.Redis = request.getfixturevalue("redis_client")
        found = RedisIndex(client, dimensions=2, algorithm="FLAT", options={})
    found.take_fence("run")
    found.create_generation(NEW)
    return found


def document(ndc: str, **fields: str) -> Document:
    return Document(ndc, {"ndc": ndc, "text_hash": "t", "content_hash": "c", **fields})


def load(index: Index, *ndcs: str, removals: tuple[str, ...] = ()) -> None:
    index.load("new", "run", Batch([document(ndc) for ndc in ndcs], removals), suspect=False)


def test_keys_are_read_in_the_order_of_their_bytes(index: Index) -> None:
    load(index, *reversed(KEYS))
    assert index.keys_between("new", None, None) == sorted(KEYS, key=str.encode)
    assert index.count("new") == len(KEYS)


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
    index: Index, after: str | None, through: str | None, found: list[str]
) -> None:
    load(index, "a", "b", "c", "d")
    assert index.keys_between("new", after, through) == found


def test_a_document_replaces_the_old_one_whole(index: Index) -> None:
    old, new = document("a", route="ORAL"), document("a", strength="5 mg")
    index.load("new", "run", Batch([old], ()), suspect=False)
    index.load("new", "run", Batch([new], ()), suspect=False)
    assert index.documents("new", ["a", "b"]) == [new.fields, {}]


def test_a_removed_drug_is_gone_from_documents_and_keys(index: Index) -> None:
    load(index, *KEYS)
    load(index, removals=(KEYS[3], "never was"))
    assert index.documents("new", [KEYS[3]]) == [{}]
    assert KEYS[3] not in index.keys_between("new", None, None)
    assert index.count("new") == len(KEYS) - 1


def test_hashes_are_in_the_order_asked_and_none_where_nothing_is(index: Index) -> None:
    load(index, "a", "c")
    assert index.content_hashes("new", ["c", "b", "a"]) == ["c", None, "c"]
    assert index.text_hashes("new", ["b", "a"]) == [None, "t"]
    assert index.content_hashes("new", []) == []


def test_damage_is_remembered_until_the_document_is_written_or_removed(index: Index) -> None:
    load(index, "a", "b", "c")
    index.report_damage("new", "run", ["a", "b", "c"], suspect=False)
    load(index, "a", removals=("b",))
    assert index.to_repair("new", ["a", "b", "c", "d"]) == {"c"}
    assert index.to_repair("new", []) == set()


@pytest.mark.parametrize(("suspect", "state"), [(True, "suspect"), (False, "building")])
def test_a_write_marks_the_generation_suspect_where_searches_see_it(
    index: Index, suspect: bool, state: str
) -> None:
    index.load("new", "run", Batch([document("a")], ()), suspect=suspect)
    assert [(one.name, one.state) for one in index.generations()] == [("new", state)]


def test_a_generation_is_read_as_it_was_created(index: Index) -> None:
    assert index.generations() == [NEW]


def test_a_text_record_tells_its_origin(index: Index) -> None:
    text = Text("h1", "words", {"route": "oral"})
    index.write_texts("space", "run", [(text, Vector(b"\x00" * 8, 7), "vh")])
    assert index.text_origins("space", ["h2", "h1"]) == [None, TextOrigin("run", 7)]
    assert index.text_origins("other", ["h1"]) == [None]
    assert list(index.text_records("space", ["h1", "h2"])) == [("words", b"\x00" * 8, "vh"), None]
    assert list(index.texts_of("space")) == ["h1"]
    index.delete_texts("space", "run", ["h1"])
    assert list(index.texts_of("space")) == []


def test_texts_need_no_fence(index: Index) -> None:
    index.take_fence("newer")
    index.write_texts("space", "run", [(Text("h", "w", {}), Vector(b"\x00" * 8, 1), "v")])
    assert index.text_origins("space", ["h"]) == [TextOrigin("run", 1)]


WRITES = {
    "create_generation": lambda index: index.create_generation(NEW),
    "load": lambda index: load(index, "b"),
    "report_damage": lambda index: index.report_damage("new", "run", ["a"], suspect=True),
    "rebuild_key_set": lambda index: index.rebuild_key_set("new", "run"),
    "delete_texts": lambda index: index.delete_texts("space", "run", ["h"]),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_run_that_lost_the_fence_writes_nothing(index: Index, write: str) -> None:
    load(index, "a")
    index.write_texts("space", "run", [(Text("h", "w", {}), Vector(b"\x00" * 8, 1), "v")])
    index.take_fence("newer")
    with pytest.raises(RunSuperseded, match="run run may no longer write"):
        WRITES[write](index)
    assert index.keys_between("new", None, None) == ["a"]
    assert index.to_repair("new", ["a"]) == set()
    assert index.generations() == [NEW]
    assert list(index.texts_of("space")) == ["h"]


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
