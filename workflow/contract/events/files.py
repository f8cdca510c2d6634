"""The files of the run bucket that another step reads."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from workflow.contract.events.base import Event, Guard
from workflow.contract.events.payloads import TextsPage, Timing

SAMPLES: Final = 5
"""How many keys of each kind a page or a run shows."""


class ColumnProfile(Event):
    """How one column is filled. `commonest` holds its most frequent values with their counts."""

    blanks: int
    """Rows that have no value."""
    commonest: dict[str, int]
    """Value -> number of rows with it."""


class LastRun(Event):
    """Figures of the last run that published all of the catalog, for the next report."""

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


class ModelAsked(Event):
    """When a verification last asked the model. Until it is due again, runs that embed nothing do
    not."""

    at: datetime
    """When."""
    space: str
    """The model whose texts it embedded again."""
    questions: str
    """Hash of the golden queries and of the settings of these checks."""
    floor: float | None = None
    """The cosine that nonsense reaches among these texts: searches answer nothing below it."""


class Baseline(Event):
    """`baseline.json`: the live generation at its last full publish, for the guards."""

    rows: int = 0
    """Rows of the catalog."""
    profile: dict[str, ColumnProfile] = Field(default_factory=dict)
    """Column -> how it was filled."""
    last: LastRun | None = None
    """The run that published it."""
    asked: ModelAsked | None = None
    """When the model was last asked, also by a run over a key range."""


class RejectedRow(Event):
    """A row that cannot be carried whole. Its drug keeps its old document; a new drug gets none."""

    ndc: str
    column: str
    """The column that cannot be carried."""
    value: str
    """Its value, as text or bytes."""
    reason: str
    """Why it cannot be carried."""
    new: bool
    """The drug is new: the index has no document of it."""


class PageDiff(Event):
    """`diff/{page}.json`. Counts are drugs."""

    page: str
    changes: str = ""
    """Digest of the page's file of changes: no other one is loaded and switched in."""
    rows: int
    """Rows without the rejected ones."""
    added: int
    changed: int
    removed: int
    unchanged: int
    missing: int = 0
    """Changed drugs whose old document is missing, though their key is there."""
    vanished: int
    """Live drugs that the catalog lacks: the removals that the delete guard counts."""
    live: int
    """Drugs of the live generation in this range."""
    new_texts: int
    """Texts without a sound record."""
    text_parts: tuple[int, ...] = ()
    """The parts that these texts fall into."""
    rejected: tuple[RejectedRow, ...] = ()
    """Rows that cannot be carried."""
    profile: dict[str, ColumnProfile]
    samples: dict[Literal["added", "changed", "removed"], tuple[str, ...]]
    digests: str = ""
    """Of each row that is written or removed, in the order of the keys, if the run is a plan."""
    timing: Timing | None = None

    @property
    def upserts(self) -> int:
        return self.added + self.changed


class TextsCut(Event):
    """`cut.json`: how many parts of the texts are merged, and into which pages they were cut."""

    parts: int = 0
    """Parts that are done."""
    pages: tuple[TextsPage, ...] = ()
    """Pages of texts to embed."""
    tokens: int = 0
    """Estimated from the length of their texts."""


class GuardResult(Event):
    """A guard with its figures. A tripped guard stops the run unless it is accepted."""

    guard: Guard
    tripped: bool
    """The figures are beyond the limit."""
    accepted: bool
    """The input accepts this guard."""
    message: str
    """The figures, the limit, and what to do."""


class Estimate(Event):
    """What the run will take, without retries."""

    texts: int
    """Texts to embed."""
    tokens: int
    """Estimated from their length."""
    usd: float
    """The model's price. The guard `budget` compares this figure."""
    minutes: float
    """From the first state to the last."""
    transitions: int
    """State transitions of Step Functions, including those of Maps' children."""
    s3_reads: int
    """GET requests."""
    s3_writes: int
    """PUT and LIST requests."""
    gb_seconds: float
    """Lambda's memory times duration."""
    aws_usd: float
    """Step Functions, Lambda and S3."""


class Review(Event):
    """`review.json`: the plan in figures, and the manifests of the next Maps."""

    dry_run: bool
    """The run ends after this file."""
    rows: int
    added: int
    changed: int
    removed: int
    unchanged: int
    missing: int = 0
    """Changed drugs whose old document is missing, though their key is there."""
    vanished: int
    """Live drugs that the catalog lacks."""
    live: int
    """Drugs of the live generation."""
    rejected: int = 0
    """Rows that cannot be carried."""
    rejected_rows: tuple[RejectedRow, ...] = ()
    """The first 500 of them."""
    profile: dict[str, ColumnProfile]
    samples: dict[Literal["added", "changed", "removed"], tuple[str, ...]]
    estimate: Estimate
    """What the run will take."""
    guards: tuple[GuardResult, ...]
    """Each guard that applies, with its figures."""
    warnings: tuple[str, ...]
    """First run only: columns with one value in every row."""
    embed_key: str
    """Object that EmbedPages lists."""
    embed_pages: int
    """Pages of texts."""
    load_key: str
    """Object that LoadPages lists."""
    load_pages: int
    """Pages whose documents change."""
    digest: str = ""
    """Of all changes and the live generation. A run with `plan` must come to the same."""
    reviewed_at: datetime | None = None
    """When the plan was complete."""


