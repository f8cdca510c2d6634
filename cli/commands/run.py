"""Start a run, or go on with one that failed: here and, with --stage, on AWS."""

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
    """Start a run: bring the index in step with the catalog, or build it anew.

    On this machine it is watched to its end; exit code 0 only when it succeeded. A dry run is a
    plan: [bold]changes[/] and [bold]report[/] show it, --plan makes exactly its changes.
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
    """Run again only the pages of a run that failed or never started, then what follows.

    Same run, same plan: within 14 days, and while no newer run has written.
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
    """Compare the live index with the catalog as it is now. Writes nothing in it.

    A run like any other, which ends before anything would be written; watch and redrive it in the
    same way. Exit code 0 if every check holds.
    """
    site = site_of(stage, profile, region)
    given = run_input(mode="verify", after_key=after_key, through_key=through_key)
    out = console(stderr=as_json)
    _answer(site, site.run(given, out), wait=True, as_json=as_json)


def _answer(site: Site, done: Started | RunReport, *, wait: bool, as_json: bool) -> None:
    """The report of a run that ended, or how to watch one that goes on."""
    out = console(stderr=as_json)
    if isinstance(done, Started):
        out.say("started {}", done.run_id)
        if not wait:
            out.say("see how far it is: drugsync status {}{}", done.run_id, site.options)
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


def _show_next(site: Site, done: RunReport) -> None:
    """The commands that may follow a plan, or a run that was stopped."""
    out = console()
    tripped = [one.guard for one in done.guards if one.tripped and not one.accepted]
    if done.error == "PlanStale":
        out.say("  plan anew: drugsync run --dry-run{}{}", _again(site, done), site.options)
    if done.error == "GenerationMismatch":
        again = _again(site, done, beside=True)
        out.say("  build one with these settings beside it: drugsync run{}{}", again, site.options)
    if tripped and done.mode != "verify":
        if not done.dry_run:
            out.say("  which drugs: drugsync changes {}{}", done.run_id, site.options)
        out.say(
            "  if that is right, as after a load of other drugs, go on with: drugsync run{}{}",
            _again(site, done, accept=tripped, beside="switch" in tripped),
            site.options,
        )
    here = site.note(done)
    if here:
        out.say("  {}", here)
    if done.error and not tripped:
        show_following(out, done.run_id, done.error, done.cause, site.options)
    if not done.dry_run:
        return
    if not done.behind:
        return
    out.say("  before and after: drugsync changes {}{}", done.run_id, site.options)
    if done.mode == "verify":
        out.say("  bring the index in step: drugsync run{}", site.options)
    else:
        out.say("  do just this: drugsync run --plan {}{}", done.run_id, site.options)


def _again(site: Site, done: RunReport, *, accept: Sequence[str] = (), beside: bool = False) -> str:
    """The options of this run, without its being a plan or having one; `beside`: as a backfill."""
    asked = site.input_of(done.run_id)
    more = [one for one in accept if one in get_args(Acceptable)]
    changed: dict[str, Any] = {"dry_run": False, "plan": None, "accept": (*asked.accept, *more)}
    if beside:
        changed |= {"mode": "backfill", "after_key": None, "through_key": None}
    return as_options(asked.model_copy(update=changed))
