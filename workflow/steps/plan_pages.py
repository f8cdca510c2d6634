"""PlanPages: check catalog and server, choose the generation, take the fence, split the keys."""

import json
from typing import NamedTuple

from workflow.contract.documents import space_of
from workflow.contract.errors import (
    CatalogEmpty,
    GenerationMismatch,
    IndexFeatureMissing,
    KeyOrderMismatch,
    MemoryShort,
    RunSuperseded,
)
from workflow.contract.events.files import Baseline
from workflow.contract.events.payloads import IndexFailures, PageRange, Plan, Run, RunInput, RunTask
from workflow.contract.ports.catalog import Catalog, CatalogReader
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.generations import Generation, LiveNames
from workflow.contract.ports.index import Index
from workflow.contract.ports.run_store import RunStore
from workflow.contract.rows import SAMPLE_ROWS, check_sample
from workflow.contract.runs import BASELINE, PAGES, PLAN, RunFiles, page_name
from workflow.contract.settings import Settings
from workflow.steps.costs import bytes_of_generation
from workflow.steps.prune import drop_all_but


class Target(NamedTuple):
    """The generation to write, the live one, and what both are made of."""

    generation: Generation
    live: Generation | None

    @property
    def new(self) -> bool:
        return self.live is None or self.generation.name != self.live.name

    @property
    def names(self) -> LiveNames:
        return LiveNames(self.generation.name, self.generation.space)


