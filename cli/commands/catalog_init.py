"""`drugsync catalog init`: turns your own table or file into a catalog that runs can read."""

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from mysql.connector import connect as connect_to
from mysql.connector.abstracts import MySQLConnectionAbstract

from cli.commands.catalog_proposed import of_file, of_table
from cli.documents import CatalogProposed
from cli.options import AsJson, refuse_beside
from cli.show.show import BAD, GOOD
from cli.show.terminal import Out, console, many, print_json
from local.catalogs.catalog import VIEW
from local.catalogs.csv_catalog import CsvForm
from local.catalogs.proposal import Proposal
from local.catalogs.source_table import SourceTables
from local.errors import LocalError
from local.places import home
from local.servers import given, servers
from local.servers import stack as stacks
from workflow.contract.columns import COLUMNS, REQUIRED
from workflow.contract.settings import DEFAULT_TEMPLATE

SQL = "catalog.sql"
CONNECT_S = 3
"""A person waits; at five seconds they would ask what it does."""

REJECTED = 5
TEMPLATE = "embedding_template"
DEFAULTS = {"catalog_table": "drugs", TEMPLATE: DEFAULT_TEMPLATE}
ANOTHER_TEXT = (
    "an index that is live has other texts: searches by meaning are answered by words alone, and "
    "syncs stop, until you build it anew: drugsync run --mode backfill"
)
Table = Annotated[str | None, typer.Argument(metavar="TABLE|FILE.csv", help="Yours.")]
MySQL = Annotated[
    str | None,
    typer.Option("--mysql", metavar="URL", help="Its server, as a URL like that of `up --mysql`."),
]
View = Annotated[str, typer.Option(help="The view to create, which runs will read.")]
Pairs = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="NAME=THEIRS",
        help="Map one of our columns to one of yours; NAME= leaves it out.",
    ),
]
Template = Annotated[str | None, typer.Option(help="The template of the text to embed.")]
Delimiter = Annotated[
    str | None,
    typer.Option(
        help=(
            "Delimiter of a CSV file: one character, or 'tab'. Default: the most frequent of "
            "comma, semicolon, tab and bar in the first line."
        )
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        help="Encoding of a CSV file. Default: that of its byte order mark, otherwise UTF-8."
    ),
]
Create = Annotated[
    bool | None, typer.Option("--create/--no-create", help="Create the view without asking.")
]


def init(
    table: Table = None,
    mysql: MySQL = None,
    view: View = VIEW,
    column: Pairs = None,
    template: Template = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    create: Create = None,
    as_json: AsJson = False,
) -> None:
    """Map your own table to a catalog: inspect its columns, and propose a view and a text.

    Shows five texts and the rows that a run would leave out, and writes the settings. Your tables
    are only read, unless you give --create.
    """
    out = console(stderr=as_json)
    chosen = pairs_of(column or [])
    typed = {"catalog_table": view} | ({} if template is None else {TEMPLATE: template})
    given.refuse_wrong(typed, {"catalog_table": "--view", TEMPLATE: "--template"})
    if table and _is_file(table):
        of_a_table = {"mysql": bool(mysql), "view": view != VIEW, "create": create is not None}
        refuse_beside("a table", **of_a_table)
        form = CsvForm(delimiter=delimiter_of(delimiter), encoding=encoding)
        found = of_file(Path(table), form, chosen, template)
        if not as_json:
            _show(out, found)
        _save(out, found)
    else:
        refuse_beside("a file", delimiter=delimiter is not None, encoding=encoding is not None)
        with closing(_connected(mysql)) as connection:
            tables = SourceTables(connection)
            name = table or _asked(out, tables.names())
            proposal = tables.propose(name, view, chosen)
            found = of_table(tables, proposal, template)
            if not as_json:
                _show(out, found)
            found = _finish(out, tables, proposal, found, create)
    if as_json:
        print_json(found)
    elif not found.sql or found.created:
        out.say("next: [bold]{}[/]", found.next)


def _is_file(name: str) -> bool:
    """A file of another kind, such as a workbook, is one as well: reading it says what it is."""
    given_as_one = name.lower().endswith((".csv", ".tsv", ".txt"))
    return given_as_one or (not {".", "/"}.isdisjoint(name) and os.path.isfile(name))


def _connected(url: str | None) -> MySQLConnectionAbstract:
    """A connection to the server of the URL, which the settings name once it answered; else to that
    of the settings, or to this machine's. Raises LocalError, mysql.connector.Error"""
    if url is not None:
        with given.kept_where_it_fails(home()):
            given.use_mysql(home(), url)
            return _connected(None)
    settings = given.read_settings(home())
    if stacks.given_mysql(settings) is None:
        own = servers.running_mysql(home())
        if own is None:
            raise LocalError("name your server with --mysql URL, or start one: drugsync up")
        return servers.connect(own)
    connection = connect_to(
        **given.mysql_login(home()), use_pure=True, charset="utf8mb4", connection_timeout=CONNECT_S
    )
    assert isinstance(connection, MySQLConnectionAbstract)  # noqa: S101  not a pooled one
    return connection


