"""The documents' commands, as somebody on call would copy them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
FENCE = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
"""Also one that is part of a list, which is indented."""

INLINE = re.compile(r"`((?:drugsync|make|aws) [^`\n]+)`")
OUTPUT = re.compile(r'"?\$\(output (\w+)\)"?')
"""The output of a stack, by the function that deploy.md defines."""

ASSIGNED = re.compile(r"^[A-Z_]+=")


class Command(NamedTuple):
    """One command of a line; `page` is where it stands."""

    page: str
    words: tuple[str, ...]

    @property
    def program(self) -> str:
        return self.words[0].rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def commands(path: Path, *, inline: bool = True) -> list[Command]:
    """Those of its shell blocks, and those named in its text."""
    text = path.read_text(encoding="utf-8")
    lines = [line for block in FENCE.findall(text) for line in joined(block).splitlines()]
    if inline:
        lines += INLINE.findall(FENCE.sub("", text))
    return [Command(path.name, words) for line in lines for words in split(line) if words]


PRINTS = re.compile(r"^(.*?)\s+# (?:.*; )?prints: (.*)$")
"""A command, and what the page says that it prints, with `...` for what is left out."""


def printed(path: Path) -> list[tuple[Command, list[str]]]:
    """The commands of a page whose output it shows, each with that output's parts in order."""
    lines = [line for block in FENCE.findall(path.read_text("utf-8")) for line in block.split("\n")]
    found = filter(None, map(PRINTS.match, lines))
    return [(Command(path.name, next(split(one[1]))), one[2].split(" ... ")) for one in found]


def joined(block: str) -> str:
    return OUTPUT.sub(r'"output \1"', block.replace("\\\n", " "))


def split(line: str) -> Iterator[tuple[str, ...]]:
    """The commands of a line: apart at `&&`, `;`, `|`; without comments and redirections."""
    if "$(" in line or re.match(r"^\w+\(\)", line):
        yield from split_substituted(line)
        return
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word in ("&&", ";", "|", "||"):
            yield tuple(words)
            words = []
        elif word == ">":
            break
        elif words or not ASSIGNED.match(word):
            words.append(word)
    yield tuple(words)


def split_substituted(line: str) -> Iterator[tuple[str, ...]]:
    """Of a line with `$(...)` or of a function: the command inside it."""
    inner = re.search(r"\$\((.*)\)|\{(.*)\}", line)
    if inner:
        found = (inner[1] or inner[2] or "").partition("|")[0].strip().rstrip(";")
        yield tuple(shlex.split(found.replace("$(", "").replace(")", "")))
