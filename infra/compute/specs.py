"""Every function: its rooms, what it may reach, and how long it may run."""

import re
from dataclasses import dataclass
from typing import Literal

from infra.compute.bundles import Contents, Library
from workflow.contract.sizes import MEMORY_MB

Access = Literal[
    "catalog",
    "index",
    "read index",
    "search index",
    "model",
    "read runs",
    "golden queries",
    "executions",
    "own password",
]
"""`read index` and `search index` are the index by Redis users who may only read."""
OF_REDIS: frozenset[Access] = frozenset({"index", "read index", "search index"})


ADAPTERS: dict[Access, str] = {
    "catalog": "adapters/mysql",
    "index": "adapters/redis",
    "read index": "adapters/redis",
    "search index": "adapters/redis",
    "model": "adapters/bedrock",
    "read runs": "adapters/s3",
    "golden queries": "adapters/s3",
    "executions": "adapters/stepfunctions",
    "own password": "adapters/secretsmanager",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A function: its rooms, what it may reach, and how long it may run.

    `rooms` are the folders below `workflow/` that its handler imports; a test compares.
    """

    state: str
    access: frozenset[Access]
    rooms: tuple[str, ...]
    writes: tuple[str, ...] = ()
    """The files below `runs/{run_id}/` that it may write: only its own."""
    timeout_s: int = 900
    http: bool = False
    """It answers requests: Powertools' event handler is in its bundle."""

    @property
    def handler(self) -> str:
        """The state's name as a file name."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.state).lower()

    @property
    def memory_mb(self) -> int:
        return MEMORY_MB[self.state]

    @property
    def uses_redis(self) -> bool:
        return bool(self.access & OF_REDIS)

    @property
    def in_vpc(self) -> bool:
        return self.uses_redis or "catalog" in self.access

    @property
    def contents(self) -> Contents:
        """Its bundle."""
        adapters = {ADAPTERS[access] for access in self.access}
        adapters |= {"adapters/s3"} if self.writes else set()
        rooms = ("contract", *self.rooms, *sorted(adapters))
        return Contents(self.handler, rooms, self._libraries)

    @property
    def _libraries(self) -> tuple[Library, ...]:
        needed = {"redis": self.uses_redis, "mysql": "catalog" in self.access}
        others: list[Library] = ["redis", "mysql"]
        return ("core", *(library for library in others if needed[library]))


def _spec(
    state: str, *access: Access, rooms: str = "steps", writes: str = "", timeout_s: int = 900
) -> Spec:
    return Spec(
        state=state,
        access=frozenset(access),
        rooms=tuple(rooms.split()),
        writes=tuple(writes.split()),
        timeout_s=timeout_s,
    )


SPECS = (
    _spec("AcceptRun", "executions", rooms="search steps", timeout_s=60),
    _spec(
        *("PlanPages", "catalog", "index"),
        writes="plan.json baseline.json pages.json again.jsonl.gz",
    ),
    _spec("DiffPage", "catalog", "read index", writes="diff/*"),
    _spec(
        *("ReviewChanges", "read runs"),
        rooms="embedding steps",
        writes="cut.json review.json embed.json load.json embed/*.jsonl.gz",
    ),
    _spec(
        *("EmbedPage", "index", "model", "read runs"),
        rooms="embedding steps",
        writes="embed/*.json",
    ),
    _spec("LoadPage", "index", "read runs", writes="load/*"),
    _spec(
        *("VerifyPage", "catalog", "read index", "read runs"),
        rooms="steps verify",
        writes="verify/*",
    ),
    _spec(
        *("VerifyIndex", "index", "model", "read runs", "golden queries"),
        rooms="embedding search steps verify",
        writes="verification.json building.json golden.json",
    ),
    _spec(
        *("PublishIndex", "catalog", "index", "read runs", "golden queries"),
        rooms="embedding report search steps verify",
        writes="publish.json publish.building.json",
    ),
    _spec("PruneIndex", "index", writes="publish.json"),
    _spec("ReportRun", "read runs", rooms="report steps", writes="report.json report.html"),
)
"""The Task states."""

OPERATOR = _spec(
    *("OperateIndex", "catalog", "index", "model", "read runs", "golden queries"),
    rooms="embedding operate search steps verify",
    writes="probe.json",
)
"""Not a state: what operators ask besides runs (roll back, examine, explain), inside the VPC."""

OPERATORS_FOLDER = "doctor"
"""Below `runs/`: the only folder that it writes into. A run that is called so has no such file."""

SEARCH = Spec(
    state="SearchApi",
    access=frozenset({"search index", "model"}),
    rooms=("search",),
    timeout_s=29,
    http=True,
)
"""Not a state: it answers searches. An HTTP API waits for 30 seconds."""

NOTIFIER = _spec(
    "NotifyFailure", "executions", rooms="operate", writes="failure.json", timeout_s=120
)
"""Not a state: it tells people why a run failed. `infra/watch/failures.py` has its rights."""

ROTATOR = _spec("RotatePassword", "catalog", "own password", rooms="operate", timeout_s=60)
"""Not a state: Secrets Manager calls it to rotate the password of the catalog's user."""

EVERY = (*SPECS, OPERATOR, SEARCH, NOTIFIER, ROTATOR)
