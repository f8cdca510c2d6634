"""The state machine's file, and what the command line must know about its states.

Read from the file, so that a new state needs no list.
"""

import json
import re
from functools import cache
from typing import Any, NamedTuple

from local.places import shipped

DEFINITION = shipped("statemachine.asl.json")


class MapState(NamedTuple):
    """A distributed Map: its name, the function of its children, and which field says its size."""

    name: str
    function: str
    size: tuple[str, ...]
    """Fields of a function's result, any of which holds the number of pages."""


@cache
def maps() -> tuple[MapState, ...]:
    """The distributed Maps, in the machine's order."""
    states: dict[str, Any] = json.loads(DEFINITION.read_text(encoding="utf-8"))["States"]
    return tuple(_map(name, state) for name, state in states.items() if state["Type"] == "Map")


@cache
def functions() -> tuple[str, ...]:
    """The functions of all states, in the machine's order."""
    states: dict[str, Any] = json.loads(DEFINITION.read_text(encoding="utf-8"))["States"]
    by_map = {one.name: one.function for one in maps()}
    tasks = (name for name, state in states.items() if state["Type"] in ("Task", "Map"))
    return tuple(by_map.get(name, name) for name in tasks)


def _map(name: str, state: dict[str, Any]) -> MapState:
    key = state["ItemReader"]["Parameters"]["Key.$"].rpartition(".")[2]
    what = str(key).removesuffix("_key")
    return MapState(name, state["ItemProcessor"]["StartAt"], (what, f"{what}_pages"))


def map_of(function: str) -> str:
    """The Map whose children call a function; otherwise the function's own state."""
    return next((one.name for one in maps() if one.function == function), function)


def sizes(result: dict[str, Any]) -> dict[str, int]:
    """Map -> its number of pages, if a function's result says it."""
    found = {one.name: [result[field] for field in one.size if field in result] for one in maps()}
    return {name: values[0] for name, values in found.items() if values and _is_count(values[0])}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def for_this_machine(definition: str) -> str:
    """Locally a function is called by its state's name."""
    return re.sub(r"\$\{(\w+)\}", r"\1", definition)
