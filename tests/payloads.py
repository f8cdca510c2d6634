"""Payloads and settings for steps that are called without a state machine."""

from __future__ import annotations

from typing import Any

from tests.fakes import NOW, FakeRunStore
from tests.rows import DIMENSIONS
from workflow.contract.events.files import (
    ColumnProfile,
    Estimate,
    PageDiff,
    Review,
    VerifiedPage,
)
from workflow.contract.events.payloads import (
    ChangesPage,
    DiffPageTask,
    EmbedPageTask,
    IndexFailures,
    LoadPageTask,
    PageRange,
    Plan,
    PlanTask,
    ReviewedTask,
    ReviewRef,
    Run,
    RunInput,
    TextsPage,
    Tries,
)
from workflow.contract.holder import Holder
from workflow.contract.ports.generations import Generation
from workflow.contract.runs import EMBED_MANIFEST, LOAD_MANIFEST, PAGES, RunFiles, SomeItem
from workflow.contract.settings import Settings

GENERATION, SPACE, RUN, PAGE = "generation", "space", "run", "00000"
KEY = "the key of every run here"
HOLDER = Holder(RUN, NOW, KEY)
"""Who runs: the execution of every payload here."""


def settings(**changed: Any) -> Settings:
    values: dict[str, Any] = {
        "run_bucket": "runs-of-tests",
        "catalog_table": "drugs",
        "mysql_host": "mysql",
        "mysql_database": "drugs",
        "redis_url": "rediss://redis:6379",
        "embedding_dimensions": DIMENSIONS,
        "embedding_threads": 2,
    }
    return Settings(**values | changed)


def plan(
    *,
    new_generation: bool = False,
    live: str | None = None,
    samples: tuple[str, ...] = (),
    **said: Any,
) -> Plan:
    """The plan of a sync of the live generation, or of a new one beside `live`."""
    return Plan(
        run=Run(
            run_id=RUN, started_at=NOW, settings_digest="digest", input=RunInput(**said), key=KEY
        ),
        bucket="runs-of-tests",
        pages_key=f"runs/{RUN}/pages.json",
        pages=1,
        generation=GENERATION,
        new_generation=new_generation,
        live_generation=live if new_generation else GENERATION,
        live_space=SPACE if live or not new_generation else None,
        space=SPACE,
        space_revision="0",
        failures_before=IndexFailures(),
        diff_concurrency=1,
        embed_concurrency=1,
        load_concurrency=1,
        verify_concurrency=1,
        sample_keys=samples,
    )


def whole_page(rows: int = 0) -> PageRange:
    return PageRange(page=PAGE, after=None, through=None, rows=rows)


def sealed(manifest: str, item: SomeItem) -> SomeItem:
    """As the run's manifest has it."""
    return RunFiles.of(FakeRunStore(), HOLDER).sealed_item(manifest, item)


def diff_task(page: PageRange | None = None, **planned: Any) -> DiffPageTask:
    return DiffPageTask(plan=plan(**planned), page=sealed(PAGES, page or whole_page()))


def review_task(**planned: Any) -> PlanTask:
    return PlanTask(plan=plan(**planned))


def embed_task(texts: int, retries: int = 0) -> EmbedPageTask:
    tries = Tries(entered_at=NOW, retries=retries)
    return EmbedPageTask(
        plan=plan(), page=sealed(EMBED_MANIFEST, TextsPage(page=PAGE, texts=texts)), tries=tries
    )


def load_task(*, new_generation: bool = False) -> LoadPageTask:
    page = sealed(LOAD_MANIFEST, ChangesPage(page=PAGE, upserts=0, removals=0))
    return LoadPageTask(plan=plan(new_generation=new_generation), page=page)


def reviewed_task(*, embed_pages: int = 0, **planned: Any) -> ReviewedTask:
    ref = ReviewRef(
        dry_run=False, embed_key="e", embed_pages=embed_pages, load_key="l", load_pages=1
    )
    return ReviewedTask(plan=plan(**planned), review=ref)


def generation(name: str = GENERATION, **changed: Any) -> Generation:
    """A live generation's record."""
    facts: dict[str, Any] = {
        **{"space": SPACE, "space_revision": "0", "schema": "schema", "state": "live"},
        **{"run_id": "before", "created_at": "2026"},
    }
    return Generation(name, **facts | changed)


def estimate(usd: float = 0.0) -> Estimate:
    return Estimate(
        texts=10,
        tokens=100,
        usd=usd,
        minutes=1,
        transitions=20,
        s3_reads=20,
        s3_writes=20,
        gb_seconds=1,
        aws_usd=0.01,
    )


def page_diff(page: str, rows: int = 0, **changed: Any) -> PageDiff:
    """A page of unchanged rows, unless told otherwise."""
    values: dict[str, Any] = {
        **{"page": page, "rows": rows, "live": rows, "unchanged": rows},
        **{"added": 0, "changed": 0, "removed": 0, "vanished": 0},
        **{"new_texts": 0, "text_parts": (0,)},
        **{"profile": {}, "samples": {"added": (), "changed": (), "removed": ()}},
    }
    return PageDiff(**values | changed)


def review(**changed: Any) -> Review:
    """A review in which nothing changes, unless told otherwise."""
    values: dict[str, Any] = {
        **{"dry_run": False, "rows": 0, "added": 0, "changed": 0, "removed": 0, "unchanged": 0},
        **{"vanished": 0, "live": 0, "profile": {}, "samples": {}, "estimate": estimate()},
        **{"guards": (), "warnings": ()},
        **{"embed_key": "e", "embed_pages": 0, "load_key": "l", "load_pages": 0},
    }
    return Review(**values | changed)


def verified_page(page: str = PAGE, rows: int = 0, **changed: Any) -> VerifiedPage:
    """A page of which everything is right, unless told otherwise."""
    values: dict[str, Any] = {
        **{"rows": rows, "documents": rows, "texts": rows, "unindexed": 0},
        **{"damaged": {}, "bad_texts": {}, "drifted": (), "vanishing": (), "kept": ()},
        **{"refused": ()},
    }
    return VerifiedPage(page=page, **values | changed)


def profile(blanks: int, **commonest: int) -> ColumnProfile:
    return ColumnProfile(blanks=blanks, commonest=commonest)
