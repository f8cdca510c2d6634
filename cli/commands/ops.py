"""The operators' verbs: the same on this machine and, with --stage, on AWS."""

import webbrowser
from collections.abc import Callable
from typing import Any

import typer

from cli.options import (
    Accept,
    AfterKey,
    AsJson,
    InMode,
    PageSize,
    Profile,
    Reembed,
    Region,
    RunName,
    RunOrLast,
    Stage,
    ThroughKey,
    run_input,
    site_of,
)
from cli.show.show import show_report
from cli.show.show_ops import show_compared, show_findings, show_rolled_back, show_runs, show_view
from cli.show.terminal import console, print_json
from cli.show.watch import as_document, watch_run
from cli.sites.site import Site
from workflow.contract.events.report import RunReport


def add_to(app: typer.Typer) -> None:
    """Register the verbs; their docstrings are their help."""
    for verb, examples in VERBS.items():
        app.command(name=verb.__name__, epilog=_examples(examples), rich_help_panel="Operate")(verb)


def _examples(lines: tuple[str, ...]) -> str:
    return "\n\n".join(f"[dim]$ drugsync {line.replace('[', chr(92) + '[')}[/]" for line in lines)


def start(
    mode: InMode = "sync",
    dry_run: bool = typer.Option(False, "--dry-run", help="Plan only; write nothing."),
    page_size: PageSize = None,
    after_key: AfterKey = None,
    through_key: ThroughKey = None,
    accept: Accept = None,
    reembed: Reembed = False,
    wait: bool = typer.Option(False, "--wait", help="On AWS: watch it to its end."),
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Start a run. On this machine it is watched to its end, always."""
    given = run_input(
        mode=mode,
        dry_run=dry_run,
        page_size=page_size,
        after_key=after_key,
        through_key=through_key,
        accept=accept,
        reembed=reembed,
    )
    _start(site_of(stage, profile, region), given, wait=wait)


def plan(
    mode: InMode = "sync",
    page_size: PageSize = None,
    after_key: AfterKey = None,
    through_key: ThroughKey = None,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """What a run would do and cost, and which guards would stop it. Writes nothing to the index."""
    given = run_input(
        mode=mode,
        dry_run=True,
        page_size=page_size,
        after_key=after_key,
        through_key=through_key,
    )
    _start(site_of(stage, profile, region), given, wait=True)


def _start(site: Site, given: dict[str, Any], *, wait: bool) -> None:
    out = console()
    started = site.start(given, out)
    if isinstance(started, RunReport):
        _exit(started.status == "SUCCEEDED")
        return
    out.print(f"started {started}", highlight=False, soft_wrap=True)
    if not wait:
        out.print(f"see how far it is: drugsync status {started}{site.options}", soft_wrap=True)
        return
    watch_run(site, started, out)
    report, page = site.report(started)
    show_report(out, report, page)
    _exit(report.status == "SUCCEEDED")


def status(
    run: RunOrLast = None,
    watch: bool = typer.Option(False, "--watch", "-w", help="Go on until it ends."),
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """How far a run is: pages done, failed and pending per Map, rate, and time left."""
    site = site_of(stage, profile, region)
    view = watch_run(site, run, console()) if watch else site.view(run)
    if as_json:
        print_json(as_document(view))
    elif not watch:
        show_view(console(), view)
    _exit(view.running or view.status == "SUCCEEDED")


def runs(
    limit: int = typer.Option(10, min=1, max=1000, help="How many, the newest first."),
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """The last runs and how they ended."""
    found = site_of(stage, profile, region).runs(limit)
    if as_json:
        print_json([as_document(view) for view in found])
    else:
        show_runs(console(), found)


def report(
    run: RunOrLast = None,
    open_page: bool = typer.Option(False, "--open", help="Show its page in the browser."),
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """What a run did: outcome, verification, counts, cost. Its page has time line and reasons."""
    found, page = site_of(stage, profile, region).report(run)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        show_report(console(), found, page)
    if open_page and not webbrowser.open(page.resolve().as_uri()):
        console(stderr=True).print("no browser here; open the page named above", soft_wrap=True)


def redrive(
    run: RunName, stage: Stage = None, profile: Profile = None, region: Region = None
) -> None:
    """Run the failed pages of a run again, and what comes after them (on AWS)."""
    site = site_of(stage, profile, region)
    site.redrive(run)
    console().print(f"redriven {run}; see how far it is: drugsync status {run}{site.options}")


def rollback(stage: Stage = None, profile: Profile = None, region: Region = None) -> None:
    """Put the generation before the live one live again, in one step.

    A run that is under way may no longer write. Done twice, it is undone.
    """
    site = site_of(stage, profile, region)
    answer = site.operate("rollback").rolled_back
    if answer is not None:
        show_rolled_back(console(), answer, site.options)


def verify(
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Compare the live index with the catalog as it is now. Mends and writes nothing."""
    site = site_of(stage, profile, region)
    out = console(stderr=as_json)
    with out.status("verifying"):
        compared = site.operate("verify").compared
    if compared is None:
        return
    if as_json:
        print_json(compared.model_dump(mode="json"))
    else:
        show_compared(out, compared, site.options)
    _exit(compared.verification.passed)


def doctor(
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Check settings, servers, model, bucket and index; say what to do for each that fails."""
    findings = site_of(stage, profile, region).doctor()
    if as_json:
        print_json([one.model_dump(mode="json") for one in findings])
    else:
        show_findings(console(), findings)
    _exit(all(one.ok for one in findings))


VERBS: dict[Callable[..., None], tuple[str, ...]] = {
    start: ("start --stage prod --wait", "start --mode backfill", "start --accept deletes"),
    plan: ("plan", "plan --mode backfill --stage prod"),
    status: ("status", "status --watch --stage prod --profile ops --region us-east-1"),
    runs: ("runs --limit 30 --stage prod",),
    report: ("report --open", "report 20261101T020000-sync-1a2b --stage prod --json"),
    redrive: ("redrive 20261101T020000-sync-1a2b --stage prod",),
    rollback: ("rollback --stage prod",),
    verify: ("verify", "verify --stage prod --json"),
    doctor: ("doctor", "doctor --stage prod --profile ops"),
}


def _exit(good: bool) -> None:
    if not good:
        raise typer.Exit(1)
