"""The peers' figures as a table on the terminal, a page and a picture."""

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from textwrap import fill
from typing import Any

from rich.table import Table

DOCS = Path(__file__).parents[2] / "docs"
TEMPLATE = Path(__file__).with_name("page.md")
PAGE, PICTURE = DOCS / "peers.md", DOCS / "peers.svg"
README = DOCS.parent / "README.md"
BEGIN = "<!-- written by python -m benchmarks.peers --write -->\n"
END = "<!-- end of the comparison -->\n"
OURS = ("drugsync", "drugsync, no standby")
WIDTH, LEFT, BAR, GAP = 900, 190, 18, 7
RIGHT_COLOR, WRONG_COLOR = "#2f6db3", "#b5544b"
WRONG = ("stale", "missing", "double", "wrong vector", "leftover")

Results = Mapping[str, Any]
Cell = Callable[[Any], str]


def _time(one: Any) -> str:
    return f"{one['wall_s']:.1f} s"


def _calls(one: Any) -> str:
    return f"{one['calls']:,.0f}"


def _drugs(one: Any) -> str:
    """How many there are if all are right, otherwise what is wrong."""
    drugs = one["drugs"]
    wrong = [f"{drugs[name]:,} {name}" for name in WRONG if drugs.get(name)]
    return ", ".join(wrong) or f"**{drugs.get('right', 0):,} right**"


ROWS: tuple[tuple[str, str, Cell], ...] = (
    ("first load", "first load", _time),
    ("... processor", "first load", lambda one: f"{one['cpu_s']:.1f} s"),
    ("... model calls", "first load", _calls),
    ("... peak memory", "first load", lambda one: f"{one['peak_mb']:.0f} MB"),
    ("... in Redis", "first load", lambda one: f"{one['redis_mb']:.1f} MB"),
    ("... drugs", "first load", _drugs),
    ("nothing changed", "nothing changed", _time),
    ("... model calls", "nothing changed", _calls),
    ("one text refused: drugs", "one text refused", _drugs),
    ("25 changed, 25 removed, one refused: drugs", "changed, removed, one refused", _drugs),
    ("15 documents and vectors damaged, then two runs: drugs", "damaged, two runs", _drugs),
    ("killed half-way, run again: drugs", "killed half-way and run again", _drugs),
    ("... model calls of both", "killed half-way and run again", _calls),
    ("quota of 300,000 tokens a minute", "quota", _time),
    ("... calls refused by the model", "quota", lambda one: f"{one['refused']:,.0f}"),
    ("... drugs", "quota", _drugs),
)


def table(results: Results) -> Table:
    """One column a peer."""
    shown = Table(title="Beside peers", title_justify="left")
    for place, column in enumerate(("", *results)):
        shown.add_column(column, justify="left" if place == 0 else "right")
    for row in _rows(results):
        shown.add_row(*(cell.replace("**", "") for cell in row))
    return shown


def _rows(results: Results) -> list[list[str]]:
    rows = [
        [name, *(_cell(one["scenarios"], scenario, cell) for one in results.values())]
        for name, scenario, cell in ROWS
    ]
    lines = [f"{one['lines'] or 'none'}" if "lines" in one else "" for one in results.values()]
    measured = [
        f"{one['facts']['measured_at'][11:16]}, {one['facts']['load']:.0f}" if one["rounds"] else ""
        for one in results.values()
    ]
    return [*rows, ["lines to write", *lines], ["measured until (UTC), load", *measured]]


def _cell(scenarios: Results, scenario: str, cell: Cell) -> str:
    return cell(scenarios[scenario]) if scenario in scenarios else "not tried"


