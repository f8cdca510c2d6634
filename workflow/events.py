"""Every payload between states, and every file of a run that another step reads: the contract.

Payloads carry ids, references and counts, never rows or vectors (a payload may have 256 KiB).
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

Mode = Literal["sync", "backfill"]
Guard = Literal["deletes", "profile", "budget", "rejects"]
RunStatus = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]

Checksum = Annotated[
    int,
    BeforeValidator(lambda value: int(value, 16) if isinstance(value, str) else value),
    PlainSerializer(lambda value: f"{value:032x}", return_type=str),
]
"""A sum of content hashes mod 2^128: 32 hex digits in JSON."""


class Event(BaseModel):
    """Frozen; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def where(self) -> str:
        """The run and page, for messages and log lines."""
        return ""


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
    accept: tuple[Guard, ...] = ()
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
    planned_at: datetime | None = None

    @property
    def writes_live(self) -> bool:
        """Whether the run changes documents that searches see."""
        return not self.new_generation


class Baseline(Event):
    """`baseline.json`: the live generation at its last full publish, for the guards."""

    rows: int = 0
    profile: dict[str, "ColumnProfile"] = {}
    last: "LastRun | None" = None


class LastRun(Event):
    """The figures of the last run that published all of the catalog, for the next one's report."""

    run_id: str
    started_at: datetime
    duration_s: float
    catalog_rows: int
    added: int
    changed: int
    removed: int
    rejected: int
    texts_embedded: int
    texts_reused: int
    tokens: int
    estimated_usd: float


class PageRange(Event):
    """The half-open key range `(after, through]`; None is unbounded."""

    page: str
    after: str | None
    through: str | None


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


class ColumnProfile(Event):
    """How one column is filled. `commonest` holds its most frequent values and their counts."""

    blanks: int
    commonest: dict[str, int]


class PageDiff(Event):
    """`diff/{page}.json`. Counts are drugs; `checksum` covers every row of the page."""

    page: str
    rows: int
    added: int
    changed: int
    removed: int
    unchanged: int
    vanished: int
    """Live drugs that the catalog lacks: the removals that the delete guard counts."""
    live: int
    """Drugs of the live generation in this range."""
    new_texts: int
    checksum: Checksum
    profile: dict[str, ColumnProfile]
    samples: dict[Literal["added", "changed", "removed"], tuple[str, ...]]
    timing: Timing | None = None

    @property
    def upserts(self) -> int:
        return self.added + self.changed


class GuardResult(Event):
    """A guard with its figures. A tripped guard stops the run unless it is accepted."""

    guard: Guard
    tripped: bool
    accepted: bool
    message: str


class Estimate(Event):
    """What the run will take, without retries."""

    texts: int
    tokens: int
    usd: float
    """The model's price, which the budget is about."""
    minutes: float
    transitions: int
    s3_reads: int
    s3_writes: int
    gb_seconds: float
    aws_usd: float
    """Step Functions, Lambda and S3."""


class Review(Event):
    """`review.json`: the plan in figures, and the manifests of the next Maps."""

    dry_run: bool
    rows: int
    added: int
    changed: int
    removed: int
    unchanged: int
    vanished: int
    live: int
    checksum: Checksum
    profile: dict[str, ColumnProfile]
    samples: dict[Literal["added", "changed", "removed"], tuple[str, ...]]
    estimate: Estimate
    guards: tuple[GuardResult, ...]
    warnings: tuple[str, ...]
    embed_key: str
    embed_pages: int
    load_key: str
    load_pages: int
    reviewed_at: datetime | None = None


class ReviewRef(Event):
    """What the state machine carries of a review: enough to choose and to run the next Maps."""

    dry_run: bool
    embed_key: str
    embed_pages: int
    load_key: str
    load_pages: int


class ReviewedTask(PlanTask):
    """The payload of VerifyIndex and PublishIndex."""

    review: ReviewRef


class RejectedText(Event):
    """A text that the model refused for good, and its words."""

    text_hash: str
    reason: str


class PageEmbedded(Event):
    """`embed/{page}.json`: over all tries of the page. `tokens` is what the model counted."""

    page: str
    texts: int
    embedded: int
    tokens: int
    rejected: int
    timing: Timing | None = None


class RejectedRow(Event):
    """A drug that could not be written, because the model refused its text."""

    ndc: str
    text_hash: str
    reason: str
    new: bool
    """A new drug is missing from the index; a changed one keeps its old document."""


class PageLoaded(Event):
    """`load/{page}.json`. `correction` is what rejected rows take from the page's checksum."""

    page: str
    upserted: int
    removed: int
    rejected: tuple[RejectedRow, ...]
    correction: Checksum
    timing: Timing | None = None


class Check(Event):
    """One thing that must hold before the index goes live."""

    check: str
    passed: bool
    expected: str
    found: str


class Verification(Event):
    """`verification.json`: written before anything is raised."""

    checks: tuple[Check, ...]
    bad_keys: tuple[str, ...]
    """The first keys that differ; all of them are in the repair set."""

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


class VerifiedIndex(Event):
    """What VerifyIndex answers."""

    documents: int
    texts: int
    checks: int


class RunReport(Event):
    """`report.json`: what a run did, or how far it came."""

    run_id: str
    """The execution's name."""
    version: str = ""
    """The software's."""
    mode: Mode
    dry_run: bool
    """Nothing was written to the index."""
    status: RunStatus
    """How the execution ended."""
    started_at: datetime
    duration_s: float
    """Seconds from start to end."""
    generation: str | None = None
    """The generation that the run wrote."""
    space: str | None = None
    """What its vectors are comparable with."""
    catalog_rows: int = 0
    """Rows that were read."""
    pages: int = 0
    """Key ranges that they were cut into."""
    added: int = 0
    """Drugs that are new in the generation, without the rejected ones."""
    changed: int = 0
    """Drugs whose document was written again."""
    removed: int = 0
    """Drugs that left the catalog."""
    unchanged: int = 0
    """Drugs whose document is as it was."""
    rejected: int = 0
    """Drugs left out because the model refused their text."""
    rejected_rows: tuple[RejectedRow, ...] = ()
    """The first 500 of them."""
    texts_to_embed: int = 0
    """Texts without a vector when the plan was made."""
    texts_embedded: int = 0
    """Texts that this run gave a vector."""
    texts_reused: int = 0
    """Drugs written whose text had a vector already: calls that were not made."""
    tokens: int = 0
    """What the model counted."""
    estimated_tokens: int = 0
    """The plan's estimate."""
    estimated_usd: float = 0.0
    """The plan's estimate of the model's price."""
    estimated_aws_usd: float = 0.0
    """The plan's estimate of Step Functions, Lambda and S3, at list prices."""
    estimated_minutes: float = 0.0
    """The plan's estimate of the whole run."""
    guards: tuple[GuardResult, ...] = ()
    """Every guard that applied, with its figures."""
    warnings: tuple[str, ...] = ()
    """What a first run has nothing to compare with."""
    verification: tuple[Check, ...] = ()
    """Each check; empty where the run did not come to it."""
    published: bool = False
    """Searches are answered from what the run wrote."""
    samples: dict[Literal["added", "changed", "removed"], tuple[str, ...]] = {}
    """The first keys of each kind."""
    error: str | None = None
    """Of a failed run: the name of its error."""
    cause: str | None = None
    """State, page, and what happened."""
    last: LastRun | None = None
    """The last whole run that was published before."""
