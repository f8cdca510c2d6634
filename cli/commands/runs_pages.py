"""The pages of runs that `drugsync serve` shows: a list, one run as it continues, its report.

They have no script; the page of a run that continues reloads every other second. They name the
command for each next step, and with the token of this machine's server they can start it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from cli.commands.runs_actions import ACTIONS, Actions, redrivable
from cli.commands.runs_trend import CSS as TREND_CSS
from cli.commands.runs_trend import recall_of, trend
from cli.documents import MapProgress, RunView
from cli.show.show_ops import map_line
from cli.sites.site import Site, SiteError
from cli.typed import as_typed, typed
from local.errors import LocalError
from workflow.contract.errors import SyncError, advice
from workflow.contract.events.report import RunReport
from workflow.contract.holder import is_run_id
from workflow.report.page import text
from workflow.report.plot import seconds
from workflow.report.style import CSS

LISTED = 50
RELOAD_S = 2
OWN_CSS = """table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
details{margin:.5rem 0;padding:.5rem .8rem;background:var(--panel)}
main.list{max-width:82rem}.list table{font-size:.85rem}
.list th,.list td{white-space:nowrap;overflow-wrap:normal;padding:.3rem .4rem}
.list td:nth-child(2){white-space:normal}.wide{overflow-x:auto}progress{width:12rem}
@media(max-width:60rem){.list table,.list tbody,.list tr{display:block}.list thead{display:none}
.list tr{padding:.6rem 0;border-bottom:1px solid #8884;display:grid;grid-template-columns:1fr 1fr;
gap:.1rem 1rem}.list td,.list td.n{display:flex;justify-content:space-between;gap:.5rem;
padding:.1rem 0;border:0;text-align:right;white-space:normal}.list td::before{
content:attr(data-name);color:var(--soft)}.list td:nth-child(-n+2){grid-column:1/-1}
.list td:first-child::before{content:none}.list td:empty{display:none}}"""
COLUMNS = ("Run", "Outcome", "Mode", "Started", "Took", "Rows", "Added", "Changed", "Removed")
MORE = ("Texts", "Model $", "Recall")
PLAIN = 4
"""Columns with words; the others have figures."""


class Page(NamedTuple):
    """A page, and whether it is a report, whose bars have styles of their own."""

    status: int
    html: str
    inline_styles: bool = False


class RunsPages:
    """Pages below `/runs`, of this machine's runs or of a stage's."""

    def __init__(self, site: Site, actions: Actions | None = None) -> None:
        self._site = site
        self._actions = actions

    def answer(self, path: str) -> Page:
        """The page of a path below `/runs`."""
        rest = path.strip("/").partition("/")[2]
        run_id, _, what = rest.partition("/")
        try:
            if not run_id:
                return Page(200, self._list())
            if not is_run_id(run_id) or what not in ("", "report"):
                return problem(404, "there is no such page")
            return self._report(run_id) if what else Page(200, self._run(run_id))
        except (SiteError, SyncError) as error:
            return problem(404 if isinstance(error, SiteError) else 503, str(error))

    def _list(self) -> str:
        head = "".join(
            f'<th role="columnheader" scope="col"{_figure(at)}>{name}</th>'
            for at, name in enumerate((*COLUMNS, *MORE))
        )
        history = self._site.history(LISTED)
        rows = [_row(view, report) for view, report in history]
        if not rows:
            body = f"<p>No run yet. Start one: {self._command('run')}</p>"
        else:
            head = f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
            body = f'<tbody role="rowgroup">{"".join(rows)}</tbody>'
            wide = '<div class="wide" tabindex="0" role="region" aria-label="Runs">'
            body = f'{wide}<table role="table">{head}{body}</table></div>'
            body += trend([report for _, report in history if report])
        if self._actions:
            body += self._actions.form(ACTIONS["plan"], "")
        running = any("RUNNING" in row for row in rows)
        return _page("Runs", f"<h1>Runs</h1>{body}", reload=running, kind="list")

    def _command(self, words: str) -> str:
        return f"<code>{text(f'{typed()} {words}{self._site.options}')}</code>"

    def _run(self, run_id: str) -> str:
        view = self._site.view(run_id)
        bars = "".join(_bar(one) for one in view.maps)
        parts = [
            '<p><a href="/runs">All runs</a></p>',
            f"<h1>{text(view.run_id)}</h1><p><b>{text(view.status)}</b> {text(view.state)}</p>",
            f"<h2>Pages</h2><ul>{bars}</ul>" if bars else "",
            _failure(view),
            self._failed_pages(view),
            self._buttons(view),
            f"<h2>Commands</h2><ul>{''.join(self._commands(view))}</ul>",
        ]
        if not view.running:
            parts.append(f'<p><a href="/runs/{text(view.run_id)}/report">Its report</a></p>')
        return _page(view.run_id, "".join(parts), reload=view.running)

    def _failed_pages(self, view: RunView) -> str:
        """The last error of each page."""
        if not view.error:
            return ""
        try:
            failed = self._site.failed_pages(view)
        except (SiteError, SyncError) as error:
            return f"<p>{said(str(error))}</p>"
        shown = "".join(
            f"<li><b>{text(view.state)} {text(one.page)}</b> "
            f"{text(one.error or 'ended without an error')}: {said(one.cause)}</li>"
            for one in failed.pages
        )
        shown += "<li>and more</li>" if failed.more else ""
        return f"<h2>Failed pages</h2><ul>{shown}</ul>" if shown else ""

    def _buttons(self, view: RunView) -> str:
        if self._actions is None:
            return ""
        try:
            dry = self._site.input_of(view.run_id).dry_run
        except LocalError as error:
            return f"<p>{said(str(error))}</p>"
        fitting = [one for one in ACTIONS.values() if one.fits(view, dry)]
        # What a person looks for after a failure comes first.
        fitting.sort(key=lambda one: one.name == "plan")
        return "".join(self._actions.form(one, view.run_id) for one in fitting)

    def _commands(self, view: RunView) -> Iterable[str]:
        run = f" {view.run_id}"
        given = {
            "its functions' logs": f"logs{run}",
            "what it changed, or would change": f"changes{run}",
        }
        if redrivable(view):
            given["repeat the failed pages, then continue"] = f"redrive{run}"
        if view.status == "SUCCEEDED":
            given["undo the last switch"] = "rollback"
        given["plan the next run"] = "run --dry-run"
        for why, command in given.items():
            yield f"<li>{why}: {self._command(command)}</li>"

    def _report(self, run_id: str) -> Page:
        _, path = self._site.report(run_id)
        return Page(200, path.read_text(encoding="utf-8"), inline_styles=True)


def said(words: str) -> str:
    """A message: each command in it as it can be typed here."""
    return text(as_typed(words))


def _figure(column: int) -> str:
    return ' class="n"' if column > PLAIN - 1 else ""


def _row(view: RunView, report: RunReport | None) -> str:
    cells = [
        f'<a href="/runs/{text(view.run_id)}">{text(view.run_id)}</a>',
        text(view.status if not view.error else f"{view.status}: {view.error}"),
        text(_mode(view, report)),
        f"{view.started_at:%Y-%m-%d %H:%M}",
        seconds((view.ended_at - view.started_at).total_seconds()) if view.ended_at else "",
        *_figures(report),
    ]
    names = (*COLUMNS, *MORE)
    shown = "".join(
        f'<td role="cell" data-name="{names[at]}"{_figure(at)}>{one}</td>'
        for at, one in enumerate(cells)
    )
    return f'<tr role="row">{shown}</tr>'


def _mode(view: RunView, report: RunReport | None) -> str:
    """A verification is always a dry run."""
    dry = report is not None and report.dry_run and view.mode != "verify"
    return f"{view.mode}, dry run" if dry else view.mode


def _figures(report: RunReport | None) -> list[str]:
    if report is None:
        return [""] * (len(COLUMNS) + len(MORE) - PLAIN - 1)
    counts = (report.catalog_rows, report.added, report.changed, report.removed)
    recall = recall_of(report)
    texts = report.texts_to_embed if report.dry_run else report.texts_embedded
    cost = f"{report.estimated_usd:.4f}"
    return [
        *(f"{one:,}" for one in counts),
        f"{texts:,}",
        cost,
        "" if recall is None else f"{recall:.3f}",
    ]


def _bar(one: MapProgress) -> str:
    label = text(map_line(one))
    return (
        f'<li><progress max="{max(one.total, 1)}" value="{one.done}" aria-label="{label}">'
        f"</progress> {label}</li>"
    )


def _failure(view: RunView) -> str:
    if not view.error:
        return ""
    return (
        f"<h2>Why it failed</h2><p><b>{text(view.error)}</b> {said(view.cause or '')}</p>"
        f"<p>{said(advice(view.error))}</p>"
    )


def problem(status: int, why: str) -> Page:
    body = f'<p><a href="/runs">All runs</a></p><h1>Not shown</h1><p>{said(why)}</p>'
    return Page(status, _page("Not shown", body))


def _page(title: str, body: str, *, reload: bool = False, kind: str = "one") -> str:
    again = f'<meta http-equiv="refresh" content="{RELOAD_S}">' if reload else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark">{again}'
        f"<title>{text(title)}</title><style>{CSS}{OWN_CSS}{TREND_CSS}</style></head>"
        f'<body><main class="{kind}">{body}</main></body></html>\n'
    )
