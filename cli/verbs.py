"""The verbs of `drugsync`. The module of a verb is imported when it is called, and no other."""

import importlib
from functools import cached_property
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from cli.typed import typed

OPERATE = "Operate"


class Verb(NamedTuple):
    """Where the verb is, and the first paragraph of its help, which the list of verbs shows."""

    module: str
    says: str
    examples: tuple[str, ...] = ()
    """Operators' verbs have examples, and their own panel in the list."""


VERBS: dict[str, Verb] = {
    "up": Verb(
        "cli.commands.servers",
        "Start MariaDB (or MySQL), Redis with vector search and the Bedrock stand-in.",
    ),
    "down": Verb(
        "cli.commands.servers",
        "Stop only what [bold]up[/] and [bold]demo[/] started. Data is kept.",
    ),
    "info": Verb(
        "cli.commands.servers",
        "Show where the servers are, and the settings that the functions get.",
    ),
    "search": Verb("cli.commands.search", "Find drugs by name, NDC or meaning in the live index."),
    "serve": Verb(
        "cli.commands.serve",
        "Serve the search page, its API and the pages of runs, on this machine only.",
    ),
    "schedule": Verb(
        "cli.commands.schedule",
        "Run syncs at an interval on this machine, like a stage's schedule on AWS.",
    ),
    "demo": Verb(
        "cli.commands.demo",
        "Watch everything: dry run, sync, a failed page and its redrive, backfill, search.",
    ),
    "run": Verb(
        "cli.commands.run",
        "Start a run: update the index from the catalog, or rebuild it.",
        (
            "run --dry-run",
            "run --mode backfill",
            "run --plan 20261101T020000000-sync-1a2b",
            "run --accept deletes",
            "run --stage prod --wait",
        ),
    ),
    "redrive": Verb(
        "cli.commands.run",
        "Run only the pages of a run that failed or never started, then the remaining steps.",
        ("redrive 20261101T020000000-sync-1a2b", "redrive RUN --stage prod --wait"),
    ),
    "status": Verb(
        "cli.commands.ops",
        "Show a run's progress: pages done, failed and pending per Map, rate, and time left.",
        ("status", "status --watch --stage prod --profile ops --region us-east-1"),
    ),
    "runs": Verb(
        "cli.commands.ops",
        "List the last runs and how they ended.",
        ("runs --limit 30 --stage prod",),
    ),
    "report": Verb(
        "cli.commands.ops",
        "Show what a run did: outcome, verification, counts, cost. The page adds timeline and "
        "reasons.",
        ("report --open", "report 20261101T020000000-sync-1a2b --stage prod --json"),
    ),
    "changes": Verb(
        "cli.commands.ops",
        "Show what a run changes, mostly after a dry run: old and new values, column by column.",
        ("changes", "changes --limit 0 --json --stage prod > changes.json"),
    ),
    "logs": Verb(
        "cli.commands.ops",
        "Show the logs of a run's functions: one line per call, with counts, milliseconds and "
        "errors.",
        ("logs --page 00012", "logs 20261101T020000000-sync-1a2b --stage prod --json"),
    ),
    "rollback": Verb(
        "cli.commands.ops",
        "Undo the last switch: searches answer as before it, all at once.",
        ("rollback --stage prod",),
    ),
    "verify": Verb(
        "cli.commands.run",
        "Compare the live index with the catalog as it is now. Writes nothing to the index.",
        ("verify", "verify --stage prod --json"),
    ),
    "explain": Verb(
        "cli.commands.ops",
        "Explain why a drug is or is not found: row, document, text, and place in an answer.",
        ("explain 00002-0800-01", "explain 00002080001 --query insulin --stage prod"),
    ),
    "doctor": Verb(
        "cli.commands.ops",
        "Check settings, servers, model, bucket and index; say what to do about each failure.",
        ("doctor", "doctor --stage prod --profile ops"),
    ),
    "catalog": Verb("cli.commands.catalog", "The drug catalog of this machine."),
}


class NoTypeOfFlags:
    """A command whose help shows no type behind a flag: nothing can be written there."""

    def get_params(self, ctx: Any) -> Any:
        params = super().get_params(ctx)  # type: ignore[misc]  # of the command beside it
        for one in params:
            if getattr(one, "is_flag", False) and one.metavar is None:
                one.metavar = ""
        return params


class OneVerb(NoTypeOfFlags, TyperCommand):
    """A verb, or one of `catalog`'s."""


class Group(NoTypeOfFlags, TyperGroup):
    """A verb that has verbs."""


ELSEWHERE = {
    "plan": "run --dry-run",
    "start": "run",
    "sync": "run",
    "backfill": "run --mode backfill",
    "load": "catalog load",
    "init": "catalog init",
    "facets": "search --facets",
}
"""What people type who know other tools, and what it is here: one name for each thing."""


class Late(TyperCommand):
    """A verb in the list. When called, it imports its module and becomes the verb itself."""

    def __init__(self, name: str, verb: Verb) -> None:
        panel = OPERATE if verb.examples else None
        super().__init__(name, help=verb.says, rich_help_panel=panel)
        self._verb = verb

    @cached_property
    def itself(self) -> Any:
        """The command, or the group of commands."""
        found = getattr(importlib.import_module(self._verb.module), str(self.name))
        if isinstance(found, typer.Typer):
            command = get_group(found)
            command.name = self.name
            return command
        alone = typer.Typer(add_completion=False)
        alone.command(
            self.name,
            cls=OneVerb,
            epilog=_shown(self._verb.examples),
            rich_help_panel=self.rich_help_panel,
        )(found)
        return get_command(alone)

    def make_context(self, *args: Any, **options: Any) -> Any:
        return self.itself.make_context(*args, **options)


class Verbs(Group):
    """The group of all verbs."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.commands = {name: Late(name, verb) for name, verb in VERBS.items()}

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _in_words(error)
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if here := ELSEWHERE.get(args[0]):
            ctx.fail(f"No such command '{args[0]}': it is '{typed()} {here}'.")
        return super().resolve_command(ctx, args)


def _in_words(error: typer.BadParameter) -> str:
    """What a user typed wrong; where typer quotes pydantic, in our words, with the limits."""
    from pydantic import ValidationError

    from workflow.contract.invalid import wrongs

    if not isinstance(error.__cause__, ValidationError):
        return error.message
    first = wrongs(error.__cause__)[0]
    least, most = (getattr(error.param, name, None) for name in ("min", "max"))
    if least is None:
        return f"{first.value} {first.reason}".strip()
    limits = f"of {least} or more" if most is None else f"from {least} to {most}"
    return f"{first.value} must be a whole number {limits}"


def _shown(lines: tuple[str, ...]) -> str:
    return "\n\n".join(f"[dim]$ {typed()} {line.replace('[', chr(92) + '[')}[/]" for line in lines)
