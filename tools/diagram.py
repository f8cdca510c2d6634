"""Draws the state machine for docs/how-it-works.md: python -m tools.diagram."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
DEFINITION = ROOT / "statemachine.asl.json"
PAGE = ROOT / "docs" / "how-it-works.md"
BEGIN = "<!-- drawn by python -m tools.diagram; a test compares the two -->\n"
END = "<!-- end of the drawing -->\n"

PICTURE = ROOT / "docs" / "state-machine.svg"

State = dict[str, Any]

WIDTH, TOP, GAP, BOX = 640, 10, 32, 46
LEFT, BREADTH = 10, 250
LINE, FIRST_LANE, LANE = 15, 120, 32
"""Between the labels of one state, from its box to the first lane, and between lanes."""
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


class Place(NamedTuple):
    """Where a state's box is."""

    top: int
    height: int

    @property
    def middle(self) -> int:
        return self.top + self.height // 2


class Bend(NamedTuple):
    """An arrow that passes other states: it leaves at `leave`, and enters at `enter`."""

    leave: int
    enter: int
    label: str

    def overlaps(self, other: "Bend") -> bool:
        return min(self.leave, self.enter) <= max(other.leave, other.enter) and min(
            other.leave, other.enter
        ) <= max(self.leave, self.enter)


def picture(definition: State) -> str:
    """States below each other; arrows that pass other states have lanes on the right."""
    states: dict[str, State] = definition["States"]
    places = _places(states)
    parts = [_box(name, state, places[name]) for name, state in states.items()]
    for name, state in states.items():
        parts += [
            _straight(places[name], places[target], label)
            for label, target in _arrows(state)
            if _follows(states, name, target)
        ]
    parts += _lanes(_bends(states, places))
    last = list(places.values())[-1]
    height = last.top + last.height + TOP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img"><title>The state machine</title>'
        f"<style>{STYLE}</style>{ARROWHEAD}\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _places(states: dict[str, State]) -> dict[str, Place]:
    """A box is high enough for the labels of its arrows."""
    places, top = {}, TOP
    for name, state in states.items():
        bends = sum(not _follows(states, name, target) for _, target in _arrows(state))
        places[name] = Place(top, max(BOX, LINE * (bends + 1)))
        top += places[name].height + GAP
    return places


def _follows(states: dict[str, State], name: str, target: str) -> bool:
    names = list(states)
    return names.index(target) == names.index(name) + 1


def _box(name: str, state: State, place: Place) -> str:
    kind, middle, top = state["Type"], place.middle, place.top
    words = f'<text class="name" x="{CENTRE}" y="{middle + 5}">{name}</text>'
    if kind == "Map":
        child = state["ItemProcessor"]["StartAt"]
        words = (
            f'<text class="name" x="{CENTRE}" y="{middle - 3}">{name}</text>'
            f'<text x="{CENTRE}" y="{middle + 14}">one {child} per page, in parallel</text>'
        )
    size = f'width="{BREADTH}" height="{place.height}"'
    shape = f'<rect x="{LEFT}" y="{top}" {size} rx="{RADIUS[kind]}"/>'
    behind = f'<rect x="{LEFT + 5}" y="{top + 5}" {size} rx="4"/>'
    return f'<g class="{kind}">{behind if kind == "Map" else ""}{shape}{words}</g>'


def _straight(start: Place, end: Place, label: str) -> str:
    words = f'<text class="label" x="{CENTRE + 8}" y="{end.top - 9}">{label}</text>'
    line = f'<path d="M{CENTRE} {start.top + start.height}V{end.top - 2}"/>'
    return line + (words if label else "")


def _bends(states: dict[str, State], places: dict[str, Place]) -> Iterator[Bend]:
    """Each further arrow leaves its box one line lower."""
    for name, state in states.items():
        passing = [one for one in _arrows(state) if not _follows(states, name, one[1])]
        first = places[name].middle - LINE * (len(passing) - 1) // 2 + 3
        for number, (label, target) in enumerate(passing):
            yield Bend(first + LINE * number, places[target].middle, label)


def _lanes(bends: Iterable[Bend]) -> Iterator[str]:
    """The shortest arrows are nearest to the boxes; no two share a part of a lane."""
    lanes: list[list[Bend]] = []
    right = LEFT + BREADTH + 5
    for bend in sorted(bends, key=lambda one: abs(one.enter - one.leave)):
        number = next(
            (at for at, lane in enumerate(lanes) if not any(map(bend.overlaps, lane))), len(lanes)
        )
        lanes[number:number] = [] if number < len(lanes) else [[]]
        lanes[number].append(bend)
        x = right + FIRST_LANE + LANE * number
        yield (
            f'<path d="M{right - 5} {bend.leave}H{x}V{bend.enter}H{right + 2}"/>'
            f'<text class="label" x="{right + 4}" y="{bend.leave - 3}">{bend.label}</text>'
        )


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
