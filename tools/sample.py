"""What the demo prints of one sync, in README.md; `tools/played.py` plays it."""

import re
from collections.abc import Iterator
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- printed by python -m tools.played -->\n"
END = "<!-- end of the sample -->\n"
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
