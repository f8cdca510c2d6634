"""Draws what is deployed, from the functions' rights, for docs/deploy.md.

python -m tools.architecture

A row for each function, a column for each service. A full circle writes, a ring only reads or asks.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from infra.compute.specs import EVERY, NOTIFIER, OPERATOR, ROTATOR, SEARCH, SPECS, Access, Spec

PICTURE = Path(__file__).parents[1] / "docs" / "architecture.svg"

CALLERS = {
    OPERATOR.state: "drugsync --stage",
    SEARCH.state: "HTTP API",
    NOTIFIER.state: "EventBridge, at a failure",
    ROTATOR.state: "Secrets Manager",
}
OF_THE_MACHINE = "Step Functions"

LEFT, NAMES, FIRST, STEP, ROW, TOP = 12, 190, 310, 112, 30, 74
WIDTH = FIRST + 5 * STEP + 10
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1b1f24}.quiet{fill:#57606a;font-size:12px}"
    ".middle{text-anchor:middle}.vpc{fill:#eef4fb;stroke:#3b78c3}.head{fill:#f5f8fc;stroke:#8a94a3}"
    ".rail{stroke:#c6cdd6}.line{stroke:#dde2e8}.full{fill:#3b78c3}.ring{fill:none;stroke:#3b78c3;"
    "stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e9ed}.quiet{fill:#9aa4b1}"
    ".vpc{fill:#18222e}.head{fill:#1b2430}.rail{stroke:#3a4452}.line{stroke:#2a323d}}"
)


class Service(NamedTuple):
    """A column: what functions reach, by which of their rights."""

    name: str
    what: str
    reads: frozenset[Access]
    writes: frozenset[Access] = frozenset()


SERVICES = (
    Service("MySQL", "the catalog", frozenset({"catalog"})),
    Service("Redis", "the index", frozenset({"read index", "search index"}), frozenset({"index"})),
    Service("Bedrock", "the model", frozenset({"model"})),
    Service("S3", "the run bucket", frozenset({"read runs", "golden queries"})),
    Service("Step Functions", "executions", frozenset({"executions"})),
)


def picture() -> str:
    """Functions inside the VPC first, then the others, each in the machine's order."""
    inside = [spec for spec in EVERY if spec.in_vpc]
    outside = [spec for spec in EVERY if not spec.in_vpc]
    below = TOP + len(inside) * ROW + 44
    height = below + len(outside) * ROW + 40
    parts = [
        f'<rect class="vpc" x="2" y="{TOP - 26}" width="{WIDTH - 4}" '
        f'height="{len(inside) * ROW + 34}" rx="8"/>',
        *_heads(height),
        _text(LEFT, TOP - 8, "Lambda, in private subnets of the VPC", "quiet"),
        *_rows(inside, TOP),
        _text(LEFT, below - 10, "Lambda, outside the VPC", "quiet"),
        *_rows(outside, below),
        f'<circle class="full" cx="{LEFT + 6}" cy="{height - 16}" r="6"/>',
        _text(LEFT + 18, height - 12, "reads and writes", "quiet"),
        f'<circle class="ring" cx="{LEFT + 136}" cy="{height - 16}" r="5"/>',
        _text(LEFT + 148, height - 12, "only reads or asks", "quiet"),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        f"<title>Functions and the services that they reach</title><style>{STYLE}</style>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _heads(height: int) -> Iterator[str]:
    for number, service in enumerate(SERVICES):
        x = FIRST + number * STEP + STEP // 2
        yield f'<path class="rail" d="M{x} 44V{height - 40}"/>'
        yield f'<rect class="head" x="{x - 53}" y="4" width="106" height="40" rx="4"/>'
        yield _text(x, 21, service.name, "middle")
        yield _text(x, 37, service.what, "quiet middle")


def _rows(specs: Sequence[Spec], top: int) -> Iterator[str]:
    machines = {spec.state for spec in SPECS}
    for number, spec in enumerate(specs):
        y = top + number * ROW + ROW // 2
        caller = OF_THE_MACHINE if spec.state in machines else CALLERS[spec.state]
        if number == 0 or caller != OF_THE_MACHINE:
            yield _text(LEFT, y + 4, caller, "quiet")
        yield f'<path class="line" d="M{NAMES} {y + ROW // 2}H{WIDTH - 12}"/>'
        yield _text(NAMES, y + 4, spec.state)
        for place, service in enumerate(SERVICES):
            yield from _circle(spec, service, FIRST + place * STEP + STEP // 2, y)


def _circle(spec: Spec, service: Service, x: int, y: int) -> Iterator[str]:
    writes = spec.access & service.writes or (service.name == "S3" and spec.writes)
    if writes:
        yield f'<circle class="full" cx="{x}" cy="{y}" r="6"/>'
    elif spec.access & service.reads:
        yield f'<circle class="ring" cx="{x}" cy="{y}" r="5"/>'


def _text(x: int, y: int, words: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{words}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
