"""PublishIndex: switch, record, prune, report. Only it makes a new generation visible."""

import json
from collections.abc import Iterator
from dataclasses import replace

from workflow.contract.errors import NothingToRollBack, RunSuperseded, VerificationFailed
from workflow.contract.events.files import Baseline, LastRun, Review
from workflow.contract.events.payloads import ReviewedTask
from workflow.contract.events.report import RunReport
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.generations import Generation
from workflow.contract.ports.index import Index
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.server import IndexKind
from workflow.contract.runs import BASELINE, REVIEW, RunFiles
from workflow.report.assemble import assemble, ended, write_report
from workflow.steps.prune import drop_all_but

CHUNK = 1000


def publish_index(task: ReviewedTask, *, index: Index, runs: RunStore, clock: Clock) -> RunReport:
    """Make the run's generation live and the one before it previous; drop what nobody uses.

    Twice is the same as once. Raises RunSuperseded.
    """
    plan, run_id = task.plan, task.run.run_id
    files = RunFiles(runs, run_id)
    review = files.read(REVIEW, Review)
    generations = {one.name: one for one in index.generations()}
    if plan.generation not in generations:
        raise RunSuperseded(
            f"generation {plan.generation} is gone, a newer run dropped it; start a new run, texts "
            "that are embedded already are kept"
        )
    report = assemble(files, plan.run, status="SUCCEEDED", ended_at=clock(), published=True)
    facts = Baseline(rows=review.rows, profile=review.profile, last=_figures(report))
    if plan.run.input.partial:
        facts = files.read(BASELINE, Baseline)
    published = replace(
        generations[plan.generation],
        state="live",
        run_id=run_id,
        published_at=clock().isoformat(timespec="seconds"),
        rows=facts.rows,
        profile=json.dumps(facts.model_dump()["profile"]),
        last=facts.last.model_dump_json() if facts.last else "null",
    )
    gone = _indexes_gone(index, published)
    if gone:
        # A MULTI does not undo its other commands where an alias finds no index.
        raise VerificationFailed(
            f"{' and '.join(gone)} disappeared after the verification; nothing was published; "
            "start a sync, which creates it again"
        )
    previous = _previous(plan.generation, plan.live_generation, generations)
    index.publish(published, previous, run_id)
    _prune(index, run_id, published, generations.get(previous or ""), review)
    return write_report(files, ended(report, clock()))


def _indexes_gone(index: Index, generation: Generation) -> list[str]:
    """The names of a generation's FT indexes that do not exist."""
    kinds: tuple[tuple[IndexKind, str], ...] = (
        ("drugs", generation.name),
        ("texts", generation.space),
    )
    return [f"index {kind}:{name}" for kind, name in kinds if index.facts(kind, name) is None]


def _figures(report: RunReport) -> LastRun:
    return LastRun.model_validate(report.model_dump(include=set(LastRun.model_fields)))


def _previous(new: str, live: str | None, generations: dict[str, Generation]) -> str | None:
    """The generation to keep for a rollback: the one that was live, else today's previous one."""
    if live is not None and live != new:
        return live
    return next((one.name for one in generations.values() if one.state == "previous"), None)


def _prune(
    index: Index, run_id: str, live: Generation, previous: Generation | None, review: Review
) -> None:
    kept = [live] + ([previous] if previous else [])
    drop_all_but(
        index,
        run_id,
        generations=[one.name for one in kept],
        spaces=[one.space for one in kept],
    )
    if review.changed or review.removed or live.name == run_id:
        _prune_texts(index, run_id, live.space, [one for one in kept if one.space == live.space])


def _prune_texts(index: Index, run_id: str, space: str, kept: list[Generation]) -> None:
    """Delete the text records of a space that no drug of a kept generation names."""
    used = {one for generation in kept for one in _texts_named(index, generation.name)}
    index.delete_texts(space, run_id, [one for one in index.texts_of(space) if one not in used])


def _texts_named(index: Index, generation: str) -> Iterator[str]:
    keys = index.keys_between(generation, None, None)
    for start in range(0, len(keys), CHUNK):
        hashes = index.text_hashes(generation, keys[start : start + CHUNK])
        yield from (one for one in hashes if one)


def roll_back(index: Index, run_id: str, clock: Clock) -> Generation:
    """Put the previous generation live in one step; the next sync brings it up to date.

    Takes the fence: a run that is under way may no longer write. Raises NothingToRollBack.
    """
    generations = {one.name: one for one in index.generations()}
    previous = next((one for one in generations.values() if one.state == "previous"), None)
    live = index.live()
    if previous is None:
        raise NothingToRollBack("there is no previous generation; only a backfill leaves one")
    gone = _indexes_gone(index, previous)
    if gone:
        raise NothingToRollBack(
            f"the previous generation {previous.name} cannot be searched: {' and '.join(gone)} "
            "is gone; start a backfill"
        )
    index.take_fence(run_id)
    back = replace(previous, state="live", published_at=clock().isoformat(timespec="seconds"))
    index.publish(back, live.generation if live else None, run_id)
    return back
