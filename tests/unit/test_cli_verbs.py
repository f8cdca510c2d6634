"""The command line's verbs, and what people type who know other tools."""

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.verbs import ELSEWHERE, VERBS


@pytest.mark.parametrize(("typed", "here"), ELSEWHERE.items())
def test_a_word_of_another_tool_is_answered_by_ours(typed: str, here: str) -> None:
    said = CliRunner().invoke(app, [typed, "--whatever"])
    assert said.exit_code == 2
    assert f"'drugsync {here}'" in " ".join(said.output.replace("│", " ").split())
    assert typed not in VERBS


@pytest.mark.parametrize("here", ELSEWHERE.values())
def test_and_ours_exists(here: str) -> None:
    words = [one for one in here.split() if not one.startswith("-") and one != "backfill"]
    flags = [one for one in here.split() if one.startswith("--")]
    said = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert said.exit_code == 0
    assert all(flag in said.output for flag in flags)
