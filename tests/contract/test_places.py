"""A place that was not tried is never taken for one that works."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import debian, places, support
from tools.debian import Done, NotHere, PlaceError

ROOT = Path(__file__).parents[2]
PASSED = (
    "====\n1,204 lines of a log in 3 words\n2 failed, 270 passed, 4 skipped in 175.22s (0:02:55)\n"
)


def test_a_machine_that_can_build_no_place_says_so_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody() -> None:
        raise NotHere("a place is built by root")

    monkeypatch.setattr(places, "require", nobody)
    assert places.main(["sid"]) == 3
    assert capsys.readouterr().err == "NOT TRIED on sid: a place is built by root\n"


def test_a_place_that_cannot_be_built_keeps_no_other_from_being_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build(name: str, parent: Path) -> Path:
        if name == "sid":
            raise PlaceError("debootstrap of sid failed")
        return parent

    monkeypatch.setattr(places, "require", lambda: None)
    monkeypatch.setattr(places, "ready", build)
    monkeypatch.setattr(places, "run", lambda *_: Done(0, ""))
    assert places.main(["sid", "debian12"]) == 1
    said = capsys.readouterr()
    assert said.err == "NOT TRIED on sid: debootstrap of sid failed\n"
    assert "| debian12 |" in said.out


def test_who_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NotHere, match="built by root"):
        debian.require()


@pytest.mark.parametrize(
    ("status", "ci", "expected"),
    [(0, "true", 0), (1, "true", 1), (3, "true", 3), (0, "", 0), (1, "", 1), (3, "", 0)],
)
def test_continuous_integration_fails_where_no_place_can_be_built(
    tmp_path: Path, status: int, ci: str, expected: int
) -> None:
    for name, code in (
        (".venv/bin/python", status),
        ("local/servers/prerequisites.sh", 0),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / ".ci").mkdir()
    script = shutil.copy(ROOT / ".ci/places", tmp_path / ".ci/places")
    done = subprocess.run([script, "sid"], env={**os.environ, "CI": ci}, check=False)
    assert done.returncode == expected


def test_a_place_that_was_kept_has_the_project_as_it_is_now(tmp_path: Path) -> None:
    root, place = tmp_path / "root", tmp_path / "place"
    project = debian.inside(place, debian.PROJECT)
    for name in ("kept.py", "room/gone.py", "room/ignored.log", ".gitignore"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("*.log\n")
    git = ("git", "-C", root)
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--force", "--all"], check=True)
    debian.copy_project(root, place)
    assert files(project) == {"kept.py", "room/gone.py", "room/ignored.log", ".gitignore"}
    for left in (".venv/bin/python", "dist/a.log", "room/__pycache__/gone.pyc"):
        (project / left).parent.mkdir(parents=True, exist_ok=True)
        (project / left).write_text("made by a run in the place")
    shutil.rmtree(root / "room")
    (root / "kept.py").write_text("changed")
    debian.copy_project(root, place)
    assert files(project) == {"kept.py", ".gitignore", ".venv/bin/python"}
    assert not (project / "room").exists()
    assert (project / "kept.py").read_text() == "changed"


def files(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if path.parts[0] != ".git"}


def test_a_step_that_fails_ends_the_attempt_and_is_in_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(folder: Path, command: str, log: Path) -> Done:
        return Done(1, PASSED) if "pytest" in command else Done(0, "VERSIONS|3.14|MySQL 9|Redis 8")

    monkeypatch.setattr(places, "run", answer)
    result = places.attempt("sid", tmp_path, "tests/unit")
    assert (result.failed, result.given) == ("tests", "tests/unit")
    assert result.tests == {"failed": 2, "passed": 270, "skipped": 4}
    assert set(result.processor) == set(result.seconds)
    assert "2 failed, 270 passed, 4 skipped in 0 s, **failed**" in support.table([result])[-1]


def test_only_what_is_the_same_everywhere_is_left_out_of_a_place() -> None:
    assert {path.name for path in places.left_out()} == {
        *("test_search_page.py", "test_search_page_reached.py", "test_search_page_shown.py"),
        *("test_runs_pages.py", "test_runs_pages_of_a_stage.py"),
        *("test_search_evaluation.py", "test_search_safety.py", "test_search_floor.py"),
    }


def test_what_a_newcomer_waits_for_stores_and_reads_is_in_the_table() -> None:
    spent = support.Result(
        place="sid",
        servers={},
        seconds={"demo": 60},
        processor={"demo": 31},
        words=1310,
        megabytes=420,
        tests={},
        given="",
        failed="",
        tried="",
    )
    assert "| 60 s (31 s of processor) | 420 MB | 1,310 |" in support.table([spent])[-1]


def test_the_mirror_of_this_machine_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MIRROR", raising=False)
    monkeypatch.setattr(debian, "SOURCES", tmp_path)
    with pytest.raises(NotHere, match="name a mirror in MIRROR"):
        debian.mirror()
    (tmp_path / "sources.list").write_text(
        "deb [signed-by=/k.gpg] https://mirror.test/d sid main\n"
    )
    assert debian.mirror() == "https://mirror.test/d"
    monkeypatch.setenv("MIRROR", "https://mine.test")
    assert debian.mirror() == "https://mine.test"


def test_every_place_of_the_page_is_one_that_can_be_tried() -> None:
    assert set(support.read_results()) <= set(places.PLACES)


def test_the_table_is_made_from_the_results() -> None:
    text = support.PAGE.read_text(encoding="utf-8")
    assert support.page(text) == text
