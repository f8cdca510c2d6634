"""Options that several commands share, and the site that they choose."""

import shlex
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from local.places import STAGE_VARIABLE, home
from workflow.contract.events.base import Acceptable, Mode

if TYPE_CHECKING:
    from cli.sites.aws_site import AwsSite
    from cli.sites.site import Site
    from workflow.contract.events.payloads import RunInput

ON_AWS = "On AWS"


def complete_run(incomplete: str) -> list[str]:
    """Names of this machine's runs, the newest first."""
    from local.engine.kept import kept_runs

    return [name for name in kept_runs(home()) if name.startswith(incomplete)]


def check_run(name: str | None) -> str | None:
    """Refuse names that no run can have, because the name becomes part of paths and addresses."""
    from cli.sites.site import no_run
    from workflow.contract.holder import is_run_id

    if name is not None and not is_run_id(name):
        raise typer.BadParameter(no_run(repr(name), ""))
    return name


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
RunOrLast = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="Default: the newest run.",
        autocompletion=complete_run,
        callback=check_run,
    ),
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The run's name, as drugsync runs shows it.",
        autocompletion=complete_run,
        callback=check_run,
    ),
]
Stage = Annotated[
    str | None,
    typer.Option(
        envvar=STAGE_VARIABLE,
        help="A stage on AWS; without it, this machine.",
        rich_help_panel=ON_AWS,
    ),
]
Profile = Annotated[
    str | None, typer.Option(help="AWS profile, with --stage.", rich_help_panel=ON_AWS)
]
Region = Annotated[
    str | None, typer.Option(help="AWS region, with --stage.", rich_help_panel=ON_AWS)
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait", help="Wait until it ends; local runs always do.", rich_help_panel=ON_AWS
    ),
]
InMode = Annotated[
    Mode,
    typer.Option(help="Update the live index, build a new generation, or only verify."),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Only plan: show changes, cost, and the guards that would stop the run."
    ),
]
PageSize = Annotated[int | None, typer.Option(help="Catalog rows per page.")]
AfterKey = Annotated[str | None, typer.Option(help="Only keys above this one.")]
ThroughKey = Annotated[str | None, typer.Option(help="Only keys up to this one.")]
Accept = Annotated[
    list[str] | None,
    typer.Option(metavar="GUARD", help=f"Override a guard: {', '.join(get_args(Acceptable))}."),
]
Reembed = Annotated[bool, typer.Option("--reembed", help="With backfill: embed every text again.")]
OfPlan = Annotated[
    str | None,
    typer.Option(
        "--plan",
        metavar="RUN",
        help="Make exactly the changes that this dry run showed; stop if they would differ now.",
        autocompletion=complete_run,
        callback=check_run,
    ),
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Replace an existing catalog without asking.")
]


def run_input(**given: Any) -> dict[str, Any]:
    """The execution's input: only what was given, without defaults. A flag is given or not."""
    return {
        name: value
        for name, value in given.items()
        if value is not False and value not in (None, [])
    }


def refuse_beside(other: str, **given: bool) -> None:
    """Options that would change nothing here are wrong usage. Raises BadParameter."""
    flags = [f"--{name.replace('_', '-')}" for name, is_given in given.items() if is_given]
    if flags:
        raise typer.BadParameter(f"leave it out: it goes with {other}", param_hint=", ".join(flags))


def as_options(asked: "RunInput") -> str:
    """What `drugsync run` is given for this input, to be shown behind it."""
    words = []
    for name, value in asked.model_dump(mode="json", exclude_defaults=True).items():
        option = f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, list) else [value]:
            words += [option] if one is True else [option, shlex.quote(str(one))]
    return "".join(f" {word}" for word in words)


def planned_input(site: "Site", plan: str, **given: Any) -> dict[str, Any]:
    """The input of a dry run that is to be carried out, with further accepted guards added.

    Raises BadParameter if more is given, SiteError if it is not a dry run.
    """
    from cli.sites.site import SiteError

    accept = given.pop("accept", None) or ()
    more = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if more:
        raise typer.BadParameter(
            f"{', '.join(more)}: a plan runs exactly as it was made; you may only add --accept",
            param_hint="--plan",
        )
    asked = site.input_of(plan)
    if not asked.dry_run:
        raise SiteError(
            f"{plan} is not a dry run; make a plan with: drugsync run --dry-run{site.options}"
        )
    changed = {"dry_run": False, "plan": plan, "accept": tuple(sorted({*asked.accept, *accept}))}
    return asked.model_copy(update=changed).model_dump(mode="json", exclude_defaults=True)


def site_of(stage: str | None, profile: str | None, region: str | None) -> "Site":
    """The stage on AWS that the options name, or this machine. Raises SiteError."""
    found = stage_of(stage, profile, region)
    if found is None:
        from cli.sites.local_site import LocalSite

        return LocalSite(home())
    return found


def stage_of(stage: str | None, profile: str | None, region: str | None) -> "AwsSite | None":
    """The stage on AWS that the options name; None for this machine. Raises SiteError."""
    if stage is None:
        if profile or region:
            from cli.sites.site import SiteError

            raise SiteError("--profile and --region need --stage, which names the deployment")
        return None
    import boto3
    from botocore.exceptions import NoRegionError

    from cli.sites.aws_errors import explained
    from cli.sites.aws_site import AwsSite

    with explained():
        session = boto3.Session(profile_name=profile, region_name=region)
        if not session.region_name:
            # boto3 takes an empty variable for a region.
            raise NoRegionError
    return AwsSite(stage, session)
