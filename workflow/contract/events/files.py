"""The files of the run bucket that another step reads."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from workflow.contract.events.base import Event, Guard
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


class RejectedRow(Event):
    """A row that cannot be carried whole. A new one has no document, else the old one stays."""

    ndc: str
    column: str
    value: str
    reason: str
    new: bool


class PageDiff(Event):
    """`diff/{page}.json`. Counts are drugs."""

    page: str
    rows: int
    """Rows that can be carried, so without the rejected ones."""
    added: int
    changed: int
    removed: int
    unchanged: int
    missing: int = 0
    """Changed drugs of which nothing is left in the index but the key."""
    vanished: int
    """Live drugs that the catalog lacks: the removals that the delete guard counts."""
    live: int
    """Drugs of the live generation in this range."""
    new_texts: int
    text_parts: tuple[int, ...] = ()
    """The parts that these texts fall into."""
    rejected: tuple[RejectedRow, ...] = ()
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
    missing: int = 0
    vanished: int
    live: int
    rejected: int = 0
    rejected_rows: tuple[RejectedRow, ...] = ()
    """The first 500 of them."""
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
    text: str
    reason: str


class PageEmbedded(Event):
    """`embed/{page}.json`: over all tries of the page. `tokens` is what the model counted."""

    page: str
    texts: int
    embedded: int
    tokens: int
    rejected: tuple[RejectedText, ...] = ()
    timing: Timing | None = None


class PageLoaded(Event):
    """`load/{page}.json`. Removals are noted here and made by the switch."""

    page: str
    upserted: int
    removed: int
    timing: Timing | None = None


class Neighbour(Event):
    """A text near a sampled one: the cosine distance is exact."""

    text_hash: str
    distance: float


class VerifiedPage(Event):
    """`verify/{page}.json`: one page of what would be searched, compared with MySQL read again."""

    page: str
    rows: int
    """Rows that must have a document."""
    documents: int
    """Documents that there would be."""
    damaged: dict[str, str]
    """Key -> what is wrong with its document."""
    bad_texts: dict[str, str]
    """Key -> what is wrong with its text record."""
    drifted: tuple[str, ...]
    """Keys whose row is another one than DiffPage saw: left as they are, for the next sync."""
    vanishing: tuple[str, ...]
    """Keys that are live and in the catalog and not in the new generation."""
    kept: tuple[str, ...]
    """Keys that the catalog lacked and has again: not removed."""
    unread: tuple[str, ...] = ()
    """Keys whose row cannot be carried: their old document stays."""
    texts: int
    """Distinct texts that the documents name."""
    unindexed: int
    """Records of these that the index does not know."""
    refused: tuple[str, ...]
    """Keys of drugs that are found by NDC and name only: the model refused their text."""
    nearest: dict[str, tuple[Neighbour, ...]] = Field(default_factory=dict)
    """By the hash of a sampled text: its nearest ones of this page."""
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


class Building(Event):
    """`building.json`: how far an index was when VerifyIndex last saw it get further."""

    index: str
    percent: float
    at: datetime


class QueryVector(Event):
    """A golden query's text and its vector, base64 of float32[dimensions], little-endian."""

    text: str
    vector: str


class GoldenVectors(Event):
    """`golden.json`: what the switch is tried with, so that PublishIndex needs no model."""

    vectors: tuple[QueryVector, ...]


class Switched(Event):
    """`publish.json`: written before the switch, and again behind it."""

    generation: str
    done: bool
    switched_at: datetime | None = None
    written: int = 0
    removed: int = 0
    undo: str = ""
    """The switch that a rollback undid before this one."""
    taken_back: bool = False
    checks: tuple[Check, ...] = ()
