"""Draws one row, its text record and its document for docs/how-it-works.md.

python -m tools.row_to_document

The row is one of the FDA's directory; the product makes its text and the text's hash.
"""

import textwrap
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final, NamedTuple

from workflow.contract.documents import Renderer
from workflow.contract.settings import DEFAULT_TEMPLATE

PICTURE = Path(__file__).parents[1] / "docs" / "row-to-document.svg"

ROW: Final = {
    "ndc": "00049490030",
    "drug_name": "Zoloft",
    "brand_name": "Zoloft",
    "generic_name": "sertraline hydrochloride",
    "strength": "50 mg/1",
    "dosage_form": "TABLET, FILM COATED",
    "route": "ORAL",
    "drug_class": "Serotonin Reuptake Inhibitor [EPC]",
    "manufacturer": "Roerig",
    "is_brand": "1",
}
MAX_CHARS, LINE, CHARS, SHOWN = 2000, 18, 44, 8
WIDTH, LEFT, RIGHT, BREADTH = 860, 10, 470, 380
STYLE = (
    "text{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#1b1f24}"
    ".head{font-weight:600}.quiet{fill:#57606a}rect{fill:#f5f8fc;stroke:#3b78c3}"
    "path{fill:none;stroke:#57606a;marker-end:url(#a)}#a path{fill:#57606a;stroke:none}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e9ed}.quiet{fill:#9aa4b1}"
    "rect{fill:#1b2430}path{stroke:#9aa4b1}#a path{fill:#9aa4b1}}"
)
ARROWHEAD = (
    '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0L8 4L0 8z" style="marker-end:none"/></marker></defs>'
)


class Box(NamedTuple):
    """A title and lines of `name value`, at its left upper corner."""

    title: str
    lines: list[str]
    left: int
    top: int

    @property
    def height(self) -> int:
        return (len(self.lines) + 1) * LINE + 14


def picture() -> str:
    """The row on the left; what is made of it, and stored in Redis, on the right."""
    document = Renderer(DEFAULT_TEMPLATE, MAX_CHARS, "").document(ROW)
    text = Renderer(DEFAULT_TEMPLATE, MAX_CHARS, "").text(document.fields)
    row = Box("a row of MySQL", list(_fields(ROW)), LEFT, 10)
    record = Box(f"text:SPACE:{_short(text.hash)}", list(_record(text.text)), RIGHT, 10)
    below = record.top + record.height + 50
    stored = Box(
        f"drug:GENERATION:{document.ndc}",
        [
            "the row's columns, cleaned",
            f"text_hash     {_short(text.hash)}",
            "content_hash  of columns, text and space",
            "run_id, indexed_at",
        ],
        RIGHT,
        below,
    )
    height = max(row.top + row.height, stored.top + stored.height) + 34
    out = row.left + BREADTH
    arrows = [
        (f"M{out} {record.top + 40}H{RIGHT - 4}", (out + 8, record.top + 34), "template"),
        (
            f"M{out} {row.top + row.height - 12}H{out + 12}V{below + 40}H{RIGHT - 4}",
            (out + 18, below + 34),
            "columns",
        ),
        (f"M{RIGHT + 60} {below}V{below - 46}", (RIGHT + 70, below - 18), "by its hash"),
    ]
    parts = [*_box(row), *_box(record), *_box(stored)]
    for path, (x, y), words in arrows:
        parts += [f'<path d="{path}"/>', _text(x, y, words, "quiet")]
    parts.append(
        _text(
            LEFT,
            height - 8,
            "A text record serves every drug with the same text and names.",
            "quiet",
        )
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        f"<title>From a row to a text record and a document</title><style>{STYLE}</style>\n"
        f"{ARROWHEAD}\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _record(text: str) -> Iterator[str]:
    yield from _wrapped("text", text)
    yield "columns       the names and classes, folded"
    yield "vector        float32[dimensions]"
    yield "record_hash   of all of these"


def _fields(fields: dict[str, str]) -> Iterator[str]:
    for name, value in fields.items():
        yield from _wrapped(name, value)


def _wrapped(name: str, value: str) -> Iterator[str]:
    lines = textwrap.wrap(value, CHARS - 14)
    yield f"{name:<13} {lines[0]}"
    yield from (f"{'':<13} {line}" for line in lines[1:])


def _short(digest: str) -> str:
    return f"{digest[:SHOWN]}..."


def _box(box: Box) -> Iterator[str]:
    size = f'width="{BREADTH}" height="{box.height}" rx="4"'
    yield f'<rect x="{box.left}" y="{box.top}" {size}/>'
    yield _text(box.left + 10, box.top + LINE, box.title, "head")
    for number, line in enumerate(box.lines, start=2):
        yield _text(box.left + 10, box.top + number * LINE, line)


def _text(x: int, y: int, words: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}" xml:space="preserve">{escape(words)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
