"""The commands of the operators' pages, run on this machine as they stand, in their order."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.failures import sentence
from local.places import HOME_VARIABLE
from tests.lab import Lab
from tests.rows import ndc
from tests.runbook import ROOT, Command, commands, printed

PAGES = (
    *("operations", "failed-run", "guards", "rollback", "redis-server", "schedule", "upgrade"),
    *("changing-the-model", "stop-and-pause"),
)
ELSEWHERE = {"up", "down", "demo", "serve", "schedule", "catalog", "info"}
"""They start and stop servers, and have tests of their own."""

ON_AWS = {"--stage": 1, "--profile": 1, "--region": 1, "--open": 0}


@pytest.fixture
def home(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose servers are the lab's."""
    monkeypatch.setenv(HOME_VARIABLE, str(lab.stack.root))
    monkeypatch.setenv("DRUGSYNC_EMBEDDING_DIMENSIONS", lab.settings["embedding_dimensions"])
    return lab.stack.root


def here(command: Command, names: dict[str, str]) -> list[str]:
    """Without what names a stage, and with names that exist."""
    words, left = [], list(command.words[1:])
    while left:
        word = left.pop(0)
        if word in ON_AWS:
            del left[: ON_AWS[word]]
        else:
            words.append(names.get(word, word))
    return words


def call(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), terminal_width=200)


@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_a_page_does_something_or_says_why_not(
    home: Path, lab: Lab, page: str
) -> None:
    assert call("run", "--page-size", "10").exit_code == 0
    lab.catalog.update(ndc(3), manufacturer="another")
    assert call("run", "--page-size", "10").exit_code == 0
    lab.catalog.update(ndc(3), strength="999 mg/1")
    lab.control_model(faults=[{"kind": "AccessDeniedException", "times": 1}])
    assert call("run", "--page-size", "10").exit_code == 1
    lines = [
        one
        for one in commands(ROOT / "docs" / f"{page}.md", inline=False)
        if one.program == "drugsync" and one.words[1] not in ELSEWHERE
    ]
    assert lines
    done = 0
    for command in lines:
        newest = json.loads(call("status", "--json").stdout)["run_id"]
        planned = json.loads(call("run", "--dry-run", "--json").stdout)["run_id"]
        names = {"RUN": planned if "--plan" in command.words else newest, "NDC": ndc(3)}
        result = call(*here(command, names))
        assert result.exit_code != 2, (command, result.output)
        if result.exception and not isinstance(result.exception, SystemExit):
            assert sentence(result.exception), (command, result.exception)
        else:
            done += 1
    assert done * 2 > len(lines)


# What the pages say that is printed


def a_page_that_fails(lab: Lab) -> None:
    lab.control_model(faults=[{"kind": "AccessDeniedException", "times": 1}])
    assert call("run", "--page-size", "10").exit_code == 1


def a_guard(lab: Lab) -> None:
    assert call("run", "--page-size", "10").exit_code == 0
    lab.catalog.delete(*(ndc(number) for number in range(30)))


def a_switch(lab: Lab) -> None:
    assert call("run", "--page-size", "10").exit_code == 0
    lab.catalog.update(ndc(3), manufacturer="another")
    assert call("run", "--page-size", "10").exit_code == 0


def a_lost_redis(lab: Lab) -> None:
    a_switch(lab)
    lab.index.redis.flushall()


SHOWN = {
    "failed-run": a_page_that_fails,
    "guards": a_guard,
    "rollback": a_switch,
    "redis-server": a_lost_redis,
}


@pytest.mark.parametrize("page", SHOWN)
def test_a_page_shows_what_its_commands_print(home: Path, lab: Lab, page: str) -> None:
    SHOWN[page](lab)
    shown = printed(ROOT / "docs" / f"{page}.md")
    assert len(shown) >= 3
    names = {"RUN": json.loads(call("status", "--json").stdout)["run_id"]}
    names["00001"] = failed_page() if page == "failed-run" else ""
    for command, parts in shown:
        output = plain(call(*here(command, names)).output)
        for part in parts:
            before, found, output = output.partition(plain(part))
            assert found, (str(command), part, before)


def failed_page() -> str:
    lines = json.loads(call("logs", "--json").stdout)
    return str(next(one["page"] for one in lines if one["error"]))


def plain(text: str) -> str:
    """Without what differs from run to run: names of runs, figures, and how wide columns are."""
    unnamed = re.sub(r"\d{8}T\d+-[a-z]+-[0-9a-f]{4}|\bRUN\b", "RUN", text)
    return " ".join(re.sub(r"\d[\d,.]*", "N", unnamed).split())


def test_every_page_that_shows_output_is_tried() -> None:
    every = {path.stem for path in (ROOT / "docs").glob("*.md") if printed(path)}
    assert every == set(SHOWN)
