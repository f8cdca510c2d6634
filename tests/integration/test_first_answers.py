"""What docs/first-deployment.md says that `drugsync` answers, held against what it prints.

The stage's functions are called by moto's machine and its stubs; the servers are real.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.stage import site_with
from tests.integration.test_cli_aws_functions import SEARCHES, address, findings
from tests.integration.test_cli_local import drugsync, json_of
from tests.lab import Lab

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "first-deployment.md").read_text(encoding="utf-8")


def answer(typed: str) -> str:
    (found,) = re.findall(rf"^\| `{re.escape(typed)}` \| (.+) \|$", PAGE, re.MULTILINE)
    return str(found)


@pytest.fixture
def home(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    from local.places import HOME_VARIABLE

    monkeypatch.setenv(HOME_VARIABLE, str(lab.stack.root))
    return lab.stack.root


def test_before_the_first_sync_all_is_right_but_the_live_index(lab: Lab) -> None:
    assert answer("drugsync doctor --stage dev") == (
        "every line passes but *live index*: there is none, and the first sync builds it"
    )
    with lab.machine():
        found = findings(site_with())
    assert {check for check, one in found.items() if not one.ok} == {"live index"}
    assert "there is none" in found["live index"].found
    assert found["live index"].advice == "The first sync builds it."


def test_a_dry_run_says_what_the_page_lists_and_no_guard(home: Path) -> None:
    says = answer("drugsync run --dry-run --wait --stage dev")
    assert says == "rows, texts, dollars and minutes; no guard trips"
    printed = drugsync("run", "--dry-run", "--page-size", "10").output
    for words in (r"\d+ rows", r"\d+ texts", r"\$\d", r"[\d.]+ minutes"):
        assert re.search(words, printed), (words, printed)
    assert "guard" not in printed


def test_a_first_sync_succeeds_and_every_check_holds(home: Path) -> None:
    says = answer("drugsync run --stage dev --wait")
    assert says == "`SUCCEEDED`; every check in the report passes"
    drugsync("run", "--page-size", "10")
    (run,) = json_of("runs")
    assert run["status"] == "SUCCEEDED"
    checks = json_of("report", run["run_id"])["verification"]
    assert checks
    assert all(one["passed"] for one in checks)


@pytest.mark.parametrize("status", [401, 403])
def test_after_it_every_line_is_right_and_strangers_are_refused(synced: Lab, status: int) -> None:
    says = answer("make deploy-check STAGE=dev")
    assert "*search* names the live generation" in says
    assert "*search address* refuses anonymous calls (403; with tokens 401)" in says
    with synced.machine(), address(status) as url:
        found = findings(site_with(SEARCHES | {"SearchUrl": url}))
    assert [one for one in found.values() if not one.ok] == []
    assert synced.index.live()[0] in found["search"].found
    assert f"refuses anonymous calls ({status})" in found["search address"].found


def test_the_check_after_a_deployment_asks_both_verbs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^deploy-check:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert "drugsync doctor --stage" in lines
    assert "drugsync run --dry-run --wait --stage" in lines


def test_the_dry_run_of_the_check_changes_nothing(home: Path, synced: Lab) -> None:
    assert answer("make deploy-check STAGE=dev").endswith("the dry run changes nothing")
    before = synced.index.dump()
    drugsync("run", "--dry-run", "--page-size", "10")
    assert synced.index.dump() == before
