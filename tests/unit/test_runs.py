"""The files of one run."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.fakes import NOW, FakeRunStore
from tests.payloads import HOLDER, KEY, RUN, page_diff
from workflow.contract import seals, versions
from workflow.contract.errors import (
    PagesMissing,
    RunFileCorrupt,
    RunFileMissing,
    SettingsChanged,
)
from workflow.contract.events.files import Baseline, PageDiff
from workflow.contract.events.payloads import PageRange
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Change, Document
from workflow.contract.ports.texts import Text
from workflow.contract.runs import DIFF_SUMMARY, PAGES, PageChanges, RunFiles, page_name

TEXTS = [Text("h1", "a\nb\r\u2028c\u0085", {"route": "oral"}), Text("h2", "µ", {})]
SUMMARY = DIFF_SUMMARY.format("00000")
CHANGES = "runs/run/diff/00000.jsonl.gz"


@pytest.fixture
def store() -> FakeRunStore:
    return FakeRunStore()


@pytest.fixture
def files(store: FakeRunStore) -> RunFiles:
    return RunFiles.of(store, HOLDER)


def changes(count: int = 1) -> PageChanges:
    documents = [Document(str(n), {"ndc": str(n), "drug_name": "µ\n"}) for n in range(count)]
    upserts = [Change(document, None) for document in documents]
    return PageChanges(upserts, ["gone", "away"], {"same": "0f", "too": "1e"}, ["bad"])


# As they were written


def test_texts_are_read_as_they_were_written(files: RunFiles) -> None:
    files.write_texts("texts", TEXTS)
    assert files.read_texts("texts") == TEXTS


def test_changes_are_read_as_they_were_written(files: RunFiles) -> None:
    wanted = changes(3)
    wanted.upserts[1] = wanted.upserts[1]._replace(old="ab")
    files.write_changes("00000", wanted)
    assert files.read_changes("00000") == wanted


def test_the_same_lines_are_the_same_bytes(files: RunFiles, store: FakeRunStore) -> None:
    files.write_texts("one", TEXTS)
    before = store.objects["runs/run/one"]
    files.write_texts("one", TEXTS)
    assert store.objects["runs/run/one"] == before


def test_a_manifest_is_one_json_array(files: RunFiles, store: FakeRunStore) -> None:
    pages = [
        PageRange(page="00000", after=None, through="µ"),
        PageRange(page="1", after="µ", through=None),
    ]
    assert files.write_manifest(PAGES, pages) == "runs/run/pages.json"
    assert store.objects["runs/run/pages.json"].startswith(b"[{")
    read = files.read_manifest(PAGES, PageRange, 2)
    assert [one.model_copy(update={"seal": ""}) for one in read] == pages


# What is not right


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: body[:-5],
        lambda body: body[: len(body) // 2],
        lambda body: b"",
        lambda body: b"no gzip",
        lambda body: body[:12] + bytes([body[12] ^ 0xFF]) + body[13:],
        lambda body: gzip.compress(gzip.decompress(body)[:-4]),
        lambda body: gzip.compress(b""),
        lambda body: gzip.compress(b"[]\n"),
    ],
    ids=["tail", "half", "empty", "other", "flipped", "json", "no lines", "no head"],
)
def test_a_damaged_file_is_corrupt_by_key(
    files: RunFiles, store: FakeRunStore, damage: Callable[[bytes], bytes]
) -> None:
    files.write_changes("00000", changes(1000))
    store.objects[CHANGES] = damage(store.objects[CHANGES])
    with pytest.raises(RunFileCorrupt, match=CHANGES):
        files.read_changes("00000")


def test_a_line_of_another_form_is_corrupt(files: RunFiles, store: FakeRunStore) -> None:
    """By the run itself: written by another version of its code."""
    files._write_lines("texts", "Texts", [{"other": 1}])
    with pytest.raises(RunFileCorrupt, match="runs/run/texts"):
        files.read_texts("texts")


def test_a_file_of_another_form_is_corrupt(files: RunFiles, store: FakeRunStore) -> None:
    store.objects["runs/run/diff.json"] = b'{"page": 1'
    with pytest.raises(RunFileCorrupt, match=r"runs/run/diff\.json is not a PageDiff"):
        files.read("diff.json", PageDiff)
    with pytest.raises(RunFileCorrupt, match="is not a manifest"):
        files.read_manifest("diff.json", PageRange)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"rows": 1}', b'{"file": {}}', b'{"file": 1}'])
def test_a_file_that_does_not_say_what_it_is_is_corrupt(
    files: RunFiles, store: FakeRunStore, body: bytes
) -> None:
    store.objects["runs/run/baseline.json"] = body
    with pytest.raises(RunFileCorrupt, match="is not a Baseline"):
        files.read("baseline.json", Baseline)


def test_a_file_of_another_model_is_corrupt(files: RunFiles) -> None:
    files.write(SUMMARY, page_diff("00000"))
    with pytest.raises(RunFileCorrupt, match="is not marked as a Baseline"):
        files.read(SUMMARY, Baseline)


def test_a_file_of_another_version_needs_a_new_run(
    files: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write(SUMMARY, page_diff("00000"))
    files.write_changes("00000", changes())
    before = versions.FILES
    monkeypatch.setattr(versions, "FILES", before + 1)
    words = f"version {before} of the files .* reads version {before + 1}"
    with pytest.raises(SettingsChanged, match=words):
        files.read(SUMMARY, PageDiff)
    with pytest.raises(SettingsChanged, match=words):
        files.read_changes("00000")
    with pytest.raises(SettingsChanged):
        files.read_if_there(SUMMARY, PageDiff)


def test_a_file_with_a_field_that_this_code_does_not_know_is_corrupt(
    files: RunFiles, store: FakeRunStore
) -> None:
    class PageDiffOfLater(PageDiff):
        more: int = 1

    files.write(SUMMARY, PageDiffOfLater(**page_diff("00000").model_dump()))
    renamed = store.objects[f"runs/run/{SUMMARY}"].replace(b"PageDiffOfLater", b"PageDiff")
    store.objects[f"runs/run/{SUMMARY}"] = seals.sealed(KEY, SUMMARY, renamed)
    with pytest.raises(RunFileCorrupt, match="more"):
        files.read(SUMMARY, PageDiff)


# Whose they are


def test_a_file_that_is_not_there_is_missing(files: RunFiles) -> None:
    with pytest.raises(RunFileMissing):
        files.read("none.json", PageDiff)
    assert files.read_if_there("none.json", PageDiff) is None


def test_what_an_older_execution_of_the_same_name_left_is_not_there(
    files: RunFiles, store: FakeRunStore
) -> None:
    older = RunFiles.of(store, Holder(RUN, NOW - timedelta(days=91), "its key"))
    older.write(SUMMARY, page_diff("00000"))
    older.write_changes("00000", changes())
    with pytest.raises(RunFileMissing, match="of another execution of the same name"):
        files.read(SUMMARY, PageDiff)
    with pytest.raises(RunFileMissing, match="of another execution of the same name"):
        files.read_changes("00000")
    assert files.read_pages_there(DIFF_SUMMARY, PageDiff) == []
    with pytest.raises(PagesMissing, match="1 of 1 pages"):
        list(files.iterate_pages(DIFF_SUMMARY, ["00000"], PageDiff))


def test_people_may_look_at_what_any_execution_left(store: FakeRunStore) -> None:
    RunFiles.of(store, HOLDER).write(SUMMARY, page_diff("00000", rows=3))
    assert RunFiles(store, RUN).read(SUMMARY, PageDiff).rows == 3


def test_two_runs_do_not_share_files(store: FakeRunStore, files: RunFiles) -> None:
    files.write(SUMMARY, page_diff("00000"))
    assert RunFiles(store, "run2").read_pages_there(DIFF_SUMMARY, PageDiff) == []


# All pages


def test_pages_are_read_in_order(files: RunFiles) -> None:
    pages = [page_diff(page_name(number), rows=number) for number in range(30)]
    for page in reversed(pages):
        files.write(DIFF_SUMMARY.format(page.page), page)
    assert list(files.iterate_pages(DIFF_SUMMARY, [page.page for page in pages], PageDiff)) == pages
    assert files.read_pages_there(DIFF_SUMMARY, PageDiff) == pages


def test_pages_without_their_file_are_missing_by_name(files: RunFiles) -> None:
    files.write(DIFF_SUMMARY.format("00001"), page_diff("00001"))
    names = [page_name(number) for number in range(13)]
    with pytest.raises(PagesMissing, match=r"12 of 13 pages .*00000, 00002.*, \.\.\."):
        list(files.iterate_pages(DIFF_SUMMARY, names, PageDiff))


def test_only_the_pages_of_one_kind_are_there(files: RunFiles) -> None:
    files.write(SUMMARY, page_diff("00000"))
    files.write_changes("00000", changes())
    files.write_texts("diff/00000.texts.jsonl.gz", [])
    files.write("diff/other.json", page_diff("other"))
    assert [page.page for page in files.read_pages_there(DIFF_SUMMARY, PageDiff)] == ["00000"]
