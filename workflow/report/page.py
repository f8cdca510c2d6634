"""The run report as one self-contained HTML page: no script, no network, light and dark.

Every value is escaped; keys and the model's words come from outside.
"""

from collections.abc import Callable, Iterable, Sequence
from html import escape

from workflow.contract.errors import advice
from workflow.contract.events.files import Check, LastRun
from workflow.contract.events.report import RunReport
from workflow.contract.unseen import visible
from workflow.report.plot import plot, seconds
from workflow.report.style import CSS
from workflow.report.timeline import StateTimes

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(report: RunReport, timeline: Sequence[StateTimes]) -> str:
    """The whole page."""
    sections = (
        _outcome(report, timeline),
        _verification(report.verification),
        _changes(report),
        _timeline(report, timeline),
        _texts(report),
        _last(report),
        _guards(report),
        _rejected(report),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{text(report.run_id)}: {text(report.status)}</title><style>{CSS}</style></head>"
        f"<body><main>{''.join(sections)}</main>{_foot(report)}</body></html>\n"
    )


def text(value: object) -> str:
    """Escaped, and nothing in it acts or hides; `<bdi>` keeps its direction to itself."""
    return escape("\n".join(map(visible, str(value).split("\n"))))


def _outcome(report: RunReport, timeline: Sequence[StateTimes]) -> str:
    good = report.status == "SUCCEEDED"
    facts = {
        "Mode": report.mode + (", dry run" if report.dry_run and report.mode != "verify" else ""),
        "Started": f"{report.started_at:%Y-%m-%d %H:%M:%S %Z}",
        "Took": seconds(report.duration_s),
        "Generation": report.generation or "none",
        "Space": report.space or "none",
    }
    items = "".join(
        f"<div><dt>{name}</dt><dd>{_name(one)}</dd></div>" for name, one in facts.items()
    )
    problem = ""
    if report.error:
        problem = (
            f'<p class="problem"><b>{text(report.error)}</b> {text(report.cause or "")}</p>'
            f'<p class="hint">{text(advice(report.error))}</p>'
        )
    return (
        f'<header><p class="badge {"good" if good else "bad"}">{_headline(report)}</p>'
        f"<h1>{_name(report.run_id)}</h1>{problem}<dl class='facts'>{items}</dl></header>"
    )


def _headline(report: RunReport) -> str:
    if report.status != "SUCCEEDED":
        return f"✗ {text(report.status)}: {_kept(report)}"
    if report.mode == "verify":
        return f"✓ Verified: {report.outcome}"
    if report.dry_run:
        stopping = [one.guard for one in report.guards if one.tripped and not one.accepted]
        if stopping:
            return f"✓ Dry run: a real run would be stopped by the guard {', '.join(stopping)}"
        return "✓ Dry run: nothing was written"
    return "✓ Verified and published"


def _kept(report: RunReport) -> str:
    """What a run writes before the switch is outside every index."""
    if report.mode == "verify":
        return "the live index was not changed"
    if report.published is None:
        return "it ended during the switch; drugsync doctor says what is live"
    return "it was published nevertheless" if report.published else "nothing was published"


def _verification(checks: Sequence[Check]) -> str:
    if not checks:
        return _section("Verification", '<p class="hint">The run did not get this far.</p>')
    passed = sum(check.passed for check in checks)
    ordered = sorted(checks, key=lambda check: check.passed)
    rows = [
        (
            f'<span class="{"good" if one.passed else "bad"}">{"✓" if one.passed else "✗"}</span> '
            + text(one.check),
            text(one.found),
            text(one.expected),
        )
        for one in ordered
    ]
    lead = f"<p><b>{passed} of {len(checks)}</b> checks passed.</p>"
    return _section("Verification", lead + _table(("check", "found", "expected"), rows))


def _changes(report: RunReport) -> str:
    figures = {
        "catalog rows": report.catalog_rows,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "rejected": report.rejected,
    }
    cards = "".join(
        f'<div class="card{" bad" if name == "rejected" and value else ""}">'
        f"<b>{value:,}</b><span>{name}</span></div>"
        for name, value in figures.items()
    )
    samples = "".join(
        f"<p><b>{kind}</b>, the first: " + ", ".join(f"<code>{_name(key)}</code>" for key in keys)
        for kind, keys in report.samples.items()
        if keys
    )
    return _section("Changes", f'<div class="cards">{cards}</div>{samples}')


Figure = Callable[[RunReport | LastRun], float]

