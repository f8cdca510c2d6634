"""Payloads and settings for steps that are called without a state machine."""

from __future__ import annotations

from typing import Any

from tests.fakes import NOW
from tests.rows import DIMENSIONS
from workflow.contract.events.files import ColumnProfile, Estimate, PageDiff
from workflow.contract.events.payloads import (
    ChangesPage,
    DiffPageTask,
    EmbedPageTask,
    IndexFailures,
    LoadPageTask,
    PageRange,
    Plan,
    PlanTask,
    Run,
    RunInput,
    TextsPage,
)
from workflow.contract.settings import Settings

GENERATION, SPACE, RUN = "generation", "space", "run"


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


def plan(*, new_generation: bool = False, **run_input: Any) -> Plan:
    return Plan(
        run=Run(run_id=RUN, started_at=NOW, settings_digest="digest", input=RunInput(**run_input)),
        bucket="runs-of-tests",
        pages_key=f"runs/{RUN}/pages.json",
        pages=1,
        generation=GENERATION,
        new_generation=new_generation,
        live_generation=None if new_generation else GENERATION,
        space=SPACE,
        space_revision="0",
        failures_before=IndexFailures(),
        diff_concurrency=1,
        embed_concurrency=1,
        load_concurrency=1,
    )


def diff_task(page: PageRange | None = None, **planned: Any) -> DiffPageTask:
    whole = PageRange(page="00000", after=None, through=None)
    return DiffPageTask(plan=plan(**planned), page=page or whole)


def review_task(**run_input: Any) -> PlanTask:
    return PlanTask(plan=plan(**run_input))


def embed_task(texts: int) -> EmbedPageTask:
    return EmbedPageTask(plan=plan(), page=TextsPage(page="00000", texts=texts))


def load_task(*, new_generation: bool = False) -> LoadPageTask:
    page = ChangesPage(page="00000", upserts=0, removals=0)
    return LoadPageTask(plan=plan(new_generation=new_generation), page=page)


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
        **{"added": 0, "changed": 0, "removed": 0, "vanished": 0, "new_texts": 0},
        **{"checksum": 0, "profile": {}, "samples": {"added": (), "changed": (), "removed": ()}},
    }
    return PageDiff(**values | changed)


def profile(blanks: int, **commonest: int) -> ColumnProfile:
    return ColumnProfile(blanks=blanks, commonest=commonest)
