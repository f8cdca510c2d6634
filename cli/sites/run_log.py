"""How far a local run is, read from the functions' own log: another process may execute it."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.show.progress import MAPS as MAP_OF
from cli.sites.site import MAPS, MapProgress, RunView
from workflow.contract.errors import InvalidInput
from workflow.contract.events.payloads import RunInput
from workflow.contract.events.report import RunReport
from workflow.steps.accept_run import parse_input


def log_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The functions' structured lines. moto's own, and one that is half written, are skipped."""
    with path.open(encoding="utf-8", errors="replace") as log:
        for line in log:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict) and "function" in found:
                yield found


def view_of(
    name: str, lines: list[dict[str, Any]], report: RunReport | None, *, running: bool
) -> RunView:
    times = [_time(line) for line in lines]
    started = report.started_at if report else (times[0] if times else datetime.now(UTC))
    state = str(lines[-1]["function"]) if lines else ""
    return RunView(
        run_id=name,
        status=report.status if report else ("RUNNING" if running else "ABORTED"),
        mode=report.mode if report else _input(lines).mode,
        started_at=started,
        ended_at=None if running else (times[-1] if times else started),
        state=MAP_OF.get(state, state),
        maps=_maps(lines, running=running),
        error=report.error if report else None,
        cause=report.cause if report else None,
    )


def _input(lines: list[dict[str, Any]]) -> RunInput:
    accepted = next((line for line in lines if _is_done(line, "AcceptRun")), None)
    try:
        return parse_input(accepted["result"]["input"]) if accepted else RunInput()
    except (InvalidInput, KeyError):
        return RunInput()


def _is_done(line: dict[str, Any], function: str) -> bool:
    return line["function"] == function and line.get("message") == "step done"


def _maps(lines: list[dict[str, Any]], *, running: bool) -> tuple[MapProgress, ...]:
    totals = _totals(lines)
    found = []
    for function, state in MAP_OF.items():
        mine = [line for line in lines if line["function"] == function]
        if mine and state in totals:
            found.append(_map(state, totals[state], mine, running=running))
    return tuple(sorted(found, key=lambda one: MAPS.index(one.state)))


def _map(state: str, total: int, lines: list[dict[str, Any]], *, running: bool) -> MapProgress:
    last = {str(line.get("page")): str(line.get("message")) for line in lines}
    stands = Counter(last.values())
    done = stands["step done"]
    end = datetime.now(UTC) if running and done < total else _time(lines[-1])
    return MapProgress(
        state=state,
        total=total,
        done=done,
        failed=stands["step failed"],
        running=stands["step started"] if running else 0,
        seconds=(end - _time(lines[0])).total_seconds(),
        ended=done == total or not running,
    )


def _totals(lines: list[dict[str, Any]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for line in lines:
        if _is_done(line, "PlanPages"):
            totals["DiffPages"] = totals["VerifyPages"] = line["result"]["pages"]
        elif _is_done(line, "ReviewChanges"):
            totals["EmbedPages"] = line["result"]["embed_pages"]
            totals["LoadPages"] = line["result"]["load_pages"]
    return totals


def _time(line: dict[str, Any]) -> datetime:
    return datetime.strptime(line["timestamp"], "%Y-%m-%d %H:%M:%S,%f%z")
