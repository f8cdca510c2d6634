"""`drugsync catalog load`: fill the catalog of this machine, never over somebody's own unasked."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from cli.documents import CatalogLoaded
from cli.options import AsJson, Replace
from cli.show.terminal import Out, console, many, print_json
from local.catalogs.catalog import count_rows, load_csv, load_fda
from local.catalogs.csv_catalog import CsvForm, read_csv
from local.engine.runs import only_one
from local.errors import LocalError
from local.places import home
from local.servers import stack as stacks
from local.servers.servers import connect

DEFAULT_ROWS = "2000"
Rows = Annotated[
    str, typer.Option(metavar="N|all", help="The first N prescription packages, or all 243,941.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="NAME=HEADER", help="A column under another heading."),
]

catalog = typer.Typer(help="The drug catalog of this machine.", no_args_is_help=True)


@catalog.command()
def load(
    source: Annotated[
        str, typer.Option(metavar="fda|FILE.csv", help="The FDA's NDC directory, or a CSV file.")
    ] = "fda",
    rows: Rows = DEFAULT_ROWS,
    delimiter: Annotated[
        str, typer.Option(help="Between the values of a CSV file: one character, or 'tab'.")
    ] = ",",
    encoding: Annotated[
        str | None,
        typer.Option(help="Of a CSV file; by default its mark's (UTF-8, UTF-16), or UTF-8."),
    ] = None,
    column: Columns = None,
    keys_as_they_are: Annotated[
        bool,
        typer.Option("--keys-as-they-are", help="Load keys that look mangled."),
    ] = False,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Fill the catalog. What is there is replaced only with --replace, or when you say so."""
    form = CsvForm(
        delimiter=_delimiter(delimiter),
        encoding=encoding,
        headers=_headers(column or []),
        any_keys=keys_as_they_are,
    )
    count = rows_of(rows)
    out = console(stderr=as_json)
    stack = stacks.running(home())
    if source != "fda":
        # Wrong files are found before anybody is asked anything.
        read_csv(Path(source), form)
    if not replace:
        _ask(stack)
    loaded = load_catalog(out, stack, source, count, form)
    if as_json:
        print_json(loaded)


def load_catalog(
    out: Out, stack: stacks.Stack, source: str, rows: int | None, form: CsvForm | None = None
) -> CatalogLoaded:
    """Load with a progress bar. Raises LocalError while a run reads the catalog."""
    with (
        only_one(stack.root, "a load of the catalog"),
        closing(connect(stack.mysql)) as connection,
        Progress(console=out, transient=True, disable=not out.is_terminal) as bar,
    ):
        task = bar.add_task("catalog", total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        if source == "fda":
            loaded = load_fda(connection, rows, progress=report)
        else:
            loaded = load_csv(connection, Path(source), form or CsvForm(), progress=report)
    out.say("catalog: {} loaded in {:.1f} s", many(loaded.rows, "drug"), loaded.seconds)
    if loaded.skipped:
        out.say(
            "  {} left out, whose 11-digit NDC another row has already: {}{}",
            many(len(loaded.skipped), "row"),
            ", ".join(loaded.skipped[:5]),
            ", ..." if len(loaded.skipped) > 5 else "",
        )
    return CatalogLoaded(
        source=source, rows=loaded.rows, skipped=loaded.skipped, seconds=loaded.seconds
    )


def _ask(stack: stacks.Stack) -> None:
    """Raises LocalError where the catalog has rows and nobody is there to say yes."""
    with closing(connect(stack.mysql)) as connection:
        there = count_rows(connection)
    if not there:
        return
    said = f"the catalog has {many(there, 'drug')}"
    if not sys.stdin.isatty():
        raise LocalError(f"{said}; to replace them, add --replace")
    typer.confirm(f"{said}. Replace them?", abort=True)


def rows_of(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise typer.BadParameter(
            f"{text!r} is neither a number from 1 nor 'all'", param_hint="--rows"
        )
    return int(text)


def _delimiter(text: str) -> str:
    named = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if len(named) != 1 or named in '"\r\n':
        raise typer.BadParameter(
            f"{text!r} is not one character, nor 'tab'", param_hint="--delimiter"
        )
    return named


def _headers(given: list[str]) -> dict[str, str]:
    """Heading in the file -> our column."""
    found = {}
    for one in given:
        name, equals, header = one.partition("=")
        if not equals or not header:
            raise typer.BadParameter(f"{one!r} is not NAME=HEADER", param_hint="--column")
        found[header] = name
    return found
