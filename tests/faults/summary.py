"""Run the fault matrix: its figures into docs/reliability.md, its rows into docs/faults.md.

python -m tests.faults.summary             # runs tests/faults, some minutes
python -m tests.faults.summary --examples 500
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path
from typing import Any

FAULTS = Path(__file__).parent
DOCS = FAULTS.parents[1] / "docs"
PAGE, TABLE = DOCS / "reliability.md", DOCS / "faults.md"
BEGIN, END = "<!-- figures: python -m tests.faults.summary -->", "<!-- end of figures -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=0, help="of the model-based test")
    options = parser.parse_args()
    started = time.monotonic()
    tally = run(options.examples)
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    figures = counts(tally, time.monotonic() - started)
    PAGE.write_text(f"{head}{BEGIN}\n\n{figures}\n\n{END}{tail}", encoding="utf-8")
    TABLE.write_text(table(tally), encoding="utf-8")
    print(f"{TABLE}: {len(tally['faults'])} rows, lost: {tally['lost']}")


def run(examples: int) -> dict[str, Any]:
    """What a whole run of tests/faults tried. Ends the program where a test fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tally.json"
        command = [sys.executable, "-m", "pytest", "-q", str(FAULTS), f"--tally={path}"]
        environment = os.environ | {"SOAK_EXAMPLES": str(examples)}
        done = subprocess.run(command, env=environment, check=False)
        if done.returncode:
            raise SystemExit("a test failed, so there are no figures to write")
        tally: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return tally


def rows_of(tally: dict[str, Any]) -> list[dict[str, Any]]:
    """One for each fault in each step."""
    return sorted(tally["faults"], key=lambda row: (row["server"], row["step"], row["what"]))


def counts(tally: dict[str, Any], seconds: float) -> str:
    """How much was tried, and what was lost."""
    rows = rows_of(tally)
    tried = sum(row["tried"] for row in rows)
    lines = [
        "| what | how many |",
        "|---|---|",
        f"| faults, each in its step | {len(rows)} |",
        f"| tests of them | {tried} |",
        f"| runs of the state machine | {tally['runs']:,} |",
        f"| histories of the model-based test | {tally['examples']:,} |",
        f"| their steps, each compared with the model | {tally['steps']:,} |",
        f"| drugs compared with the catalog afterwards | {tally['rows']:,} |",
        f"| **lost** | **{tally['lost']}** |",
        "",
        f"Measured in {seconds / 60:.1f} minutes.",
    ]
    return "\n".join(lines)


HEAD = """# Every fault, and what came of it

What was broken on purpose, in which step, with which outcome. [Reliability](reliability.md)
explains the outcomes and what is promised.

Written by `python -m tests.faults.summary`.
"""


def table(tally: dict[str, Any]) -> str:
    """docs/faults.md."""
    lines = [HEAD]
    for server, of_server in groupby(rows_of(tally), key=lambda row: str(row["server"])):
        lines += [f"## {server}", "", "| fault | step | outcome |", "|---|---|---|"]
        lines += [
            "| " + " | ".join(_cell(row[name]) for name in ("what", "step", "outcome")) + " |"
            for row in of_server
        ]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
