"""What `--json` prints, for each verb. docs/cli.md is generated from it; a test checks the
verbs."""

from datetime import datetime
from typing import Any, Literal

from pydantic import computed_field

from workflow.contract.events.base import Event, Mode, RunStatus
from workflow.contract.events.report import RunReport
from workflow.operate.changes import ChangedDrug
from workflow.operate.doctor import Finding
from workflow.operate.explain import Explanation
from workflow.operate.operate import RolledBack
from workflow.search.shown import DrugsFound


class MySQLServer(Event):
    """The catalog's server: MariaDB, or a MySQL that is installed."""

    version: str
    socket: str
    """The socket; only its owner can open its folder. For a server of yours: HOST:PORT."""
    user: str
    database: str


class Servers(Event):
    """The servers of this machine, and the settings that the functions get."""

    home: str
    """Where data, logs and runs are."""
    mysql: MySQLServer
    redis_url: str
    redis_version: str
    bedrock_endpoint: str
    settings: dict[str, Any]


class Stopped(Event):
    """What `down` ended."""

    stopped: tuple[str, ...]


class CatalogLoaded(Event):
    """What is in the catalog now."""

    source: str
    rows: int
    skipped: tuple[str, ...]
    """NDCs of rows left out because another row has the same NDC."""
    seconds: float


class RejectedSample(Event):
    """A row that could not be carried, and why."""

    ndc: str
    column: str
    value: str
    """Its beginning, where it is long."""
    reason: str
    """Why it cannot be carried."""


class CatalogProposed(Event):
    """How a table of yours becomes a catalog."""

    source: str
    """The table, or the CSV file."""
    view: str
    """What the runs read: a view over it, or the table itself."""
    columns: dict[str, str]
    """Catalog column -> the expression it is made of."""
    unused: tuple[str, ...]
    """Columns of the table that are not used."""
    notes: tuple[str, ...]
    """What a user should look at."""
    template: str
    """The text that is embedded."""
    texts: tuple[str, ...]
    """Of the first drugs."""
    sampled: int
    """Rows that were looked at."""
    rejected: tuple[RejectedSample, ...]
    """How many of these a run would leave out."""
    sql: str
    """Statements that make the view; empty if none is needed."""
    created: bool
    """The statements were run."""
    next: str
    """The next command."""


class Started(Event):
    """A run that was started on AWS, where it continues by itself."""

    run_id: str
    stage: str


class MapProgress(Event):
    """One distributed Map: pages by how they stand, and the seconds since it began."""

    state: str
    total: int
    done: int
    failed: int = 0
    running: int = 0
    seconds: float = 0.0
    ended: bool = False
    redriven: bool = False
    """The rate is unknown if pages of an earlier try are among the done ones."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def pending(self) -> int:
        """Pages that have not started."""
        return max(0, self.total - self.done - self.failed - self.running)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def rate(self) -> float | None:
        """Pages done in a second."""
        if self.redriven or not self.done or not self.seconds:
            return None
        return self.done / self.seconds

    @computed_field  # type: ignore[prop-decorator]
    @property
    def eta_s(self) -> float | None:
        """Seconds until the last page is done, at this rate."""
        rate = self.rate
        left = self.total - self.done - self.failed
        return None if self.ended or rate is None else left / rate


class RunView(Event):
    """One execution as it stands now."""

    run_id: str
    status: RunStatus | Literal["RUNNING", "PENDING_REDRIVE"]
    mode: Mode | Literal[""]
    """Empty in a list of runs on AWS."""
    started_at: datetime
    ended_at: datetime | None = None
    state: str = ""
    """The state that it is in, or that failed."""
    maps: tuple[MapProgress, ...] = ()
    error: str | None = None
    cause: str | None = None

    @property
    def running(self) -> bool:
        return self.status in ("RUNNING", "PENDING_REDRIVE")


class LogLine(Event):
    """One call of a function, or what it said in between."""

    at: datetime
    function: str
    page: str
    """Empty if the function does not work on a page."""
    message: str
    ms: int | None
    """Since the call began."""
    error: str
    cause: str
    counts: dict[str, int]
    """Counts of the call."""


DOCUMENTS: dict[str, Any] = {
    "up": Servers,
    "down": Stopped,
    "info": Servers,
    "catalog load": CatalogLoaded,
    "catalog init": CatalogProposed,
    "run": RunReport | Started,
    "redrive": RunReport | Started,
    "status": RunView,
    "runs": list[RunView],
    "report": RunReport,
    "changes": list[ChangedDrug],
    "logs": list[LogLine],
    "rollback": RolledBack,
    "verify": RunReport,
    "doctor": list[Finding],
    "search": DrugsFound,
    "explain": Explanation,
}
"""Verb -> what it prints. A list is one JSON array."""
