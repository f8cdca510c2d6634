"""What operators ask beside runs: only the verification, a rollback, an examination.

On AWS a function of its own answers, because MySQL and Redis are reached from inside the VPC only.
"""

from contextlib import suppress
from typing import Literal

from workflow.contract.documents import space_of
from workflow.contract.errors import NothingLive, TooManyRejected, VerificationFailed
from workflow.contract.events.base import Event
from workflow.contract.events.files import PageDiff, Verification
from workflow.contract.events.payloads import (
    DiffPageTask,
    PageRange,
    Plan,
    ReviewedTask,
    ReviewRef,
    Run,
    RunInput,
    RunTask,
)
from workflow.contract.ports.catalog import Catalog
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.generations import Generation
from workflow.contract.ports.index import Index
from workflow.contract.ports.model import Embedder, Quota
from workflow.contract.ports.run_store import RunStore
from workflow.contract.runs import PAGES, VERIFICATION, RunFiles
from workflow.contract.settings import Settings
from workflow.operate.doctor import Finding, examine
from workflow.steps.diff_page import diff_page
from workflow.steps.plan_pages import plan_pages
from workflow.steps.publish_index import roll_back
from workflow.verify.verify_index import verify_index

NOTHING_TO_LOAD = ReviewRef(dry_run=True, embed_key="", embed_pages=0, load_key="", load_pages=0)


class OperatorTask(Event):
    """What to do. `run_id` names the files under `runs/`, and the fence of a rollback."""

    action: Literal["verify", "rollback", "doctor"]
    run_id: str

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
    rows: int
    before: str | None
    settings_fit: bool
    """False: the functions embed otherwise than this generation was, so the next sync stops."""


class OperatorAnswer(Event):
    """The part that was asked for."""

    compared: Compared | None = None
    rolled_back: RolledBack | None = None
    findings: tuple[Finding, ...] = ()


def operate(
    task: OperatorTask,
    *,
    catalog: Catalog,
    embedder: Embedder,
    quota: Quota,
    index: Index,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> OperatorAnswer:
    """Do one action. Raises NothingLive, NothingToRollBack and what the servers raise."""
    match task.action:
        case "doctor":
            found = examine(
                catalog=catalog, embedder=embedder, index=index, runs=runs, settings=settings
            )
            return OperatorAnswer(findings=tuple(found))
        case "rollback":
            before = index.live()
            back = roll_back(index, task.run_id, clock)
            live_before = before.generation if before else None
            return OperatorAnswer(rolled_back=_rolled_back(back, live_before, index, settings))
    return OperatorAnswer(
        compared=compare_live(
            task.run_id,
            catalog=catalog,
            embedder=embedder,
            quota=quota,
            index=index,
            runs=runs,
            settings=settings,
            clock=clock,
        )
    )


def compare_live(
    run_id: str,
    *,
    catalog: Catalog,
    embedder: Embedder,
    quota: Quota,
    index: Index,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> Compared:
    """A run's own steps without its writes: plan, compare every page, verify. Nothing is mended.

    Raises NothingLive.
    """
    run = Run(
        run_id=run_id,
        started_at=clock(),
        settings_digest=settings.digest,
        input=RunInput(dry_run=True),
    )
    plan = plan_pages(
        RunTask(run=run), catalog=catalog, index=index, runs=runs, settings=settings, clock=clock
    )
    if plan.new_generation:
        raise NothingLive("there is no live index to verify; build it with a sync")
    files = RunFiles(runs, run_id)
    diffs = [
        diff_page(
            DiffPageTask(plan=plan, page=page),
            catalog=catalog,
            index=index,
            runs=runs,
            settings=settings,
            clock=clock,
        )
        for page in files.read_manifest(PAGES, PageRange)
    ]
    # Its errors are checks that do not hold, and these are the answer.
    with suppress(VerificationFailed, TooManyRejected):
        verify_index(
            ReviewedTask(plan=plan, review=NOTHING_TO_LOAD),
            catalog=catalog,
            embedder=embedder,
            quota=quota,
            index=index,
            runs=runs,
            settings=settings,
        )
    return _compared(plan, diffs, files.read(VERIFICATION, Verification))


def _compared(plan: Plan, diffs: list[PageDiff], verification: Verification) -> Compared:
    return Compared(
        generation=plan.generation,
        rows=sum(page.rows for page in diffs),
        added=sum(page.added for page in diffs),
        changed=sum(page.changed for page in diffs),
        removed=sum(page.removed for page in diffs),
        verification=verification,
    )


def _rolled_back(
    back: Generation, before: str | None, index: Index, settings: Settings
) -> RolledBack:
    space = space_of(settings, back.space_revision).id
    return RolledBack(
        generation=back.name,
        built_at=back.created_at,
        rows=back.rows,
        before=before,
        settings_fit=(space, index.schema_digest()) == (back.space, back.schema),
    )
