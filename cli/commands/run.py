"""Start a run, or continue with one that failed: here and, with --stage, on AWS."""

from collections.abc import Sequence
from typing import Any, get_args

import typer

from cli.documents import Started
from cli.options import (
    Accept,
    AfterKey,
    AsJson,
    DryRun,
    InMode,
    OfPlan,
    PageSize,
    Profile,
    Reembed,
    Region,
    RunName,
    Stage,
    ThroughKey,
    Wait,
    as_options,
    planned_input,
    run_input,
    site_of,
)
from cli.show.show import show_report
from cli.show.show_ops import show_following
from cli.show.terminal import console, print_json
from cli.show.watch import watch_run
from cli.sites.site import Site
from workflow.contract.events.base import Acceptable
from workflow.contract.events.report import RunReport


def run(
    mode: InMode = "sync",
    dry_run: DryRun = False,
    page_size: PageSize = None,
    after_key: AfterKey = None,
    through_key: ThroughKey = None,
    accept: Accept = None,
    reembed: Reembed = False,
    plan: OfPlan = None,
    as_json: AsJson = False,
    wait: Wait = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Start a run: update the index from the catalog, or rebuild it.

    A local run is watched until it ends; the exit code is 0 only if it succeeded. A dry run is a
    plan: [bold]changes[/] and [bold]report[/] show it, and --plan makes exactly its changes.
    """
    site = site_of(stage, profile, region)
    more = {
        "page_size": page_size,
        "after_key": after_key,
        "through_key": through_key,
        "accept": accept,
    }
    if plan:
        backfill = mode == "backfill"
        given = planned_input(site, plan, mode=backfill, dry_run=dry_run, reembed=reembed, **more)
    else:
        given = run_input(mode=mode, dry_run=dry_run, reembed=reembed, **more)
    out = console(stderr=as_json)
    _answer(site, site.run(given, out), wait=wait or dry_run, as_json=as_json)


def redrive(
    run: RunName,
    as_json: AsJson = False,
    wait: Wait = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Run only the pages of a run that failed or never started, then the remaining steps.

    It is the same run with the same plan. Possible for 14 days, as long as no newer run has
    written.
    """
    site = site_of(stage, profile, region)
    out = console(stderr=as_json)
    _answer(site, site.redrive(run, out), wait=wait, as_json=as_json)


def verify(
    after_key: AfterKey = None,
    through_key: ThroughKey = None,
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Compare the live index with the catalog as it is now. Writes nothing to the index.

    It is a run like any other that ends before anything would be written; watch and redrive it in
    the same way. Exit code 0 if every check passes.
    """
    site = site_of(stage, profile, region)
    given = run_input(mode="verify", after_key=after_key, through_key=through_key)
    out = console(stderr=as_json)
    _answer(site, site.run(given, out), wait=True, as_json=as_json)


def _answer(site: Site, done: Started | RunReport, *, wait: bool, as_json: bool) -> None:
    """The report of a run that ended, or how to watch one that continues."""
    out = console(stderr=as_json)
    if isinstance(done, Started):
        out.say("started {}", done.run_id)
        if not wait:
            out.say("see its progress: drugsync status {}{}", done.run_id, site.options)
            if as_json:
                print_json(done)
            return
        watch_run(site, done.run_id, out)
        done = site.report(done.run_id)[0]
    if as_json:
        print_json(done)
    else:
        show_report(out, *site.report(done.run_id))
        _show_next(site, done)
    if done.status != "SUCCEEDED":
        raise typer.Exit(1)


ANSWERED = ("PlanStale", "GenerationMismatch")
"""Errors with a next command of their own."""


def _show_next(site: Site, done: RunReport) -> None:
    """The commands that may follow a plan, or a run that was stopped."""
    out = console()
    tripped = [one.guard for one in done.guards if one.tripped and not one.accepted]
    if done.error == "PlanStale":
        out.say("  make a new plan: drugsync run --dry-run{}{}", _again(site, done), site.options)
    if done.error == "GenerationMismatch":
        again = _again(site, done, beside=True)
        out.say(
            "  build a new generation with these settings: drugsync run{}{}", again, site.options
        )
    if tripped and done.mode != "verify":
        if not done.dry_run:
            out.say("  see which drugs: drugsync changes {}{}", done.run_id, site.options)
        out.say(
            "  if that is correct (for example after loading other drugs), continue with: "
            "drugsync run{}{}",
            _again(site, done, accept=tripped, beside="switch" in tripped),
            site.options,
        )
    here = site.note(done)
    if here:
        out.say("  {}", here)
    if done.error and not tripped and done.error not in ANSWERED:
        show_following(out, done.run_id, done.error, done.cause, site.options)
    if not done.dry_run:
        return
    if not done.behind:
        return
    out.say("  see old and new values: drugsync changes {}{}", done.run_id, site.options)
    if done.mode == "verify":
        out.say("  bring the index in step: drugsync run{}", site.options)
    else:
        out.say("  apply exactly this plan: drugsync run --plan {}{}", done.run_id, site.options)


def _again(site: Site, done: RunReport, *, accept: Sequence[str] = (), beside: bool = False) -> str:
    """The options of this run, without its being a plan or having one; `beside`: as a backfill."""
    asked = site.input_of(done.run_id)
    more = [one for one in accept if one in get_args(Acceptable)]
    changed: dict[str, Any] = {"dry_run": False, "plan": None, "accept": (*asked.accept, *more)}
    if beside:
        changed |= {"mode": "backfill", "after_key": None, "through_key": None}
    return as_options(asked.model_copy(update=changed))
