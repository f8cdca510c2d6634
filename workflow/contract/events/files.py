"""The files of the run bucket that another step reads."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from workflow.contract.events.base import Checksum, Event, Guard
from workflow.contract.events.payloads import Timing

SAMPLES: Final = 5
"""Keys of each kind that a page and a run show."""


class Baseline(Event):
    """`baseline.json`: the live generation at its last full publish, for the guards."""

    rows: int = 0
    profile: dict[str, "ColumnProfile"] = Field(default_factory=dict)
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
