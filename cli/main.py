"""`drugsync`: the whole workflow on one machine, and its runs on AWS."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from cli.commands import demo as demonstration
from cli.commands import ops
from cli.commands.serve import serve
from cli.options import (
    Accept,
    AfterKey,
    AsJson,
    DryRun,
    InMode,
    PageSize,
    Reembed,
    ThroughKey,
    run_input,
)
from cli.show.show import show_found
from cli.show.terminal import console as _console
from cli.show.terminal import print_json as _print_json
from cli.sites.local_site import environment, run_once
from cli.sites.site import SiteError
from handlers.wiring import Wiring
from local.catalogs.catalog import CatalogLoad, load_csv, load_fda
from local.errors import LocalError
from local.servers import stack as stacks
from local.servers.servers import connect
from workflow import __version__
from workflow.contract.errors import SyncError
from workflow.search.search import Answer
from workflow.search.search import search as search_drugs
from workflow.search.synonyms import read_synonyms

DEFAULT_ROWS = "2000"
EPILOG = """Try it: [bold]drugsync demo[/]. Data and runs are in .local/ (or $DRUGCATALOG_HOME).

On AWS: [bold]drugsync status --stage prod[/] (or $DRUGCATALOG_STAGE).

Exit codes: 0 done; 1 the run failed, or a check does not hold; 2 wrong usage, or something is
missing; 130 Ctrl-C."""

app = typer.Typer(
    help="Keep a vector search index in step with a drug catalog, here and on AWS.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)
catalog_app = typer.Typer(help="The drug catalog in MariaDB.", no_args_is_help=True)
app.add_typer(catalog_app, name="catalog")

Rows = Annotated[
    str, typer.Option(metavar="N|all", help="The first N prescription packages, or all 243,941.")
]


def main() -> None:
    """The entry point: named errors become one line and exit code 2."""
    try:
        app()
    except (LocalError, SiteError, SyncError) as error:
        name = f"{type(error).__name__}: " if isinstance(error, SyncError) else ""
        Console(stderr=True).print(f"[bold red]error[/] {name}", end="")
        Console(stderr=True).print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"drugsync {__version__}")
        raise typer.Exit


@app.callback()
def common(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options of every command."""


@app.command()
def up(
    embedder: Annotated[
        Literal["minilm", "hash"],
        typer.Option(
            help="Behind the Bedrock stand-in: the MiniLM model, or fast made-up vectors."
        ),
    ] = "minilm",
) -> None:
    """Start MariaDB, Redis with vector search and the Bedrock stand-in."""
    _start(_console(), embedder)


@app.command()
def down() -> None:
    """Stop what [bold]up[/] started, and nothing else. Data are kept."""
    console = _console()
    stopped = stacks.down(stacks.home())
    console.print(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def info(as_json: AsJson = False) -> None:
    """Where the servers are, and the settings that the functions get."""
    facts = stacks.running(stacks.home()).info()
    if as_json:
        _print_json(facts)
        return
    console = _console()
    for part, values in facts.items():
        console.print(f"[bold]{part}[/]")
        for name, value in values.items():
            console.print(f"  {name} = {value}", markup=False, highlight=False, soft_wrap=True)


@catalog_app.command()
def load(
    source: Annotated[
        str, typer.Option(metavar="fda|FILE.csv", help="The FDA's NDC directory, or a CSV file.")
    ] = "fda",
    rows: Rows = DEFAULT_ROWS,
) -> None:
    """Fill the catalog, replacing what is there."""
    load_catalog(_console(), stacks.running(stacks.home()), source, _rows(rows))


@app.command()
def run(
    mode: InMode = "sync",
    dry_run: DryRun = False,
    page_size: PageSize = None,
    after_key: AfterKey = None,
    through_key: ThroughKey = None,
    accept: Accept = None,
    reembed: Reembed = False,
    as_json: AsJson = False,
) -> None:
    """Execute the state machine once on this machine; exit code 0 only when it succeeded."""
    given = run_input(
        mode=mode,
        dry_run=dry_run,
        page_size=page_size,
        after_key=after_key,
        through_key=through_key,
        accept=accept,
        reembed=reembed,
    )
    console = _console(stderr=as_json)
    report = run_once(console, stacks.running(stacks.home()), given, quiet=as_json)
    if as_json:
        _print_json(report.model_dump(mode="json"))
    if report.status != "SUCCEEDED":
        raise typer.Exit(1)


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="What to look for, in any words.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Products to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Find drugs by name, NDC or meaning in the live index."""
    if not text.strip():
        raise typer.BadParameter("say what to look for", param_hint="TEXT")
    found = search_live(stacks.running(stacks.home()), text, limit)
    if as_json:
        _print_json(found._asdict() | {"products": [one._asdict() for one in found.products]})
    else:
        show_found(_console(), text, found)


app.command()(serve)


@app.command()
def demo(rows: Rows = DEFAULT_ROWS) -> None:
    """Show all of it on an emptied index: dry run, sync, changes, sync, backfill, search."""
    console = _console()
    count = _rows(rows)
    started = _start(console, "minilm")
    demonstration.show(
        console,
        empty=lambda: demonstration.empty_index(started),
        load=lambda: load_catalog(console, started, "fda", count),
        change=lambda: demonstration.change_catalog(started),
        run=lambda run_input: run_once(console, started, run_input),
        search=lambda text: show_found(console, text, search_live(started, text, 5)),
    )


def load_catalog(
    console: Console, stack: stacks.Stack, source: str, rows: int | None
) -> CatalogLoad:
    """Load with a progress bar; the connection is closed at the end."""
    connection = connect(stack.mysql)
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("catalog", total=None)

            def report(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            if source == "fda":
                loaded = load_fda(connection, rows, progress=report)
            else:
                loaded = load_csv(connection, Path(source), progress=report)
    finally:
        connection.close()
    console.print(f"catalog: {loaded.rows:,} drugs loaded in {loaded.seconds:.1f} s")
    if loaded.skipped:
        console.print(
            f"  {len(loaded.skipped)} rows left out, whose 11-digit NDC another row has already: "
            f"{', '.join(loaded.skipped[:5])}{', ...' if len(loaded.skipped) > 5 else ''}",
            soft_wrap=True,
        )
    return loaded


def search_live(stack: stacks.Stack, text: str, limit: int) -> Answer:
    """Search the live generation with the adapters that the functions use."""
    with environment(stack):
        wiring = Wiring()
        live = wiring.index.search.live()
        if live is None:
            raise LocalError("there is no live index yet; build it with: drugsync run")
        return search_drugs(
            text,
            live,
            embedder=wiring.embedder,
            index=wiring.index.search,
            synonyms=read_synonyms(wiring.settings.synonyms_file),
            limit=limit,
        )


def _start(console: Console, embedder: str) -> stacks.Stack:
    with console.status("starting") as status:
        stack = stacks.up(
            stacks.home(), lambda part: status.update(f"starting {part}"), embedder=embedder
        )
    console.print("MariaDB, Redis with vector search and the Bedrock stand-in are running")
    return stack


def _rows(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise typer.BadParameter(
            f"{text!r} is neither a number from 1 nor 'all'", param_hint="--rows"
        )
    return int(text)


ops.add_to(app)

if __name__ == "__main__":
    main()
