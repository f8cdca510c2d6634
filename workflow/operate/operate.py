"""Operations besides runs: rollback, doctor, explanation, a run's changes.

On AWS a function of its own answers, because MySQL and Redis are reached from inside the VPC only.
"""

from typing import Literal, NamedTuple

from workflow.contract.documents import space_of
from workflow.contract.errors import InvalidInput
from workflow.contract.events.base import Event
from workflow.contract.events.payloads import Run
from workflow.contract.holder import Holder, RunId
from workflow.contract.ports.catalog import Catalog
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.generations import Generations, Undone
from workflow.contract.ports.model import Embedder
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.server import Engine, Server
from workflow.contract.ports.texts import Texts
from workflow.contract.settings import Settings
from workflow.contract.sizes import Widest, widest_map
from workflow.operate.changes import ChangedDrug, changes_of
from workflow.operate.doctor import Finding, examine
from workflow.operate.explain import Explanation, explain
from workflow.operate.rollback import roll_back


class OperatorTask(Event):
    """What to do. `run_id` names the files under `runs/`, and the fence of a rollback."""

    action: Literal["rollback", "doctor", "explain", "changes"]
    run_id: RunId
    generation: str = ""
    """With `rollback`: name of the generation before the last backfill; without it, the last switch
    is undone."""
    ndc: str = ""
    """With `explain`: the drug."""
    query: str = ""
    """With `explain`: the search whose answer it should stand in."""
    of_run: Run | None = None
    """With `changes`: the run, with the key of its files' seals."""
    start: int = 0
    """With `changes`: how many were answered before."""

    @property
    def where(self) -> str:
        return f"{self.action} {self.run_id}"


class RolledBack(Event):
    """What searches answer from now, and what they answered from before."""

    generation: str
    built_at: str
    published_at: str
    """When its content was published."""
    rows: int
    before: str | None
    run: str
    """The sync whose switch was undone; empty where another generation was put live."""
    again: bool
    """It had been undone before, and is now redone."""
    changed: int
    """Drugs that have their previous values again."""
    added: int
    """Drugs that are searchable again."""
    removed: int
    """Drugs that are no longer searchable."""
    settings_fit: bool
    """False: the functions' settings differ from this generation's, so the next sync stops."""


class OperatorAnswer(Event):
    """The part that was asked for."""

    rolled_back: RolledBack | None = None
    findings: tuple[Finding, ...] = ()
    widest: Widest | None = None
    """With `doctor`: how many functions a Map runs at once, which only the settings say."""
    explained: Explanation | None = None
    changes: tuple[ChangedDrug, ...] = ()
    following: int | None = None
    """With `changes`: where the next answer begins; None at the end."""


class Ports(NamedTuple):
    """All that an action may need; each step takes what it needs."""

    catalog: Catalog
    embedder: Embedder
    generations: Generations
    documents: Documents
    texts: Texts
    server: Server
    engine: Engine
    search: SearchIndex
    runs: RunStore
    settings: Settings
    clock: Clock


def operate(task: OperatorTask, ports: Ports) -> OperatorAnswer:
    """Do one action. Raises NothingLive, NothingToRollBack and what the servers raise."""
    match task.action:
        case "doctor":
            found = examine(
                catalog=ports.catalog,
                embedder=ports.embedder,
                generations=ports.generations,
                documents=ports.documents,
                server=ports.server,
                engine=ports.engine,
                runs=ports.runs,
                settings=ports.settings,
            )
            return OperatorAnswer(findings=tuple(found), widest=widest_map(ports.settings))
        case "explain":
            return OperatorAnswer(explained=_explain(task, ports))
        case "changes":
            return _changes(task, ports)
    return OperatorAnswer(rolled_back=_roll_back(task, ports))


def _changes(task: OperatorTask, ports: Ports) -> OperatorAnswer:
    if task.of_run is None:
        raise InvalidInput("changes needs of_run: the run, as AcceptRun answered it")
    some = changes_of(task.of_run, task.start, runs=ports.runs, documents=ports.documents)
    return OperatorAnswer(changes=tuple(some.drugs), following=some.following)


def _explain(task: OperatorTask, ports: Ports) -> Explanation:
    return explain(
        task.ndc,
        task.query,
        catalog=ports.catalog,
        generations=ports.generations,
        documents=ports.documents,
        texts=ports.texts,
        index=ports.search,
        embedder=ports.embedder,
        settings=ports.settings,
    )


def _roll_back(task: OperatorTask, ports: Ports) -> RolledBack:
    before = ports.generations.live()
    holder = Holder(task.run_id, ports.clock())
    done = roll_back(ports.generations, ports.server, holder, generation=task.generation)
    back, undone = done.generation, done.undone or Undone()
    space = space_of(ports.settings, back.space_revision).id
    return RolledBack(
        generation=back.name,
        built_at=back.created_at,
        published_at=back.published_at,
        rows=back.baseline.rows,
        before=before.names.generation if before else None,
        run=done.run,
        again=undone.again,
        changed=undone.changed,
        added=undone.added,
        removed=undone.removed,
        settings_fit=(space, ports.server.schema_digest()) == (back.space, back.schema),
    )
