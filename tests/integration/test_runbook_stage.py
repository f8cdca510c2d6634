"""Each `drugsync ... --stage` line of the documents, typed as it stands, against moto's account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.documents import Started
from cli.failures import sentence
from cli.show.terminal import Out
from cli.sites.aws_site import AwsSite
from local.engine.engine import Engine
from tests.integration.test_cli_aws import EXECUTION, OUTPUTS, Session
from tests.integration.test_failure_told import to_cloudwatch
from tests.lab import Lab
from tests.rows import ndc
from tests.runbook import DOCUMENTS, Command, commands

SEARCH = {"SearchFunction": "SearchApi"}
NOT_IN_MOTO = {
    "redrive": "moto's Step Functions redrives nothing; what is sent is held by "
    "test_a_failed_run_is_redriven",
}
"""Verb -> why its lines end in moto's own refusal."""

OPTIONS = {"--profile": 1, "--region": 1, "--open": 0}
"""Of a person's own machine."""

PLACEHOLDERS = {"RUN", "NDC", "20261101T020000000-sync-1a2b"}


def lines() -> dict[tuple[str, ...], Command]:
    """Each once, in the order of the pages."""
    every = [one for path in DOCUMENTS for one in commands(path)]
    staged = [one for one in every if one.program == "drugsync" and "--stage" in one.words]
    return {one.words[1:]: one for one in staged}


def typed(words: tuple[str, ...], run: str, plan: str) -> list[str]:
    """With names that exist, and without a profile or a browser."""
    names = {"RUN": plan if "--plan" in words else run, "NDC": ndc(3)}
    names["20261101T020000000-sync-1a2b"] = run
    found, left = [], list(words)
    while left:
        word = left.pop(0)
        if word in OPTIONS:
            del left[: OPTIONS[word]]
        else:
            found.append(names.get(word, word))
    return found


@pytest.fixture
def account(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Engine, Lab]]:
    """A deployed stage, of whatever name, with a run that succeeded and a catalog that changed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("cli.show.watch.POLL_S", 0.05)
    (lab.stack.root / "machine.log").unlink(missing_ok=True)
    run = AwsSite.run
    with lab.machine() as machine:

        def run_to_its_end(site: AwsSite, given: dict[str, Any], out: Out) -> Started:
            """moto cannot be asked about a run that has just begun."""
            started = run(site, given, out)
            machine.wait(f"{EXECUTION}:{started.run_id}")
            return started

        monkeypatch.setattr(AwsSite, "run", run_to_its_end)

        def stage_of(stage: str | None, *_: Any) -> AwsSite:
            assert stage in ("prod", "dev")
            return AwsSite(stage, Session(OUTPUTS | SEARCH, stage))  # type: ignore[arg-type]

        monkeypatch.setattr("cli.options.stage_of", stage_of)
        monkeypatch.setattr("cli.commands.search.stage_of", stage_of)
        done = call("run", "--wait", "--stage", "prod")
        assert done.exit_code == 0, (done.output, done.exception)
        lab.catalog.update(ndc(3), strength="999 mg/1")
        for stage in ("prod", "dev"):
            to_cloudwatch(lab, stage)
        yield machine, lab


def call(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), terminal_width=200)


def newest(*more: str) -> str:
    found = json.loads(call("runs", "--json", "--stage", "prod", *more).stdout)
    return str(found[0]["run_id"])


@pytest.mark.timeout(300)
def test_each_line_with_a_stage_does_what_it_says(account: tuple[Engine, Lab]) -> None:
    wrong = []
    for words, command in lines().items():
        assert call("run", "--dry-run", "--wait", "--stage", "prod").exit_code == 0
        plan = newest()
        result = call(*typed(words, plan, plan))
        if words[0] in NOT_IN_MOTO or words == ("rollback", "--stage", "prod"):
            continue
        said = sentence(result.exception) if result.exception else ""
        if result.exit_code not in (0, 1) or (said and result.exit_code):
            wrong.append(f"{command}: {result.exit_code} {result.output} {result.exception!r}")
    assert not wrong, "\n".join(wrong)


def test_only_what_a_page_has_is_excused() -> None:
    assert set(NOT_IN_MOTO) <= {words[0] for words in lines()}
    assert len(lines()) > 25
