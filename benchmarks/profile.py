"""Where the time of a run goes: by state and by function of this project, as a picture.

Every few milliseconds, a thread records which function of `workflow/` each handler is in: time in a
driver or in moto counts for the function that called it, and so does waiting.
"""

import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.comparisons import BACKFILL, no_cost
from benchmarks.lab import FAST, empty_redis, load_catalog, stand_in, timed_run
from local.servers.stack import Stack

INTERVAL_S = 0.003
OURS = str(Path(__file__).parents[1] / "workflow")
ONE_BY_ONE = {"diff_concurrency": "1", "embed_concurrency": "1", "load_concurrency": "1"}
SHOWN = 10
WIDTH, BAR, LEFT = 900, 22, 130
COLORS = (
    *("#2f6db3", "#d9822b", "#3d9970", "#b5544b", "#7a62b8"),
    *("#8a6d3b", "#d072a8", "#4aa3b5", "#9a9f2c", "#5b7083"),
)
REST = "#b8bec4"

Seconds = Mapping[str, Mapping[str, float]]
"""State -> function -> seconds."""


class Sampler:
    """An interceptor that counts how often each handler was in which function."""

    def __init__(self) -> None:
        self.seen: dict[str, Counter[str]] = defaultdict(Counter)
        self._active: dict[int, str] = {}
        self._stop = threading.Event()

    def intercept(self, state: str, event: dict[str, Any], call: Callable[[], Any]) -> Any:
        self._active[threading.get_ident()] = state
        try:
            return no_cost(state, event, call)
        finally:
            del self._active[threading.get_ident()]

    def __enter__(self) -> "Sampler":
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.is_set():
            frames = sys._current_frames()
            for thread, state in tuple(self._active.items()):
                self.seen[state][_own_function(frames.get(thread))] += 1
            time.sleep(INTERVAL_S)


def _own_function(frame: FrameType | None) -> str:
    while frame is not None:
        if frame.f_code.co_filename.startswith(OURS):
            name: str = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)
            return name.replace("<locals>.", "")
        frame = frame.f_back
    return "handler"


def profile(stack: Stack, rows: int, picture: Path) -> dict[str, dict[str, float]]:
    """Draw a backfill and a no-change sync; the seconds of the sync."""
    load_catalog(stack, rows)
    stand_in(stack)
    empty_redis(stack)
    parts = {"backfill": _sampled(stack, BACKFILL), "no-change sync": _sampled(stack, {})}
    picture.write_text(draw(parts, rows), encoding="utf-8")
    return {
        name: {state: sum(of.values()) for state, of in one.items()} for name, one in parts.items()
    }


def _sampled(stack: Stack, run_input: dict[str, Any]) -> dict[str, dict[str, float]]:
    with Sampler() as sampler:
        timed = timed_run(stack, run_input, {**FAST, **ONE_BY_ONE}, intercept=sampler.intercept)
    return {
        state: {name: timed.busy_s[state] * n / of.total() for name, n in of.items()}
        for state, of in sampler.seen.items()
    }


def draw(parts: Mapping[str, Seconds], rows: int) -> str:
    """An SVG: a bar for each state, cut by function; the commonest functions have colors."""
    total: Counter[str] = Counter()
    for part in parts.values():
        for of in part.values():
            total.update(of)
    colors = dict(zip([name for name, _ in total.most_common(SHOWN)], COLORS, strict=False))
    longest = max(sum(of.values()) for part in parts.values() for of in part.values())
    scale = (WIDTH - LEFT - 70) / longest
    lines: list[str] = []
    y = 10
    for title, part in parts.items():
        y += 24
        lines.append(
            f'<text x="0" y="{y}" font-weight="bold">{escape(title)}, {rows:,} drugs</text>'
        )
        for state, of in part.items():
            y += 8
            lines += _bar(state, of, colors, scale, y)
            y += BAR
    y += 30
    for place, (name, color) in enumerate([*colors.items(), ("everything else", REST)]):
        x, below = (place % 2) * WIDTH / 2, y + place // 2 * 20
        lines.append(f'<rect x="{x}" y="{below - 11}" width="12" height="12" fill="{color}"/>')
        lines.append(f'<text x="{x + 18}" y="{below}">{escape(name)}</text>')
    height = y + 20 * (len(colors) // 2 + 1)
    style = (
        "text{font:13px sans-serif;fill:#333}@media(prefers-color-scheme:dark){text{fill:#e6e9ed}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="Seconds of each state by function"><style>{style}</style>\n'
        + "\n".join(lines)
        + "\n</svg>\n"
    )


def _bar(
    state: str, of: Mapping[str, float], colors: Mapping[str, str], scale: float, y: int
) -> list[str]:
    middle = y + BAR - 7
    lines = [f'<text x="{LEFT - 8}" y="{middle}" text-anchor="end">{state}</text>']
    parts = [(name, of.get(name, 0.0), color) for name, color in colors.items()]
    rest = sum(seconds for name, seconds in of.items() if name not in colors)
    x = float(LEFT)
    for name, seconds, color in [*parts, ("everything else", rest, REST)]:
        width = seconds * scale
        if width >= 0.5:
            lines.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{color}">'
                f"<title>{escape(name)}: {seconds:.2f} s</title></rect>"
            )
        x += width
    lines.append(f'<text x="{x + 6:.1f}" y="{middle}">{sum(of.values()):.2f} s</text>')
    return lines
