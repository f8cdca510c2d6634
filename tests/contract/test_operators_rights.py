"""The page of permissions names every right that the command line's calls need."""

from __future__ import annotations

import re

import pytest

from tests.machine import ROOT

SOURCES = (
    *(ROOT / "cli" / "sites").glob("aws_*.py"),
    ROOT / "workflow" / "adapters" / "stepfunctions" / "history.py",
    ROOT / "workflow" / "adapters" / "s3" / "run_store.py",
)
CALL = re.compile(r"\.(describe_\w+|list_\w+|get_\w+|start_execution|redrive_execution|invoke)\(")
PAGES = re.compile(r'get_paginator\("(\w+)"\)')
WAITERS = re.compile(r'get_waiter\("(\w+)"\)')
WAITED_FOR = {"function_active": "get_function_configuration"}
"""What a waiter of the SDK calls."""

NAMES = {"invoke": "InvokeFunction", "list_objects_v2": "ListBucket"}
"""Where the right is not called as the call is."""

NO_CALLS = {"get_paginator", "get_waiter", "get_caller_identity"}
"""The SDK's own, and one that needs no right."""


def calls() -> set[str]:
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    waited = {WAITED_FOR[name] for name in WAITERS.findall(text)}
    return {*CALL.findall(text), *PAGES.findall(text), *waited} - NO_CALLS


def right_of(call: str) -> str:
    return NAMES.get(call) or "".join(part.capitalize() for part in call.split("_"))


@pytest.mark.parametrize("call", sorted(calls()))
def test_an_operator_is_told_to_need_what_a_verb_calls(call: str) -> None:
    page = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    (row,) = [
        line
        for line in page.splitlines()
        if line.startswith("| operating it (runs, reports, rollback) |")
    ]
    assert right_of(call) in row


def test_the_calls_are_found() -> None:
    assert calls() >= {"describe_stacks", "start_execution", "invoke", "filter_log_events"}
    assert "get_function_configuration" in calls()
