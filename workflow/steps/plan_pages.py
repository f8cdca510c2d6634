"""PlanPages: check catalog and server, choose the generation, take the fence, split the keys."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from workflow.contract.errors import (
    CatalogEmpty,
    KeyOrderMismatch,
    RunSuperseded,
)
from workflow.contract.events.files import Baseline
from workflow.contract.events.payloads import (
    IndexFailures,
    PageRange,
    Plan,
    RunInput,
    RunTask,
)
from workflow.contract.holder import Holder
from workflow.contract.limits import LARGEST_PAGE, MOST_PAGES
from workflow.contract.ports.catalog import Catalog, CatalogReader
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.generations import Generations, LiveNames
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.server import Engine, Server
from workflow.contract.ports.texts import Text, Texts
from workflow.contract.rows import SAMPLE_ROWS, check_sample
from workflow.contract.runs import (
    BASELINE,
    PAGES,
    PLAN,
    TEXTS_AGAIN,
    RunFiles,
    page_name,
    parts_of,
)
from workflow.contract.settings import Settings
from workflow.steps.check_server import check_engine, check_memory, check_server
from workflow.steps.limits import Planned, check_limits
from workflow.steps.prune import kept_by, sweep_leftovers
from workflow.steps.target import Target, choose_target

SAMPLES = 20
"""Keys that verification searches with."""


class Split(NamedTuple):
    """The catalog's pages, and keys spread over them."""

    pages: list[PageRange]
    samples: list[str]