def page(results: Results) -> str:
    """docs/peers.md."""
    columns = ["", *results]
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in _rows(results)]
    facts = next(one["facts"] for one in results.values() if one.get("facts"))
    rounds = max(len(one["rounds"]) for one in results.values())
    tried = [
        f"- **{name}** was not tried: {one['why']}"
        for name, one in results.items()
        if one.get("why")
    ]
    tried += [f"- **{name}**: {one['note']}." for name, one in results.items() if one.get("note")]
    return TEMPLATE.read_text(encoding="utf-8").format(
        rows=f"{facts['rows']:,}",
        table="\n".join(lines),
        rounds="one round" if rounds == 1 else f"medians of {rounds} rounds",
        cores=facts["machine"]["cores"],
        cpu=facts["machine"]["cpu"],
        python=facts["machine"]["python"],
        date=facts["measured_at"][:10],
        not_tried="\n".join(tried),
    )


def sentence(page: str) -> str:
    """What README says of the page's figures."""
    lines = [line.strip("| \n").split(" | ") for line in page.splitlines() if line[:1] == "|"]
    names = lines[0]
    seconds = {
        cells[0]: dict(zip(names, map(_seconds, cells[1:]), strict=True))
        for cells in lines
        if cells[0] in ("first load", "nothing changed")
    }
    load, idle = (seconds[name] for name in ("first load", "nothing changed"))
    best = [min(one[name] for name in names if name not in OURS) for one in (load, idle)]
    drugs = page.partition(" drugs, ")[0].rpartition("\n")[2]
    text = (
        f"Compared with [alternatives](docs/peers.md) (a script with a thread pool, LangChain, "
        f"LlamaIndex, RedisVL, CocoIndex), a first load of {drugs} drugs takes {load[OURS[0]]} s "
        f"and the fastest alternative {best[0]} s; a run that changes nothing takes "
        f"{idle[OURS[0]]} s and the fastest alternative {best[1]} s. Without the standby process "
        f"that `drugsync up` starts, ours take {load[OURS[1]]} s and {idle[OURS[1]]} s. No "
        "alternative has a correct index after every fault: a refused text ends most of them, "
        "changed drugs stay stale, removed drugs stay searchable, and damage goes unnoticed."
    )
    return fill(text, 145)


def _seconds(cell: str) -> float:
    return float(cell.removesuffix(" s")) if cell.endswith(" s") else float("inf")


def readme(text: str, sentence: str) -> str:
    """README with the sentence made again."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{sentence}\n\n{END}{after}"


def picture(results: Results) -> str:
    """An SVG: two bars a peer, red where drugs were wrong in any scenario."""
    lines: list[str] = []
    y = 4
    for title in ("first load", "nothing changed"):
        walls = {
            name: one["scenarios"][title]["wall_s"]
            for name, one in results.items()
            if title in one["scenarios"]
        }
        scale = (WIDTH - LEFT - 260) / max(walls.values(), default=1)
        y += 22
        lines.append(f'<text x="0" y="{y}" font-weight="bold">{title}, wall seconds</text>')
        y += 8
        for name, wall in walls.items():
            wrong = _wrong_in(results[name]["scenarios"])
            color = WRONG_COLOR if wrong else RIGHT_COLOR
            said = f"{wall:.1f} s" + (
                f", drugs wrong after {wrong} of 7" if wrong else ", always right"
            )
            middle = y + BAR - 5
            lines += [
                f'<text x="{LEFT - 8}" y="{middle}" text-anchor="end">{escape(name)}</text>',
                f'<rect x="{LEFT}" y="{y}" width="{max(2.0, wall * scale):.1f}" height="{BAR}" '
                f'fill="{color}"/>',
                f'<text x="{LEFT + wall * scale + 6:.1f}" y="{middle}">{said}</text>',
            ]
            y += BAR + GAP
    style = (
        "text{font:13px sans-serif;fill:#333}@media(prefers-color-scheme:dark){text{fill:#e6e9ed}}"
    )
    label = "Wall seconds of the first load and of a run that changes nothing, by peer"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 6}" role="img" '
        f'aria-label="{label}"><style>{style}</style>\n' + "\n".join(lines) + "\n</svg>\n"
    )


def _wrong_in(scenarios: Results) -> int:
    return sum(any(one["drugs"].get(name) for name in WRONG) for one in scenarios.values())
