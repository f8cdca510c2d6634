"""Each `drugsync ... --stage` line of the documents, typed as it stands, against moto's account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.failures import sentence
from tests.integration.account import Account, Breaking, call, deployed, newest
from tests.integration.test_failure_told import to_cloudwatch
from tests.lab import Lab
from tests.rows import ndc
from tests.runbook import DOCUMENTS, Command, commands

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
def account(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """A deployed stage with two runs that succeeded and a catalog that changed since."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with deployed(lab, monkeypatch, Breaking()) as made:
        for strength in ("998 mg/1", "999 mg/1"):
            done = call("run", "--wait", "--stage", "prod")
            assert done.exit_code == 0, (done.output, done.exception)
            lab.catalog.update(ndc(3), strength=strength)
        for stage in ("prod", "dev"):
            to_cloudwatch(lab, stage)
        yield made


@pytest.mark.timeout(300)
def test_each_line_with_a_stage_does_what_it_says(account: Account) -> None:
    wrong = []
    for words, command in lines().items():
        if words[0] == "redrive":
            run = account.fail()
        else:
            assert call("run", "--dry-run", "--wait", "--stage", "prod").exit_code == 0
            run = newest()
        result = call(*typed(words, run, run))
        said = sentence(result.exception) if result.exception else ""
        if result.exit_code not in (0, 1) or (said and result.exit_code):
            wrong.append(f"{command}: {result.exit_code} {result.output} {result.exception!r}")
    assert not wrong, "\n".join(wrong)


def test_the_documents_have_many_such_lines() -> None:
    assert len(lines()) > 25
    assert {"redrive", "rollback"} <= {words[0] for words in lines()}
