"""`report.json`: what a run did."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from workflow.contract.events.base import Event, Mode, RunStatus
from workflow.contract.events.files import Check, GuardResult, LastRun, RejectedRow, RejectedText

IN_STEP: Final = "the index is the catalog"


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
    """Rows that cannot be carried: new ones have no document, others keep their old one."""
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
    """Each check; empty where the run did not come to it."""
    bad_keys: tuple[str, ...] = ()
    """Keys whose document or text differs, the first 100."""
    published: bool | None = False
    """Searches are answered from what the run wrote. None: it ended during the switch."""
    drifted: tuple[str, ...] = ()
    """Keys whose row changed during the run, the first 500: left for the next sync."""
    kept: tuple[str, ...] = ()
    """Keys that the catalog lacked for a while, the first 500: not removed."""
    texts_refused: int = 0
    """Texts that the model refused: their drugs are found by NDC and name only."""
    refused_texts: tuple[RejectedText, ...] = ()
    """The first 500 of them, with the model's words."""
    refused_drugs: tuple[str, ...] = ()
    """Keys of the drugs of all refused texts, the first 500."""
    samples: dict[Literal["added", "changed", "removed"], tuple[str, ...]] = Field(
        default_factory=dict
    )
    """The first keys of each kind."""
    error: str | None = None
    """Of a failed run: the name of its error."""
    cause: str | None = None
    """State, page, and what happened."""
    last: LastRun | None = None
    """The last whole run that was published before."""

    @property
    def behind(self) -> int:
        """Of a dry run: the drugs that the catalog changed since the last run."""
        return self.added + self.changed + self.removed

    @property
    def outcome(self) -> str:
        """Of a run that succeeded, in a few words."""
        if self.mode == "verify":
            return "the index is sound, and behind the catalog" if self.behind else IN_STEP
        if not self.published:
            return "nothing written"
        if self.mode == "backfill" or self.behind or not self.last:
            return f"published as generation {self.generation}"
        return f"nothing changed; generation {self.generation} stays"
