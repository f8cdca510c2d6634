"""The trend of runs: a small chart for each figure, newest on the right. The list has the
numbers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from workflow.contract.events.report import RunReport
from workflow.report.page import text
from workflow.report.plot import seconds

WIDTH, HEIGHT, GAP = 240, 48, 1
AT_LEAST = 2
"""One run does not make a trend."""

CSS = """.trend{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}
figure{margin:0}figcaption{color:var(--soft);font-size:.9rem}
svg{display:block;width:100%;height:3rem}.bar{fill:var(--bar)}.bad{fill:var(--bad)}"""


class Figure(NamedTuple):
    """The figure to draw for each run; None if the run has none."""

    name: str
    of: Callable[[RunReport], float | None]
    shown: Callable[[float], str] = lambda value: f"{value:,.0f}"


FIGURES = (
    Figure("Rows", lambda one: one.catalog_rows),
    Figure("Drugs added, changed and removed", lambda one: one.added + one.changed + one.removed),
    Figure("Texts embedded", lambda one: one.texts_embedded),
    Figure("Duration", lambda one: one.duration_s, seconds),
    Figure("The model's price", lambda one: one.estimated_usd, lambda value: f"${value:.4f}"),
    Figure("recall@10", lambda one: recall_of(one), lambda value: f"{value:.3f}"),
)


def recall_of(report: RunReport) -> float | None:
    """What the verification measured; None if it did not come to that."""
    found = next((one.found for one in report.verification if one.check == "recall@10"), "")
    try:
        return float(found)
    except ValueError:
        return None


def trend(reports: Sequence[RunReport]) -> str:
    """Of runs that changed the index or tried to, the newest first; empty if there are few."""
    real = [one for one in reversed(reports) if not one.dry_run and one.catalog_rows]
    if len(real) < AT_LEAST:
        return ""
    charts = "".join(_chart(figure, real) for figure in FIGURES)
    return f'<h2>Trend of {len(real)} runs</h2><div class="trend">{charts}</div>'


def _chart(figure: Figure, reports: Sequence[RunReport]) -> str:
    values = [figure.of(one) for one in reports]
    known = [value for value in values if value is not None]
    if not known:
        return ""
    most, last = max(known), figure.shown(known[-1])
    said = (
        f"{figure.name}: last {last}, least {figure.shown(min(known))}, most {figure.shown(most)}"
    )
    step = WIDTH / len(reports)
    bars = "".join(
        _bar(figure, report, value, at * step, step, most)
        for at, (report, value) in enumerate(zip(reports, values, strict=True))
        if value is not None
    )
    return (
        f"<figure><figcaption>{text(figure.name)}: <b>{text(last)}</b></figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{text(said)}">{bars}</svg></figure>'
    )


def _bar(
    figure: Figure, report: RunReport, value: float, left: float, step: float, most: float
) -> str:
    """At least a thin bar, so that a run without changes is visible."""
    height = max(1.0, HEIGHT * value / most) if most else 1.0
    kind = "bar" if report.status == "SUCCEEDED" else "bad"
    return (
        f'<rect class="{kind}" x="{left:.1f}" y="{HEIGHT - height:.1f}" '
        f'width="{max(0.5, step - GAP):.1f}" height="{height:.1f}">'
        f"<title>{text(report.run_id)}: {text(figure.shown(value))}</title></rect>"
    )
