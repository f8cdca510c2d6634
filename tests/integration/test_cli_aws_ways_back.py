"""`redrive` and `rollback` with --stage, as typed: what is sent to AWS, said, and answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.failures import sentence
from tests.integration.account import Account, Breaking, call, deployed
from tests.integration.stage import EXECUTION
from tests.lab import Lab
from tests.rows import ndc

PROD = ("--stage", "prod")


@pytest.fixture
def account(synced: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """A stage whose catalog changed since its only run."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    synced.catalog.update(ndc(3), strength="999 mg/1")
    with deployed(synced, monkeypatch, Breaking()) as made:
        yield made


def refused(*words: str) -> str:
    """The sentence that a command ends in."""
    result = call(*words, *PROD)
    assert result.exit_code == 1
    assert result.exception is not None
    return sentence(result.exception)


def rolled_back(*words: str) -> dict[str, Any]:
    result = call("rollback", *words, "--json", *PROD)
    assert result.exit_code == 0, (result.output, result.exception)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


# redrive


def test_a_failed_run_is_redriven_by_its_name(account: Account) -> None:
    run = account.fail()
    result = call("redrive", run, "--json", *PROD)
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"run_id": run, "stage": "prod"})
    assert f"see its progress: drugsync status {run} --stage prod" in result.stderr
    assert account.redrives.sent == [f"{EXECUTION}:{run}"]


def test_a_redrive_is_watched_to_its_own_end_not_to_the_one_before(account: Account) -> None:
    """DescribeExecution still says FAILED when it is asked for the first time."""
    result = call("redrive", account.fail(), "--wait", "--json", *PROD)
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (0, "SUCCEEDED")


def test_a_run_that_succeeded_is_not_redriven(account: Account) -> None:
    assert call("run", "--wait", *PROD).exit_code == 0
    run = json.loads(call("runs", "--json", *PROD).stdout)[0]["run_id"]
    assert refused("redrive", run) == (
        f"run {run} cannot be redriven: Execution is SUCCEEDED and cannot be redriven; start a new "
        "run: drugsync run --stage prod"
    )
    assert account.redrives.sent == []


def test_what_aws_refuses_a_redrive_with_is_said(account: Account) -> None:
    run = account.fail()
    account.redrives.refusal = ("ExecutionNotRedrivable", "Execution history is at its limit")
    assert refused("redrive", run) == (
        f"run {run} cannot be redriven: Execution history is at its limit; start a new run: "
        "drugsync run --stage prod"
    )


def test_a_run_that_is_not_there_is_not_redriven(account: Account) -> None:
    assert "there is no run elsewhere; list them with: drugsync runs --stage prod" in refused(
        "redrive", "elsewhere"
    )
    assert account.redrives.sent == []


# rollback


def test_the_last_switch_is_undone_and_made_again(account: Account) -> None:
    lab = account.lab
    before = lab.index.documents()
    assert call("run", "--wait", *PROD).exit_code == 0
    after = lab.index.documents()
    back = rolled_back()
    assert (back["changed"], back["again"]) == (1, False)
    assert lab.index.documents() == before
    assert rolled_back()["again"]
    assert lab.index.documents() == after


def test_a_generation_that_is_kept_is_returned_to_by_name(account: Account) -> None:
    first = account.lab.index.live()[0]
    assert call("run", "--mode", "backfill", "--wait", *PROD).exit_code == 0
    second = account.lab.index.live()[0]
    found = rolled_back("--generation", first)
    assert (found["generation"], found["before"]) == (first, second)
    assert account.lab.index.live()[0] == first


def test_what_cannot_be_rolled_back_is_said_by_name(account: Account) -> None:
    assert refused("rollback").startswith("NothingToRollBack: ")
    assert "nowhere" in refused("rollback", "--generation", "nowhere")
