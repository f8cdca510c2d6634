"""What this machine keeps is its user's alone, and what names a run cannot name anything else."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from local.engine.history import History, begin
from local.engine.run_store import FolderRunStore
from local.engine.runs import only_one, run_id_of
from local.places import closed, private
from local.servers.given import save_settings
from workflow.contract.errors import InvalidInput
from workflow.contract.events.payloads import RunInput
from workflow.contract.holder import is_run_id
from workflow.operate.operate import OperatorTask
from workflow.steps.accept_run import parse_input

NAMES = ["nightly", "20261128T092300123-sync-1a2b", "_x", "9", "a" * 80, "a-b_c"]
NO_NAMES = [
    *("", "-", "--help", "-rf", "..", ".", "a.b", "a/b", "../../etc/passwd", "a b", "a\n", "a\0b"),
    *("a" * 81, "caf\xe9", "a\u202eb", "a\u3164", "$(id)", "a;b", "a'b", "%2e%2e"),
]


@pytest.fixture(autouse=True)
def _open_by_default() -> Iterator[None]:
    """With the usual umask, files are readable by everybody unless made otherwise."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(root: Path) -> list[str]:
    every = (root, *root.rglob("*"))
    return [str(one.relative_to(root)) for one in every if stat.S_IMODE(one.stat().st_mode) & 0o077]


def test_what_a_run_keeps_is_for_nobody_else(tmp_path: Path) -> None:
    root = tmp_path / "home" / ".local"
    with only_one(root, "first"):
        folder = closed(root / "runs" / "first")
        begin(folder, {}, datetime.now(UTC), "{}")
        History(folder, datetime.now(UTC)).close()
        FolderRunStore(root).write("runs/first/diff/00000.json", b"{}")
        save_settings(root, {"mysql_host": "db"})
    assert len(list(root.rglob("*"))) >= 7
    assert open_to_others(tmp_path / "home") == []


def test_a_folder_of_ours_that_was_open_is_closed(tmp_path: Path) -> None:
    open_one = tmp_path / "runs"
    open_one.mkdir(mode=0o755)
    assert open_to_others(closed(open_one)) == []


def test_a_home_that_somebody_chose_keeps_its_mode(tmp_path: Path) -> None:
    """It may be `/tmp`, and the user may be root."""
    tmp_path.chmod(0o1777)
    private(tmp_path / "drugsync")
    private(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


@pytest.mark.parametrize("name", NAMES)
def test_a_runs_name_is_taken_at_every_door(name: str) -> None:
    assert is_run_id(name)
    assert RunInput(plan=name).plan == name
    assert of_run(name).of_run


def test_a_name_of_our_own_is_one() -> None:
    assert all(is_run_id(run_id_of(kind)) for kind in ("sync", "backfill", "verify", "rollback"))


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_names_another_thing_is_taken_at_no_door(name: str) -> None:
    assert not is_run_id(name)
    with pytest.raises(InvalidInput, match="plan"):
        parse_input({"plan": name})
    with pytest.raises(ValidationError):
        OperatorTask(action="doctor", run_id=name)
    with pytest.raises(ValidationError):
        of_run(name)


def of_run(name: str) -> OperatorTask:
    run = {"run_id": name, "started_at": datetime.now(UTC), "settings_digest": "", "input": {}}
    return OperatorTask.model_validate({"action": "changes", "run_id": "x", "of_run": run})


@given(st.text())
def test_a_name_that_is_taken_is_one_word_of_one_path_and_no_option(name: str) -> None:
    if is_run_id(name):
        assert Path("runs", name).parts == ("runs", name)
        assert not name.startswith("-")
        assert json.dumps(name) == f'"{name}"'
