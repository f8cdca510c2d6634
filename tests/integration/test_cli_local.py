"""The operators' verbs on this machine, over the real servers."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.app import app
from cli.commands.demo import REFUSED
from cli.sites import local_site
from cli.sites.embedding_rate import tried
from local.catalogs.catalog import FDA_GOLDEN_QUERIES
from local.engine import runner
from local.places import HOME_VARIABLE
from local.standin.bedrock_process import counters
from tests.commands import begin
from tests.lab import Lab
from workflow import __version__

SLOW_MODEL_MS = 400


@pytest.fixture
def home(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(lab.stack.root))
    return lab.stack.root


def drugsync(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), terminal_width=200)


def json_of(*arguments: str) -> Any:
    return json.loads(drugsync(*arguments, "--json").stdout)


def sync(*arguments: str) -> str:
    """A run that succeeds; its id."""
    report = json_of("run", "--page-size", "10", *arguments)
    assert report["status"] == "SUCCEEDED", report
    return str(report["run_id"])


def test_a_run_is_listed_with_its_maps_and_its_report(home: Path) -> None:
    run_id = sync()
    status = json_of("status", run_id)
    assert (status["status"], status["mode"]) == ("SUCCEEDED", "sync")
    assert [(one["state"], one["done"], one["total"]) for one in status["maps"]] == [
        ("DiffPages", 4, 4),
        ("EmbedPages", 1, 1),
        ("LoadPages", 4, 4),
        ("VerifyPages", 4, 4),
    ]
    assert json_of("runs", "--limit", "1")[0]["run_id"] == run_id
    shown = drugsync("report", run_id)
    assert shown.exit_code == 0
    assert f"runs/{run_id}/report.html" in shown.output
    page = (home / "runs" / run_id / "report.html").read_text()
    assert f"drug-catalog-sync {__version__}" in page
    for state in ("PlanPages", "DiffPages", "EmbedPages", "LoadPages", "VerifyIndex"):
        assert f"<b>{state}" in page
    assert "\x1b" not in shown.output


def test_the_newest_run_is_the_default(home: Path) -> None:
    sync()
    newest = sync()
    assert json_of("status")["run_id"] == newest
    assert json_of("report")["run_id"] == newest


def test_a_report_says_what_differs_from_the_last_run(home: Path, lab: Lab) -> None:
    first = sync()
    lab.catalog.delete(*list(lab.catalog.rows())[:3])
    report = json_of("report", sync())
    assert (report["last"]["run_id"], report["last"]["added"]) == (first, 40)
    assert (report["removed"], report["catalog_rows"]) == (3, 37)


def test_a_plan_writes_nothing(home: Path, lab: Lab) -> None:
    before = lab.index.dump()
    result = drugsync("run", "--dry-run", "--page-size", "10")
    assert result.exit_code == 0
    assert "to embed: 20 texts" in result.output
    assert lab.index.dump() == before


def test_a_failed_run_has_exit_code_1_and_a_report_with_a_page(home: Path, lab: Lab) -> None:
    lab.catalog.clear()
    assert drugsync("run").exit_code == 1
    shown = drugsync("report")
    assert "CatalogEmpty" in shown.output
    page = home / "runs" / json_of("report")["run_id"] / "report.html"
    assert "the catalog has no row" in page.read_text()
    assert drugsync("status").exit_code == 1


def test_verify_compares_with_the_catalog_as_it_is_now(home: Path, lab: Lab) -> None:
    sync()
    assert drugsync("verify").exit_code == 0
    lab.catalog.delete(*list(lab.catalog.rows())[:2])
    before = lab.index.dump()
    result = drugsync("verify")
    assert result.exit_code == 0
    assert "the index is sound, and behind the catalog" in result.output
    assert "0 added, 0 changed, 2 removed" in result.output
    assert lab.index.dump() == before


def test_verify_finds_what_was_edited_by_hand(home: Path, lab: Lab) -> None:
    sync()
    generation = lab.index.live()[0]
    ndc = next(iter(lab.index.documents()))
    lab.index.redis.hset(f"drug:{generation}:{ndc}", "strength", "by hand")
    found = json_of("verify")
    bad = [one["check"] for one in found["verification"] if not one["passed"]]
    assert bad == ["documents equal the catalog"]
    assert found["bad_keys"] == [ndc]
    assert (found["status"], found["error"]) == ("FAILED", "VerificationFailed")
    assert drugsync("verify").exit_code == 1


def test_nothing_live_is_what_a_verification_says(home: Path) -> None:
    assert json_of("verify")["error"] == "NothingLive"


def test_nothing_to_roll_back_is_named(home: Path) -> None:
    assert type(drugsync("rollback").exception).__name__ == "NothingToRollBack"


def test_a_rollback_is_undone_by_another_one(home: Path, lab: Lab) -> None:
    first = sync()
    second = sync("--mode", "backfill")
    assert drugsync("rollback").exit_code == 0
    assert lab.index.live()[0].startswith(first)
    drugsync("rollback")
    assert lab.index.live()[0].startswith(second)
    lab.catalog.update(next(iter(lab.catalog.rows())), strength="7 mg")
    drugsync("rollback")
    sync()
    assert drugsync("verify").exit_code == 0


def test_a_rollback_behind_other_settings_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync()
    monkeypatch.setenv("DRUGSYNC_EMBEDDING_DIMENSIONS", "256")
    sync("--mode", "backfill")
    assert "built with other settings" in drugsync("rollback").output
    said = drugsync("doctor").output
    assert "✗ settings fit the index" in said
    assert "Start a backfill." in said


def test_the_doctor_finds_everything_well(home: Path) -> None:
    sync()
    result = drugsync("doctor")
    assert result.exit_code == 0, result.output
    assert "✗" not in result.output


def test_a_try_of_the_model_takes_no_refusal_that_the_demo_asks_for(home: Path, lab: Lab) -> None:
    lab.control_model(faults=[REFUSED])
    assert tried(lab.stack)
    assert counters(lab.stack.bedrock)["errors"] == {}


def test_info_and_the_doctor_see_the_golden_queries_that_runs_check(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync()
    monkeypatch.setattr(local_site, "golden_queries", lambda _: FDA_GOLDEN_QUERIES.read_bytes())
    monkeypatch.setattr(runner, "golden_queries", lambda _: FDA_GOLDEN_QUERIES.read_bytes())
    assert json_of("info")["settings"]["golden_queries_key"] == runner.GOLDEN
    found = {one["check"]: one["found"] for one in json_of("doctor")}
    assert re.fullmatch(r"\d+ queries", found["golden queries"])


def test_info_and_the_doctor_say_which_servers_answer(home: Path, lab: Lab) -> None:
    known = json_of("info")
    versions = {known["mysql"]["version"], known["redis_version"]}
    assert versions == {lab.stack.mysql.version, lab.stack.redis.version}
    assert versions <= {one["found"] for one in json_of("doctor")}


def test_the_doctor_says_what_to_do_for_each_line_that_fails(
    home: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync()
    monkeypatch.setenv("DRUGSYNC_CATALOG_TABLE", "nowhere")
    monkeypatch.setenv("DRUGSYNC_GOLDEN_QUERIES_KEY", "golden.json")
    lab.control_model(faults=[{"kind": "AccessDeniedException", "times": None}])
    findings = {one["check"]: one for one in json_of("doctor") if not one["ok"]}
    assert "catalog_table" in findings["MySQL catalog"]["advice"]
    assert set(findings) == {"MySQL catalog", "embedding model", "golden queries"}
    assert all(one["advice"] for one in findings.values())


def test_an_index_that_is_not_there_is_a_finding(home: Path) -> None:
    found = next(one for one in json_of("doctor") if one["check"] == "live index")
    assert (found["ok"], found["advice"]) == (False, "The first sync builds it.")


def test_a_wrong_setting_is_a_finding(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRUGSYNC_EMBEDDING_DIMENSIONS", "7")
    found = json_of("doctor")[-1]
    assert (found["check"], found["ok"]) == ("settings", False)
    assert "256, 512, 1024" in found["found"]


def test_without_servers_the_doctor_says_how_to_start_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    result = drugsync("doctor")
    assert result.exit_code == 1
    assert result.output.count("drugsync up") == 3


def test_a_run_that_does_not_exist_is_named_as_such(home: Path) -> None:
    for verb in ("redrive", "status", "report"):
        assert str(drugsync(verb, "nightly").exception).startswith("there is no run nightly")


def test_a_name_that_no_run_can_have_is_wrong_usage(home: Path) -> None:
    for verb in ("redrive", "status", "report"):
        result = drugsync(verb, "../../etc")
        assert result.exit_code == 2
        assert "there is no run" in result.output


def test_a_failed_run_is_redriven(home: Path, lab: Lab) -> None:
    lab.control_model(faults=[{"kind": "AccessDeniedException", "times": 1}])
    failed = json_of("run", "--page-size", "10")
    assert (failed["status"], failed["error"]) == ("FAILED", "EmbedderAccessDenied")
    shown = drugsync("redrive", failed["run_id"])
    assert shown.exit_code == 0
    assert "not repeated" in shown.output
    assert "called again: EmbedPages" in shown.output
    assert json_of("report")["run_id"] == failed["run_id"]
    again = drugsync("redrive", failed["run_id"]).exception
    assert "cannot be redriven: it succeeded" in str(again)
    assert drugsync("verify").exit_code == 0


def test_a_run_that_was_killed_is_redriven(home: Path, lab: Lab) -> None:
    lab.control_model(latency_ms=SLOW_MODEL_MS)
    process = begin(home, "run", "--page-size", "10")
    run_id = until_it_embeds(home)
    process.kill()
    process.communicate(timeout=60)
    assert json_of("status", run_id)["status"] == "ABORTED"
    lab.control_model(latency_ms=0)
    kept = lab.embedded()
    report = json_of("redrive", run_id)
    assert (report["status"], report["run_id"]) == ("SUCCEEDED", run_id)
    assert kept > 0
    assert drugsync("verify").exit_code == 0


def test_ctrl_c_stops_a_run_cleanly_and_the_next_one_works(home: Path, lab: Lab) -> None:
    lab.control_model(latency_ms=SLOW_MODEL_MS)
    process = begin(home, "run", "--page-size", "10")
    run_id = until_it_embeds(home)
    other = json_of("status")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped: continue with drugsync redrive" in said
    assert "Traceback" not in said
    assert (other["run_id"], other["status"]) == (run_id, "RUNNING")
    report = json_of("report", run_id)
    assert (report["status"], report["error"]) == ("ABORTED", "Interrupted")
    lab.control_model(latency_ms=0)
    kept = lab.embedded()
    assert kept > 0
    after = json_of("report", sync())
    assert (after["status"], after["catalog_rows"]) == ("SUCCEEDED", 40)
    assert after["texts_embedded"] < 20


def until_it_embeds(home: Path) -> str:
    """The id of the run that a process began, once a few of its texts are embedded."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        for log in (home / "runs").glob("*/log.jsonl"):
            done = log.parent / "report.json"
            if not done.exists() and log.read_text().count('"function":"EmbedPage"') > 4:
                return log.parent.name
        time.sleep(0.05)
    raise AssertionError("no text was embedded within a minute")


