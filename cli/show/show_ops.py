"""Runs, progress and findings, for people."""

import re
from collections.abc import Sequence

from rich.text import Text

from cli.documents import LogLine, MapProgress, RunView
from cli.show.show import BAD, GOOD
from cli.show.terminal import Markup, Out, many, markup
from workflow.operate.doctor import Finding
from workflow.operate.failure import following
from workflow.operate.operate import RolledBack
from workflow.report.plot import seconds

PAGE = re.compile(r", page (\d+)")
"""As a cause names the page that failed."""

COLOURS = {"SUCCEEDED": "green", "RUNNING": "cyan", "PENDING_REDRIVE": "cyan"}


def status_of(view: RunView, width: int = 0) -> Text:
    """In its colour, padded to a width."""
    colour = Markup(COLOURS.get(view.status, "red"))
    return markup("[{}]{}[/]", colour, view.status.ljust(width))


def show_view(out: Out, view: RunView) -> None:
    """How a run stands: status, Maps, and why it failed."""
    where = f" in {view.state}" if view.state and view.status != "SUCCEEDED" else ""
    out.say(
        "{}{}  {} {}, started {:%Y-%m-%d %H:%M:%S} UTC{}",
        status_of(view),
        where,
        view.mode,
        view.run_id,
        view.started_at,
        _took(view),
    )
    for one in view.maps:
        out.say("  {}", map_line(one))
    if view.error:
        out.say("  [red]{}[/] {}", view.error, view.cause or "")


def _took(view: RunView) -> str:
    if view.ended_at is None:
        return ""
    return f", took {seconds((view.ended_at - view.started_at).total_seconds())}"


def map_line(one: MapProgress) -> str:
    """Pages by how they stand, their rate, and the time left."""
    counts = (("failed", one.failed), ("running", one.running), ("pending", one.pending))
    parts = [f"{one.state:11} {one.done}/{one.total} pages done"]
    parts += [f"{count} {name}" for name, count in counts if count]
    if one.rate is not None:
        parts.append(f"{one.rate:.1f} pages/s")
    if one.eta_s is not None:
        parts.append(f"about {seconds(one.eta_s)} left")
    return ", ".join(parts)


def show_following(out: Out, run_id: str, error: str | None, cause: str | None, where: str) -> None:
    """What to type after a run that failed."""
    page = PAGE.search(cause or "")
    look, go_on = following(run_id, error or "", page[1] if page else "")
    out.say("  see its logs: {}{}", look, where)
    out.say("  after fixing the cause: {}{}", go_on, where)


def show_runs(out: Out, runs: Sequence[RunView]) -> None:
    """One line per run, the newest first."""
    if not runs:
        out.say("no run yet")
    for view in runs:
        out.say(
            "{:34} {} {:%Y-%m-%d %H:%M}{}{}",
            view.run_id,
            status_of(view, 9),
            view.started_at,
            _took(view),
            f"  {view.error}" if view.error else "",
        )


def show_findings(out: Out, findings: Sequence[Finding]) -> None:
    """One line per check; the advice is below a check that fails."""
    for one in findings:
        mark = GOOD if one.ok else BAD
        out.say("{} {:24} {}", mark, one.check, one.found)
        if one.advice and not one.ok:
            out.say("  {:24} [bold]{}[/]", "", one.advice)


def show_logs(out: Out, lines: Sequence[LogLine]) -> None:
    """One line per call."""
    if not lines:
        out.say("no line")
    for one in lines:
        took = "" if one.ms is None else f"{one.ms:,} ms"
        counts = ", ".join(f"{name} {value:,}" for name, value in one.counts.items() if value)
        out.say(
            "{:%H:%M:%S} {:13} {:6} {:>9}  {}{}",
            one.at,
            one.function,
            one.page,
            took,
            "" if one.error else f"{one.message}  {counts}".rstrip(),
            markup("[red]{}[/] {}", one.error, one.cause) if one.error else "",
        )


def show_rolled_back(out: Out, done: RolledBack, options: str) -> None:
    """What is live now, and what must follow."""
    if done.run:
        out.say(
            "[green]✓[/] the switch of sync {} is {}: {} {}, {} back, {} gone",
            done.run,
            "made again" if done.again else "undone",
            many(done.changed, "drug"),
            "with new values" if done.again else "with old values",
            many(done.added, "drug"),
            many(done.removed, "drug"),
        )
        out.say("  searches answer from {}", many(done.rows, "drug"))
    else:
        out.say(
            "[green]✓[/] generation {} of {} is live again (built {}); before: {}",
            done.generation,
            many(done.rows, "drug"),
            done.built_at,
            done.before or "none",
        )
    if done.settings_fit:
        out.say("  update it from the catalog: drugsync run{}", options)
        return
    out.say(
        "  [yellow]it was built with other settings than the functions have now: restore the "
        "model, dimensions, template and index settings, or searches will use words only and the "
        "next sync will stop; to undo this, roll back again[/]"
    )
