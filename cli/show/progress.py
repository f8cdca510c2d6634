"""What a run is doing: a bar per state on a terminal, a line per state elsewhere."""

import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from local.engine.invocations import Invocation

MAPS = {
    "DiffPage": "DiffPages",
    "EmbedPage": "EmbedPages",
    "LoadPage": "LoadPages",
    "VerifyPage": "VerifyPages",
}
PLAIN_EVERY_S = 5.0
"""How often a Map that takes long says how far it is, where nobody sees a bar."""


@dataclass
class State:
    """One state of the machine: how many of its pages are done, and their counts added up."""

    name: str
    total: int
    task: TaskID
    done: int = 0
    retries: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    errors: set[str] = field(default_factory=set)
    started: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)


class RunProgress:
    """Shows invocations as they come, from any thread."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._states: dict[str, State] = {}
        self._totals: dict[str, int] = {}
        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:13}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}[/]"),
            console=console,
            disable=not console.is_terminal,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
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
        state = self._state(MAPS.get(invocation.state, invocation.state))
        if invocation.begun:
            state.retries += invocation.attempt > 1
        elif invocation.result is not None:
            state.done += 1
            self._learn(invocation.state, invocation.result)
            state.counts.update(_numbers(invocation.result))
        self._show(state, invocation)

    def _state(self, name: str) -> State:
        if name not in self._states:
            total = self._totals.get(name, 1)
            task = self._bars.add_task(name, total=total, note="")
            self._states[name] = State(name, total, task)
        return self._states[name]

    def _learn(self, name: str, result: dict[str, Any]) -> None:
        """How many pages the next Maps have."""
        if name == "PlanPages":
            self._totals["DiffPages"] = self._totals["VerifyPages"] = result["pages"]
        elif name == "ReviewChanges":
            self._totals["EmbedPages"] = result["embed_pages"]
            self._totals["LoadPages"] = result["load_pages"]

    def _show(self, state: State, invocation: Invocation) -> None:
        note = _note(state, invocation)
        self._bars.update(state.task, completed=state.done, note=note)
        if self._console.is_terminal:
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
        """Each error's words once a state, its name every time."""
        page = f" page {invocation.page}" if invocation.page else ""
        words = "" if invocation.error in state.errors else f": {invocation.message}"
        state.errors.add(str(invocation.error))
        line = f"  {state.name}{page}: {invocation.error}{words}"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _say(self, state: State, note: str) -> None:
        elapsed = time.monotonic() - state.started
        pages = f"{state.done}/{state.total}"
        self._console.print(
            f"  {state.name:13} {pages:>9} {elapsed:6.1f} s  {note}".rstrip(),
            highlight=False,
            soft_wrap=True,
        )


def _numbers(result: dict[str, Any]) -> dict[str, int]:
    return {
        name: value
        for name, value in result.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }


def _note(state: State, invocation: Invocation) -> str:
    notes = [_counts(state.name, state.counts)] if state.done else []
    if state.retries:
        notes.append(f"({state.retries} retried)")
    if invocation.error:
        notes.append(invocation.error)
    return " ".join(note for note in notes if note)


def _counts(state: str, count: Counter[str]) -> str:
    match state:
        case "PlanPages":
            return f"{count['pages']} pages"
        case "DiffPages":
            return (
                f"{count['rows']:,} rows: {count['added']:,} added, {count['changed']:,} changed, "
                f"{count['removed']:,} removed"
            )
        case "EmbedPages":
            return f"{count['embedded']:,} texts, {count['tokens']:,} tokens"
        case "LoadPages":
            return f"{count['upserted']:,} written, {count['removed']:,} to remove"
        case "VerifyPages":
            return f"{count['rows']:,} rows read again, {count['texts']:,} texts"
        case "VerifyIndex":
            return (
                f"{count['checks']} checks, {count['documents']:,} documents, "
                f"{count['texts']:,} texts"
            )
    return ""
