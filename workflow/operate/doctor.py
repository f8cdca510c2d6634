"""Checks everything that a run needs. Each failed check says what to do."""

from collections.abc import Callable

from workflow.contract.documents import space_of
from workflow.contract.errors import (
    IndexAccessDenied,
    IndexStillBuilding,
    InvalidEmbedding,
    NothingLive,
    RequestRejected,
    SyncError,
    VerificationFailed,
    advice,
)
from workflow.contract.events.base import Event
from workflow.contract.ports.catalog import Catalog
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.generations import Generations, Live
from workflow.contract.ports.model import Embedder, TextRefused
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.server import Engine, Server
from workflow.contract.rights import RUNS
from workflow.contract.rows import SAMPLE_ROWS, check_sample
from workflow.contract.settings import Settings
from workflow.contract.vectors import fault
from workflow.embedding.caller import PROBE_TEXT
from workflow.steps.check_server import check_engine, check_server
from workflow.steps.target import check_same, live_generation
from workflow.verify.golden import read_golden_queries

PROBE_KEY = "runs/doctor/probe.json"
PAGE_ROWS = 1000
RETRIED = "Retried; if it lasts, "
"""How advice about retries begins. The doctor does not retry, so it removes this part."""


class Finding(Event):
    """One line. `advice` is empty if all is well."""

    check: str
    ok: bool
    found: str
    advice: str = ""


def examine(
    *,
    catalog: Catalog,
    embedder: Embedder,
    generations: Generations,
    documents: Documents,
    server: Server,
    engine: Engine,
    runs: RunStore,
    settings: Settings,
) -> list[Finding]:
    """Check every server that a run needs. Never raises: a failure is a finding."""
    checks: dict[str, Callable[[], str]] = {
        "settings": lambda: _settings(settings),
        "MySQL catalog": lambda: _catalog(catalog, settings),
        "Redis server": lambda: _server(server, settings),
        "Redis queries": lambda: _queries(server, engine),
        "Redis rights": lambda: _rights(server),
        "live index": lambda: _live(generations, documents, server),
        "settings fit the index": lambda: _fit(generations, server, settings),
        "embedding model": lambda: _model(embedder, settings),
        "run bucket": lambda: _bucket(runs),
        "golden queries": lambda: _golden(runs, settings),
    }
    return [finding(name, check) for name, check in checks.items()]


def finding(name: str, check: Callable[[], str]) -> Finding:
    """What a check found, or its error and what to do about it."""
    try:
        return Finding(check=name, ok=True, found=check())
    except SyncError as error:
        return Finding(
            check=name,
            ok=False,
            found=f"{type(error).__name__}: {error}",
            advice=remedy(type(error).__name__),
        )


def remedy(name: str) -> str:
    """An error's advice, for a check that is not retried."""
    left = advice(name).removeprefix(RETRIED)
    return left[:1].upper() + left[1:]


def _settings(settings: Settings) -> str:
    return (
        f"{settings.embedding_model}, {settings.embedding_dimensions} dimensions, "
        f"{settings.index_algorithm}; digest {settings.digest}"
    )


def _catalog(catalog: Catalog, settings: Settings) -> str:
    with catalog.connect() as reader:
        server = reader.server()
        columns = reader.columns()
        reader.check_key(rows_worth_an_index=2 * PAGE_ROWS)
        empty = reader.is_empty()
        check_sample(reader.read_range(None, None, SAMPLE_ROWS))
    rows = "no row yet: a run will stop with CatalogEmpty" if empty else "has rows"
    found = f"{len(columns)} of the documented columns"
    return f"{settings.catalog_table} {rows}; {found}; {server}"


def _server(server: Server, settings: Settings) -> str:
    facts = server.facts()
    check_server(facts, settings.redis_url)
    most = f"{facts.max_memory / 1e6:,.0f} MB" if facts.max_memory else "no limit"
    return f"{facts.version} with search; {facts.used_memory / 1e6:,.0f} MB used of {most}"


def _queries(server: Server, engine: Engine) -> str:
    check_engine(engine, server.facts().version)
    return "every kind of query is answered correctly"


def _rights(server: Server) -> str:
    denied = server.denied(RUNS.commands)
    if denied:
        raise IndexAccessDenied(
            f"the user may not send {', '.join(denied)}; give it the rights of {RUNS.user} in "
            "docs/redis-rights.md"
        )
    return f"all {len(RUNS.commands)} commands of {RUNS.user}"


def _live(generations: Generations, documents: Documents, server: Server) -> str:
    live = generations.live()
    if live is None:
        raise NothingLive("there is none, so searches find nothing")
    names = live.names
    drugs, texts = server.index("drugs", names.generation), server.index("texts", names.space)
    if drugs is None or texts is None:
        lacking = f"drugs:{names.generation}" if drugs is None else f"texts:{names.space}"
        raise VerificationFailed(f"the live names point at {lacking}, which does not exist")
    if drugs.building or texts.building:
        raise IndexStillBuilding(f"{min(drugs.percent, texts.percent):.0%} indexed")
    keys = documents.count(names.generation)
    if not keys:
        raise VerificationFailed(f"generation {names.generation} is live and has no drug")
    if drugs.documents != keys:
        raise VerificationFailed(f"{drugs.documents:,} documents indexed, {keys:,} keys")
    if not server.aliases_point_at(names):
        raise VerificationFailed(f"the aliases do not point to generation {names.generation}")
    live_generation(generations)
    return (
        f"generation {names.generation}, {keys:,} drugs, {texts.documents:,} texts; "
        f"{_way_back(live)}"
    )


def _way_back(live: Live) -> str:
    ways = ["the last sync"] if live.undo else []
    ways += [f"generation {live.previous}"] if live.previous else []
    return f"rollback: {', '.join(ways)}" if ways else "nothing to roll back"


def _fit(generations: Generations, server: Server, settings: Settings) -> str:
    live = live_generation(generations)
    if live is None:
        return "no live index yet"
    check_same(live, space_of(settings, live.space_revision).id, server.schema_digest())
    return "yes"


def _model(embedder: Embedder, settings: Settings) -> str:
    try:
        vector = embedder.embed([PROBE_TEXT])[0]
    except TextRefused as error:
        raise RequestRejected(f"the model refused {PROBE_TEXT!r}: {error}") from error
    reason = fault(vector.data, settings.embedding_dimensions)
    if reason:
        raise InvalidEmbedding(f"the model's vector {reason}")
    return f"{settings.embedding_model} answers with {settings.embedding_dimensions} numbers"


def _bucket(runs: RunStore) -> str:
    runs.write(PROBE_KEY, b"{}")
    runs.read(PROBE_KEY)
    return f"{runs.bucket} can be written and read"


def _golden(runs: RunStore, settings: Settings) -> str:
    queries = read_golden_queries(runs, settings.golden_queries_key)
    return f"{len(queries)} queries" if queries else "none configured"
