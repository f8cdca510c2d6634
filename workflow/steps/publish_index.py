"""PublishIndex: the switch. Nothing else makes what a run wrote visible."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from workflow.contract.errors import CatalogMoved, RunSuperseded, VerificationFailed
from workflow.contract.events.files import (
    Baseline,
    Check,
    GoldenVectors,
    LastRun,
    ModelAsked,
    Review,
    Switched,
    Verification,
    VerifiedPage,
)
from workflow.contract.events.payloads import (
    ChangesPage,
    PageRange,
    PublishedIndex,
    ReviewedTask,
)
from workflow.contract.ports.catalog import Catalog
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.generations import Generation, Generations, LiveNames, Swap
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.server import Server
from workflow.contract.runs import (
    BASELINE,
    GOLDEN,
    LOAD_MANIFEST,
    PAGES,
    PUBLISH,
    PUBLISH_BUILDING,
    REVIEW,
    VERIFICATION,
    RunFiles,
)
from workflow.contract.settings import Settings
from workflow.report.assemble import assemble
from workflow.report.summaries import read_summaries
from workflow.search.floor import floor_of
from workflow.search.synonyms import read_synonyms
from workflow.verify.building import Look, built
from workflow.verify.checks import check, described
from workflow.verify.golden import GoldenAsker, golden_check, read_golden_queries
from workflow.verify.pages import read_verified
from workflow.verify.removals import digest

TAKEN_BACK: Final = "-taken-back"
"""Marks a switch that was undone at once. No redrive or rollback may repeat it."""

ASKED_AT_ONCE: Final = 1000
"""Keys of one statement."""


def publish_index(
    task: ReviewedTask,
    *,
    catalog: Catalog,
    generations: Generations,
    documents: Documents,
    server: Server,
    search: SearchIndex,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> PublishedIndex:
    """Switch, check what searches now find, and undo a sync's switch if it is wrong.

    Twice is the same as once. Raises RunSuperseded, VerificationFailed, CatalogMoved,
    IndexStillBuilding (a server that restarted), IndexBuildStalled.
    """
    plan, holder = task.plan, task.run.holder
    files = RunFiles.of(runs, holder)
    before = _own_generation(task, generations)
    look = partial(built, progress=PUBLISH_BUILDING, server=server, files=files, clock=clock)
    if _is_switched(generations, holder.identity):
        before, note = before.undone(), files.read(PUBLISH, Switched)
    else:
        check_indexes(before, look, files.read(VERIFICATION, Verification))
        note = _switch(task, before, files, catalog, generations, clock())
    checks = _checks(task, files, look, documents, search, runs, settings)
    wrong = [one for one in checks if not one.passed]
    if wrong and note.written + note.removed:
        switch = f"{holder.identity}{TAKEN_BACK}"
        generations.take_back(before, holder.identity, switch, holder, way_back=note.undo)
        # One missing and one extra had the right number before; the next sync sees both.
        documents.rebuild_key_set(plan.generation, holder)
        files.write(PUBLISH, note.model_copy(update={"taken_back": True, "checks": tuple(checks)}))
        raise VerificationFailed(
            f"{described(wrong)}; the switch was undone, so searches answer as before; see "
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


def _switch(
    task: ReviewedTask,
    before: Generation,
    files: RunFiles,
    catalog: Catalog,
    generations: Generations,
    now: datetime,
) -> Switched:
    """Make the switch, and return what was recorded before it."""
    plan, holder = task.plan, task.run.holder
    pages = read_verified(files, plan.pages).pages
    record = _record(task, before, files, pages, now)
    live = generations.live()
    _check_reviewed(files.read(REVIEW, Review), pages)
    kept = _still_there(files, pages, catalog)
    note = Switched(generation=plan.generation, done=False, undo=live.undo if live else "")
    if plan.new_generation:
        _refuse_to_lose(kept)
        files.write(PUBLISH, note)
        generations.publish(record, plan.live_generation or "", holder)
        return note
    left = {key for page in pages for key in page.drifted}
    removed = [key for page in pages for key in page.gone if key not in kept]
    swap = Swap([key for key in _staged(files, task.review.load_pages) if key not in left], removed)
    counts = {"written": len(swap.written), "removed": len(removed), "kept": tuple(sorted(kept))}
    note = note.model_copy(update=counts)
    files.write(PUBLISH, note)
    if not swap.keys:
        # A rollback still undoes the switch before this one, and needs the record before that.
        record = replace(record, before=before.before, published_before=before.published_before)
    generations.switch(record, swap, holder, repair=sorted(left))
    return note


def _check_reviewed(review: Review, pages: Sequence[VerifiedPage]) -> None:
    """The guards saw the reviewed number of removals, so no more may be made."""
    gone = sum(len(page.gone) for page in pages)
    if gone > review.vanished:
        raise CatalogMoved(
            f"{gone:,} live drugs would vanish, and the review counted {review.vanished:,}; "
            "nothing was published; start a new run"
        )


def _still_there(files: RunFiles, pages: Sequence[VerifiedPage], catalog: Catalog) -> set[str]:
    """The live keys whose removal is no longer confirmed.

    Hours may pass between the verification and the switch, because this state is retried and
    redriven. Each page must still have the keys that VerifyPage found. That takes a while if many
    pages lose drugs, so the drugs themselves are asked for at the very end.
    """
    going = {page.page: page for page in pages if page.gone}
    gone = [key for page in going.values() for key in page.gone]
    kept: set[str] = set()
    if going:
        with catalog.connect() as reader:
            for page in files.read_manifest(PAGES, PageRange, len(pages)):
                verified = going.get(page.page)
                if verified and digest(reader.keys(page.after, page.through)) != verified.keys:
                    kept.update(verified.gone)
            for start in range(0, len(gone), ASKED_AT_ONCE):
                kept.update(reader.read_keys(gone[start : start + ASKED_AT_ONCE]).keys)
    return kept.intersection(gone)


def _refuse_to_lose(kept: set[str]) -> None:
    """A new generation lacks these drugs, and cannot go live without them."""
    if kept:
        raise CatalogMoved(
            f"{len(kept):,} live drugs are not in the new generation, such as {min(kept)!r}, and "
            f"the catalog has them again or is being loaded; nothing was published; this is "
            f"retried; start a new run once the load has ended"
        )


def _staged(files: RunFiles, count: int) -> list[str]:
    """The keys of all documents that the run staged."""
    return [
        one.document.ndc
        for page in files.read_manifest(LOAD_MANIFEST, ChangesPage, count)
        for one in files.read_changes(page.page, page.changes).upserts
    ]


def _own_generation(task: ReviewedTask, generations: Generations) -> Generation:
    name = task.plan.generation
    generation = generations.find(name)
    if generation is None:
        raise RunSuperseded(f"generation {name} is gone, a newer run dropped it; start a new run")
    return generation


def _is_switched(generations: Generations, identity: str) -> bool:
    """Whether an earlier try of this execution made the switch."""
    live = generations.live()
    return live is not None and live.names.switch == identity


def check_indexes(generation: Generation, look: Look, verified: Verification) -> None:
    """Raise VerificationFailed if an index is not what was verified."""
    drugs, texts = f"index drugs:{generation.name}", f"index texts:{generation.space}"
    found = {
        drugs: look("drugs", generation.name),
        texts: look("texts", generation.space),
    }
    wrong = [f"{name} disappeared" for name, facts in found.items() if facts is None]
    wrong += [f"{name} was changed" for name, facts in found.items() if facts and facts.unlike]
    held = found[texts]
    if held and held.documents < verified.texts:
        wrong.append(f"{texts} has {held.documents:,} records and had {verified.texts:,}")
    if wrong:
        raise VerificationFailed(
            f"{' and '.join(wrong)} after the verification; nothing was published; start a sync, "
            "which repairs it"
        )


def _record(
    task: ReviewedTask,
    before: Generation,
    files: RunFiles,
    pages: Sequence[VerifiedPage],
    now: datetime,
) -> Generation:
    """The generation as it is after the switch. A key range does not change its figures."""
    baseline = files.read(BASELINE, Baseline)
    asked = _asked(files)
    if not task.run.input.partial:
        review = files.read(REVIEW, Review)
        ended = read_summaries(files, pages)
        report = assemble(files, task.run, ended, status="SUCCEEDED", ended_at=now)
        last = LastRun.model_validate(report.model_dump(include=set(LastRun.model_fields)))
        baseline = Baseline(rows=review.rows, profile=review.profile, last=last)
    baseline = baseline.model_copy(update={"asked": asked})
    return replace(
        before,
        state="live",
        published_at=now.isoformat(timespec="seconds"),
        published_before=before.published_at,
        baseline=baseline,
        before=before.baseline if before.published_at else None,
    )


def _asked(files: RunFiles) -> ModelAsked | None:
    """When the model was last called: by this run, or by an earlier one."""
    return files.read(VERIFICATION, Verification).asked or files.read(BASELINE, Baseline).asked


def _checks(
    task: ReviewedTask,
    files: RunFiles,
    look: Look,
    documents: Documents,
    search: SearchIndex,
    runs: RunStore,
    settings: Settings,
) -> list[Check]:
    """Checks after the switch: the index has every key, and golden queries find their drugs."""
    plan = task.plan
    facts = look("drugs", plan.generation)
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
        floor = floor_of(_asked(files), plan.space)
        asker = GoldenAsker(search, names, synonyms, None, floor, vectors)
        checks.append(golden_check(queries, asker))
    return checks
