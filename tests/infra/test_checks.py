"""What independent checkers say of the synthesized templates, and what changed since last time."""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.infra.parts import require_cdk
from tests.infra.template import Template, shown

require_cdk()

SNAPSHOT = Path(__file__).parent / "workflow.snapshot.json"
SHOWN = 80
CFN_LINT = "import sys; from cfnlint.runner import main; sys.exit(main())"

NOT_OURS = {
    "W3005": "CDK writes dependencies that are implied already",
    "W3010": "a stage names its zones: looking them up would need the network",
}


def test_cdk_nag_has_no_finding_that_is_not_accepted(
    assembly: Callable[[str], Path], configuration: str
) -> None:
    report = assembly(configuration) / "validation-report.json"
    if report.exists():
        plugins = json.loads(report.read_text())["pluginReports"]
        found = {violation["ruleName"] for one in plugins for violation in one["violations"]}
        assert found <= set(NOT_OURS)


def test_cfn_lint_finds_nothing(assembly: Callable[[str], Path], configuration: str) -> None:
    templates = sorted(map(str, assembly(configuration).glob("*.template.json")))
    assert len(templates) == 2
    command = [
        sys.executable,
        "-c",
        CFN_LINT,
        "--ignore-checks",
        *NOT_OURS,
        "--template",
        *templates,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_stack_is_the_one_that_was_reviewed(
    stack: Callable[[str, str], Template],
) -> None:
    """Set UPDATE_SNAPSHOT=1 to accept the difference."""
    found = outline(stack("created", "Workflow"))
    if os.environ.get("UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n")
    differences = compare(json.loads(SNAPSHOT.read_text()), found)
    assert not differences, "\n" + "\n".join(differences[:SHOWN])


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """One line for a resource that came or went, the changed lines of one that changed."""
    lines = [f"- {name} ({before[name]['Type']})" for name in before if name not in after]
    lines += [f"+ {name} ({after[name]['Type']})" for name in after if name not in before]
    for name in before:
        if name in after and after[name] != before[name]:
            texts = [json.dumps(one[name], indent=1).splitlines() for one in (before, after)]
            changed = [*difflib.unified_diff(*texts, lineterm="", n=1)][2:]
            lines += [f"~ {name}", *(f"    {line}" for line in changed)]
    return lines


def outline(template: Template) -> dict[str, Any]:
    """Resources by logical id, without what differs at each build or is kept elsewhere."""
    return {name: _reviewed(one) for name, one in sorted(template.resources.items())}


def _reviewed(resource: dict[str, Any]) -> dict[str, Any]:
    properties = dict(resource.get("Properties", {}))
    properties.pop("Tags", None)
    if "Code" in properties:
        properties["Code"] = "the bundle"
    if "DefinitionString" in properties:
        properties["DefinitionString"] = "statemachine.asl.json"
    if len(properties.get("Environment", {}).get("Variables", {})) > 10:
        properties["Environment"] = "every setting"
    if "DashboardBody" in properties:
        properties["DashboardBody"] = json.loads(shown(properties["DashboardBody"]))
    return {"Type": resource["Type"], "Properties": properties}
