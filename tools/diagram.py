"""Draws the state machine for docs/how-it-works.md: python -m tools.diagram."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DEFINITION = ROOT / "statemachine.asl.json"
PAGE = ROOT / "docs" / "how-it-works.md"
BEGIN = "<!-- drawn by python -m tools.diagram; a test compares the two -->\n"
END = "<!-- end of the drawing -->\n"

PICTURE = ROOT / "docs" / "state-machine.svg"

State = dict[str, Any]

WIDTH, TOP, STEP, BOX = 640, 10, 78, 46
LEFT, BREADTH = 10, 250
CENTRE = LEFT + BREADTH // 2
RADIUS = {"Task": 4, "Map": 4, "Choice": 22, "Succeed": 22}
STYLE = (
    "text{font:12px system-ui,sans-serif;text-anchor:middle;fill:#57606a}"
    ".name{font-weight:600;font-size:15px;fill:#1b1f24}.label{text-anchor:start}"
    "rect{fill:#f5f8fc;stroke:#3b78c3}.Choice rect{fill:#fff8e5;stroke:#9a6700}"
    ".Succeed rect{fill:#eaf6ed;stroke:#1a7f37}path{fill:none;stroke:#8a94a3;marker-end:url(#a)}"
    "#a path{fill:#8a94a3;stroke:none}"
    "@media(prefers-color-scheme:dark){text{fill:#9aa4b1}.name{fill:#e6e9ed}rect{fill:#1b2430}"
    ".Choice rect{fill:#2b2413}.Succeed rect{fill:#14281a}}"
)
ARROWHEAD = (
    '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0L8 4L0 8z" style="marker-end:none"/></marker></defs>'
)

LAMBDA_ERRORS = "Lambda.ServiceException"
"""It heads the list of AWS's own transient errors, which every Task retries."""


def drawing(definition: State) -> str:
    """The picture, and a table of what each state does and retries."""
    return f"![The state machine]({PICTURE.name})\n\n{_table(definition['States'])}"


def page(text: str, definition: State) -> str:
    """The page with its drawing made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{drawing(definition)}\n{END}{after}"


def picture(definition: State) -> str:
    """States below each other; an arrow that passes some of them goes round on the right."""
    states: dict[str, State] = definition["States"]
    places = {name: number * STEP + TOP for number, name in enumerate(states)}
    parts = [_box(name, state, places[name]) for name, state in states.items()]
    for name, state in states.items():
        passing = 0
        for label, target in _arrows(state):
            straight = places[target] - places[name] == STEP
            passing += not straight
            draw = _straight if straight else _round
            parts.append(draw(places[name], places[target], label, passing))
    height = len(states) * STEP + TOP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img"><title>The state machine</title>'
        f"<style>{STYLE}</style>{ARROWHEAD}\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _box(name: str, state: State, top: int) -> str:
    kind, middle = state["Type"], top + BOX // 2
    words = f'<text class="name" x="{CENTRE}" y="{middle + 5}">{name}</text>'
    if kind == "Map":
        child = state["ItemProcessor"]["StartAt"]
        words = (
            f'<text class="name" x="{CENTRE}" y="{middle - 3}">{name}</text>'
            f'<text x="{CENTRE}" y="{middle + 14}">one {child} a page, side by side</text>'
        )
    shape = f'<rect x="{LEFT}" y="{top}" width="{BREADTH}" height="{BOX}" rx="{RADIUS[kind]}"/>'
    behind = f'<rect x="{LEFT + 5}" y="{top + 5}" width="{BREADTH}" height="{BOX}" rx="4"/>'
    return f'<g class="{kind}">{behind if kind == "Map" else ""}{shape}{words}</g>'


def _straight(start: int, end: int, label: str, _passing: int) -> str:
    words = f'<text class="label" x="{CENTRE + 8}" y="{end - 9}">{label}</text>' if label else ""
    return f'<path d="M{CENTRE} {start + BOX}V{end - 2}"/>{words}'


def _round(start: int, end: int, label: str, passing: int) -> str:
    """Each further one leaves its box lower and comes nearer to it."""
    right = LEFT + BREADTH + 5
    lane = right + 40 + 34 * abs(end - start) // STEP
    leave, enter = start + 8 + 9 * (passing - 1), end + BOX // 2
    words = f'<text class="label" x="{right + 4}" y="{leave - 3}">{label}</text>'
    return f'<path d="M{right - 5} {leave}H{lane}V{enter}H{right + 2}"/>{words}'


def _arrows(state: State) -> Iterator[tuple[str, str]]:
    """Condition and target."""
    for choice in state.get("Choices", ()):
        yield _condition(choice), choice["Next"]
    if "Default" in state:
        yield "else", state["Default"]
    if "Next" in state:
        yield "", state["Next"]


def _condition(choice: State) -> str:
    field = choice["Variable"].rpartition(".")[2]
    comparison = next(name for name in choice if name not in ("Variable", "Next"))
    sign = "&gt;" if comparison.endswith("GreaterThan") else "="
    return f"{field} {sign} {json.dumps(choice[comparison])}"


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
    PICTURE.write_text(picture(read_definition()), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text("utf-8"), read_definition()), encoding="utf-8")
