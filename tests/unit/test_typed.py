"""A command that is named can be typed as it stands."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from cli.show.terminal import Out
from cli.typed import as_typed, typed


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in a folder of its own, called from the folder above."""
    path = tmp_path / ".venv" / "bin" / "drugsync"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [".venv/bin/drugsync", "demo"])
    monkeypatch.setenv("PATH", "/nowhere")
    return path


def test_off_the_path_it_is_named_as_it_was_called(program: Path) -> None:
    assert typed() == ".venv/bin/drugsync"
    out = Out(file=io.StringIO())
    out.say("stop them: [bold]drugsync down[/]; {}", "start a sync: drugsync run --stage prod")
    assert out.file.getvalue() == (  # type: ignore[attr-defined]
        "stop them: .venv/bin/drugsync down; start a sync: .venv/bin/drugsync run --stage prod\n"
    )


def test_on_the_path_its_name_is_enough(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program.parent))
    assert typed() == "drugsync"


def test_another_program_of_that_name_on_the_path_is_not_this_one(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / "drugsync"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(other.parent))
    assert typed() == ".venv/bin/drugsync"


def test_called_otherwise_it_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/lib/python/cli/main.py"])
    assert typed() == "drugsync"


@pytest.mark.parametrize(
    "text",
    ["https://example.com/drugsync run", "/srv/drugsync run", "user drugsync_run may", "drugsync"],
)
def test_what_is_no_command_stays(program: Path, text: str) -> None:
    assert as_typed(text) == text