def plan_pages(
    task: RunTask,
    *,
    catalog: Catalog,
    generations: Generations,
    server: Server,
    engine: Engine,
    texts: Texts,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> Plan:
    """Split the catalog into pages and prepare the generation that they go to.

    A dry run changes nothing in Redis. Twice is the same as once.
    """
    run = task.run
    files = RunFiles.of(runs, run.holder)
    pages, samples = _read_pages(catalog, run.input)
    target = choose_target(run, generations, server, settings, clock)
    facts = server.facts()
    check_server(facts, settings.redis_url)
    rows = sum(page.rows for page in pages)
    plan = Plan(
        run=run,
        bucket=runs.bucket,
        pages_key=files.key(PAGES),
        pages=len(pages),
        generation=target.generation.name,
        new_generation=target.new,
        live_generation=target.live.name if target.live else None,
        live_space=target.live.space if target.live else None,
        space=target.generation.space,
        space_revision=target.generation.space_revision,
        failures_before=IndexFailures(),
        diff_concurrency=settings.diff_concurrency,
        embed_concurrency=settings.embed_concurrency,
        load_concurrency=settings.load_concurrency,
        verify_concurrency=settings.verify_concurrency,
        text_parts=parts_of(rows),
        sample_keys=tuple(samples),
        planned_at=clock(),
    )
    held = sum(one.baseline.rows for one in generations.every())
    check_limits(_figures(plan, pages, held))
    if not run.input.dry_run:
        _make_room(generations, run.holder, target)
        held = sum(one.baseline.rows for one in generations.every())
    check_memory(server.facts(), settings, target, rows, held)
    if not run.input.dry_run:
        check_engine(engine, facts.version)
        _open(generations, server, run.holder, target)
    plan = plan.model_copy(update={"failures_before": _failures(server, target.names)})
    files.write_manifest(PAGES, pages)
    files.write(BASELINE, target.live.baseline if target.live else Baseline())
    files.write_texts(TEXTS_AGAIN, _to_embed_again(texts, target.generation.space))
    files.write(PLAN, plan.model_copy(update={"run": run.without_key}))
    return plan


def _figures(plan: Plan, pages: list[PageRange], held: int) -> Planned:
    new = sum(page.rows for page in pages) if plan.new_generation else 0
    return Planned(
        pages=len(pages),
        page_size=max(page.rows for page in pages),
        plan_bytes=len(plan.model_dump_json()),
        manifest_bytes=sum(len(page.model_dump_json()) for page in pages),
        drugs=held + new,
    )


def _read_pages(catalog: Catalog, run_input: RunInput) -> Split:
    with catalog.connect() as reader:
        reader.columns()
        reader.check_key(rows_worth_an_index=2 * run_input.page_size)
        if reader.is_empty():
            raise CatalogEmpty("the catalog has no row; check the load that fills it")
        check_sample(reader.read_range(run_input.after_key, run_input.through_key, SAMPLE_ROWS))
        pages = split(reader, run_input)
        return Split(pages, spread(reader, pages, run_input.page_size))


def split(reader: CatalogReader, run_input: RunInput) -> list[PageRange]:
    """Cut the key range with chained probes. The ends stay open unless the input closes them.

    So a key of the index that left the catalog at either end still falls into a page. Page sizes
    double while there would be too many pages; `check_limits` refuses what remains too many.
    """
    pages: list[PageRange] = []
    size = run_input.page_size
    after, through = run_input.after_key, run_input.through_key
    while True:
        if len(pages) == MOST_PAGES and 2 * size <= LARGEST_PAGE:
            pages, size = _doubled(pages), 2 * size
        end = reader.page_end(after, through, size)
        if end is not None and after is not None and end.encode() <= after.encode():
            raise KeyOrderMismatch(
                f"SQL sorts key {end!r} after {after!r}, but their bytes do not; give the key "
                "column a binary collation such as utf8mb4_bin"
            )
        rows = size if end is not None else reader.count(after, through)
        name = page_name(len(pages))
        pages.append(PageRange(page=name, after=after, through=end or through, rows=rows))
        if end is None or len(pages) > MOST_PAGES:
            return pages
        after = end


def _doubled(pages: Sequence[PageRange]) -> list[PageRange]:
    """Two neighbours become one page."""
    return [
        PageRange(
            page=page_name(number),
            after=first.after,
            through=second.through,
            rows=first.rows + second.rows,
        )
        for number, (first, second) in enumerate(zip(pages[::2], pages[1::2], strict=True))
    ]


def spread(reader: CatalogReader, pages: list[PageRange], page_size: int) -> list[str]:
    """About `SAMPLES` keys, evenly over the pages."""
    chosen = pages[:: max(1, len(pages) // SAMPLES)][:SAMPLES]
    each = ceil(SAMPLES / len(chosen))
    keys: list[str] = []
    for page in chosen:
        step = max(1, min(page.rows, page_size) // each)
        offsets = range(0, min(page.rows, each * step), step)
        keys += filter(None, (reader.key_at(page.after, page.through, one) for one in offsets))
    return list(dict.fromkeys(keys))[:SAMPLES]


def _make_room(generations: Generations, holder: Holder, target: Target) -> None:
    """Take the fence, then remove what unfinished runs left.

    In this order, an old run can no longer write into what is removed.

    An index that nobody is searched with goes in any case, and is made again from the same hashes:
    it may have the options of an earlier run's settings, and no server tells them all.
    """
    before = generations.take_fence(holder)
    live = generations.live()
    found = live.names.generation if live else None
    if found != (target.live.name if target.live else None):
        raise RunSuperseded(
            f"another run published generation {found} while this one was planned; start a new run"
        )
    if generations.find(target.generation.name) is None:
        generations.drop_indexes(kept_by(live, generations, holder), holder)
    kept = kept_by(live, generations, holder, target.generation)
    if _left_something(before, generations, holder, kept.generations):
        sweep_leftovers(generations, kept, holder)


def _open(generations: Generations, server: Server, holder: Holder, target: Target) -> None:
    """Record a new generation, and create the indexes that are missing."""
    if target.new:
        generations.create(target.generation, holder)
    server.create_indexes(target.names)
    if not target.new:
        server.point_aliases(target.names, holder)


def _left_something(
    before: str, generations: Generations, holder: Holder, kept: Sequence[str]
) -> bool:
    """Whether the run before this one may have ended before PruneIndex was done."""
    live = generations.live()
    finished = live is not None and before == live.finished
    known = all(one.name in kept for one in generations.every())
    return not (known and (before in ("", holder.token) or finished))


def _to_embed_again(texts: Texts, space: str) -> list[Text]:
    """Texts to embed again: refused by the model in earlier runs, or doubtful."""
    hashes = texts.to_embed_again(space)
    records = zip(hashes, texts.records(space, hashes), strict=True)
    return [Text(one, record.text, record.columns) for one, record in records if record]


def _failures(server: Server, names: LiveNames) -> IndexFailures:
    drugs, texts = server.index("drugs", names.generation), server.index("texts", names.space)
    return IndexFailures(
        documents=drugs.failures if drugs else 0, texts=texts.failures if texts else 0
    )
