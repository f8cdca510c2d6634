"""What states hand to each other: ids, references and counts, never rows or vectors.

A payload may have 256 KiB.
"""

from datetime import datetime
from typing import Any, Self

from pydantic import Field, model_validator

from workflow.contract.events.base import Acceptable, Event, Mode
from workflow.contract.holder import RUN_ID, Holder, RunId
from workflow.contract.limits import LARGEST_PAGE


class RunInput(Event):
    """The input of an execution. The schedule sends `{}`."""

    mode: Mode = "sync"
    """`sync` brings the live index up to date, `backfill` builds a new generation and switches to
    it, `verify` only compares."""
    dry_run: bool = Field(False, strict=True)
    """Stop after the review, which has counts, cost, and the guards that would stop the run. A
    `verify` is always a dry run, one that continues to the verification."""
    after_key: str | None = Field(None, min_length=1)
    """Only keys above this one; not with `backfill`."""
    through_key: str | None = Field(None, min_length=1)
    """Only keys up to and including this one; not with `backfill`."""
    page_size: int = Field(1000, ge=1, le=LARGEST_PAGE, strict=True)
    """Catalog rows per page, 1 to 20,000. Pages double while there would be more than 10,000."""
    accept: tuple[Acceptable, ...] = ()
    """Guards that must not stop this run."""
    reembed: bool = Field(False, strict=True)
    """With `backfill`: embed every text again, in a space of its own."""
    plan: str | None = Field(None, pattern=f"^{RUN_ID}$")
    """The name of a dry run: make exactly the changes that it showed, or stop."""

    @model_validator(mode="before")
    @classmethod
    def _verify_writes_nothing(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("mode") == "verify":
            return {"dry_run": True, **values}
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.mode == "verify" and not self.dry_run:
            raise ValueError("mode 'verify' writes nothing: dry_run is true; leave it out")
        if self.mode == "backfill" and self.partial:
            raise ValueError(
                "after_key and through_key do not go with mode 'backfill', which builds a whole "
                "generation; leave them out or use mode 'sync'"
            )
        if self.plan is not None and self.dry_run:
            raise ValueError("plan names a dry run that is to be done: leave out dry_run")
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

    run_id: RunId
    started_at: datetime
    settings_digest: str
    """Hash of the settings and code versions that must not change during the run."""
    input: RunInput
    """What the execution was started with."""
    key: str = Field("", max_length=64, repr=False)
    """Seals the run's files. It stands in payloads, and in no file or log line."""

    @property
    def where(self) -> str:
        return f"run {self.run_id}"

    @property
    def without_key(self) -> Self:
        """As it may be written down."""
        return self.model_copy(update={"key": ""})

    @property
    def holder(self) -> Holder:
        """Names this execution in the fence, in generations and in staged documents."""
        return Holder(self.run_id, self.started_at, self.key)


class RunTask(Event):
    """PlanPages' payload."""

    run: Run

    @property
    def where(self) -> str:
        return self.run.where


class IndexFailures(Event):
    """`hash_indexing_failures` of both indexes before the run; the server never resets them."""

    documents: int = 0
    """Of the drugs' index."""
    texts: int = 0
    """Of the texts' index."""


class Plan(Event):
    """What PlanPages decided: where to write, what to compare with, how to split."""

    run: Run
    """The execution and its input."""
    bucket: str
    """The run bucket."""
    pages_key: str
    """Object that DiffPages and VerifyPages list."""
    pages: int
    """Key ranges."""
    generation: str
    """The generation that the run writes."""
    new_generation: bool
    """True if it is built next to the live one, or is the first."""
    live_generation: str | None
    """The generation that is searched now; none before the first publish."""
    live_space: str | None = None
    """Its space."""
    space: str
    """The space: vectors of the same space are comparable."""
    space_revision: str
    """`0`, or the run that embedded everything again."""
    failures_before: IndexFailures
    """The counts before the run, to tell new failures from old ones."""
    diff_concurrency: int
    """DiffPage functions at once."""
    embed_concurrency: int
    """EmbedPage functions at once."""
    load_concurrency: int
    """LoadPage functions at once."""
    verify_concurrency: int
    """VerifyPage functions at once."""
    text_parts: int = 1
    """Parts that texts are divided into by their hash, so that each fits into memory."""
    sample_keys: tuple[str, ...] = ()
    """Keys spread over the catalog; the verification searches for their texts."""
    planned_at: datetime | None = None
    """When the plan was complete."""


class Item(Event):
    """One of a manifest: what a child of a Map is about."""

    page: str
    """Its name: a number of five digits."""
    seal: str = ""
    """That this run wrote it (contract/seals.py)."""


class PageRange(Item):
    """The half-open key range `(after, through]`; None is unbounded."""

    after: str | None
    """Keys above this one."""
    through: str | None
    """Keys up to and including this one."""
    rows: int = 0
    """How many rows were in it when the run was planned."""


class TextsPage(Item):
    """An even slice of the texts to embed."""

    texts: int
    """How many texts it has."""


class ChangesPage(Item):
    """A page whose documents change."""

    upserts: int
    """Documents to write."""
    removals: int
    """Keys to remove."""
    changes: str = ""
    """Digest of the page's file of changes, as it was reviewed."""


class Tries(Event):
    """The tries of a page, from Step Functions, for the report's time line."""

    entered_at: datetime
    """When the first try began."""
    retries: int = 0
    """Tries after the first."""


class Timing(Event):
    """When a page was worked on. `entered_at` is when its first try began."""

    entered_at: datetime
    """When the first try began."""
    started_at: datetime
    """When the last try began."""
    ended_at: datetime
    """When it ended."""
    retries: int = 0
    """Tries after the first."""


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
        """The try that ends now."""
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

    reviewed: bool = True
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
