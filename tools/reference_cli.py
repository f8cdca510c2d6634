"""docs/cli.md from the commands themselves."""

import re
from collections.abc import Iterator
from typing import Any

import typer.main
from typer.core import TyperArgument

from cli.commands.ops import VERBS
from cli.main import app

Command = Any
"""A click command; typer brings its own copy of click's classes."""


def command_line() -> str:
    """A section for each command, in the order of `drugsync --help`."""
    root = typer.main.get_command(app)
    examples = {verb.__name__: lines for verb, lines in VERBS.items()}
    sections = []
    for path, command in commands(root):
        lines = [f"\n## drugsync {path}\n", f"\n{_plain(command.help or '')}\n", *_options(command)]
        if path in examples:
            shown = "\n".join(f"drugsync {line}" for line in examples[path])
            lines.append(f"\n```sh\n{shown}\n```\n")
        sections.append("".join(lines))
    return "".join(sections)


def commands(group: Command, prefix: str = "") -> Iterator[tuple[str, Command]]:
    """Every command with its full name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def _options(command: Command) -> list[str]:
    rows = [_row(one) for one in command.params if one.name != "help"]
    head = "\n| argument or option | default | what it does |\n|---|---|---|\n"
    return [head, *rows] if rows else []


def _row(one: Any) -> str:
    if isinstance(one, TyperArgument):
        shown = f"`{one.metavar or (one.name or '').upper()}`"
    else:
        shown = ", ".join(f"`{name}`" for name in one.opts)
    default = "" if one.default in (None, False, ()) or callable(one.default) else one.default
    return f"| {shown} | {default} | {_plain(one.help or '')} |\n"


def _plain(text: str) -> str:
    """Without rich's markup; one line."""
    return " ".join(re.sub(r"\[/?[a-z ]*\]", "", text).split()).replace("|", "\\|")
