"""Run files that somebody else wrote: only the run's own functions are believed.

The attacker can write any object of the run bucket, and has read all of them. What they lack is
the payload, which has the key.
"""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import orjson
import pytest

from tests.fakes import FakeRunStore
from tests.payloads import HOLDER, KEY, RUN, page_diff, plan, sealed, verified_page
from workflow.contract import runs, seals, versions
from workflow.contract.errors import RunFileCorrupt
from workflow.contract.events.files import Baseline, PageDiff, VerifiedPage
from workflow.contract.events.payloads import ChangesPage, PageRange, Run, TextsPage
from workflow.contract.ports.documents import Change, Document
from workflow.contract.runs import (
    DIFF_SUMMARY,
    EMBED_MANIFEST,
    LOAD_MANIFEST,
    PAGES,
    VERIFY_SUMMARY,
    PageChanges,
    RunFiles,
)

CHANGES = f"runs/{RUN}/diff/00000.jsonl.gz"
RANGES = [PageRange(page=f"0000{n}", after=str(n) if n else None, through=None) for n in range(3)]


@pytest.fixture
def store() -> FakeRunStore:
    return FakeRunStore()


@pytest.fixture
def files(store: FakeRunStore) -> RunFiles:
    return RunFiles.of(store, HOLDER)


def changes(strength: str = "500 mg", count: int = 3) -> PageChanges:
    drugs = [Document(str(n), {"ndc": str(n), "strength": strength}) for n in range(count)]
    return PageChanges([Change(one, None) for one in drugs], ["gone"], {}, [])


def without_the_key(store: FakeRunStore) -> RunFiles:
    """The attacker knows everything but the key."""
    return RunFiles.of(store, HOLDER._replace(key="guessed"))


def lines(body: bytes) -> list[bytes]:
    return gzip.decompress(body).splitlines(keepends=True)


# Forged


def test_a_page_that_somebody_else_wrote_is_refused(files: RunFiles, store: FakeRunStore) -> None:
    without_the_key(store).write_changes("00000", changes("5 mg"))
    with pytest.raises(RunFileCorrupt, match="its seal does not match"):
        files.read_changes("00000")


def test_a_verification_that_somebody_else_wrote_is_refused(
    files: RunFiles, store: FakeRunStore
) -> None:
    """ "All is right" is worth forging: it is what VerifyIndex and PublishIndex go by."""
    without_the_key(store).write(VERIFY_SUMMARY.format("00000"), verified_page())
    with pytest.raises(RunFileCorrupt, match="its seal does not match"):
        list(files.iterate_pages(VERIFY_SUMMARY, ["00000"], VerifiedPage))


FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "one value": lambda body: body.replace(b'"rows":3', b'"rows":4'),
    "a blank seal": lambda body: body[:17] + seals.BLANK.encode() + body[49:],
    "a shorter seal": lambda body: body[:17] + body[19:],
    "a seal of another type": lambda body: body[:16] + b"1" + body[50:],
    "a field behind": lambda body: body[:-1] + b',"rows":4}',
    "a space more": lambda body: body + b" ",
    "another order": lambda body: orjson.dumps(
        dict(reversed(orjson.loads(body).items()))  # what it says is the same
    ),
    "a seal twice": lambda body: b'{"file":{"seal":"' + b"0" * 32 + b'"},' + body[1:],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_changed_summary_is_refused(files: RunFiles, store: FakeRunStore, forgery: str) -> None:
    name = DIFF_SUMMARY.format("00000")
    files.write(name, page_diff("00000", rows=3))
    before = store.objects[f"runs/{RUN}/{name}"]
    store.objects[f"runs/{RUN}/{name}"] = FORGERIES[forgery](before)
    assert store.objects[f"runs/{RUN}/{name}"] != before
    with pytest.raises(RunFileCorrupt):
        files.read(name, PageDiff)


