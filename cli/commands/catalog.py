"""`drugsync catalog load`: fill the catalog of this machine; asks before it replaces one."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from cli.commands.catalog_init import (
    Delimiter,
    Encoding,
    delimiter_of,
    init,
    pairs_of,
)
from cli.documents import CatalogLoaded
from cli.options import AsJson, Replace, refuse_beside
from cli.show.terminal import Out, console, many, print_json
from cli.sites.stopping import leaving
from cli.verbs import Group, OneVerb
from local.catalogs.catalog import count_rows, load_csv, load_fda
from local.catalogs.csv_catalog import CsvForm, read_csv
from local.engine.runs import only_one
from local.errors import LocalError
from local.places import home
from local.servers import stack as stacks
from local.servers.servers import connect

DEFAULT_ROWS = "2000"
AS_IT_WAS = "the catalog is as it was"
PUT_IN_PLACE = (
    "the new catalog was being put in place: it is there, or the one before, never a mix; look "
    "with: drugsync run --dry-run"
)
"""After Ctrl-C."""

Rows = Annotated[
    str, typer.Option(metavar="N|all", help="The first N prescription packages, or all 243,941.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="NAME=HEADER", help="Map a column to another heading."),
]

catalog = typer.Typer(cls=Group, help="The drug catalog of this machine.", no_args_is_help=True)
catalog.command(cls=OneVerb)(init)


@catalog.command(cls=OneVerb)
def load(
    source: Annotated[
        str, typer.Option(metavar="fda|FILE.csv", help="The FDA's NDC directory, or a CSV file.")
    ] = "fda",
    rows: Rows = DEFAULT_ROWS,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    column: Columns = None,
    keys_as_they_are: Annotated[
        bool,
        typer.Option("--keys-as-they-are", help="Load keys that look mangled."),
    ] = False,
    pad_keys: Annotated[
        bool, typer.Option("--pad-keys", help="Store NDCs with dashes as their eleven digits.")
    ] = False,
    other_columns: Annotated[
        bool, typer.Option("--other-columns", help="Leave out columns with unknown names.")
    ] = False,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Fill the catalog. Replaces an existing one only with --replace, or after you confirm."""
    if source == "fda":
        refuse_beside(
            "--source FILE.csv",
            delimiter=delimiter is not None,
            encoding=encoding is not None,
            column=bool(column),
            keys_as_they_are=keys_as_they_are,
            pad_keys=pad_keys,
            other_columns=other_columns,
        )
    else:
        refuse_beside("--source fda", rows=rows != DEFAULT_ROWS)
    form = CsvForm(
        delimiter=delimiter_of(delimiter),
        encoding=encoding,
        headers=pairs_of(column or []),
        any_keys=keys_as_they_are,
        pad_keys=pad_keys,
        others=other_columns,
    )
    count = rows_of(rows)
    out = console(stderr=as_json)
    stack = stacks.running(home())
    if not stack.mysql.pid:
        raise LocalError(
            "the catalog is on your own server, and this command never loads data there; map its "
            "tables with: drugsync catalog init, or return to the local server with: drugsync up "
            "--mysql own"
        )
    if source != "fda":
        # Find a wrong file before asking anything.
        read_csv(Path(source), form)
    before = _ask(stack, replace=replace)
    loaded = load_catalog(out, stack, source, count, form)
    if before:
        out.say(
            "it replaces a catalog of {}: a guard may stop the next run and then says how to "
            "continue; look first with: drugsync run --dry-run",
            many(before, "drug"),
        )
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
        leaving(out, lambda: PUT_IN_PLACE if bar.finished else AS_IT_WAS),
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
            "  {} left out, because another row already has their 11-digit NDC: {}{}",
            many(len(loaded.skipped), "row"),
            ", ".join(loaded.skipped[:5]),
            ", ..." if len(loaded.skipped) > 5 else "",
        )
    return CatalogLoaded(
        source=source, rows=loaded.rows, skipped=loaded.skipped, seconds=loaded.seconds
    )


def _ask(stack: stacks.Stack, *, replace: bool) -> int:
    """How many drugs exist. Raises LocalError if there are some and nobody agrees to replace
    them."""
    with closing(connect(stack.mysql)) as connection:
        there = count_rows(connection)
    if not there or replace:
        return there
    said = f"the catalog has {many(there, 'drug')}"
    if not sys.stdin.isatty():
        raise LocalError(f"{said}; to replace them, add --replace")
    typer.confirm(f"{said}. Replace them?", abort=True)
    return there


def rows_of(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise typer.BadParameter(
            f"{text!r} is neither a number from 1 nor 'all'", param_hint="--rows"
        )
    return int(text)
