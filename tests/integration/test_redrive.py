"""A redrive on this machine: the same run, and of it only what failed or never started."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import pytest

from cli.documents import RunView
from cli.sites.local_site import LocalSite
from cli.sites.site import no_redrive
from local.engine.definition import maps
from local.engine.history import EXECUTION, HISTORY
from local.engine.runner import redrive
from local.errors import LocalError
from tests.lab import Failing, Lab, before, cause_of
from workflow.contract.errors import SyncError
from workflow.contract.events.report import RunReport
from workflow.verify.floor import WORDS

RUN = "nightly"


class Refused(SyncError):
    """Not one that the state machine retries."""


def called(lab: Lab) -> dict[str, set[str | None]]:
    """The pages that functions were called for, by function."""
    found: dict[str, set[str | None]] = {}
    for one in lab.invocations:
        if one.begun:
            found.setdefault(one.state, set()).add(one.page)
    return found


def replayed(lab: Lab) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in lab.invocations:
        if one.replayed:
            found[one.state] = found.get(one.state, 0) + 1
    return found


def fail(lab: Lab, state: str, page: str | None = None) -> RunReport:
    error = Refused("asked for by a test")
    report = lab.run(run_id=RUN, intercept=Failing(state, error, page=page), page_size=10)
    assert (report.status, report.error) == ("FAILED", "Refused")
    return report


@pytest.mark.parametrize("function", [one.function for one in maps()])
def test_only_the_failed_page_of_a_map_is_called_again(lab: Lab, function: str) -> None:
    lab.settings["embed_page_size"] = "5"
    failed = fail(lab, function, page="00002")
    before, embedded = called(lab), lab.embedded()
    report = lab.redrive(RUN)
    assert (report.status, report.run_id) == ("SUCCEEDED", RUN)
    assert report.started_at == failed.started_at
    assert called(lab)[function] == {"00002"}
    names = list(before)
    assert [name for name in names[: names.index(function)] if name in called(lab)] == []
    assert replayed(lab)[function] == len(before[function]) - 1
    lab.assert_in_step()
    if function == "LoadPage":
        # VerifyIndex asks for a sample and for the floor's words; EmbedPages for nothing again.
        assert lab.embedded() - embedded <= 20 + WORDS


@pytest.mark.parametrize("function", [one.function for one in maps()])
def test_pages_that_never_started_are_called_with_those_that_failed(
    lab: Lab, function: str
) -> None:
    lab.settings["embed_page_size"] = "5"
    fail(lab, function, page="00002")
    never_started(lab, function, "00003")
    assert lab.redrive(RUN).status == "SUCCEEDED"
    assert called(lab)[function] == {"00002", "00003"}
    lab.assert_in_step()


def never_started(lab: Lab, function: str, page: str) -> None:
    """As where a run was stopped before it came to the page: no answer of it is remembered."""
    folder = lab.stack.root / "runs" / RUN
    lines = (folder / HISTORY).read_text().splitlines(keepends=True)
    left = [line for line in lines if not is_of(json.loads(line), function, page)]
    assert len(left) == len(lines) - 1
    (folder / HISTORY).write_text("".join(left))
    (folder / function.removesuffix("Page").lower() / f"{page}.json").unlink()


def is_of(line: dict[str, str], function: str, page: str) -> bool:
    return (line["state"], line["page"]) == (function, page)


def test_a_verification_is_redriven_page_by_page(lab: Lab) -> None:
    lab.succeed()
    before = lab.index.dump()
    failing = Failing("VerifyPage", Refused("asked for by a test"), page="00002")
    assert lab.run("verify", run_id=RUN, intercept=failing).status == "FAILED"
    report = lab.redrive(RUN)
    assert (report.status, report.outcome) == ("SUCCEEDED", "the index matches the catalog")
    assert called(lab)["VerifyPage"] == {"00002"}
    assert set(called(lab)) == {"VerifyPage", "VerifyIndex", "ReportRun"}
    assert lab.index.dump() == before


@pytest.mark.parametrize("state", ["AcceptRun", "PlanPages", "ReviewChanges", "PublishIndex"])
def test_a_redrive_goes_on_at_the_state_that_failed(lab: Lab, state: str) -> None:
    fail(lab, state)
    assert lab.redrive(RUN).status == "SUCCEEDED"
    assert next(iter(called(lab))) == state
    lab.assert_in_step()


def test_a_redrive_that_fails_again_is_redriven_again(lab: Lab) -> None:
    fail(lab, "LoadPage", page="00001")
    again = lab.redrive(RUN, intercept=Failing("LoadPage", Refused("again"), page="00001"))
    assert "page 00001: again" in cause_of(again, "Refused")
    assert lab.redrive(RUN).status == "SUCCEEDED"
    assert called(lab)["LoadPage"] == {"00001"}


def test_a_newer_run_wins_over_a_redrive(lab: Lab) -> None:
    fail(lab, "LoadPage", page="00001")
    lab.succeed(run_id="newer")
    cause_of(lab.redrive(RUN), "RunSuperseded")
    lab.assert_in_step()


def test_a_redrive_with_other_settings_is_refused_by_the_functions(lab: Lab) -> None:
    fail(lab, "LoadPage", page="00001")
    cause_of(lab.redrive(RUN, settings={"embedding_dimensions": "512"}), "SettingsChanged")


def test_a_redrive_keeps_to_the_state_machine_that_the_run_began_with(lab: Lab) -> None:
    fail(lab, "LoadPage", page="00001")
    path = lab.stack.root / "runs" / RUN / EXECUTION
    execution = json.loads(path.read_text())
    machine = json.loads(execution["definition"])
    machine["States"]["AcceptRun"]["Next"] = "Done"
    path.write_text(json.dumps(execution | {"definition": json.dumps(machine)}))
    lab.redrive(RUN)
    assert called(lab) == {}


def test_a_line_that_a_killed_process_cut_is_called_again(lab: Lab) -> None:
    fail(lab, "ReviewChanges")
    path = lab.stack.root / "runs" / RUN / HISTORY
    path.write_text(path.read_text().removesuffix("}\n"))
    assert lab.redrive(RUN).status == "SUCCEEDED"
    assert len(called(lab)["DiffPage"]) == 1
    lab.assert_in_step()


def test_a_run_without_its_execution_says_so(lab: Lab) -> None:
    fail(lab, "PlanPages")
    (lab.stack.root / "runs" / RUN / EXECUTION).unlink()
    with pytest.raises(LocalError, match=r"execution\.json is missing.*start a new one"):
        redrive(lab.stack, RUN)


@pytest.mark.parametrize("left", ["", '{"state": "Acc'])
def test_without_the_runs_key_nothing_is_called_again(lab: Lab, left: str) -> None:
    """AcceptRun would give another one, with which no file were the run's own."""
    fail(lab, "LoadPage", page="00001")
    folder = lab.stack.root / "runs" / RUN
    (folder / HISTORY).write_text(left)
    with pytest.raises(LocalError, match=r"history\.jsonl is missing or cut.*start a new one"):
        redrive(lab.stack, RUN)
    assert LocalSite(lab.stack.root).view(RUN).error is not None


