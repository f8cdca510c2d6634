"""What only a real Redis can show: the fence inside its transaction, and errors as errors."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis

from local.servers.servers import start_redis, stop_redis
from workflow.adapters.redis.client import PASSING, Command, RedisClient, pairs, translated
from workflow.adapters.redis.index import RedisIndex
from workflow.contract.errors import (
    IndexAccessDenied,
    IndexCommandFailed,
    IndexUnavailable,
    RunSuperseded,
)
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Document
from workflow.contract.ports.generations import Generation, Kept, LiveNames, Swap
from workflow.contract.ports.texts import TextOrigin

STARTED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OLD, NEW = Holder("old", STARTED), Holder("new", STARTED + timedelta(seconds=1))
SAME_NAME = Holder("old", STARTED + timedelta(days=100))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis alone starts in a second; the whole stack does not."""
    root = tmp_path_factory.mktemp("redis")
    try:
        yield start_redis(root).url
    finally:
        stop_redis(root)


@pytest.fixture
def index(url: str) -> Iterator[RedisIndex]:
    """The adapters on an empty server."""
    with redis.Redis.from_url(url, protocol=3) as client:
        client.flushall()
        yield RedisIndex(client, dimensions=4, algorithm="FLAT", options={})


@pytest.fixture
def client(index: RedisIndex) -> RedisClient:
    return index.client


# The fence


def test_a_fence_that_changes_hands_within_the_transaction_is_noticed(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)

    def commands() -> Iterator[Command]:
        """redis-py asks for them when it has read the fence, and before it sends EXEC."""
        index.generations.take_fence(NEW)
        yield ("SET", "written", "by the old run")

    with pytest.raises(RunSuperseded, match="new may"):
        index.client.write_fenced(OLD, commands())
    assert index.client.ask("EXISTS", "written") == 0


def test_a_run_without_the_fence_writes_nothing(index: RedisIndex) -> None:
    index.generations.take_fence(NEW)
    with pytest.raises(RunSuperseded):
        index.client.write_fenced(OLD, [("SET", "written", "by the old run")])
    assert index.client.ask("EXISTS", "written") == 0