COMPARED: tuple[tuple[str, Figure, str], ...] = (
    ("catalog rows", lambda one: one.catalog_rows, ",.0f"),
    ("added", lambda one: one.added, ",.0f"),
    ("changed", lambda one: one.changed, ",.0f"),
    ("removed", lambda one: one.removed, ",.0f"),
    ("rejected", lambda one: one.rejected, ",.0f"),
    ("texts embedded", lambda one: one.texts_embedded, ",.0f"),
    ("tokens", lambda one: one.tokens, ",.0f"),
    ("seconds", lambda one: one.duration_s, ",.1f"),
)


def _last(report: RunReport) -> str:
    last = report.last
    if last is None:
        return ""
    rows = [
        (
            name,
            f"{value(report):{form}}",
            f"{value(last):{form}}",
            _difference(value, report, last, form),
        )
        for name, value, form in COMPARED
    ]
    lead = f"<p>Compared with {_name(last.run_id)}, the last whole run that was published.</p>"
    return _section(
        "Compared with the last run", lead + _table(("", "this run", "last run", ""), rows)
    )


def _difference(value: Figure, report: RunReport, last: LastRun, form: str) -> str:
    difference = value(report) - value(last)
    return f"{difference:+{form}}" if difference else "="


def _texts(report: RunReport) -> str:
    if report.dry_run or not report.texts_embedded + report.texts_reused:
        planned = (
            f"{report.texts_to_embed:,} texts to embed, about {report.estimated_tokens:,} tokens, "
            f"${report.estimated_usd:,.4f}; {report.estimated_minutes:.1f} minutes, "
            f"and ${report.estimated_aws_usd:,.3f} for Step Functions, Lambda and S3."
        )
        return _section("Texts and cost", f"<p>{planned}</p>")
    whole = report.texts_embedded + report.texts_reused
    share = 100 * report.texts_embedded / whole
    bar = (
        f'<div class="split" role="img" aria-label="{share:.0f} % embedded">'
        f'<i style="width:{share:.2f}%"></i></div>'
    )
    words = (
        f"<p><b>{report.texts_embedded:,}</b> texts embedded, <b>{report.texts_reused:,}</b> "
        f"drugs reused a text that was already embedded. The model counted {report.tokens:,} "
        f"tokens, "
        f"about ${_paid(report):,.4f}; the estimate was {report.estimated_tokens:,} tokens, "
        f"${report.estimated_usd:,.4f}.</p>"
    )
    return _section("Texts and cost", bar + words)


def _paid(report: RunReport) -> float:
    """The estimate's price a token, for the tokens that the model counted."""
    if not report.estimated_tokens:
        return 0.0
    return report.estimated_usd * report.tokens / report.estimated_tokens


def _guards(report: RunReport) -> str:
    rows = [
        (f'<b class="{_guard_class(one.tripped, one.accepted)}">{one.guard}</b>', text(one.message))
        for one in report.guards
    ]
    warnings = "".join(f'<p class="warning">{text(one)}</p>' for one in report.warnings)
    return _section("Guards", _table(("guard", "found"), rows) + warnings) if rows else ""


def _guard_class(tripped: bool, accepted: bool) -> str:
    if not tripped:
        return "good"
    return "warning" if accepted else "bad"


def _timeline(report: RunReport, timeline: Sequence[StateTimes]) -> str:
    if not timeline:
        return ""
    done = {
        "DiffPages": (report.catalog_rows, "rows compared"),
        "EmbedPages": (report.texts_embedded, "texts embedded"),
        "LoadPages": (report.added + report.changed + report.removed, "drugs written or removed"),
    }
    rates = [
        f"<b>{done[one.state][0] / one.seconds:,.0f}</b> {done[one.state][1]} a second"
        for one in timeline
        if one.state in done and one.seconds and done[one.state][0]
    ]
    speed = f"<p>{', '.join(rates)}.</p>" if rates else ""
    return _section("Time line", plot(timeline, report.duration_s) + speed)


def _rejected(report: RunReport) -> str:
    if not report.rejected:
        return ""
    rows = [
        (
            f"<code>{_name(one.ndc)}</code>",
            "is missing" if one.new else "keeps its old document",
            f"<code>{_name(one.column)}</code>",
            f"<code>{text(one.value)}</code>",
            text(one.reason),
        )
        for one in report.rejected_rows
    ]
    shown = len(report.rejected_rows)
    lead = f"<p>{report.rejected:,} rows of the catalog were rejected"
    lead += f"; the first {shown:,}:</p>" if shown < report.rejected else ".</p>"
    return _section("Rejected rows", lead + _table(("ndc", "", "column", "value", "why"), rows))


def _foot(report: RunReport) -> str:
    return (
        f"<footer>drug-catalog-sync {text(report.version)}. The figures are in "
        "<code>report.json</code> beside this page.</footer>"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML already."""
    head = "".join(f"<th>{one}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _name(value: str) -> str:
    return f"<bdi>{text(value)}</bdi>"
