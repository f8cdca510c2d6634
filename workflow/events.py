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
    dry_run: bool = Field(False, strict=True)
    after_key: str | None = Field(None, min_length=1)
    through_key: str | None = Field(None, min_length=1)
    page_size: int = Field(1000, ge=1, le=20_000, strict=True)
    accept: tuple[Guard, ...] = ()
    reembed: bool = Field(False, strict=True)

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

    @property
    def writes_live(self) -> bool:
        """Whether the run changes documents that searches see."""
        return not self.new_generation


class Baseline(Event):
    """`baseline.json`: the live generation at its last full publish, for the guards."""

    rows: int = 0
    profile: dict[str, "ColumnProfile"] = {}


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


class PlanTask(Event):
    """ReviewChanges' payload, and the head of every later one."""

    plan: Plan

    @property
    def run(self) -> Run:
        return self.plan.run

    @property
    def where(self) -> str:
        return self.run.where


class DiffPageTask(PlanTask):
    page: PageRange

    @property
    def where(self) -> str:
        after, through = self.page.after, self.page.through
        return f"{self.run.where}, page {self.page.page} ({after!r}, {through!r}]"


class EmbedPageTask(PlanTask):
    page: TextsPage

    @property
    def where(self) -> str:
        return f"{self.run.where}, page {self.page.page} of the texts"


class LoadPageTask(PlanTask):
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
    """What embedding and loading will take."""

    texts: int
    tokens: int
    usd: float
    minutes: float


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
    mode: Mode
    dry_run: bool
    status: RunStatus
    started_at: datetime
    duration_s: float
    generation: str | None = None
    space: str | None = None
    catalog_rows: int = 0
    pages: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejected_rows: tuple[RejectedRow, ...] = ()
    texts_to_embed: int = 0
    texts_embedded: int = 0
    texts_reused: int = 0
    """Drugs written whose text had a vector already: calls that were not made."""
    tokens: int = 0
    estimated_tokens: int = 0
    estimated_usd: float = 0.0
    estimated_minutes: float = 0.0
    guards: tuple[GuardResult, ...] = ()
    warnings: tuple[str, ...] = ()
    verification: tuple[Check, ...] = ()
    published: bool = False
    samples: dict[Literal["added", "changed", "removed"], tuple[str, ...]] = {}
    error: str | None = None
    cause: str | None = None
