"""Plays the demo and writes what it shows of one sync into README.md: python -m tools.sample."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- printed by python -m tools.sample -->\n"
END = "<!-- end of the sample -->\n"
COMMAND = (sys.executable, "-m", "cli.main")
TITLE = "Sync: only what changed"
RULE = re.compile(r"^.+ ─+$", re.MULTILINE)
"""What the demo prints above each of its parts."""

STATE = re.compile(r"  (\w+) +(\d+)/(\d+) ")
LEFT_OUT = re.compile(r"  page: |    ✓ ")
"""A path of the machine that the sample was made on, and each check of the verification."""


def sample_of(output: str) -> str:
    """The part of the demo's output that is about one sync, each state once."""
    _, title, rest = output.partition(TITLE)
    if not title:
        raise SystemExit(f"the demo printed no {TITLE!r}:\n{output}")
    following = RULE.search(rest, rest.index("\n"))
    part = title + rest[: following.start() if following else None]
    return "\n".join(_lines(part.splitlines()))


def _lines(lines: list[str]) -> Iterator[str]:
    ended: set[str] = set()
    for line in lines:
        state = STATE.match(line)
        if state is None:
            yield from () if LEFT_OUT.match(line) else (line,)
        elif state[2] == state[3] and state[1] not in ended:
            ended.add(state[1])
            yield line


def page(text: str, sample: str) -> str:
    """README with another sample."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n```\n{sample.rstrip()}\n```\n\n{END}{after}"


class Played(NamedTuple):
    """The demo was played: what it printed, and the folder that has its servers and runs."""

    output: str
    home: Path


@contextmanager
def demo_home() -> Iterator[Played]:
    """The demo, in a folder and with servers of its own, which stop at the end."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"DRUGSYNC_HOME": home, "COLUMNS": "100", "NO_COLOR": "1"}
        try:
            done = subprocess.run(
                [*COMMAND, "demo"], env=environment, check=True, capture_output=True, text=True
            )
            yield Played(done.stdout, Path(home) / "demo")
        finally:
            subprocess.run([*COMMAND, "down"], env=environment, check=False)


if __name__ == "__main__":
    with demo_home() as played:
        text = README.read_text(encoding="utf-8")
        README.write_text(page(text, sample_of(played.output)), encoding="utf-8")
