"""The operators' verbs: the same on this machine and, with --stage, on AWS."""

import webbrowser
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer

from cli.options import AsJson, Profile, Region, RunOrLast, Stage, site_of
from cli.show.explanation import show_changes, show_explanation
from cli.show.show import show_report
from cli.show.show_ops import (
    show_findings,
    show_logs,
    show_rolled_back,
    show_runs,
    show_view,
)
from cli.show.terminal import console, print_json
from cli.show.watch import watch_run
from cli.sites.site import Site, SiteError
from workflow.contract.events.payloads import Run
from workflow.contract.folding import fold
from workflow.operate.changes import ChangedDrug


def status(
    run: RunOrLast = None,
    watch: bool = typer.Option(False, "--watch", "-w", help="Keep watching until the run ends."),
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show a run's progress: pages done, failed and pending per Map, rate, and time left."""
    site = site_of(stage, profile, region)
    out = console(stderr=as_json)
    view = watch_run(site, run, out) if watch else site.view(run)
    if as_json:
        print_json(view)
    elif not watch:
        show_view(out, view)
    _exit(view.running or view.status == "SUCCEEDED")


def runs(
    limit: int = typer.Option(10, min=1, max=1000, help="How many runs to show, newest first."),
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """List the last runs and how they ended."""
    found = site_of(stage, profile, region).runs(limit)
    if as_json:
        print_json(found)
    else:
        show_runs(console(), found)


def report(
    run: RunOrLast = None,
    open_page: bool = typer.Option(False, "--open", help="Open the report page in the browser."),
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show what a run did: outcome, verification, counts, cost. The page adds timeline and
    reasons.
    """
    found, page = site_of(stage, profile, region).report(run)
    if as_json:
        print_json(found)
    else:
        show_report(console(), found, page)
    if open_page and not webbrowser.open(page.resolve().as_uri()):
        console(stderr=True).say("no browser here; open {}", page)


def changes(
    run: RunOrLast = None,
    limit: int = typer.Option(20, min=0, help="Drugs to show; 0 shows all."),
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show what a run changes, mostly after a dry run: old and new values, column by column."""
    site = site_of(stage, profile, region)
    run_id = site.view(run).run_id
    accepted = site.accepted(run_id)
    if accepted is None:
        raise SiteError(
            f"run {run_id} changes nothing: AcceptRun refused it, or has not been called yet"
        )
    found = list(islice(_changes(site, accepted), limit or None))
    if as_json:
        print_json(found)
    else:
        show_changes(console(), found)


def _changes(site: Site, run: Run) -> Iterator[ChangedDrug]:
    """One answer after another, each as long as a function's answer may be."""
    start: int | None = 0
    while start is not None:
        answer = site.operate("changes", of_run=run.model_dump(mode="json"), start=start)
        yield from answer.changes
        start = answer.following


def logs(
    run: RunOrLast = None,
    page: Annotated[str | None, typer.Option(help="Show only the calls for this page.")] = None,
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show the logs of a run's functions: one line per call, with counts, milliseconds and
    errors.
    """
    found = site_of(stage, profile, region).logs(run, page)
    if as_json:
        print_json(found)
    else:
        show_logs(console(), found)


def rollback(
    generation: Annotated[
        str,
        typer.Option(
            help=(
                "Return to the generation before the last backfill, instead of undoing the last "
                "switch."
            )
        ),
    ] = "",
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Undo the last switch: searches answer as before it, all at once.

    A run in progress may no longer write. A second rollback restores the first state.
    """
    site = site_of(stage, profile, region)
    answer = site.operate("rollback", generation=generation).rolled_back
    if answer is None:
        return
    if as_json:
        print_json(answer)
    else:
        show_rolled_back(console(), answer, site.options)


def explain(
    ndc: Annotated[str, typer.Argument(metavar="NDC", help="With dashes or without.")],
    query: Annotated[
        str | None,
        typer.Option(
            help="A search query: show the drug's place in the answer, or why it is missing."
        ),
    ] = None,
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Explain why a drug is or is not found: row, document, text, and place in an answer.

    Exit code 1 if no drug has the NDC, or if a server could not be reached.
    """
    for given, name in ((ndc, "NDC"), (query, "--query")):
        if given is not None and not fold(given):
            raise typer.BadParameter(
                "contains no letter and no digit; enter what to look for", param_hint=name
            )
    site = site_of(stage, profile, region)
    answer = site.operate("explain", ndc=ndc, query=query or "").explained
    if answer is None:
        return
    if as_json:
        print_json(answer)
    else:
        show_explanation(console(), answer)
    _exit(answer.known and not answer.failures)


def doctor(
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Check settings, servers, model, bucket and index; say what to do about each failure."""
    findings = site_of(stage, profile, region).doctor()
    if as_json:
        print_json(findings)
    else:
        show_findings(console(), findings)
    _exit(all(one.ok for one in findings))


def _exit(good: bool) -> None:
    if not good:
        raise typer.Exit(1)
