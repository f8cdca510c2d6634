"""The state machine, drawn from its definition into docs/how-it-works.md: python -m cli.diagram."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DEFINITION = ROOT / "statemachine.asl.json"
PAGE = ROOT / "docs" / "how-it-works.md"
BEGIN = (
    "<!-- drawn from statemachine.asl.json by python -m cli.diagram; a test compares the two -->\n"
)
END = "<!-- end of the drawing -->\n"

State = dict[str, Any]

LAMBDA_ERRORS = "Lambda.ServiceException"
"""It heads the list of AWS's own transient errors, which every Task retries."""


def drawing(definition: State) -> str:
    """A Mermaid flow chart, and a table of what each state does and retries."""
    states: dict[str, State] = definition["States"]
    lines = [*map(_node, states, states.values())]
    for name, state in states.items():
        lines += [f"  {name} {arrow} {target}" for arrow, target in _arrows(state)]
    chart = "\n".join(["```mermaid", "flowchart TD", *lines, "```"])
    return f"{chart}\n\n{_table(states)}"


def page(text: str, definition: State) -> str:
    """The page with its drawing made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{drawing(definition)}\n{END}{after}"


def _node(name: str, state: State) -> str:
    match state["Type"]:
        case "Map":
            child = state["ItemProcessor"]["StartAt"]
            return f'  {name}[["{name}<br/>one {child} a page"]]'
        case "Choice":
            return f"  {name}{{{name}}}"
        case "Succeed":
            return f"  {name}(({name}))"
    return f"  {name}[{name}]"


def _arrows(state: State) -> Iterator[tuple[str, str]]:
    for choice in state.get("Choices", ()):
        yield f"-- {_condition(choice)} -->", choice["Next"]
    if "Default" in state:
        yield "-- else -->", state["Default"]
    if "Next" in state:
        yield "-->", state["Next"]


def _condition(choice: State) -> str:
    field = choice["Variable"].rpartition(".")[2]
    value = next(choice[name] for name in choice if name.endswith("Equals"))
    return f"{field} = {json.dumps(value)}"


def _table(states: dict[str, State]) -> str:
    rows = ["| state | what it does | retried errors |", "|---|---|---|"]
    for name, state in states.items():
        if "Comment" in state:
            task = _task(state)
            errors = ", ".join(f"`{one}`" for one in _retried(task)) or "-"
            rows.append(f"| `{name}` | {state['Comment']} | {errors} |")
    return "\n".join(rows) + "\n"


def _task(state: State) -> State:
    if state["Type"] != "Map":
        return state
    processor = state["ItemProcessor"]
    child: State = processor["States"][processor["StartAt"]]
    return child


def _retried(task: State) -> Iterator[str]:
    """The workflow's own errors; AWS's transient ones are retried everywhere."""
    for retry in task.get("Retry", ()):
        if LAMBDA_ERRORS not in retry["ErrorEquals"]:
            yield from retry["ErrorEquals"]


def read_definition() -> State:
    found: State = json.loads(DEFINITION.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8"), read_definition()), encoding="utf-8")
