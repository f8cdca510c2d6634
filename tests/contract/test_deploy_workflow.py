"""The workflow file that deploys a stage: nothing is deployed that a person did not see."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.machine import ROOT

FILE = ROOT / ".github" / "workflows" / "deploy.yml"


@pytest.fixture
def workflow() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_changes_and_drift_are_shown_before_a_person_approves(workflow: dict[str, Any]) -> None:
    looks, deploys = workflow["jobs"]["changes"], workflow["jobs"]["deploy"]
    shown = [one.partition(" | tee")[0] for one in commands(looks)]
    assert shown == ["make changes", "make drift"]
    assert deploys["needs"] == "changes"
    assert deploys["environment"] == "${{ inputs.stage }}"
    assert commands(deploys) == ["make deploy", "make deploy-check"]


def test_drift_is_what_cloudformation_finds() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r'^drift: .*\n\t\$\(CDK\) drift -c stage="\$\$STAGE"$', makefile, re.M)


def test_the_name_of_a_stage_is_never_a_command(workflow: dict[str, Any]) -> None:
    """Whoever starts the workflow types it, and `changes` waits for nobody."""
    hostile = "x; touch owned"
    for target in ("synth", "changes", "drift", "deploy", "deploy-check", "destroy"):
        shown = subprocess.run(
            ["make", "--dry-run", target, f"STAGE={hostile}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert hostile not in shown.stdout
    for job in workflow["jobs"].values():
        assert not [one for one in commands(job) if "${{" in one]


def test_a_command_that_fails_before_a_pipe_fails_its_job(workflow: dict[str, Any]) -> None:
    """GitHub runs a step without a shell by `bash -e`, and one of `shell: bash` with pipefail:
    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#defaultsrunshell
    """
    assert workflow["defaults"]["run"]["shell"] == "bash"
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert not [step for step in steps if "shell" in step]


def test_the_role_trusts_each_environment_that_asks_for_it(workflow: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    for job in workflow["jobs"].values():
        environment = job["environment"].replace("${{ inputs.stage }}", "STAGE")
        assert f"`repo:OWNER/REPOSITORY:environment:{environment}`" in page