def test_an_index_that_somebody_else_drops_first_is_dropped(
    index: RedisIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.generations.take_fence(NEW)
    index.server.create_indexes(LiveNames("g", "s"))
    before = index.client.write_fenced

    def late(holder: Holder, commands: Iterable[Command]) -> None:
        index.client.ask("FT.DROPINDEX", "drugs:g")
        before(holder, commands)

    monkeypatch.setattr(index.client, "write_fenced", late)
    index.server.drop("drugs:g", NEW)
    assert index.server.index("drugs", "g") is None
    assert index.server.index("texts", "s") is not None


@pytest.mark.parametrize("newer", [NEW, SAME_NAME])
def test_the_fence_only_moves_forward_in_time(index: RedisIndex, newer: Holder) -> None:
    assert index.generations.take_fence(OLD) == ""
    assert index.generations.take_fence(newer) == OLD.token
    with pytest.raises(RunSuperseded):
        index.generations.take_fence(OLD)
    assert index.client.ask("GET", "drugs:writer") == newer.token.encode()


def test_a_run_from_the_future_is_named_with_its_time_and_the_cause(index: RedisIndex) -> None:
    """As where a clock was wrong, or is set back. Until then every new run is refused."""
    index.generations.take_fence(Holder("tomorrow", datetime(2999, 1, 2, 3, 4, 5, tzinfo=UTC)))
    with pytest.raises(RunSuperseded) as refused:
        index.generations.take_fence(NEW)
    assert str(refused.value) == (
        f"run {NEW.run_id} may no longer write, tomorrow may: its start, 2999-01-02 03:04:05 UTC, "
        "is still to come, so a clock was wrong then, or was set back since; correct the clock; "
        "then start a new run after 2999-01-02 03:04:05 UTC, or at once: while no run is in "
        "progress, delete the key drugs:writer"
    )
    index.client.ask("DEL", "drugs:writer")
    assert index.generations.take_fence(NEW) == ""


def test_a_newer_run_is_no_matter_of_clocks(index: RedisIndex) -> None:
    index.generations.take_fence(NEW)
    with pytest.raises(RunSuperseded, match=f"{NEW.run_id} may; start a new run$"):
        index.generations.take_fence(OLD)


def test_a_run_that_has_the_fence_may_take_it_again(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    assert index.generations.take_fence(OLD) == OLD.token


def test_an_index_is_never_built_more_than_wholly(
    index: RedisIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis, while it loads 9,568 keys after a restart, answered so (seen in 8.2.3)."""
    index.server.create_indexes(LiveNames("made", "0" * 16))
    info = index.server._info
    loading = {"percent_indexed": "9568", "indexing": 1}
    monkeypatch.setattr(index.server, "_info", lambda name: {**(info(name) or {}), **loading})
    facts = index.server.index("drugs", "made")
    assert facts is not None
    assert (facts.building, facts.percent) == (True, 1.0)


def test_texts_of_an_index_that_is_not_there_are_not_indexed(index: RedisIndex) -> None:
    assert index.server.indexed_texts("0" * 16, ["a" * 32]) == 0


def test_a_switch_without_the_fence_changes_nothing(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    index.documents.stage(OLD, [Document("1", {"ndc": "1"})])
    index.generations.take_fence(NEW)
    with pytest.raises(RunSuperseded):
        index.generations.switch(GENERATION, Swap(["1"]), OLD)
    assert index.documents.read("made", ["1"]) == [{}]
    assert index.generations.live() is None


# The switch

GENERATION = Generation("made", "space", "0", "schema", "live", "old", "2026-03-01")


def test_a_switch_is_made_whole_or_not_at_all(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    index.documents.write("made", OLD, [Document("1", {"ndc": "1"}), Document("2", {"ndc": "2"})])
    index.documents.stage(OLD, [Document("1", {"ndc": "1", "route": "new"})])
    with pytest.raises(IndexCommandFailed, match="'3'"):
        index.generations.switch(GENERATION, Swap(["1", "3"], ["2"]), OLD)
    assert index.documents.read("made", ["1", "2"]) == [{"ndc": "1"}, {"ndc": "2"}]
    assert index.documents.keys_between("made", None, None) == ["1", "2"]


def test_a_switch_can_be_taken_back_and_made_again_and_again(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    index.documents.write("made", OLD, [Document("1", {"ndc": "1"}), Document("2", {"ndc": "2"})])
    index.documents.stage(
        OLD, [Document("1", {"ndc": "1", "route": "new"}), Document("3", {"ndc": "3"})]
    )
    before, after = (
        [{"ndc": "1"}, {"ndc": "2"}, {}],
        [{"ndc": "1", "route": "new"}, {}, {"ndc": "3"}],
    )
    index.generations.switch(GENERATION, Swap(["1", "3"], ["2"]), OLD)
    assert index.documents.read("made", ["1", "2", "3"]) == after
    ways = [(before, ["1", "2"]), (after, ["1", "3"]), (before, ["1", "2"])]
    for number, (expected, keys) in enumerate(ways):
        index.generations.take_back(GENERATION, OLD.identity, f"way-{number}", OLD)
        assert index.documents.read("made", ["1", "2", "3"]) == expected
        assert index.documents.keys_between("made", None, None) == keys


def test_a_switch_that_is_sent_twice_is_made_once(index: RedisIndex) -> None:
    """The client sends a command again whose answer it lost."""
    index.generations.take_fence(OLD)
    index.documents.write("made", OLD, [Document("1", {"ndc": "1"})])
    index.documents.stage(OLD, [Document("1", {"ndc": "1", "route": "new"})])
    for _ in range(2):
        index.generations.switch(GENERATION, Swap(["1"]), OLD)
        assert index.documents.read("made", ["1"]) == [{"ndc": "1", "route": "new"}]
    for _ in range(2):
        index.generations.take_back(GENERATION, OLD.identity, "back", OLD)
        assert index.documents.read("made", ["1"]) == [{"ndc": "1"}]


def test_a_switch_forgets_the_repairs_that_it_made_and_notes_the_new_ones(
    index: RedisIndex,
) -> None:
    index.generations.take_fence(OLD)
    index.documents.write("made", OLD, [Document("1", {"ndc": "1"})])
    index.documents.report_damage("made", OLD, ["1", "2"])
    index.documents.stage(OLD, [Document("1", {"ndc": "1"})])
    index.generations.switch(GENERATION, Swap(["1"]), OLD, repair=["3"])
    assert index.documents.to_repair("made", ["1", "2", "3"]) == {"2", "3"}


LISTS = [
    *("drugs:keys:made", "drugs:repair:made", f"drugs:undo:{OLD.identity}"),
    *("drugs:live", "drugs:generation:made"),
]


@pytest.mark.parametrize("key", LISTS)
def test_a_switch_is_not_begun_where_a_key_of_it_holds_something_else(
    index: RedisIndex, key: str
) -> None:
    """A script that fails half-way is not undone."""
    prepare_switch(index)
    index.client.ask("SET", key, "of somebody else")
    with pytest.raises(IndexCommandFailed, match="WRONGTYPE"):
        index.generations.switch(GENERATION, Swap(["1"], ["2"]), OLD, repair=["3"])
    assert_not_begun(index)


FORBIDDEN = [
    *("-rename", "-zadd", "-zrem", "-srem", "-hset"),
    "resetkeys ~drug:* ~drugs:* ~staged:*",
    "resetkeys ~drug:* ~drugs:* ~undo:*",
    "resetkeys ~drugs:* ~undo:* ~staged:*",
]


@pytest.mark.parametrize("rules", FORBIDDEN)
def test_a_switch_is_not_begun_that_the_user_may_not_end(index: RedisIndex, rules: str) -> None:
    prepare_switch(index)
    user = "on nopass allkeys allchannels allcommands"
    index.client.ask("ACL", "SETUSER", "narrow", "reset", *user.split(), *rules.split())
    with redis.Redis(unix_socket_path=socket_of(index), protocol=3, username="narrow") as narrow:
        by_hand = RedisIndex(narrow, dimensions=4, algorithm="FLAT", options={})
        with pytest.raises(IndexAccessDenied):
            by_hand.generations.switch(GENERATION, Swap(["1"], ["2"]), OLD, repair=["3"])
    assert_not_begun(index)


def socket_of(index: RedisIndex) -> str:
    found = index.client.ask("CONFIG GET", "unixsocket")
    return str(found["unixsocket"])


def prepare_switch(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    index.documents.write("made", OLD, [Document(one, {"ndc": one}) for one in "12"])
    index.documents.stage(OLD, [Document("1", {"ndc": "1", "route": "new"})])


def assert_not_begun(index: RedisIndex) -> None:
    assert index.documents.read("made", ["1", "2"]) == [{"ndc": "1"}, {"ndc": "2"}]
    assert index.documents.read_staged(OLD, ["1"]) == [{"ndc": "1", "route": "new"}]
    assert index.client.ask("EXISTS", "drugs:swap") == 0


# What people do by hand


def test_a_key_set_is_rebuilt_whatever_is_in_it(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    index.documents.write("made", OLD, [Document(one, {"ndc": one}) for one in "abc"])
    index.client.ask("ZADD", "drugs:keys:made", 7, "a")
    assert set(index.documents.keys_between("made", "b", None)) <= {"c"}
    index.client.ask("ZADD", "drugs:keys:made", -1, "b", 0, b"\xff", 0, "gone")
    index.documents.rebuild_key_set("made", OLD)
    assert index.documents.keys_between("made", None, None) == ["a", "b", "c"]
    assert index.documents.keys_between("made", "a", "b") == ["b"]
    index.documents.leave_out("made", OLD, ["a", "b", "c"])
    index.documents.rebuild_key_set("made", OLD)
    assert index.documents.count("made") == 0


def test_documents_whose_key_is_no_text_are_swept(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    ours, theirs = f"drug:{OLD.identity}:".encode() + b"\xff", b"drug:orders:\xff"
    for key in (ours, theirs):
        index.client.ask("HSET", key, "ndc", "1")
    kept = Kept([OLD.identity], [], "", "", unused_texts=False)
    assert index.generations.sweep(kept, 0, OLD, keys=1000).removed == 1
    assert [index.client.ask("EXISTS", key) for key in (ours, theirs)] == [0, 1]


def test_a_record_without_its_run_is_a_record(index: RedisIndex) -> None:
    """Otherwise, in every run, LoadPage would miss it and EmbedPage would find it."""
    space, one = "0" * 16, "a" * 32
    index.client.ask("HSET", f"text:{space}:{one}", "text", "words")
    assert index.texts.origins(space, [one, "b" * 32]) == [TextOrigin("", 0), None]


@pytest.mark.parametrize("tokens", [{}, {"tokens": ""}, {"tokens": "-7"}, {"tokens": "7.5"}])
def test_tokens_that_are_no_number_count_as_none(index: RedisIndex, tokens: dict[str, str]) -> None:
    space, one = "0" * 16, "a" * 32
    index.client.ask("HSET", f"text:{space}:{one}", *pairs({"text": "x", "run_id": "r", **tokens}))
    assert index.texts.origins(space, [one]) == [TextOrigin("r", 0)]


# Errors


def test_only_a_key_of_another_type_reads_as_no_hash(client: RedisClient) -> None:
    client.ask("SET", "word", "text")
    client.ask("HSET", "hash", "field", "value")
    assert client.ask_hashes([("HGET", "hash", "field"), ("HGET", "word", "field")]) == [
        b"value",
        None,
    ]
    with pytest.raises(IndexCommandFailed):
        client.ask_hashes([("HGET", "hash", "field"), ("HGET", "hash")])


@pytest.mark.parametrize(
    "words",
    [
        "MISCONF Redis is configured to save RDB snapshots, but it is currently unable to",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'",
        "LOADING Redis is loading the dataset in memory",
        "NOREPLICAS Not enough good replicas to write",
        "BUSY Redis is busy running a script",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN The cluster is down",
        "READONLY You can't write against a read only replica",
    ],
)
def test_what_passes_is_tried_again(words: str) -> None:
    error = redis.ReadOnlyError(words) if words.startswith("READONLY") else None
    with pytest.raises(IndexUnavailable), translated():
        raise error or redis.ResponseError(words)


def test_every_answer_that_passes_is_tried_above() -> None:
    assert len(PASSING) == 7


@pytest.mark.parametrize("words", ["ERR unknown command", "WRONGTYPE Operation against a key"])
def test_what_does_not_pass_is_not_tried_again(words: str) -> None:
    with pytest.raises(IndexCommandFailed), translated():
        raise redis.ResponseError(words)


# Pruning


def test_a_space_that_no_kept_generation_uses_is_removed_with_its_index(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    made = index.generations
    gone, kept_name, hash_ = OLD.identity, NEW.identity, "a" * 32
    spaces = {gone: "1" * 16, kept_name: "2" * 16}
    for name, space in spaces.items():
        index.client.ask("HSET", f"text:{space}:{hash_}", "text", "words")
        index.client.ask("HSET", f"drug:{name}:1", "ndc", "1")
    for name, space in spaces.items():
        index.server.create_indexes(LiveNames(name, space))
    kept = Kept([kept_name], [spaces[kept_name]], "", "", unused_texts=False)
    made.drop_indexes(kept, OLD)
    assert made.sweep(kept, 0, OLD, keys=1000).removed == 2
    assert index.server.names() == [f"drugs:{kept_name}", f"texts:{spaces[kept_name]}"]
    left = [index.client.ask("EXISTS", f"text:{spaces[one]}:{hash_}", f"drug:{one}:1")
            for one in (gone, kept_name)]  # fmt: skip
    assert left == [0, 2]


def test_staged_and_old_documents_go_unless_they_are_kept(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    one, two = OLD.identity, NEW.identity
    names = [f"staged:{one}:1", f"staged:{two}:1", f"undo:{one}:1", f"undo:{two}:1"]
    for name in names:
        index.client.ask("HSET", name, "ndc", "1")
    kept = Kept([], [], one, two, unused_texts=False)
    index.generations.sweep(kept, 0, OLD, keys=1000)
    assert [index.client.ask("EXISTS", name) for name in names] == [1, 0, 0, 1]


OTHERS = [
    *("drug:00093505698", "drug:aspirin:reviews", "drugs", "drug", "text:article:1"),
    *("text:0123456789abcdef:1", "staged:orders:7", "undo:basket:7", "text:", "drug::"),
]


def test_what_somebody_else_keeps_under_the_same_first_words_stays(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    for name in OTHERS:
        index.client.ask("SET", name, "of somebody else")
    kept = Kept([], [], "", "", unused_texts=True)
    assert index.generations.sweep(kept, 0, OLD, keys=1000).removed == 0
    assert index.client.ask("EXISTS", *OTHERS) == len(OTHERS)


INDEXES_OF_OTHERS = {
    "drugs:reviews": "drug:reviews:",
    f"drugs:{OLD.identity}": "orders:",
    f"texts:{'3' * 16}": "articles:",
    "texts:articles": "text:articles:",
    "articles": "text:",
}


def test_indexes_that_somebody_else_calls_so_stay(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    for name, prefix in INDEXES_OF_OTHERS.items():
        create = ("ON", "HASH", "PREFIX", 1, prefix, "SCHEMA", "text", "TEXT")
        index.client.ask("FT.CREATE", name, *create)
    index.generations.drop_indexes(Kept([], [], "", ""), OLD)
    assert {one.decode() for one in index.client.ask("FT._LIST")} == INDEXES_OF_OTHERS.keys()


@pytest.mark.parametrize("algorithm", ["FLAT", "HNSW"])
def test_an_index_of_another_algorithm_is_unlike_ours(
    index: RedisIndex, url: str, algorithm: str
) -> None:
    """FLAT is exact, so nobody measures what HNSW in its place would find."""
    names = LiveNames("made", "0" * 16)
    with redis.Redis.from_url(url, protocol=3) as client:
        made = RedisIndex(client, dimensions=4, algorithm=algorithm, options={})
        made.server.create_indexes(names)
    found = index.server.index("texts", names.space)
    assert found
    assert found.unlike == (() if algorithm == "FLAT" else ("embedding",))


def test_a_text_to_embed_again_is_forgotten_with_its_record(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    space, hashes = "0" * 16, ["a" * 32, "b" * 32]
    index.client.ask("HSET", f"text:{space}:{hashes[0]}", "text", "words")
    index.texts.doubt(space, OLD, hashes)
    index.generations.forget(Kept([], [space], "", ""), OLD)
    assert index.texts.to_embed_again(space) == hashes[:1]


def test_the_end_of_a_run_is_noted_where_memory_is_full(index: RedisIndex) -> None:
    index.generations.take_fence(OLD)
    index.client.ask("HSET", "drugs:live", "generation", "made", "space", "0" * 16)
    index.client.ask("CONFIG SET", "maxmemory", 1_000_000)
    try:
        index.generations.finish(OLD)
    finally:
        index.client.ask("CONFIG SET", "maxmemory", 0)
    live = index.generations.live()
    assert live is not None
    assert live.finished == OLD.token


def test_the_texts_that_a_rollback_would_need_are_kept(index: RedisIndex) -> None:
    made = index.generations
    made.take_fence(OLD)
    space, texts = "0" * 16, ["a" * 32, "b" * 32, "c" * 32]
    names = LiveNames("made", space)
    index.server.create_indexes(names)
    for one in texts:
        index.client.ask("HSET", f"text:{space}:{one}", "text", one)
    index.documents.write("made", OLD, [Document("1", {"ndc": "1", "text_hash": texts[0]})])
    index.documents.stage(OLD, [Document("1", {"ndc": "1", "text_hash": texts[1]})])
    made.switch(GENERATION, Swap(["1"]), OLD)
    kept = Kept(["made"], [space], "", OLD.identity)
    while (facts := index.server.index("drugs", "made")) is None or facts.building:
        time.sleep(0.005)
    assert made.sweep(kept, 0, OLD, keys=1000).removed == 1
    left = [index.client.ask("EXISTS", f"text:{space}:{one}") for one in texts]
    assert left == [1, 1, 0]
