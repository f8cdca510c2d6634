"""Runs, progress, findings and verifications, for people."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from cli.show.show import show_checks
from cli.sites.site import MapProgress, RunView
from workflow.operate.doctor import Finding
from workflow.operate.operate import Compared, RolledBack
from workflow.report.plot import seconds

COLOURS = {"SUCCEEDED": "green", "RUNNING": "cyan", "PENDING_REDRIVE": "cyan"}


def show_view(out: Console, view: RunView) -> None:
    """How a run stands: status, Maps, and why it failed."""
    colour = COLOURS.get(view.status, "red")
    where = f" in {view.state}" if view.state and view.status != "SUCCEEDED" else ""
    out.print(
        f"[{colour}]{view.status}[/]{where}  {view.mode} {view.run_id}, "
        f"started {view.started_at:%Y-%m-%d %H:%M:%S} UTC{_took(view)}",
        highlight=False,
        soft_wrap=True,
    )
    for one in view.maps:
        out.print(f"  {_map(one)}", highlight=False, soft_wrap=True)
    if view.error:
        out.print(f"  [red]{escape(view.error)}[/] {escape(view.cause or '')}", soft_wrap=True)


def _took(view: RunView) -> str:
    if view.ended_at is None:
        return ""
    return f", took {seconds((view.ended_at - view.started_at).total_seconds())}"


def _map(one: MapProgress) -> str:
    parts = [f"{one.state:11} {one.done}/{one.total} pages done"]
    parts += [
        f"{count} {name}"
        for name, count in (
            ("failed", one.failed),
            ("running", one.running),
            ("pending", one.pending),
        )
        if count
    ]
    if one.rate is not None:
        parts.append(f"{one.rate:.1f} pages/s")
    if one.eta_s is not None:
        parts.append(f"about {seconds(one.eta_s)} left")
    return ", ".join(parts)


def show_runs(out: Console, runs: Sequence[RunView]) -> None:
    """A line a run, the newest first."""
    if not runs:
        out.print("no run yet")
    for view in runs:
        colour = COLOURS.get(view.status, "red")
        error = f"  {escape(view.error)}" if view.error else ""
        out.print(
            f"{view.run_id:34} [{colour}]{view.status:9}[/] {view.started_at:%Y-%m-%d %H:%M}"
            f"{_took(view)}{error}",
            highlight=False,
            soft_wrap=True,
        )


def show_findings(out: Console, findings: Sequence[Finding]) -> None:
    """A line a check; what to do stands below one that fails."""
    for one in findings:
        mark = "[green]✓[/]" if one.ok else "[bold red]✗[/]"
        out.print(f"{mark} {one.check:24} {escape(one.found)}", highlight=False, soft_wrap=True)
        if one.advice and not one.ok:
            out.print(f"  {'':24} [bold]{escape(one.advice)}[/]", highlight=False, soft_wrap=True)


def show_compared(out: Console, compared: Compared, options: str) -> None:
    """The checks, and whether a difference is only the catalog's way since the last run."""
    good = compared.verification.passed
    head = "[green]✓ the index is the catalog[/]" if good else "[bold red]✗ the index differs[/]"
    out.print(f"{head}: generation {compared.generation}, {compared.rows:,} rows", highlight=False)
    show_checks(out, compared.verification.checks)
    if compared.behind:
        out.print(
            f"  since the last run the catalog has {compared.added:,} more drugs, "
            f"{compared.changed:,} changed and {compared.removed:,} gone; "
            f"bring the index in step: drugsync start{options}",
            highlight=False,
            soft_wrap=True,
        )
    elif not good:
        out.print(f"  mend it: drugsync start{options}", highlight=False, soft_wrap=True)


def show_rolled_back(out: Console, done: RolledBack, options: str) -> None:
    """What is live now, and what must follow."""
    out.print(
        f"[green]✓[/] generation {done.generation} is live again (built {done.built_at}); "
        f"before: {done.before or 'none'}",
        highlight=False,
        soft_wrap=True,
    )
    if done.settings_fit:
        out.print(f"  bring it in step with the catalog: drugsync start{options}", soft_wrap=True)
        return
    out.print(
        "  [yellow]it was built with other settings than the functions have now: put back model, "
        "dimensions, template and index settings, or searches and the next sync will not fit it; "
        "to undo, roll back again[/]",
        soft_wrap=True,
    )
