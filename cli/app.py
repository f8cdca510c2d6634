"""The application: its options, its help, and its error messages."""

import sys
from typing import Annotated

import typer

from cli.streams import fit_encodings
from cli.typed import typed
from cli.verbs import Verbs
from workflow import __version__

EPILOG = """Try it: [bold]drugsync demo[/]. Data and runs are in .local/ of the repository, in
~/.local/share/drug-catalog-sync of an installed wheel, or in $DRUGSYNC_HOME.

On AWS: [bold]drugsync status --stage prod[/] (or $DRUGSYNC_STAGE).

Exit codes: 0 done; 1 the run failed, a check failed, or nothing was found; 2 wrong usage, or
something is missing; 130 Ctrl-C."""

app = typer.Typer(
    cls=Verbs,
    help="Keep a vector search index in step with a drug catalog, here and on AWS.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)


def main() -> None:
    """What `sys.argv` says. An error that the user can fix is one sentence and exit code 2."""
    fit_encodings()
    try:
        app(prog_name=typed())
    except BrokenPipeError:
        # The reader of our output has read enough: head, less.
        sys.exit(0)
    except Exception as error:
        # Here, because they import every library whose errors they know.
        from cli.failures import sentence
        from cli.show.terminal import console

        said = sentence(error)
        if not said:
            raise
        out = console(stderr=True)
        first, *more = said.split("\n")
        out.say("[bold red]error[/] {}", first)
        for line in more:
            out.say("{}", line)
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
