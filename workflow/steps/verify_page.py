"""VerifyPage: read one page of the catalog again and compare it with what would be searched."""

from workflow.contract.documents import renderer_of
from workflow.contract.events.files import VerifiedPage
from workflow.contract.events.payloads import VerifyPageTask
from workflow.contract.ports.catalog import Catalog
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.server import Server
from workflow.contract.ports.texts import Texts
from workflow.contract.read_page import most_rows, read_page
from workflow.contract.runs import PAGES, VERIFY_BUILDING, VERIFY_SUMMARY, PageChanges, RunFiles
from workflow.contract.settings import Settings
from workflow.verify.building import built
from workflow.verify.pages import PageComparison, PageFindings
from workflow.verify.recall import nearest_of_page
from workflow.verify.samples import sample_texts


def verify_page(
    task: VerifyPageTask,
    *,
    catalog: Catalog,
    documents: Documents,
    texts: Texts,
    server: Server,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> VerifiedPage:
    """Write `verify/{page}.json`; change nothing in Redis.

    Raises CatalogMoved, IndexStillBuilding, IndexBuildStalled.

    A verification without a sync compares with the index as it is. Catalog changes since the last
    run are the next sync's work, not drift.
    """
    started_at = clock()
    files = RunFiles.of(runs, task.run.holder)
    files.check_item(PAGES, task.page)
    progress = VERIFY_BUILDING.format(task.page.page)
    built("texts", task.plan.space, progress, server=server, files=files, clock=clock)
    changes = files.read_changes(task.page.page)
    if task.run.input.dry_run:
        changes = as_it_is(changes)
    verified = compare_page(
        task,
        changes,
        catalog=catalog,
        documents=documents,
        texts=texts,
        server=server,
        settings=settings,
    )
    drifted = () if task.run.input.dry_run else verified.drifted
    timing = task.timing(started_at, clock())
    verified = verified.model_copy(update={"drifted": drifted, "timing": timing})
    files.write(VERIFY_SUMMARY.format(task.page.page), verified)
    return verified


def compare_page(
    task: VerifyPageTask,
    changes: PageChanges,
    *,
    catalog: Catalog,
    documents: Documents,
    texts: Texts,
    server: Server,
    settings: Settings,
) -> VerifiedPage:
    """The page's rows as they are now against the documents that `changes` lead to."""
    plan, page = task.plan, task.page
    rows = read_page(catalog, page, renderer_of(settings, plan.space), most=most_rows(page, plan))
    comparison = PageComparison(plan, page, changes, dimensions=settings.embedding_dimensions)
    found = comparison.run(rows, documents=documents, texts=texts)
    approximate = settings.index_algorithm != "FLAT"
    count = settings.verify_queries if approximate else 0
    sampled = sample_texts(plan, count, documents=documents, texts=texts, settings=settings)
    return VerifiedPage(
        page=page.page,
        rows=found.rows,
        documents=found.documents,
        damaged=found.damaged,
        bad_texts=found.bad_texts,
        drifted=tuple(found.drifted),
        gone=tuple(found.gone),
        keys=found.keys,
        vanishing=tuple(found.vanishing),
        kept=tuple(found.kept),
        unread=tuple(found.unread),
        texts=found.texts,
        unindexed=_unindexed(server, plan.space, found),
        refused=tuple(sorted(found.refused)),
        nearest=nearest_of_page(sampled.vectors, found.records),
    )


def as_it_is(changes: PageChanges) -> PageChanges:
    """What the index must hold today: the old documents of changed rows. Removals are separate."""
    old = {one.document.ndc: one.old for one in changes.upserts if one.old is not None}
    return changes._replace(upserts=[], unchanged=changes.unchanged | old)


def _unindexed(server: Server, space: str, found: PageFindings) -> int:
    """How many records exist that no search can find."""
    hashes = list(found.records)
    return len(hashes) - server.indexed_texts(space, hashes)
