"""The time line of a run as HTML rows with an inline SVG each: no script, no library."""

from collections.abc import Sequence
from html import escape

from workflow.report.timeline import Bar, StateTimes

WIDTH = 1000
"""Units of an SVG's width; it is stretched to the page's."""

LANE = 9.0
MOST_HEIGHT = 120.0
LEAST_WIDTH = 2.0
TITLED = 400
"""Up to this many pages, each bar has a title; more are drawn as one path."""

LAST_PLACE = 80
"""Beyond this percentage of the time line, labels are on the left of their marks."""

NICE_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


def plot(states: Sequence[StateTimes], duration: float) -> str:
    """All states on one axis of `duration` seconds."""
    whole = max([duration, 0.001, *(bar.ended for one in states for bar in one.bars)])
    rows = "".join(_row(one, whole) for one in states)
    return f'<div class="timeline">{rows}{_axis(whole)}</div>'


def seconds(value: float) -> str:
    """A span of time for people."""
    if value < 60:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _row(state: StateTimes, whole: float) -> str:
    summary = _summary(state)
    return (
        f'<div class="state"><b>{escape(state.state)}</b><span>{escape(summary)}</span></div>'
        f'<div class="track">{_svg(state, whole, summary)}</div>'
    )


def _summary(state: StateTimes) -> str:
    parts = [seconds(state.seconds)] if state.bars else []
    if state.pages:
        done = len(state.bars)
        pages = f"{done} page{'s' * (done != 1)}"
        parts.append(pages if done == state.pages else f"{done} of {state.pages} pages")
    if state.retries:
        parts.append(f"{state.retries} retried")
    return ", ".join(parts)


def _svg(state: StateTimes, whole: float, summary: str) -> str:
    lanes = _lanes(state.bars)
    count = max(lanes, default=0) + 1
    height = min(LANE, MOST_HEIGHT / count)
    drawn = [
        _Drawn(bar, lane * height, height * 0.8, WIDTH / whole)
        for bar, lane in zip(state.bars, lanes, strict=True)
    ]
    label = escape(f"{state.state}: {summary}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {count * height:g}" height="{max(12, count * height):g}" '
        f'preserveAspectRatio="none" role="img" aria-label="{label}">{_shapes(drawn)}</svg>'
    )


def _lanes(bars: Sequence[Bar]) -> list[int]:
    """The first free lane of each bar: as many lanes as pages were worked on at once."""
    ends: list[float] = []
    chosen: dict[int, int] = {}
    for number in sorted(range(len(bars)), key=lambda one: bars[one].entered):
        bar = bars[number]
        lane = next((one for one, end in enumerate(ends) if end <= bar.entered), len(ends))
        if lane == len(ends):
            ends.append(0.0)
        ends[lane] = bar.ended
        chosen[number] = lane
    return [chosen[number] for number in range(len(bars))]


class _Drawn:
    """One bar in the units of its SVG."""

    def __init__(self, bar: Bar, top: float, height: float, scale: float) -> None:
        self.bar = bar
        self.top, self.height = top, height
        self.start = bar.started * scale
        self.width = max(LEAST_WIDTH, (bar.ended - bar.started) * scale)
        self.wait_start = bar.entered * scale

    def path(self) -> str:
        height, width = f"{self.height:.1f}", f"{self.width:.1f}"
        return f"M{self.start:.1f} {self.top:.1f}h{width}v{height}h-{width}z"

    def rect(self) -> str:
        bar = self.bar
        kind = ' class="retried"' if bar.retries else ""
        name = f"page {bar.page}: " if bar.page else ""
        tries = f", {bar.retries} retried" if bar.retries else ""
        title = f"{name}{seconds(bar.ended - bar.started)}{tries}"
        return (
            f'<rect{kind} x="{self.start:.1f}" y="{self.top:.1f}" width="{self.width:.1f}" '
            f'height="{self.height:.1f}"><title>{escape(title)}</title></rect>'
        )

    def waiting(self) -> str:
        """The time from the first try to the last one, drawn pale."""
        width = self.start - self.wait_start
        if not self.bar.retries or width <= 0:
            return ""
        return (
            f'<rect class="wait" x="{self.wait_start:.1f}" y="{self.top:.1f}" '
            f'width="{width:.1f}" height="{self.height:.1f}"></rect>'
        )


def _shapes(drawn: Sequence[_Drawn]) -> str:
    waits = "".join(one.waiting() for one in drawn)
    if len(drawn) <= TITLED:
        return waits + "".join(one.rect() for one in drawn)
    plain = "".join(one.path() for one in drawn if not one.bar.retries)
    return f'{waits}<path d="{plain}"/>' + "".join(one.rect() for one in drawn if one.bar.retries)


def _axis(whole: float) -> str:
    step = next((one for one in NICE_STEPS if whole / one <= 6), 7200)
    ticks = [number * step for number in range(int(whole / step) + 1)]
    marks = "".join(_mark(at, 100 * at / whole) for at in ticks)
    return f'<div></div><div class="axis">{marks}</div>'


def _mark(at: float, place: float) -> str:
    """Labels of the last marks are on the inner side; otherwise they would widen a phone's page."""
    if place <= LAST_PLACE:
        return f'<span style="left:{place:.2f}%">{_tick(at)}</span>'
    return f'<span class="end" style="right:{100 - place:.2f}%">{_tick(at)}</span>'


def _tick(at: float) -> str:
    return f"{at / 60:g} min" if at >= 60 else f"{at:g} s"