def test_a_search_for_nothing_is_wrong_usage() -> None:
    result = drugsync("search", "  ")
    assert result.exit_code == 2
    assert "enter what to look for" in result.output


def test_a_schedule_syncs_and_says_when_the_next_one_is(home: Path, lab: Lab) -> None:
    result = drugsync("schedule", "--every", "1s", "--times", "2", "--page-size", "10")
    assert result.exit_code == 0, result.output
    assert result.output.count("scheduled sync") == 2
    assert result.output.count("next sync at") == 1
    assert [one["mode"] for one in json_of("runs")] == ["sync", "sync"]


def test_a_schedule_goes_on_after_a_sync_that_fails(home: Path, lab: Lab) -> None:
    lab.control_model(faults=[{"kind": "AccessDeniedException", "times": 1}])
    drugsync("schedule", "--every", "1s", "--times", "2", "--page-size", "10")
    assert [one["status"] for one in json_of("runs")] == ["SUCCEEDED", "FAILED"]


def test_the_log_of_a_page_has_counts_milliseconds_and_errors(home: Path, lab: Lab) -> None:
    lab.control_model(faults=[{"kind": "AccessDeniedException", "times": 1}])
    failed = json_of("run", "--page-size", "10")
    lines = json_of("logs", failed["run_id"])
    refused = next(line for line in lines if line["error"])
    assert (refused["function"], refused["error"]) == ("EmbedPage", "EmbedderAccessDenied")
    assert failed["run_id"] in refused["cause"]
    compared = [line for line in lines if line["function"] == "DiffPage"]
    assert [line["counts"]["rows"] for line in compared] == [10, 10, 10, 10]
    assert all(line["ms"] >= 0 for line in compared)
    page = json_of("logs", failed["run_id"], "--page", "00002")
    assert {line["page"] for line in page} == {"00002"}
    shown = drugsync("logs", failed["run_id"]).output
    assert "EmbedderAccessDenied" in shown
    assert "rows 10" in shown


def test_a_dry_run_shows_what_changes_before_and_after(home: Path, lab: Lab) -> None:
    sync()
    rows = list(lab.catalog.rows().values())
    changed, removed = str(rows[0]["ndc"]), str(rows[1]["ndc"])
    before = rows[0]["strength"]
    lab.catalog.update(changed, strength="7 mg")
    lab.catalog.delete(removed)
    lab.catalog.insert(rows[1] | {"ndc": "99999999999"})
    shown = drugsync("run", "--dry-run", "--page-size", "10")
    assert "see old and new values: drugsync changes" in shown.output
    found = {one["ndc"]: one for one in json_of("changes")}
    assert found[changed]["columns"] == [
        {"column": "strength", "before": before, "after": "7 mg"},
    ]
    assert found[removed]["kind"] == "removed"
    assert found["99999999999"]["kind"] == "added"
    assert all(one["before"] is None for one in found["99999999999"]["columns"])
    assert len(found) == 3
    assert len(json_of("changes", "--limit", "1")) == 1
    lines = drugsync("changes").output
    assert "- strength" in lines
    assert "+ strength           7 mg" in lines
    sync()
    assert drugsync("changes").output == "nothing changes\n"