def plan_pages(
    task: RunTask,
    *,
    catalog: Catalog,
    index: Index,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> Plan:
    """Split the catalog into pages and make ready the generation that they go to.

    A dry run changes nothing in Redis. Twice is the same as once.
    """
    run = task.run
    pages = _read_pages(catalog, run.input)
    target = choose_target(run, index, settings, clock)
    rows = max(1, (len(pages) - 1) * run.input.page_size)
    check_server(index, settings, target, rows)
    if not run.input.dry_run:
        _make_ready(index, run.run_id, target)
    files = RunFiles(runs, run.run_id)
    files.write(BASELINE, _baseline(target.live))
    plan = Plan(
        run=run,
        bucket=runs.bucket,
        pages_key=files.write_manifest(PAGES, pages),
        pages=len(pages),
        generation=target.generation.name,
        new_generation=target.new,
        live_generation=target.live.name if target.live else None,
        space=target.generation.space,
        space_revision=target.generation.space_revision,
        failures_before=_failures(index, target.names),
        diff_concurrency=settings.diff_concurrency,
        embed_concurrency=settings.embed_concurrency,
        load_concurrency=settings.load_concurrency,
        planned_at=clock(),
    )
    files.write(PLAN, plan)
    return plan


def _read_pages(catalog: Catalog, run_input: RunInput) -> list[PageRange]:
    with catalog.connect() as reader:
        reader.columns()
        reader.check_key(rows_worth_an_index=2 * run_input.page_size)
        if reader.is_empty():
            raise CatalogEmpty("the catalog has no row; check the load that fills it")
        check_sample(reader.read_range(run_input.after_key, run_input.through_key, SAMPLE_ROWS))
        return split(reader, run_input)


def split(reader: CatalogReader, run_input: RunInput) -> list[PageRange]:
    """Cut the key range with chained probes. The ends stay open unless the input closes them.

    Keys of the index that left the catalog at either end thus still fall into a page.
    """
    pages: list[PageRange] = []
    after, through = run_input.after_key, run_input.through_key
    while True:
        end = reader.page_end(after, through, run_input.page_size)
        if end is not None and after is not None and end.encode() <= after.encode():
            raise KeyOrderMismatch(
                f"SQL puts key {end!r} behind {after!r}, bytes do not; give the key column a "
                "binary collation such as utf8mb4_bin"
            )
        pages.append(PageRange(page=page_name(len(pages)), after=after, through=end or through))
        if end is None:
            return pages
        after = end


def choose_target(run: Run, index: Index, settings: Settings, clock: Clock) -> Target:
    """The live generation for a sync, a new one for a backfill or where none is live.

    Raises GenerationMismatch where the live one was built with other settings.
    """
    live = _live_generation(index)
    revision = live.space_revision if live else "0"
    if live is not None and run.input.mode == "sync":
        _check_same(live, space_of(settings, revision).id, index.schema_digest())
        return Target(live, live)
    if run.input.partial:
        raise GenerationMismatch(
            "a key range needs a live generation and there is none yet; start a sync without "
            "after_key and through_key"
        )
    schema = index.schema_digest()
    if run.input.reembed:
        revision = run.run_id
    elif live is not None and live.schema != schema:
        # The live texts index has the old options, and searches need it until the switch.
        revision = f"index-{schema}"
    space = space_of(settings, revision)
    return Target(
        Generation(
            name=run.run_id,
            space=space.id,
            space_revision=space.revision,
            schema=schema,
            state="building",
            run_id=run.run_id,
            created_at=clock().isoformat(timespec="seconds"),
        ),
        live,
    )


def _live_generation(index: Index) -> Generation | None:
    names = index.live()
    if names is None:
        return None
    found = [one for one in index.generations() if one.name == names.generation]
    if not found:
        raise GenerationMismatch(
            f"generation {names.generation} is live but its record "
            f"drugs:generation:{names.generation} is gone; start a backfill after deleting "
            "drugs:live"
        )
    return found[0]


def _check_same(live: Generation, space: str, schema: str) -> None:
    what = []
    if live.space != space:
        what.append("embedding (model, dimensions, normalization, template or cut)")
    if live.schema != schema:
        what.append("search index (algorithm or its options)")
    if what:
        raise GenerationMismatch(
            f"the live generation {live.name} was built with another {' and another '.join(what)}; "
            'start a backfill: {"mode": "backfill"}'
        )


def check_server(index: Index, settings: Settings, target: Target, rows: int) -> None:
    """Raise IndexFeatureMissing or MemoryShort before anything is written."""
    server = index.server()
    if server.eviction_policy.startswith("allkeys"):
        raise IndexFeatureMissing(
            f"maxmemory-policy is {server.eviction_policy}, which deletes documents when memory is "
            "full; set it to noeviction"
        )
    if not (target.new and server.max_memory):
        return
    new_space = target.live is None or target.live.space != target.generation.space
    needed = bytes_of_generation(rows, settings, new_space=new_space)
    held = sum(one.state == "building" for one in index.generations())
    free = server.max_memory - server.used_memory
    if needed > free and not held:
        raise MemoryShort(
            f"a generation of {rows:,} drugs needs about {needed / 1e6:,.0f} MB, and of maxmemory "
            f"{server.max_memory / 1e6:,.0f} MB only {free / 1e6:,.0f} MB are free; raise maxmemory"
        )


def _make_ready(index: Index, run_id: str, target: Target) -> None:
    """Take the fence first: an old run can then no longer write into what is dropped here."""
    index.take_fence(run_id)
    live = index.live()
    if (live.generation if live else None) != (target.live.name if target.live else None):
        raise RunSuperseded(
            f"another run published generation {live.generation if live else None} while this one "
            "was planned; start a new run"
        )
    kept = [one for one in index.generations() if one.state != "building" or one.run_id == run_id]
    drop_all_but(
        index,
        run_id,
        generations=[one.name for one in kept],
        spaces=[target.generation.space, *(one.space for one in kept)],
    )
    if target.new:
        index.create_generation(target.generation)
    index.create_indexes(target.names)
    if not target.new:
        index.point_aliases(target.names, run_id)


def _baseline(live: Generation | None) -> Baseline:
    if live is None:
        return Baseline()
    facts = {"rows": live.rows, "profile": json.loads(live.profile), "last": json.loads(live.last)}
    return Baseline.model_validate(facts)


def _failures(index: Index, names: LiveNames) -> IndexFailures:
    drugs, texts = index.facts("drugs", names.generation), index.facts("texts", names.space)
    return IndexFailures(
        documents=drugs.failures if drugs else 0, texts=texts.failures if texts else 0
    )