class RejectedText(Event):
    """A text that the model refused for good, and its words."""

    text_hash: str
    text: str
    """Its first 200 characters."""
    reason: str
    """What the model answered."""


class PageEmbedded(Event):
    """`embed/{page}.json`: counts over all tries of the page."""

    page: str
    texts: int
    """Texts of the page."""
    embedded: int
    """Texts that this run embedded."""
    tokens: int
    """What the model counted."""
    rejected: tuple[RejectedText, ...] = ()
    """Texts that it refused."""
    timing: Timing | None = None


class PageLoaded(Event):
    """`load/{page}.json`. Removals are noted here and made by the switch."""

    page: str
    upserted: int
    """Documents written or staged."""
    removed: int
    """Keys that the switch will remove."""
    timing: Timing | None = None


class Neighbour(Event):
    """A text near a sampled one, with its exact cosine distance."""

    text_hash: str
    distance: float
    """1 minus the cosine; 0 is the same direction."""


class VerifiedPage(Event):
    """`verify/{page}.json`: one page of what would be searched, compared with MySQL read again."""

    page: str
    rows: int
    """Rows that must have a document."""
    documents: int
    """Documents that exist, or will exist after the switch."""
    damaged: dict[str, str]
    """Key -> what is wrong with its document."""
    bad_texts: dict[str, str]
    """Key -> what is wrong with its text record."""
    drifted: tuple[str, ...]
    """Keys whose row changed since DiffPage read it: left as they are, for the next sync."""
    gone: tuple[str, ...] = ()
    """Live keys that the catalog lacks. The switch removes them if it still lacks them then."""
    keys: str = ""
    """Digest of the catalog's keys, if some are gone. At the switch they must be the same."""
    vanishing: tuple[str, ...]
    """Live keys that a new generation lacks although the catalog has them or is being loaded."""
    kept: tuple[str, ...]
    """Keys not removed: the catalog has them again, or is being loaded."""
    unread: tuple[str, ...] = ()
    """Keys whose row cannot be carried: their old document stays."""
    texts: int
    """Distinct texts that the documents name."""
    unindexed: int
    """Records of these texts that the index does not know."""
    refused: tuple[str, ...]
    """Keys of drugs that are found by NDC and name only: the model refused their text."""
    nearest: dict[str, tuple[Neighbour, ...]] = Field(default_factory=dict)
    """Hash of a sampled text -> its nearest texts of this page."""
    timing: Timing | None = None


class Check(Event):
    """One thing that must hold before the index goes live."""

    check: str
    """What is checked."""
    passed: bool
    """Whether it holds."""
    expected: str
    """The value that must be found."""
    found: str
    """The value that was found."""


class Verification(Event):
    """`verification.json`: written before anything is raised."""

    checks: tuple[Check, ...]
    """Each check, in order."""
    bad_keys: tuple[str, ...]
    """The first keys that differ; all of them are in the repair set."""
    texts: int = 0
    """Records in the texts' index then: right before the switch there must be as many."""
    asked: ModelAsked | None = None
    """When the model was asked; none if it was not."""

    @property
    def passed(self) -> bool:
        return not self.failed

    @property
    def failed(self) -> frozenset[str]:
        """Names of the checks that did not hold."""
        return frozenset(check.check for check in self.checks if not check.passed)


class Building(Event):
    """`building.json` and the like: when an index last made progress."""

    index: str
    """Name of the FT index."""
    percent: float
    """0 to 1."""
    at: datetime
    """When it was as far as this."""


class QueryVector(Event):
    """A golden query's text and its vector, base64 of float32[dimensions], little-endian."""

    text: str
    """The query, with the words that a search adds."""
    vector: str
    """base64."""


class GoldenVectors(Event):
    """`golden.json`: vectors of the golden queries, so that PublishIndex needs no model."""

    vectors: tuple[QueryVector, ...]
    """Of each golden query."""


class Switched(Event):
    """`publish.json`: written before the switch, after it, and again if Redis lost it."""

    generation: str
    done: bool
    """The switch was made and looked at."""
    switched_at: datetime | None = None
    """When."""
    written: int = 0
    """Staged documents to put in place."""
    removed: int = 0
    """Documents to take out."""
    kept: tuple[str, ...] = ()
    """Keys not removed: after the verification they came back, or their page changed."""
    undo: str = ""
    """The switch that a rollback undid before this one."""
    taken_back: bool = False
    """A check after the switch failed, and the switch was undone."""
    lost: bool = False
    """Redis forgot the switch, as in a failover: nothing that the run wrote is searched."""
    checks: tuple[Check, ...] = ()
    """The checks after the switch."""
