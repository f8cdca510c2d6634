"""The state machine's file, read for the tests that hold it to its contracts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "statemachine.asl.json").read_text(encoding="utf-8")
MACHINE: dict[str, Any] = json.loads(TEXT)


def walk(states: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state by name, those inside Maps, too."""
    for name, state in states.items():
        yield name, state
        if "ItemProcessor" in state:
            yield from walk(state["ItemProcessor"]["States"])


STATES = dict(walk(MACHINE["States"]))
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
MAPS = {name: state for name, state in STATES.items() if state["Type"] == "Map"}


def most_tries(state: str, error: str) -> int:
    """How often a state's function is tried where it always fails with this error."""
    retriers = TASKS[state]["Retry"]
    return 1 + int(next(one["MaxAttempts"] for one in retriers if error in one["ErrorEquals"]))


def snake(name: str) -> str:
    """The handler's file is named so."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def fields(value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every field of a JSON value: its path, its name, its value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}.{name}", name, inner
            yield from fields(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from fields(inner, f"{path}[{number}]")
