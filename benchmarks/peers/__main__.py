"""`make bench-peers`: this project beside what a team would pick instead, in one run.

Writes benchmarks/results/peers.json, docs/peers.md and its picture.
"""

import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from os import getloadavg
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from benchmarks.lab import machine, start
from benchmarks.peers.page import (
    PAGE,
    PICTURE,
    README,
    page,
    picture,
    readme,
    sentence,
    table,
)
from benchmarks.peers.peers import PEERS, installed, stand_by
from benchmarks.peers.scenarios import Bench, measured
from local.servers.stack import down

RESULTS = Path(__file__).parents[1] / "results" / "peers.json"
FAULTS = "faults"
LEFT_OUT: dict[str, Any] = {"rounds": [], "why": "the runs behind this table did not include it"}


def main(
    rows: Annotated[int, typer.Option(min=1300, help="Drugs; fewer would trip a guard.")] = 5000,
    dimensions: Annotated[int, typer.Option(help="Of a vector: 256, 512 or 1024.")] = 256,
    rounds: Annotated[int, typer.Option(min=1, help="Medians of so many.")] = 3,
    loads: Annotated[
        bool, typer.Option(help="Only a first load and a run that changes nothing: other sizes.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="These peers; the others keep theirs.")
    ] = None,
    write: Annotated[bool, typer.Option(help="Write docs/peers.md and its picture.")] = False,
) -> None:
    """Measure each peer in turn, round by round, so that what is compared ran side by side."""
    console = Console()
    every = orjson.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    results = every.setdefault(
        f"{rows:,} drugs, {dimensions:,} dimensions" if loads else FAULTS, {}
    )
    peers = [peer for peer in PEERS if not only or peer.name in only]
    missing = {peer.name: why for peer in peers if (why := installed(peer))}
    stack = start(lambda part: console.print(f"[dim]starting {part}[/]"))
    try:
        bench = Bench(stack, rows, dimensions)
        stand_by(stack, True)  # so that what our libraries import is compiled
        for turn in range(rounds):
            for peer in peers:
                if peer.name in missing:
                    continue
                console.print(f"[dim]round {turn + 1}: {peer.name}[/]")
                found = measured(bench, peer, stack.root / "peer-state", loads_only=loads)
                if found["first load"]["exit_code"]:
                    missing[peer.name] = f"its first load ended: {found['first load']['said']}"
                    continue
                kept = results.setdefault(peer.name, {"rounds": []})
                kept["rounds"] = [*(kept["rounds"] if turn else []), found]
                kept["lines"] = peer.lines
                kept["facts"] = _facts(rows)
                results[peer.name].pop("why", None)
                _save(every)
        results |= {name: {"rounds": [], "why": why} for name, why in missing.items()}
        _save(every)
    finally:
        stand_by(stack, False)
        down(stack.root)
    console.print(table(_shown(results, [peer.name for peer in peers])))
    if write:
        names = [peer.name for peer in PEERS]
        sizes = {name: _shown(one, list(one)) for name, one in every.items() if name != FAULTS}
        shown = _shown(every[FAULTS], names)
        told = page(shown, sizes)
        PAGE.write_text(told, encoding="utf-8")
        README.write_text(readme(README.read_text("utf-8"), sentence(told)), encoding="utf-8")
        PICTURE.write_text(picture(shown), encoding="utf-8")


def _shown(results: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Peer -> its rounds and the medians of them."""
    every = {name: results.get(name, LEFT_OUT) for name in names}
    return {name: one | _medians(one["rounds"]) for name, one in every.items()}


def _facts(rows: int) -> dict[str, Any]:
    return {
        "rows": rows,
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
        "load": getloadavg()[1],
        "machine": machine(),
    }


def _save(results: dict[str, Any]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")


def _medians(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Scenario -> median of each figure; drugs are those of the round that did worst."""
    if not rounds:
        return {"scenarios": {}}
    middle: Callable[[str, str], float] = lambda scenario, name: statistics.median(  # noqa: E731
        one[scenario][name] for one in rounds
    )
    return {
        "scenarios": {
            scenario: {
                name: middle(scenario, name)
                for name, value in rounds[0][scenario].items()
                if isinstance(value, int | float)
            }
            | {
                "drugs": min(
                    (one[scenario]["drugs"] for one in rounds),
                    key=lambda each: each.get("right", 0),
                )
            }
            for scenario in rounds[0]
        }
    }


if __name__ == "__main__":
    typer.run(main)
