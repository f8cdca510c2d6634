"""`report.json`: what a run did."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from workflow.contract.events.base import Event, Mode, RunStatus
from workflow.contract.events.files import Check, GuardResult, LastRun, RejectedRow, RejectedText

IN_STEP: Final = "the index matches the catalog"


class RunReport(Event):
    """`report.json`: what a run did, or how far it came."""

    run_id: str
    """The execution's name."""
    version: str = ""
    """The software's."""
    mode: Mode
    """A sync, a backfill, or only a verification."""
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
    """Rows that cannot be carried. Their drugs keep their old document; new drugs get none."""
    rejected_rows: tuple[RejectedRow, ...] = ()
    """The first 500 of them."""
    texts_to_embed: int = 0
    """Texts without a vector when the plan was made."""
    texts_embedded: int = 0
    """Texts that this run gave a vector."""
    texts_reused: int = 0
    """Drugs written without a model call, because their text was embedded before."""
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
    """Suspicious columns of a first run, which has no earlier run to compare with."""
    verification: tuple[Check, ...] = ()
    """Each check; empty if the run did not get that far."""
    bad_keys: tuple[str, ...] = ()
    """Keys whose document or text differs, the first 100."""
    published: bool | None = False
    """Searches answer from what the run wrote. None: the run ended during the switch, so nobody
    knows."""
    drifted: tuple[str, ...] = ()
    """The first 500 keys whose row changed during the run. The next sync takes them."""
    kept: tuple[str, ...] = ()
    """The first 500 keys not removed, because the catalog lacked them only for a while."""
    texts_refused: int = 0
    """Texts that the model refused. Their drugs are found by NDC and name only."""
    refused_texts: tuple[RejectedText, ...] = ()
    """The first 500 of them, with the model's words."""
    refused_drugs: tuple[str, ...] = ()
    """Keys of the drugs of all refused texts, the first 500."""
    samples: dict[Literal["added", "changed", "removed"], tuple[str, ...]] = Field(
        default_factory=dict
    )
    """The first keys of each kind."""
    error: str | None = None
    """Failed run only: the name of its error."""
    cause: str | None = None
    """Failed run only: state, page, and what happened."""
    last: LastRun | None = None
    """The last published run of the whole catalog, for comparison."""

    @property
    def behind(self) -> int:
        """Dry run only: drugs that changed in the catalog since the last run."""
        return self.added + self.changed + self.removed

    @property
    def outcome(self) -> str:
        """The outcome of a run that succeeded, in a few words."""
        if self.mode == "verify":
            return "the index is sound, and behind the catalog" if self.behind else IN_STEP
        if not self.published:
            return "nothing written"
        if self.mode == "backfill" or self.behind or not self.last:
            return f"published as generation {self.generation}"
        return f"nothing changed; generation {self.generation} stays"
