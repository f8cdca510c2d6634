"""What a run is doing: a bar per state on a terminal, a line per state elsewhere."""

import time
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from cli.show.terminal import Out, many
from local.engine.definition import map_of, sizes
from local.engine.invocations import Invocation

PLAIN_EVERY_S = 5.0
"""How often a long Map reports its progress if there is no bar."""


@dataclass
class State:
    """One state of the machine: how many of its pages are done, and their counts added up."""

    name: str
    total: int
    task: TaskID
    done: int = 0
    retries: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failed: set[str | None] = field(default_factory=set)
    """Pages whose last call ended with an error."""
    errors: set[str] = field(default_factory=set)
    started: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)


class RunProgress:
    """Shows invocations as they come, from any thread."""

    def __init__(self, out: Out, before: Set[tuple[str, str | None]] = frozenset()) -> None:
        """`before` has the states and pages that an earlier try began."""
        self._out = out
        self._before = before
        self._replayed: Counter[str] = Counter()
        self._called: dict[str, set[str | None]] = {}
        self._states: dict[str, State] = {}
        self._totals: dict[str, int] = {}
        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:13}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            console=out,
            disable=not out.is_terminal,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._out.outlives = True
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def see(self, invocation: Invocation) -> None:
        """The observer of a run."""
        state = self._state(map_of(invocation.state))
        if invocation.replayed:
            self._replayed[state.name] += 1
        else:
            self._called.setdefault(state.name, set()).add(invocation.page)
        if invocation.begun:
            # PruneIndex is asked again until it is done; only what failed is tried again.
            state.retries += invocation.page in state.failed
        elif invocation.error:
            state.failed.add(invocation.page)
        elif invocation.result is not None:
            state.failed.discard(invocation.page)
            state.done += 1
            state.total = max(state.total, state.done)
            self._totals |= sizes(invocation.result)
            state.counts.update(_numbers(invocation.result))
        self._show(state, invocation)

    def _state(self, name: str) -> State:
        if name not in self._states:
            total = self._totals.get(name, 1)
            task = self._bars.add_task(name, total=total, note="")
            self._states[name] = State(name, total, task)
        return self._states[name]

    @property
    def redriven(self) -> str:
        """What a redrive did not repeat, and where it continued."""
        kept = ", ".join(f"{state} {count:,}" for state, count in self._replayed.items())
        state = next((one for one in self._states if one in self._called), "")
        calls = many(self._replayed.total(), "call")
        said = [f"{calls} not repeated ({kept})"]
        for what, begun in (("called again", True), ("never started before", False)):
            mine = {one for one in self._called.get(state, ()) if begun == self._began(state, one)}
            pages = sorted(page for page in mine if page)
            named = f" {', '.join(pages[:5])}{', ...' if len(pages) > 5 else ''}" if pages else ""
            said += [f"{what}: {state}{named}"] if mine else []
        return "; ".join(said)

    def _began(self, state: str, page: str | None) -> bool:
        return (state, page) in self._before

    def _show(self, state: State, invocation: Invocation) -> None:
        note = _note(state, invocation)
        self._bars.update(state.task, completed=state.done, total=state.total, note=note)
        if self._out.is_terminal:
            return
        now = time.monotonic()
        if invocation.error:
            self._complain(state, invocation)
        elif state.done == state.total and not invocation.begun:
            self._say(state, note)
        elif now - state.said > PLAIN_EVERY_S:
            state.said = now
            self._say(state, note)

    def _complain(self, state: State, invocation: Invocation) -> None:
        """Each error's message once per state, its name every time."""
        page = f" page {invocation.page}" if invocation.page else ""
        words = "" if invocation.error in state.errors else f": {invocation.message}"
        state.errors.add(str(invocation.error))
        self._out.say("  {}{}: {}{}", state.name, page, invocation.error, words)

    def _say(self, state: State, note: str) -> None:
        elapsed = time.monotonic() - state.started
        pages = f"{state.done}/{state.total}"
        line = f"{state.name:13} {pages:>9} {elapsed:6.1f} s  {note}".rstrip()
        self._out.say("  {}", line)


def _numbers(result: dict[str, Any]) -> dict[str, int]:
    return {
        name: value
        for name, value in result.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }


def _note(state: State, invocation: Invocation) -> str:
    notes = [_counts(state.name, state.counts)] if state.done else []
    if state.name == "PruneIndex" and state.done > 1:
        notes.append(many(state.done, "piece"))
    if state.retries:
        notes.append(f"({state.retries} retried)")
    if invocation.error:
        notes.append(invocation.error)
    return " ".join(note for note in notes if note)


def _counts(state: str, count: Counter[str]) -> str:
    match state:
        case "PlanPages":
            return many(count["pages"], "page")
        case "DiffPages":
            return (
                f"{many(count['rows'], 'row')}: {count['added']:,} added, "
                f"{count['changed']:,} changed, {count['removed']:,} removed"
            )
        case "EmbedPages":
            return f"{many(count['embedded'], 'text')}, {many(count['tokens'], 'token')}"
        case "LoadPages":
            return f"{count['upserted']:,} written, {count['removed']:,} to remove"
        case "VerifyPages":
            return f"{many(count['rows'], 'row')} read again, {many(count['texts'], 'text')}"
        case "VerifyIndex":
            return (
                f"{many(count['checks'], 'check')}, {many(count['documents'], 'document')}, "
                f"{many(count['texts'], 'text')}"
            )
    return ""