def _asked(out: Out, names: Sequence[str]) -> str:
    if not names:
        raise LocalError("the database has no table that this user may read; GRANT SELECT on it")
    if not sys.stdin.isatty():
        raise LocalError(f"name the table: drugsync catalog init TABLE; it has {', '.join(names)}")
    out.say("tables: {}", ", ".join(names))
    return str(typer.prompt("Which one has a row for each drug?", default=names[0]))


def _show(out: Out, found: CatalogProposed) -> None:
    out.say("[bold]{}[/] becomes the catalog [bold]{}[/]", found.source, found.view)
    for ours, theirs in found.columns.items():
        out.say("  {:18} {}", ours, theirs)
    if found.unused:
        out.say("  [dim]unused: {}[/]", ", ".join(found.unused))
    for note in found.notes:
        out.say("  [yellow]{}[/]", note)
    out.say("text: {}", found.template)
    for text in found.texts:
        out.say("  {}", text)
    mark = BAD if found.rejected else GOOD
    sampled = many(found.sampled, "row")
    out.say("{} {} of the first {} would be left out", mark, len(found.rejected), sampled)
    for row in found.rejected[:REJECTED]:
        out.say("    {} {} {!r} {}", row.ndc, row.column, row.value, row.reason)
    columns = {row.column for row in found.rejected} - set(REQUIRED)
    if columns:
        leave = " ".join(f"--column {name}=" for name in sorted(columns))
        out.say("    to do without, give this command {}", leave)


def _save(out: Out, found: CatalogProposed) -> Path:
    """Runs read them from now on; says which changed, and what another text means for searches."""
    settings = {"catalog_table": found.view}
    if found.template != DEFAULT_TEMPLATE:
        settings["embedding_template"] = found.template
    before = DEFAULTS | given.read_settings(home())
    path = given.save_settings(home(), settings, without=("embedding_template",))
    out.say("settings: {}", path)
    for name, value in (DEFAULTS | settings).items():
        if value != before[name]:
            out.say("  {} was {!r} and is {!r}", name, before[name], value)
            if name == TEMPLATE:
                out.say("  [yellow]{}[/]", ANOTHER_TEXT)
    return path


def _finish(
    out: Out,
    tables: SourceTables,
    proposal: Proposal,
    found: CatalogProposed,
    create: bool | None,
) -> CatalogProposed:
    """Write the settings and the statements; run the statements if someone agreed."""
    path = _save(out, found)
    if not found.sql:
        tables.check(found.view)
        return found
    file = path.with_name(SQL)
    file.write_text(found.sql, encoding="utf-8")
    out.say("statements: {}", file)
    for line in found.sql.splitlines():
        out.say("  [dim]{}[/]", line)
    if create is None and sys.stdin.isatty():
        create = typer.confirm("Run them now?")
    by_others = _by_others(proposal.table, file)
    if not create:
        out.say("ask someone with the permission to run them: {}", by_others)
        out.say("then: [bold]{}[/]", found.next)
        return found
    try:
        tables.create(proposal)
    except LocalError as error:
        raise LocalError(
            f"{error}; ask someone with the permission to run them: {by_others}"
        ) from error
    tables.check(found.view)
    return found.model_copy(update={"created": True})


def _by_others(table: str, file: Path) -> str:
    settings = given.read_settings(home())
    if stacks.given_mysql(settings) is None:
        return f"drugsync catalog init {shlex.quote(table)} --create"
    return f"{given.client(settings)} < {shlex.quote(str(file))}"


def pairs_of(given: list[str]) -> dict[str, str]:
    """Our column -> theirs, of `NAME=THEIRS`. Raises BadParameter."""
    found = {}
    for one in given:
        name, equals, theirs = one.partition("=")
        if not equals or name not in COLUMNS:
            known = ", ".join(COLUMNS)
            raise typer.BadParameter(
                f"{one!r} is not NAME=THEIRS, where NAME is one of {known}", param_hint="--column"
            )
        found[name] = theirs
    return found


def delimiter_of(text: str | None) -> str | None:
    """Raises BadParameter."""
    if text is None:
        return None
    named = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if len(named) != 1 or named in '"\r\n':
        raise typer.BadParameter(
            f"{text!r} is not one character, nor 'tab'", param_hint="--delimiter"
        )
    return named
