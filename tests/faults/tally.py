"""What the fault matrix counts: its rows, and the runs and drugs behind them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from workflow.contract.retries import OUTAGE

RETRIED = "tried again alone; the run succeeds"
REJECTED = "a rejected row in the report"
REFUSED = "the text is refused in the report; its drug stays, without a vector"
UNHARMED = "the run succeeds"


TRIES = OUTAGE.attempts + 1
"""Of a function, before an outage fails its run."""


def named(error: str) -> str:
    """The outcome of a run that fails, while what was live goes on answering."""
    return f"stopped: {error}"


class Fault(NamedTuple):
    """One row of the matrix: what breaks, in which step, and the outcome that must follow."""

    server: str
    what: str
    step: str
    outcome: str


@dataclass
class Tally:
    """Counts of one test session."""

    runs: int = 0
    rows: int = 0
    """Drugs compared with the catalog, field by field and vector by vector."""
    lost: int = 0
    """Comparisons that found a difference after a run that said it succeeded."""
    examples: int = 0
    steps: int = 0
    """Of the model-based test's histories."""
    faults: Counter[Fault] = field(default_factory=Counter)

    def save(self, path: Path) -> None:
        names = ("runs", "rows", "lost", "examples", "steps")
        counts = {name: getattr(self, name) for name in names}
        rows = [{**fault._asdict(), "tried": tried} for fault, tried in self.faults.items()]
        path.write_text(json.dumps(counts | {"faults": rows}, indent=1))


TALLY = Tally()
