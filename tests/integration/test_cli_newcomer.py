"""What somebody reads who has not read the documentation: each line true, and a next step."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from cli.sites.first_steps import next_step
from local.places import HOME_VARIABLE
from tests.commands import begin
from tests.lab import Lab
from tests.rows import make_row, ndc


@pytest.fixture
def home(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(lab.stack.root))
    return lab.stack.root


def drugsync(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), terminal_width=200)


def json_of(*arguments: str) -> Any:
    return json.loads(drugsync(*arguments, "--json").stdout)


def sync() -> Any:
    report = json_of("run", "--page-size", "10")
    assert report["status"] == "SUCCEEDED", report
    return report


# Nothing found


def test_explain_and_search_end_with_1_where_nothing_is_found(home: Path) -> None:
    sync()
    assert drugsync("explain", ndc(1)).exit_code == 0
    nobody = drugsync("explain", "12345678901")
    assert (nobody.exit_code, "no drug has this NDC" in nobody.output) == (1, True)
    assert json_of("explain", "12345678901")["in_catalog"] is False
    nothing = drugsync("search", "zzzzqqqq")
    assert (nothing.exit_code, "Nothing in this catalog matches" in nothing.output) == (1, True)


@pytest.mark.parametrize(
    "arguments", [("12345678901", "--query", ""), (" ",), ("-", "--query", "x")]
)
def test_an_empty_question_is_wrong_usage(home: Path, arguments: tuple[str, ...]) -> None:
    result = drugsync("explain", *arguments)
    assert result.exit_code == 2
    assert "contains no letter and no digit" in result.output


# A rollback


def test_a_rollback_says_which_sync_it_undid_and_what_that_does(home: Path, lab: Lab) -> None:
    sync()
    lab.catalog.update(ndc(3), strength="999 mg/1")
    lab.catalog.insert(make_row(100))
    lab.catalog.delete(ndc(20), ndc(21))
    run = sync()["run_id"]
    said = drugsync("rollback").output
    counts = "1 drug with old values, 2 drugs back, 1 drug gone"
    assert f"the switch of sync {run} is undone: {counts}" in said
    assert "searches answer from 40 drugs" in said
    lab.catalog.delete(ndc(100))
    again = json_of("rollback")
    assert (again["run"], again["again"]) == (run, True)
    assert (again["changed"], again["added"], again["removed"]) == (1, 1, 2)


def test_a_rollback_of_a_backfill_names_the_generation(home: Path, lab: Lab) -> None:
    first = sync()["generation"]
    assert drugsync("run", "--mode", "backfill").exit_code == 0
    said = drugsync("rollback").output
    assert f"generation {first} of 40 drugs is live again" in said


# First steps


def test_without_a_catalog_a_run_says_how_to_load_one(home: Path, lab: Lab) -> None:
    lab.catalog.execute("RENAME TABLE drugs TO drugs_elsewhere")
    try:
        for command in (["run"], ["run", "--dry-run"], ["verify"]):
            said = str(drugsync(*command).exception)
            assert said.startswith("no catalog is loaded on this machine yet"), said
            assert "drugsync catalog load" in said
        assert drugsync("runs").output == "no run yet\n"
        advice = {one["check"]: one["advice"] for one in json_of("doctor")}
        assert "drugsync catalog load" in advice["MySQL catalog"]
        assert next_step(lab.stack, has_runs=False) == "drugsync catalog load"
    finally:
        lab.catalog.execute("RENAME TABLE drugs_elsewhere TO drugs")


def test_an_empty_catalog_is_said_with_the_command_that_fills_it(home: Path, lab: Lab) -> None:
    lab.catalog.clear()
    said = drugsync("run")
    assert said.exit_code == 1
    assert "load the FDA's directory or a CSV file: drugsync catalog load" in said.output
    assert next_step(lab.stack, has_runs=False) == "drugsync run --dry-run"


# One figure for each thing


def test_a_sync_that_changes_nothing_says_so(home: Path) -> None:
    generation = sync()["generation"]
    assert f"published as generation {generation}" in drugsync("report").output
    assert f"nothing changed; generation {generation} stays" in drugsync("run").output


def test_a_verification_has_nothing_to_embed_and_no_price(home: Path, lab: Lab) -> None:
    sync()
    said = drugsync("verify").output
    assert "to embed" not in said
    assert "$" not in said
    lab.catalog.update(ndc(3), strength="999 mg/1")
    said = drugsync("verify").output
    assert "a sync would embed 1 text" in said
    assert "$" not in said


def test_a_run_has_one_duration(home: Path) -> None:
    run = sync()
    view = json_of("status")
    assert view["run_id"] == run["run_id"]
    took = re.search(r": published as [^,]*, (.+)\n", drugsync("report").output)
    assert took
    assert f"took {took[1]}\n" in drugsync("runs").output
    assert f"took {took[1]}\n" in drugsync("status").output


def test_the_documents_that_come_with_the_switch_are_counted_apart(home: Path, lab: Lab) -> None:
    sync()
    lab.catalog.insert(make_row(100), make_row(101))
    checks = {one["check"]: one["found"] for one in sync()["verification"]}
    assert checks["documents indexed"] == "40, 42 after the next switch"
    assert checks["documents of the pages"] == "42"
    assert checks["documents indexed after the switch"] == "42"


# Ctrl-C


def until_it_embeds(home: Path) -> str:
    ends = time.monotonic() + 120
    while time.monotonic() < ends:
        for log in (home / "runs").glob("*/log.jsonl"):
            if '"function":"EmbedPage"' in log.read_text():
                return log.parent.name
        time.sleep(0.05)
    raise AssertionError("nothing was embedded within two minutes")


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"it ended without: {words}")


def test_ctrl_c_is_answered_while_pages_are_in_flight(home: Path, lab: Lab) -> None:
    lab.control_model(latency_ms=2_000)
    with begin(home, "run", "--page-size", "10") as process:
        run_id = until_it_embeds(home)
        process.send_signal(signal.SIGINT)
        said = read_until(process, "stopping")
        assert "after the pages in flight; Ctrl-C again to stop now" in said
        assert process.poll() is None
        assert run_id in read_until(process, "stopped")
        assert process.wait(timeout=60) == 130
    lab.control_model(latency_ms=0)
    again = drugsync("redrive", run_id)
    assert again.exit_code == 0, again.output
    assert re.search(r"never started before: EmbedPages 0\d+", again.output)


def test_a_second_ctrl_c_waits_for_nobody(home: Path, lab: Lab) -> None:
    lab.control_model(latency_ms=20_000)
    with begin(home, "run", "--page-size", "10") as process:
        run_id = until_it_embeds(home)
        process.send_signal(signal.SIGINT)
        read_until(process, "stopping")
        process.send_signal(signal.SIGINT)
        assert f"drugsync redrive {run_id}" in read_until(process, "stopped now")
        assert process.wait(timeout=15) == 130
    lab.control_model(latency_ms=0)
    assert drugsync("redrive", run_id).exit_code == 0
