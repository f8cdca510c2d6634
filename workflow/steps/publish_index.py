"""PublishIndex: the switch. Nothing else makes what a run wrote visible."""

from base64 import b64decode
from dataclasses import replace
from datetime import datetime

from workflow.contract.errors import RunSuperseded, VerificationFailed
from workflow.contract.events.files import (
    Baseline,
    Check,
    GoldenVectors,
    LastRun,
    PageLoaded,
    Review,
    Switched,
)
from workflow.contract.events.payloads import PublishedIndex, ReviewedTask
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.generations import Generation, Generations, LiveNames, Swap
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.server import IndexKind, Server
from workflow.contract.runs import (
    BASELINE,
    GOLDEN,
    LOAD_SUMMARY,
    PUBLISH,
    REVIEW,
    RunFiles,
)
from workflow.contract.settings import Settings
from workflow.report.assemble import assemble
from workflow.search.synonyms import read_synonyms
from workflow.verify.checks import check, described
from workflow.verify.golden import GoldenAsker, golden_check, read_golden_queries
from workflow.verify.pages import read_verified

TAKEN_BACK = "-taken-back"
"""Ends the name of a switch that was undone at once. No redrive or rollback may repeat it."""


def publish_index(
    task: ReviewedTask,
    *,
    generations: Generations,
    documents: Documents,
    server: Server,
    search: SearchIndex,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> PublishedIndex:
    """Switch, check what searches now find, and undo a sync's switch if it is wrong.

    Twice is the same as once. Raises RunSuperseded, VerificationFailed.
    """
    plan, holder = task.plan, task.run.holder
    files = RunFiles.of(runs, holder)
    before = _own_generation(task, generations)
    swap, left = (Swap(), []) if plan.new_generation else _swap(files)
    note = _note(plan.generation, swap, files, generations)
    if _is_switched(generations, holder.identity):
        before = before.undone()
    else:
        check_indexes(before, server)
        files.write(PUBLISH, note)
        record = _record(task, before, files, clock())
        if plan.new_generation:
            generations.publish(record, plan.live_generation or "", holder)
        else:
            generations.switch(record, swap, holder, repair=left)
    checks = _look(task, files, documents, server, search, runs, settings)
    wrong = [one for one in checks if not one.passed]
    if wrong and swap.keys:
        switch = f"{holder.identity}{TAKEN_BACK}"
        generations.take_back(before, holder.identity, switch, holder, way_back=note.undo)
        # One missing and one extra had the right number before; the next sync sees both.
        documents.rebuild_key_set(plan.generation, holder)
        files.write(PUBLISH, note.model_copy(update={"taken_back": True, "checks": tuple(checks)}))
        raise VerificationFailed(
            f"{described(wrong)}; the switch was taken back, so searches answer as before; see "
            "docs/failed-run.md, searches that fail"
        )
    update = {"done": True, "switched_at": clock(), "checks": tuple(checks)}
    files.write(PUBLISH, note.model_copy(update=update))
    if wrong:
        raise VerificationFailed(
            f"{described(wrong)}; generation {plan.generation} is live: start a sync, which "
            "repairs it, or roll back"
        )
    return PublishedIndex(generation=plan.generation, documents=documents.count(plan.generation))


def _note(generation: str, swap: Swap, files: RunFiles, generations: Generations) -> Switched:
    """What this execution switches. A second try keeps what the first one found."""
    noted = files.read_if_there(PUBLISH, Switched)
    if noted is not None:
        return noted
    live = generations.live()
    return Switched(
        generation=generation,
        done=False,
        written=len(swap.written),
        removed=len(swap.removed),
        undo=live.undo if live else "",
    )


def _own_generation(task: ReviewedTask, generations: Generations) -> Generation:
    name = task.plan.generation
    generation = generations.find(name)
    if generation is None:
        raise RunSuperseded(
            f"generation {name} is gone, a newer run dropped it; start a new run, texts that are "
            "embedded already are kept"
        )
    return generation


def _is_switched(generations: Generations, identity: str) -> bool:
    """Whether an earlier try of this execution made the switch."""
    live = generations.live()
    return live is not None and live.names.switch == identity


def check_indexes(generation: Generation, server: Server) -> None:
    """Raise VerificationFailed where an index vanished since it was verified."""
    gone = missing_indexes(generation, server)
    if gone:
        raise VerificationFailed(
            f"{' and '.join(gone)} disappeared after the verification; nothing was published; "
            "start a sync, which creates it again"
        )


def missing_indexes(generation: Generation, server: Server) -> list[str]:
    """The FT indexes of a generation that do not exist."""
    kinds: tuple[tuple[IndexKind, str], ...] = (
        ("drugs", generation.name),
        ("texts", generation.space),
    )
    return [f"index {kind}:{name}" for kind, name in kinds if server.index(kind, name) is None]


def _swap(files: RunFiles) -> tuple[Swap, list[str]]:
    """The documents that were read alike twice, and the keys that wait for the next sync."""
    pages = read_verified(files).pages
    left = {key for page in pages for key in page.drifted}
    kept = {key for page in pages for key in page.kept}
    written: list[str] = []
    removed: list[str] = []
    for page in files.read_pages_there(LOAD_SUMMARY, PageLoaded):
        changes = files.read_changes(page.page)
        keys = (one.document.ndc for one in changes.upserts)
        written += [key for key in keys if key not in left]
        removed += [key for key in changes.removals if key not in kept]
    return Swap(written, removed), sorted(left)


def _record(task: ReviewedTask, before: Generation, files: RunFiles, now: datetime) -> Generation:
    """The generation as it is after the switch. A key range does not change its baseline."""
    if task.run.input.partial:
        baseline = files.read(BASELINE, Baseline)
    else:
        review = files.read(REVIEW, Review)
        report = assemble(files, task.run, status="SUCCEEDED", ended_at=now)
        last = LastRun.model_validate(report.model_dump(include=set(LastRun.model_fields)))
        baseline = Baseline(rows=review.rows, profile=review.profile, last=last)
    return replace(
        before,
        state="live",
        published_at=now.isoformat(timespec="seconds"),
        published_before=before.published_at,
        baseline=baseline,
        before=before.baseline if before.published_at else None,
    )


def _look(
    task: ReviewedTask,
    files: RunFiles,
    documents: Documents,
    server: Server,
    search: SearchIndex,
    runs: RunStore,
    settings: Settings,
) -> list[Check]:
    """Checks after the switch: the index has every key, and golden queries find their drugs."""
    plan = task.plan
    facts = server.index("drugs", plan.generation)
    keys = documents.count(plan.generation)
    indexed = facts.documents if facts else 0
    grown = facts.failures - plan.failures_before.documents if facts else 0
    checks = [
        check("documents indexed after the switch", indexed == keys, keys, indexed),
        check("documents refused by the switch", grown <= 0, 0, grown),
    ]
    golden = files.read_if_there(GOLDEN, GoldenVectors)
    if golden and not plan.new_generation:
        vectors = {one.text: b64decode(one.vector) for one in golden.vectors}
        names = LiveNames(plan.generation, plan.space)
        synonyms = read_synonyms(settings.synonyms_file)
        queries = read_golden_queries(runs, settings.golden_queries_key)
        result = golden_check(queries, GoldenAsker(search, names, synonyms, None, vectors))
        checks += [result] if result else []
    return checks
