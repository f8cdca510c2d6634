"""Draws generations and switches over time for docs/how-it-works.md.

python -m tools.generations
"""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final, NamedTuple

PICTURE = Path(__file__).parents[1] / "docs" / "generations.svg"

WIDTH, NAMES, BEGIN, END, ROW, GAP = 860, 10, 130, 850, 30, 52
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1b1f24}.head{font-weight:600}"
    ".quiet{fill:#57606a;font-size:12px}.live{fill:#cfe3fb;stroke:#3b78c3}"
    ".kept{fill:#f0f2f5;stroke:#8a94a3}.made{fill:#fff3d1;stroke:#9a6700}"
    ".switch{stroke:#c62828;stroke-width:2;stroke-dasharray:5 4}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e9ed}.quiet{fill:#9aa4b1}"
    ".live{fill:#1d3a5f}.kept{fill:#262c34}.made{fill:#4a3a10}}"
)


class Bar(NamedTuple):
    """What a row holds from one moment to another, in percent of the time line."""

    since: int
    until: int
    words: str
    kind: str
    """`live`: searched; `made`: a run writes it; `kept`: for a rollback."""


class Scene(NamedTuple):
    """What one kind of run, or a rollback, does over time."""

    title: str
    at: int
    moment: str
    rows: dict[str, tuple[Bar, ...]]


SCENES: Final = (
    Scene(
        "A sync changes the live generation in place",
        60,
        "switch",
        {
            "generation A": (
                Bar(0, 60, "live", "live"),
                Bar(60, 100, "live, with the changes", "live"),
            ),
            "staged": (Bar(15, 60, "new and changed documents, verified", "made"),),
            "undo": (Bar(60, 100, "the old documents, until the next switch", "kept"),),
        },
    ),
    Scene(
        "A rollback after a sync exchanges them again",
        40,
        "rollback",
        {
            "generation A": (
                Bar(0, 40, "live, with the changes", "live"),
                Bar(40, 100, "live, as before the sync", "live"),
            ),
            "undo": (
                Bar(0, 40, "the old documents", "kept"),
                Bar(40, 100, "the changes: a second rollback restores them", "kept"),
            ),
        },
    ),
    Scene(
        "A backfill builds another generation beside it",
        60,
        "switch",
        {
            "generation A": (
                Bar(0, 60, "live", "live"),
                Bar(60, 100, "previous, until the next backfill", "kept"),
            ),
            "generation B": (
                Bar(15, 60, "building, then verified", "made"),
                Bar(60, 100, "live", "live"),
            ),
        },
    ),
    Scene(
        "A rollback after a backfill goes back to the generation before",
        40,
        "rollback",
        {
            "generation A": (Bar(0, 40, "previous", "kept"), Bar(40, 100, "live", "live")),
            "generation B": (Bar(0, 40, "live", "live"), Bar(40, 100, "previous", "kept")),
        },
    ),
)


def picture() -> str:
    """A scene below the other; searches answer from what is blue."""
    parts: list[str] = []
    top = 10
    for scene in SCENES:
        parts += _scene(scene, top)
        top += GAP + len(scene.rows) * ROW
    parts.append(
        _text(
            NAMES, top + 8, "Blue is searched, yellow is written by a run, grey is kept.", "quiet"
        )
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 20}" role="img">'
        f"<title>Generations and switches over time</title><style>{STYLE}</style>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _scene(scene: Scene, top: int) -> Iterator[str]:
    yield _text(NAMES, top + 12, scene.title, "head")
    first = top + 24
    for number, (name, bars) in enumerate(scene.rows.items()):
        y = first + number * ROW
        yield _text(NAMES, y + 16, name)
        for bar in bars:
            x, size = _x(bar.since), _x(bar.until) - _x(bar.since)
            yield f'<rect class="{bar.kind}" x="{x}" y="{y}" width="{size}" height="{ROW - 6}"/>'
            yield _text(x + 8, y + 16, bar.words)
    at, last = _x(scene.at), first + len(scene.rows) * ROW
    yield f'<path class="switch" d="M{at} {first - 4}V{last}"/>'
    yield _text(at + 6, last + 8, scene.moment, "quiet")


def _x(percent: int) -> int:
    return BEGIN + (END - BEGIN) * percent // 100


def _text(x: int, y: int, words: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(words)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
