"""The files of one run."""

from __future__ import annotations

import gzip

import pytest

from tests.fakes import FakeRunStore
from tests.payloads import page_diff
from workflow.contract.errors import PagesMissing, RunFileCorrupt, RunFileMissing
from workflow.contract.events.files import PageDiff
from workflow.contract.events.payloads import PageRange
from workflow.contract.runs import DIFF_SUMMARY, PAGES, RunFiles, page_name


@pytest.fixture
def store() -> FakeRunStore:
    return FakeRunStore()


@pytest.fixture
def files(store: FakeRunStore) -> RunFiles:
    return RunFiles(store, "run")


def test_lines_are_read_as_they_were_written(files: RunFiles) -> None:
    lines = [{"text": "a\nb\r\u2028c\u0085"}, {"text": "µ"}]
    files.write_lines("lines", lines)
    assert list(files.read_lines("lines")) == lines


def test_the_same_lines_are_the_same_bytes(files: RunFiles, store: FakeRunStore) -> None:
    files.write_lines("one", [{"a": 1}])
    files.write_lines("two", [{"a": 1}])
    assert store.objects["runs/run/one"] == store.objects["runs/run/two"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: body[:-5],
        lambda body: body[: len(body) // 2],
        lambda body: b"",
        lambda body: b"no gzip",
        lambda body: body[:12] + bytes([body[12] ^ 0xFF]) + body[13:],
        lambda body: gzip.compress(b'{"a": 1}\n{"a":'),
    ],
    ids=["tail", "half", "empty", "other", "flipped", "json"],
)
def test_a_damaged_file_is_corrupt_by_key(
    files: RunFiles, store: FakeRunStore, damage: object
) -> None:
    files.write_lines("lines", [{"a": number} for number in range(1000)])
    store.objects["runs/run/lines"] = damage(store.objects["runs/run/lines"])  # type: ignore[operator]
    with pytest.raises(RunFileCorrupt, match="runs/run/lines"):
        list(files.read_lines("lines"))


def test_a_file_of_another_form_is_corrupt(files: RunFiles, store: FakeRunStore) -> None:
    store.objects["runs/run/diff.json"] = b'{"page": 1'
    with pytest.raises(RunFileCorrupt, match=r"runs/run/diff\.json is no PageDiff"):
        files.read("diff.json", PageDiff)
    with pytest.raises(RunFileCorrupt, match="is no manifest"):
        files.read_manifest("diff.json", PageRange)


def test_a_file_that_is_not_there_is_missing(files: RunFiles) -> None:
    with pytest.raises(RunFileMissing):
        files.read("none.json", PageDiff)
    assert files.read_if_there("none.json", PageDiff) is None


def test_a_manifest_is_one_json_array(files: RunFiles, store: FakeRunStore) -> None:
    pages = [
        PageRange(page="00000", after=None, through="µ"),
        PageRange(page="1", after="µ", through=None),
    ]
    assert files.write_manifest(PAGES, pages) == "runs/run/pages.json"
    assert store.objects["runs/run/pages.json"].startswith(b"[{")
    assert files.read_manifest(PAGES, PageRange) == pages


def test_pages_are_read_in_order_and_checksums_keep_all_their_bits(files: RunFiles) -> None:
    pages = [page_diff(page_name(n), checksum=(1 << 128) - 1 - n) for n in range(30)]
    for page in reversed(pages):
        files.write(DIFF_SUMMARY.format(page.page), page)
    assert files.read_pages(DIFF_SUMMARY, [page.page for page in pages], PageDiff) == pages
    assert files.read_pages_there(DIFF_SUMMARY, PageDiff) == pages


def test_pages_without_their_file_are_missing_by_name(files: RunFiles) -> None:
    files.write(DIFF_SUMMARY.format("00001"), page_diff("00001"))
    names = [page_name(number) for number in range(13)]
    with pytest.raises(PagesMissing, match=r"12 of 13 pages .*00000, 00002.*, \.\.\."):
        files.read_pages(DIFF_SUMMARY, names, PageDiff)


def test_only_the_pages_of_one_kind_are_there(files: RunFiles) -> None:
    files.write(DIFF_SUMMARY.format("00000"), page_diff("00000"))
    files.write_lines("diff/00000.jsonl.gz", [])
    files.write_manifest("diff/00000.rejected.json", [])
    assert [page.page for page in files.read_pages_there(DIFF_SUMMARY, PageDiff)] == ["00000"]


def test_two_runs_do_not_share_files(store: FakeRunStore) -> None:
    RunFiles(store, "run").write("diff/00000.json", page_diff("00000"))
    assert RunFiles(store, "run2").read_pages_there(DIFF_SUMMARY, PageDiff) == []
