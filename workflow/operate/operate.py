"""What operators ask beside runs: verify, roll back, examine, explain, and show changes.

On AWS a function of its own answers, because MySQL and Redis are reached from inside the VPC only.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal, NamedTuple

from workflow.contract.documents import space_of
from workflow.contract.errors import (
    CatalogMoved,
    NothingLive,
    TooManyRejected,
    VerificationFailed,
)
from workflow.contract.events.base import Event
from workflow.contract.events.files import Estimate, PageDiff, Review, Verification
from workflow.contract.events.payloads import (
    DiffPageTask,
    PageRange,
    Plan,
    ReviewedTask,
    ReviewRef,
    Run,
    RunInput,
    RunTask,
    VerifyPageTask,
)
from workflow.contract.holder import Holder
from workflow.contract.ports.catalog import Catalog
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.generations import Generations
from workflow.contract.ports.model import Embedder, Quota
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.server import Server
from workflow.contract.ports.texts import Texts
from workflow.contract.runs import (
    PAGES,
    REVIEW,
    VERIFICATION,
    VERIFY_SUMMARY,
    PageChanges,
    RunFiles,
)
from workflow.contract.settings import Settings
from workflow.operate.changes import ChangedDrug, changes_of
from workflow.operate.doctor import Finding, examine
from workflow.operate.explain import Explanation, explain
from workflow.operate.rollback import roll_back
from workflow.steps.diff_page import diff_page
from workflow.steps.plan_pages import plan_pages
from workflow.steps.verify_index import verify_index
from workflow.steps.verify_page import compare_page

NOTHING_TO_LOAD = ReviewRef(dry_run=True, embed_key="", embed_pages=0, load_key="", load_pages=0)
NO_WORK = Estimate(
    texts=0,
    tokens=0,
    usd=0,
    minutes=0,
    transitions=0,
    s3_reads=0,
    s3_writes=0,
    gb_seconds=0,
    aws_usd=0,
)


class OperatorTask(Event):
    """What to do. `run_id` names the files under `runs/`, and the fence of a rollback."""

    action: Literal["verify", "rollback", "doctor", "explain", "changes"]
    run_id: str
    generation: str = ""
    """With `rollback`: the generation before the last backfill, by name; else the last switch."""
    ndc: str = ""
    """With `explain`: the drug."""
    query: str = ""
    """With `explain`: the search whose answer it should stand in."""
    of_run: str = ""
    """With `changes`: the run."""
    limit: int = 0
    """With `changes`: how many drugs; 0 is all."""

    @property
    def where(self) -> str:
        return f"{self.action} {self.run_id}"


class Compared(Event):
    """The live index against the catalog as it is now.

    `added`, `changed` and `removed` are what the next sync will do.
    """

    generation: str
    rows: int
    added: int
    changed: int
    removed: int
    verification: Verification

    @property
    def behind(self) -> int:
        """Drugs that the catalog changed since the last run."""
        return self.added + self.changed + self.removed


class RolledBack(Event):
    """Where searches are answered from now, and were before."""

    generation: str
    built_at: str
    published_at: str
    """When what is in it was published."""
    rows: int
    before: str | None
    settings_fit: bool
    """False: the functions embed otherwise than this generation was, so the next sync stops."""


class OperatorAnswer(Event):
    """The part that was asked for."""

    compared: Compared | None = None
    rolled_back: RolledBack | None = None
    findings: tuple[Finding, ...] = ()
    explained: Explanation | None = None
    changes: tuple[ChangedDrug, ...] = ()


class Ports(NamedTuple):
    """All that an action may need; each step takes what it needs."""

    catalog: Catalog
    embedder: Embedder
    quota: Quota
    generations: Generations
    documents: Documents
    texts: Texts
    server: Server
    search: SearchIndex
    runs: RunStore
    settings: Settings
    clock: Clock


def operate(task: OperatorTask, ports: Ports) -> OperatorAnswer:
    """Do one action. Raises NothingLive, NothingToRollBack and what the servers raise."""
    match task.action:
        case "doctor":
            found = examine(
                catalog=ports.catalog,
                embedder=ports.embedder,
                generations=ports.generations,
                documents=ports.documents,
                server=ports.server,
                runs=ports.runs,
                settings=ports.settings,
            )
            return OperatorAnswer(findings=tuple(found))
        case "explain":
            return OperatorAnswer(explained=_explain(task, ports))
        case "changes":
            return OperatorAnswer(
                changes=tuple(
                    changes_of(task.of_run, task.limit, runs=ports.runs, documents=ports.documents)
                )
            )
        case "rollback":
            return OperatorAnswer(rolled_back=_roll_back(task, ports))
    return OperatorAnswer(compared=compare_live(task.run_id, ports))


def _explain(task: OperatorTask, ports: Ports) -> Explanation:
    return explain(
        task.ndc,
        task.query,
        catalog=ports.catalog,
        generations=ports.generations,
        documents=ports.documents,
        texts=ports.texts,
        index=ports.search,
        embedder=ports.embedder,
        settings=ports.settings,
    )


def _roll_back(task: OperatorTask, ports: Ports) -> RolledBack:
    before = ports.generations.live()
    holder = Holder(task.run_id, ports.clock())
    back = roll_back(ports.generations, ports.server, holder, generation=task.generation)
    space = space_of(ports.settings, back.space_revision).id
    return RolledBack(
        generation=back.name,
        built_at=back.created_at,
        published_at=back.published_at,
        rows=back.baseline.rows,
        before=before.names.generation if before else None,
        settings_fit=(space, ports.server.schema_digest()) == (back.space, back.schema),
    )


def compare_live(run_id: str, ports: Ports) -> Compared:
    """A run's own steps without its writes: plan, compare every page, verify. Nothing is repaired.

    Raises NothingLive.
    """
    clock, settings, runs = ports.clock, ports.settings, ports.runs
    run = Run(
        run_id=run_id,
        started_at=clock(),
        settings_digest=settings.digest,
        input=RunInput(dry_run=True),
    )
    plan = plan_pages(
        RunTask(run=run),
        catalog=ports.catalog,
        generations=ports.generations,
        server=ports.server,
        texts=ports.texts,
        runs=runs,
        settings=settings,
        clock=clock,
    )
    if plan.new_generation:
        raise NothingLive("there is no live index to verify; build it with a sync")
    files = RunFiles.of(runs, run.holder)
    diffs = [
        _compare_page(plan, page, files, ports) for page in files.read_manifest(PAGES, PageRange)
    ]
    files.write(REVIEW, _nothing_to_load(diffs))
    # Its errors are checks that do not hold, and these are the answer.
    with suppress(VerificationFailed, TooManyRejected, CatalogMoved):
        verify_index(
            ReviewedTask(plan=plan, review=NOTHING_TO_LOAD),
            embedder=ports.embedder,
            quota=ports.quota,
            documents=ports.documents,
            texts=ports.texts,
            server=ports.server,
            search=ports.search,
            runs=runs,
            settings=settings,
            clock=clock,
        )
    return _compared(plan, diffs, files.read(VERIFICATION, Verification))


def _compare_page(plan: Plan, page: PageRange, files: RunFiles, ports: Ports) -> PageDiff:
    """One page as it is now, without the changes that the next sync will make."""
    diff = diff_page(
        DiffPageTask(plan=plan, page=page),
        catalog=ports.catalog,
        documents=ports.documents,
        texts=ports.texts,
        runs=ports.runs,
        settings=ports.settings,
        clock=ports.clock,
    )
    verified = compare_page(
        VerifyPageTask(plan=plan, page=page),
        as_it_is(files.read_changes(page.page)),
        catalog=ports.catalog,
        documents=ports.documents,
        texts=ports.texts,
        server=ports.server,
        settings=ports.settings,
    )
    # What the catalog changed since the last run is the next sync's work, not a defect.
    files.write(VERIFY_SUMMARY.format(page.page), verified.model_copy(update={"drifted": ()}))
    return diff


def as_it_is(changes: PageChanges) -> PageChanges:
    """What the index must hold today: the old documents of changed rows; removed ones are apart."""
    old = {one.document.ndc: one.old for one in changes.upserts if one.old is not None}
    return changes._replace(upserts=[], unchanged=changes.unchanged | old)


def _nothing_to_load(diffs: Sequence[PageDiff]) -> Review:
    """The review of a comparison: nothing changes."""
    rejected = [row for page in diffs for row in page.rejected]
    return Review(
        dry_run=True,
        rows=sum(page.rows for page in diffs),
        added=0,
        changed=0,
        removed=sum(page.removed for page in diffs),
        unchanged=sum(page.unchanged for page in diffs),
        vanished=0,
        live=sum(page.live for page in diffs),
        rejected=len(rejected),
        profile={},
        samples={},
        estimate=NO_WORK,
        guards=(),
        warnings=(),
        embed_key="",
        embed_pages=0,
        load_key="",
        load_pages=0,
    )


def _compared(plan: Plan, diffs: list[PageDiff], verification: Verification) -> Compared:
    return Compared(
        generation=plan.generation,
        rows=sum(page.rows for page in diffs),
        added=sum(page.added for page in diffs),
        changed=sum(page.changed for page in diffs),
        removed=sum(page.removed for page in diffs),
        verification=verification,
    )
