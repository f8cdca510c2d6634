"""Draws the picture on the first screen, docs/overview.svg: python -m tools.overview.

Five phases with their states, and which servers each of them reads or writes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from infra.compute.specs import SPECS
from tools.diagram import State, read_definition
from workflow.contract.rights import RUNS

PICTURE = Path(__file__).parents[1] / "docs" / "overview.svg"

WIDTH, HEIGHT, LEFT, BREADTH, GAP = 880, 376, 10, 156, 20
CATALOG_AT, MODEL_AT, PHASES_AT, REDIS_AT = 6, 44, 112, 266
BAR, TALL, ASIDE = 28, 104, 42
"""Height of a server, and of a phase; how far the arrows of two servers are from the middle."""
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1b1f24;text-anchor:middle}"
    ".head{font-weight:600;font-size:15px}.note{fill:#57606a;font-size:12px;text-anchor:start}"
    ".phase{fill:#f5f8fc;stroke:#3b78c3}.server{fill:#f0f2f5;stroke:#8a94a3}"
    ".live{fill:#cfe3fb;stroke:#3b78c3}.made{fill:#fff3d1;stroke:#9a6700}"
    "path{fill:none;stroke:#8a94a3}.arrow{marker-end:url(#a)}.both{marker-start:url(#a)}"
    "#a path{fill:#8a94a3;stroke:none}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e9ed}.note{fill:#9aa4b1}"
    ".phase{fill:#1b2430}.server{fill:#262c34}.live{fill:#1d3a5f}.made{fill:#4a3a10}}"
)
ARROWHEAD = (
    '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>'
)


class Phase(NamedTuple):
    """States that belong together, in the machine's order, and what they exchange."""

    title: str
    states: tuple[str, ...]
    catalog: str = ""
    model: str = ""
    redis: str = ""


PHASES: Final = (
    Phase("Plan", ("AcceptRun", "PlanPages"), catalog="keys", redis="fence, server checks"),
    Phase("Compare", ("DiffPages", "ReviewChanges"), catalog="rows", redis="hashes"),
    Phase("Build", ("EmbedPages", "LoadPages"), model="new texts", redis="vectors, documents"),
    Phase(
        "Verify",
        ("VerifyPages", "VerifyIndex"),
        catalog="rows, again",
        model="samples",
        redis="every document",
    ),
    Phase(
        "Switch",
        ("PublishIndex", "PruneIndex", "ReportRun"),
        catalog="removals",
        redis="all at once",
    ),
)


def picture() -> str:
    """The drawing. Raises SystemExit where a phase names servers that its states do not use."""
    check(read_definition())
    parts = [*_servers(), *_redis()]
    for number, phase in enumerate(PHASES):
        parts += _phase(phase, _x(number), last=number == len(PHASES) - 1)
    title = "A run plans, compares, builds, verifies against MySQL, and switches"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{title}</title><style>{STYLE}</style>{ARROWHEAD}\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def check(definition: State) -> None:
    """Every state is in one phase, and every arrow is one that the functions' rights allow."""
    works = [name for name, one in definition["States"].items() if one["Type"] in ("Task", "Map")]
    shown = [name for phase in PHASES for name in phase.states]
    if works != shown:
        raise SystemExit(f"the phases show {shown}, the machine has {works}")
    for phase in PHASES:
        used = servers_of(phase, definition)
        drawn = {name for name in ("catalog", "model", "redis") if getattr(phase, name)}
        if used != drawn:
            raise SystemExit(f"{phase.title} uses {sorted(used)} and shows {sorted(drawn)}")


def servers_of(phase: Phase, definition: State) -> set[str]:
    specs = {spec.state: spec for spec in SPECS}
    functions = [_function(name, definition) for name in phase.states]
    used = {one for name in functions for one in specs[name].access if one in ("catalog", "model")}
    return used | ({"redis"} if any(specs[name].uses_redis for name in functions) else set())


def writes_redis(phase: Phase, definition: State) -> bool:
    return any(_function(name, definition) in RUNS.functions for name in phase.states)


def _function(name: str, definition: State) -> str:
    state = definition["States"][name]
    return str(state["ItemProcessor"]["StartAt"]) if state["Type"] == "Map" else name


def _phase(phase: Phase, x: int, *, last: bool) -> Iterator[str]:
    middle = x + BREADTH // 2
    yield _rect("phase", x, PHASES_AT, BREADTH, TALL)
    yield _text(middle, PHASES_AT + 22, phase.title, "head")
    for line, name in enumerate(phase.states):
        yield _text(middle, PHASES_AT + 44 + 18 * line, name)
    if not last:
        yield _path(f"M{x + BREADTH} {PHASES_AT + TALL // 2}h{GAP - 2}", "arrow")
    aside = ASIDE if phase.catalog and phase.model else 0
    if phase.catalog:
        yield _path(f"M{middle + aside} {CATALOG_AT + BAR}V{PHASES_AT - 2}", "arrow")
        yield _text(middle + aside + 7, PHASES_AT - 14, phase.catalog, "note")
    if phase.model:
        yield _path(f"M{middle - aside} {MODEL_AT + BAR}V{PHASES_AT - 2}", "arrow")
        yield _text(middle - aside + 7, PHASES_AT - 14, phase.model, "note")
    kind = "arrow both" if writes_redis(phase, read_definition()) else "both"
    yield _path(f"M{middle} {PHASES_AT + TALL + 2}V{REDIS_AT - 2}", kind)
    yield _text(middle + 7, PHASES_AT + TALL + 30, phase.redis, "note")


def _servers() -> Iterator[str]:
    yield _rect("server", LEFT, CATALOG_AT, WIDTH - 2 * LEFT, BAR)
    yield _text(WIDTH // 2, CATALOG_AT + 18, "MySQL: the catalog, only read")
    yield _rect("server", _x(2), MODEL_AT, 2 * BREADTH + GAP - 76, BAR)
    yield _text(_x(2) + BREADTH + GAP // 2 - 38, MODEL_AT + 18, "Bedrock: the model")


def _redis() -> Iterator[str]:
    yield _rect("server", LEFT, REDIS_AT, WIDTH - 2 * LEFT, 2 * BAR)
    yield _text(_x(1) - GAP // 2, REDIS_AT + 31, "Redis")
    yield _rect("made", _x(2) + 4, REDIS_AT + 10, 2 * BREADTH + GAP - 8, 2 * BAR - 20)
    staged = "staged: no search can see it"
    yield _text(_x(2) + BREADTH + GAP // 2, REDIS_AT + 31, staged)
    yield _rect("live", _x(4) + 4, REDIS_AT + 10, BREADTH - 12, 2 * BAR - 20)
    yield _text(_x(4) + BREADTH // 2, REDIS_AT + 31, "live index")
    middle = _x(4) + BREADTH // 2
    yield _path(f"M{middle} {REDIS_AT + 2 * BAR + 2}v{GAP}", "arrow")
    yield _text(middle, REDIS_AT + 2 * BAR + 40, "searches", "head")


def _x(number: int) -> int:
    """The left side of a phase."""
    return LEFT + number * (BREADTH + GAP)


def _rect(kind: str, x: int, y: int, width: int, height: int) -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def _text(x: int, y: int, words: str, kind: str = "") -> str:
    return (
        f'<text{f" class={chr(34)}{kind}{chr(34)}" if kind else ""} x="{x}" y="{y}">{words}</text>'
    )


def _path(d: str, kind: str) -> str:
    return f'<path class="{kind}" d="{d}"/>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