def test_a_redrive_that_fails_over_a_cut_file_is_what_is_told_of_the_run(lab: Lab) -> None:
    fail(lab, "LoadPage", page="00001")
    path = lab.stack.root / "runs" / RUN / "review.json"
    path.write_bytes(path.read_bytes()[:50])
    assert lab.redrive(RUN).error == "RunFileCorrupt"
    site = LocalSite(lab.stack.root)
    report, page = site.report(RUN)
    assert (site.view(RUN).error, report.error) == ("RunFileCorrupt", "RunFileCorrupt")
    assert "RunFileCorrupt" in page.read_text()


def test_a_run_whose_files_were_deleted_meanwhile_is_told_by_its_report(lab: Lab) -> None:
    runs = lab.stack.root / "runs"
    lab.succeed(run_id=RUN, intercept=before("VerifyPage", lambda: rmtree(runs)))
    site = LocalSite(lab.stack.root)
    assert [(view.run_id, view.status) for view in site.runs(9)] == [(RUN, "SUCCEEDED")]
    assert site.report(RUN)[0].published
    assert site.logs(RUN, None) == []


def test_files_are_kept_while_a_run_goes_on(lab: Lab) -> None:
    folder: Path = lab.stack.root / "runs" / RUN
    fail(lab, "LoadPage", page="00001")
    assert (folder / "review.json").exists()
    assert not list(folder.rglob(".*"))


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ({"status": "RUNNING"}, "it is running"),
        ({"status": "SUCCEEDED"}, "it succeeded"),
        ({"status": "FAILED", "ended_at": 15}, "it ended 15 days ago, more than 14"),
        ({"status": "FAILED", "ended_at": 13}, ""),
        ({"status": "ABORTED", "ended_at": 0}, ""),
    ],
    ids=lambda one: str(one),
)
def test_what_cannot_be_redriven_says_why(view: dict[str, object], said: str) -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    days = view.get("ended_at")
    ended = now - timedelta(days=days) if isinstance(days, int) else None
    run = RunView.model_validate(
        {"run_id": RUN, "mode": "sync", "started_at": now, **view, "ended_at": ended}
    )
    refusal = no_redrive(run, " --stage prod", now)
    assert said in refusal
    assert bool(said) == ("drugsync run --stage prod" in refusal)
