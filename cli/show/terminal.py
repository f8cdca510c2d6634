"""Streams: what people read, and what programs read."""

import sys

import orjson
from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """Bound to today's stream: during a run, sys.stdout is the functions' log.

    Colours only on a terminal, and never where NO_COLOR is set.
    """
    return Console(file=sys.stderr if stderr else sys.stdout)


def print_json(document: object) -> None:
    """One document on stdout, and nothing else."""
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