def test_a_file_of_another_page_is_not_this_ones(files: RunFiles, store: FakeRunStore) -> None:
    """A copy has a seal of this run; the seal is over the name, too."""
    for kind in (DIFF_SUMMARY, VERIFY_SUMMARY):
        files.write(kind.format("00000"), Baseline())
        store.objects[f"runs/{RUN}/{kind.format('00001')}"] = store.objects[
            f"runs/{RUN}/{kind.format('00000')}"
        ]
        with pytest.raises(RunFileCorrupt, match="its seal does not match"):
            files.read(kind.format("00001"), Baseline)
    files.write_changes("00000", changes())
    store.objects[CHANGES.replace("00000", "00001")] = store.objects[CHANGES]
    with pytest.raises(RunFileCorrupt, match="its seal does not match"):
        files.read_changes("00001")


def test_a_file_of_another_run_is_not_this_ones(files: RunFiles, store: FakeRunStore) -> None:
    """Of the same name and start, so that only its key is another one."""
    other = RunFiles.of(store, HOLDER._replace(key="of another run"))
    other.write(runs.BASELINE, Baseline(rows=1))
    with pytest.raises(RunFileCorrupt, match="its seal does not match"):
        files.read(runs.BASELINE, Baseline)


@pytest.mark.parametrize(
    ("manifest", "item", "changed"),
    [
        (PAGES, RANGES[1], {"after": "9"}),
        (PAGES, RANGES[1], {"rows": 5}),
        (PAGES, RANGES[1], {"page": "00002"}),
        (EMBED_MANIFEST, TextsPage(page="00000", texts=1), {"texts": 2}),
        (LOAD_MANIFEST, ChangesPage(page="00000", upserts=1, removals=0), {"upserts": 0}),
        (LOAD_MANIFEST, ChangesPage(page="00000", upserts=1, removals=0), {"seal": ""}),
    ],
)
def test_a_changed_item_of_a_manifest_is_refused_by_its_function_and_by_who_adds_up(
    files: RunFiles,
    store: FakeRunStore,
    manifest: str,
    item: PageRange | TextsPage | ChangesPage,
    changed: dict[str, object],
) -> None:
    """Step Functions reads a manifest, and asks nothing about it."""
    ours = sealed(manifest, item)
    files.check_item(manifest, ours)
    forged = ours.model_copy(update=changed)
    with pytest.raises(RunFileCorrupt, match=f"{manifest}, page .*its seal does not match"):
        files.check_item(manifest, forged)
    store.objects[files.key(manifest)] = orjson.dumps([forged.model_dump()])
    with pytest.raises(RunFileCorrupt, match="its seal does not match"):
        files.read_manifest(manifest, type(item))


def test_an_item_of_one_manifest_is_none_of_another(files: RunFiles) -> None:
    with pytest.raises(RunFileCorrupt):
        files.check_item(LOAD_MANIFEST, sealed(PAGES, RANGES[0]))


@pytest.mark.parametrize("kept", [[0, 1], [0, 0, 1], [0, 0, 1, 2], []])
def test_a_page_that_is_left_out_of_a_manifest_or_twice_in_it_is_noticed(
    files: RunFiles, store: FakeRunStore, kept: list[int]
) -> None:
    files.write_manifest(PAGES, RANGES)
    items = orjson.loads(store.objects[files.key(PAGES)])
    store.objects[files.key(PAGES)] = orjson.dumps([items[at] for at in kept])
    with pytest.raises(RunFileCorrupt, match=r"items of \d pages, and the run wrote 3"):
        files.read_manifest(PAGES, PageRange, 3)


