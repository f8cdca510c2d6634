"""The only way in which data reach a terminal, for people and for programs.

A drug's key may hold what a terminal obeys: escape sequences, marks that reverse text, rich's own
markup. So everything printed is a template of ours with values put in, and values are made visible.
"""

import string
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

import orjson
from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.text import Text

from cli.streams import is_utf8, lose
from cli.typed import as_typed
from local.errors import LocalError
from workflow.contract.unseen import is_seen, visible


class Markup(str):
    """Our own markup, without any value in it."""


HOLE = "\ue000"
"""Placeholder for a value while a template's markup is read."""


class _Template(string.Formatter):
    """Collects the values, so that no part of one is ever read as markup."""

    def __init__(self) -> None:
        self.values: list[Text] = []

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Markup):
            return str(value)
        if not isinstance(value, Text):
            value = Text(as_typed(visible(cast("str", super().format_field(value, format_spec)))))
        self.values.append(value)
        return HOLE


def markup(template: str, /, *values: object, **named: object) -> Text:
    """One of our templates, as `str.format` takes it, with values that are treated as text."""
    filled = _Template()
    outer = Text.from_markup(as_typed(filled.vformat(template, values, named)), emoji=False)
    for value in filled.values:
        at = outer.plain.index(HOLE)
        before, hole, after = outer.divide([at, at + 1])
        inner = value.copy()
        for span in hole.spans:
            inner.stylize_before(span.style)
        outer = before + inner + after
    return outer


class OutputLost(LocalError):
    """What was to be read could not be written."""


class Out(Console):
    """A console that takes templates and values, never a text made of both."""

    outlives = False
    """Whether the work goes on where nobody can read any more what it prints: a run does."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Raises BrokenPipeError, OutputLost."""
        with _written(self.file, outlives=self.outlives):
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """Not rich's own exit code, which is a failed run's."""
        raise BrokenPipeError

    def say(self, template: str, /, *values: object, **named: object) -> None:
        """One line, however long."""
        self.print(markup(template, *values, **named), soft_wrap=True)

    def fit(self, template: str, /, *values: object, **named: object) -> None:
        """One line, cut at the terminal's width."""
        line = markup(template, *values, **named)
        self.print(line, no_wrap=True, overflow="ellipsis")


@contextmanager
def _written(stream: IO[str], *, outlives: bool = False) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        lose(stream)
        if outlives:
            return
        if isinstance(error, BrokenPipeError):
            raise
        raise OutputLost(f"the output cannot be written: {error.strerror}") from error


def console(*, stderr: bool = False) -> Out:
    """Bound to today's stream: during a run, sys.stdout is the functions' log.

    Colours only on a terminal, and never where NO_COLOR is set.
    """
    return Out(file=sys.stderr if stderr else sys.stdout)


def as_json(document: object) -> str:
    """A document's JSON, with escapes for what a terminal would obey or nobody would see."""
    text = orjson.dumps(to_jsonable_python(document), option=orjson.OPT_INDENT_2).decode()
    # orjson indents by line breaks: those stay. What else it leaves raw stands inside strings.
    return "\n".join(map(_escaped, text.split("\n")))


def _escaped(line: str) -> str:
    return line if is_seen(line) else "".join(one if is_seen(one) else _json(one) for one in line)


def _json(character: str) -> str:
    """UTF-16, as JSON wants it."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def print_json(document: object) -> None:
    """One document on stdout, and nothing else."""
    text = as_json(document)
    if not is_utf8(sys.stdout):
        text = "".join(one if one.isascii() else _json(one) for one in text)
    with _written(sys.stdout):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def many(count: int, noun: str, plural: str | None = None) -> str:
    """`1 package`, `2,000 packages`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
