"""What states hand to each other: ids, references and counts, never rows or vectors.

A payload may have 256 KiB.
"""

from datetime import datetime
from typing import Any, Self

from pydantic import Field, model_validator

from workflow.contract.events.base import Acceptable, Event, Mode
from workflow.contract.holder import Holder


class RunInput(Event):
    """The input of an execution. The schedule sends `{}`."""

    mode: Mode = "sync"
    """Mend the live index, or build a new generation and switch to it."""
    dry_run: bool = Field(False, strict=True)
    """Stop after the review: counts, cost, and which guards would stop the run."""
    after_key: str | None = Field(None, min_length=1)
    """Only keys above this one, with `sync`."""
    through_key: str | None = Field(None, min_length=1)
    """Only keys up to and including this one, with `sync`."""
    page_size: int = Field(1000, ge=1, le=20_000, strict=True)
    """Catalog rows per page, 1 to 20,000."""
    accept: tuple[Acceptable, ...] = ()
    """Guards that shall not stop this run."""
    reembed: bool = Field(False, strict=True)
    """With `backfill`: embed every text afresh, in a space of its own."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.mode == "backfill" and self.partial:
            raise ValueError(
                "after_key and through_key do not go with mode 'backfill', which builds a whole "
                "generation; leave them out or use mode 'sync'"
            )
        if self.reembed and self.mode != "backfill":
            raise ValueError("reembed goes with mode 'backfill' only")
        after, through = self.after_key, self.through_key
        if after is not None and through is not None and after.encode() >= through.encode():
            raise ValueError(f"after_key {after!r} is not below through_key {through!r}")
        return self

    @property
    def partial(self) -> bool:
        """Whether the run covers a key range only."""
        return self.after_key is not None or self.through_key is not None


class AcceptRunTask(Event):
    """What Step Functions says of the execution, and its raw input."""

    run_id: str
    state_machine_arn: str
    started_at: datetime
    input: dict[str, Any]

    @property
    def where(self) -> str:
        return f"run {self.run_id}"


class Run(Event):
    """An accepted run."""

    run_id: str
    started_at: datetime
    settings_digest: str
    input: RunInput

    @property
    def where(self) -> str:
        return f"run {self.run_id}"

    @property
    def holder(self) -> Holder:
        """This very execution: what the fence, generations and staged documents go by."""
        return Holder(self.run_id, self.started_at)


class RunTask(Event):
    """PlanPages' payload."""

    run: Run

    @property
    def where(self) -> str:
        return self.run.where


class IndexFailures(Event):
    """`hash_indexing_failures` of both indexes before the run: they never fall again."""

    documents: int = 0
    texts: int = 0


class Plan(Event):
    """What PlanPages decided: where to write, what to compare with, how to split."""

    run: Run
    bucket: str
    pages_key: str
    pages: int
    generation: str
    new_generation: bool
    live_generation: str | None
    space: str
    space_revision: str
    failures_before: IndexFailures
    diff_concurrency: int
    embed_concurrency: int
    load_concurrency: int
    verify_concurrency: int
    text_parts: int = 1
    """Into how many parts by their hash texts are divided, so that one fits into memory."""
    sample_keys: tuple[str, ...] = ()
    """Keys spread over the catalog: verification searches for what these drugs are found by."""
    planned_at: datetime | None = None


class PageRange(Event):
    """The half-open key range `(after, through]`; None is unbounded."""

    page: str
    after: str | None
    through: str | None
    rows: int = 0
    """How many rows were in it when the run was planned."""


class TextsPage(Event):
    """An even slice of the texts to embed."""

    page: str
    texts: int


class ChangesPage(Event):
    """A page whose documents change."""

    page: str
    upserts: int
    removals: int


class Tries(Event):
    """What Step Functions knows of a page's tries, for the run report's time line."""

    entered_at: datetime
    retries: int = 0


class Timing(Event):
    """When a page was worked on. `entered_at` is when its first try began."""

    entered_at: datetime
    started_at: datetime
    ended_at: datetime
    retries: int = 0


class PlanTask(Event):
    """ReviewChanges' payload, and the head of every later one."""

    plan: Plan

    @property
    def run(self) -> Run:
        return self.plan.run

    @property
    def where(self) -> str:
        return self.run.where


class PageTask(PlanTask):
    """The payload of a Map's child."""

    tries: Tries | None = None

    def timing(self, started_at: datetime, ended_at: datetime) -> Timing:
        """Of the try that ends now."""
        tries = self.tries or Tries(entered_at=started_at)
        return Timing(**tries.model_dump(), started_at=started_at, ended_at=ended_at)


class DiffPageTask(PageTask):
    page: PageRange

    @property
    def where(self) -> str:
        after, through = self.page.after, self.page.through
        return f"{self.run.where}, page {self.page.page} ({after!r}, {through!r}]"


class EmbedPageTask(PageTask):
    page: TextsPage

    @property
    def where(self) -> str:
        return f"{self.run.where}, page {self.page.page} of the texts"


class LoadPageTask(PageTask):
    page: ChangesPage

    @property
    def where(self) -> str:
        return f"{self.run.where}, page {self.page.page}"


class ReviewRef(Event):
    """What the state machine carries of a review: enough to choose and to run the next Maps."""

    dry_run: bool
    embed_key: str
    embed_pages: int
    load_key: str
    load_pages: int


class VerifyPageTask(DiffPageTask):
    """The payload of VerifyPages' child: the same ranges as DiffPages'."""


class ReviewedTask(PlanTask):
    """The payload of VerifyIndex, PublishIndex and ReportRun."""

    review: ReviewRef


class Pruning(Event):
    """How far PruneIndex came. It begins at cursor 0."""

    cursor: int = 0
    removed: int = 0
    done: bool = False


class PruneTask(ReviewedTask):
    """PruneIndex is asked again, with its own answer, until it is done."""

    prune: Pruning = Pruning()


class PublishedIndex(Event):
    """What PublishIndex answers."""

    generation: str
    documents: int
    prune: Pruning = Pruning()


class VerifiedIndex(Event):
    """What VerifyIndex answers."""

    documents: int
    texts: int
    checks: int