def test_the_key_is_in_no_file(files: RunFiles, store: FakeRunStore) -> None:
    files.write_manifest(PAGES, RANGES)
    files.write_changes("00000", changes())
    files.write(runs.PLAN, plan().model_copy(update={"run": plan().run.without_key}))
    for body in store.objects.values():
        assert KEY.encode() not in (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
    assert files.read(runs.PLAN, type(plan())).run == Run(**plan().run.model_dump() | {"key": ""})


# Bombs


def packed(head: dict[str, object], rest: bytes) -> bytes:
    said = {"seal": seals.BLANK, "model": "PageChanges", "version": versions.FILES}
    line = orjson.dumps({"file": said | {"execution": HOLDER.identity} | head}) + b"\n"
    return gzip.compress(line + rest, 1)


BOMBS: dict[str, bytes] = {
    "48 MiB of line breaks": packed({"bytes": 48 << 20, "lines": 48 << 20}, b"\n" * (48 << 20)),
    "one line of 48 MiB": packed({"bytes": 48 << 20, "lines": 0}, b" " * (48 << 20)),
    "a head of 48 MiB": gzip.compress(b'{"file":' + b" " * (48 << 20) + b"}\n", 1),
    "more than it says": packed({"bytes": 100, "lines": 1}, b" " * (48 << 20)),
    "a second member": packed({"bytes": 0, "lines": 0}, b"") + gzip.compress(b" " * (48 << 20)),
    "a gigabyte is said": packed({"bytes": 1 << 30, "lines": 1}, b" " * (1 << 20)),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_in_little_memory(
    files: RunFiles, store: FakeRunStore, bomb: str
) -> None:
    store.objects[CHANGES] = BOMBS[bomb]
    tracemalloc.start()
    try:
        with pytest.raises(RunFileCorrupt, match=CHANGES):
            files.read_changes("00000")
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "said",
    [
        *({"bytes": -1}, {"bytes": "9"}, {"bytes": None}, {"bytes": [1]}, {"bytes": 1e308}, {}),
        *({"bytes": 5, "lines": -1}, {"bytes": 5, "lines": None}, {"bytes": 5, "lines": 2}),
    ],
    ids=str,
)
def test_a_head_that_says_nonsense_is_corrupt(
    files: RunFiles, store: FakeRunStore, said: dict[str, object]
) -> None:
    store.objects[CHANGES] = packed(said, b"[1]\n ")
    with pytest.raises(RunFileCorrupt, match=CHANGES):
        files.read_changes("00000")


def test_what_follows_the_end_is_corrupt(files: RunFiles, store: FakeRunStore) -> None:
    files.write_changes("00000", changes())
    store.objects[CHANGES] += gzip.compress(b'{"remove": "9"}\n')
    with pytest.raises(RunFileCorrupt, match="data follows its end"):
        files.read_changes("00000")


def test_a_line_more_or_less_is_corrupt_even_for_people(store: FakeRunStore) -> None:
    """Who looks at a past run has no key; lengths are looked at all the same."""
    RunFiles.of(store, HOLDER).write_changes("00000", changes())
    every = lines(store.objects[CHANGES])
    people = RunFiles(store, RUN)
    assert people.read_changes("00000") == changes()
    for forged in (every[:-1], [*every, every[-1]]):
        store.objects[CHANGES] = gzip.compress(b"".join(forged))
        with pytest.raises(RunFileCorrupt):
            people.read_changes("00000")


def test_a_json_file_that_is_too_large_is_not_parsed(
    files: RunFiles, store: FakeRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "JSON_LIMIT", 100)
    store.objects[files.key(runs.BASELINE)] = b"[" * 101
    with pytest.raises(RunFileCorrupt, match="101 bytes, and 100 at most"):
        files.read(runs.BASELINE, Baseline)
    store.objects[files.key(PAGES)] = b"[" * 101
    with pytest.raises(RunFileCorrupt, match="101 bytes, and 100 at most"):
        files.read_manifest(PAGES, PageRange)


def test_pieces_come_together_wherever_they_were_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeRunStore()
    files = RunFiles.of(store, HOLDER)
    files.write_changes("00000", changes(count=200))
    for size in (1, 2, 7, 100, 1 << 20):
        monkeypatch.setattr(seals, "PIECE", size)
        assert files.read_changes("00000") == changes(count=200)


def test_a_stream_that_never_ends_is_cut(files: RunFiles, store: FakeRunStore) -> None:
    files.write_changes("00000", changes())
    whole = store.objects[CHANGES]
    packer = zlib.compressobj(wbits=31)
    endless = packer.compress(gzip.decompress(whole)) + packer.flush(zlib.Z_FULL_FLUSH)
    store.objects[CHANGES] = endless
    with pytest.raises(RunFileCorrupt, match="ends too early"):
        files.read_changes("00000")
