"""The progress of a local run, read from the functions' log, because another process may execute
it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cli.documents import MapProgress, RunView
from cli.sites.log_lines import time_of
from local.engine.definition import map_of, maps, sizes
from local.engine.runs import input_as_far_as_right
from local.places import is_there
from workflow.contract.events.base import Mode
from workflow.contract.events.report import RunReport

KILLED = ("Interrupted", "its process ended before the run did, without a report")
DONE, FAILED, STARTED = "step done", "step failed", "step started"


def log_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The functions' structured lines, none where somebody deleted the log.

    moto's own, and one that is half written, are skipped.
    """
    if not is_there(path):
        return
    with path.open(encoding="utf-8", errors="replace") as log:
        for line in log:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict) and "function" in found:
                yield found


def begun(lines: Iterable[dict[str, Any]]) -> set[tuple[str, str | None]]:
    """State or Map, and page, of each call that began."""
    return {
        (map_of(str(line["function"])), line.get("page"))
        for line in lines
        if line.get("message") == STARTED
    }


def view_of(
    name: str, lines: list[dict[str, Any]], report: RunReport | None, *, running: bool
) -> RunView:
    """While it runs again, the report of the try before only shows that there was one."""
    redriven = running and report is not None
    report = None if running else report
    times = [time_of(line) for line in lines]
    started = report.started_at if report else (times[0] if times else datetime.now(UTC))
    state = str(lines[-1]["function"]) if lines else ""
    error, cause = (report.error, report.cause) if report else (None, None) if running else KILLED
    return RunView(
        run_id=name,
        status=report.status if report else ("RUNNING" if running else "ABORTED"),
        mode=report.mode if report else _mode(lines),
        started_at=started,
        ended_at=None if running else _end(report, times, started),
        state=map_of(state),
        maps=_maps(lines, running=running, redriven=redriven),
        error=error,
        cause=cause,
    )


def _end(report: RunReport | None, times: list[datetime], started: datetime) -> datetime:
    """The report's, so that a run has one duration; of a run without one, its last line's."""
    if report:
        return report.started_at + timedelta(seconds=report.duration_s)
    return times[-1] if times else started


def _mode(lines: list[dict[str, Any]]) -> Mode:
    results = (line.get("result", {}) for line in lines if line["function"] == "AcceptRun")
    given: dict[str, Any] = next((result["input"] for result in results if "input" in result), {})
    return input_as_far_as_right(given).mode


def _maps(lines: list[dict[str, Any]], *, running: bool, redriven: bool) -> tuple[MapProgress, ...]:
    totals: dict[str, int] = {}
    for line in lines:
        if line.get("message") == DONE:
            totals |= sizes(line.get("result", {}))
    found = []
    for one in maps():
        mine = [line for line in lines if line["function"] == one.function]
        if mine and one.name in totals:
            found.append(_map(one.name, totals[one.name], mine, running=running))
    return tuple(one.model_copy(update={"redriven": redriven}) for one in found)


def _map(state: str, total: int, lines: list[dict[str, Any]], *, running: bool) -> MapProgress:
    last = {str(line.get("page")): str(line.get("message")) for line in lines}
    stands = Counter(last.values())
    done = stands[DONE]
    end = datetime.now(UTC) if running and done < total else time_of(lines[-1])
    return MapProgress(
        state=state,
        total=total,
        done=done,
        failed=stands[FAILED],
        running=stands[STARTED] if running else 0,
        seconds=(end - time_of(lines[0])).total_seconds(),
        ended=done == total or not running,
    )
