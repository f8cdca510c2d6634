"""What a run costs: tokens, requests, transitions, function seconds; dollars, minutes and memory.

For estimates, never for decisions on data. Counts follow from what each step reads and writes, and
`make bench` compares them with counted calls. Rates are measured (docs/performance.md); prices are
list prices of us-east-1, of November 2026.
"""

import math
from dataclasses import dataclass
from typing import Final

from workflow.contract.events.files import Estimate
from workflow.contract.settings import Settings
from workflow.contract.sizes import MEMORY_MB

CALL_S: Final = 0.12
"""Titan v2 answers in 70 to 150 ms."""

START_MINUTES: Final = 0.5
"""Cold starts and the transitions of a run that changes nothing."""

DOCUMENT_BYTES: Final = 1_600
"""Hash, key set entry and index entries of one FDA drug."""

TEXT_BYTES: Final = 2_100
"""A text record without its vector, its columns' words in the index included (measured with 68,328
texts: 4,655 bytes at 256 dimensions, 7,198 at 512, 12,331 at 1,024)."""

DISTINCT_SHARE: Final = 0.2
"""Texts a drug: 97,463 of 493,573 in First Databank; 73,174 of 243,941 in the FDA's directory."""

VECTOR_COPIES: Final = 2.5
"""A vector is stored in the hash and in the index, whose graph and blocks take half as much
again."""

OVERHEAD_S: Final = 0.2
"""Overhead of each call of a function: a few requests to S3 at 25 ms, a connection or two."""

DIFF_ROW_S, LOAD_ROW_S, VERIFY_ROW_S = 100e-6, 110e-6, 180e-6
PUBLISH_ROW_S, PRUNE_ROW_S = 15e-6, 10e-6
REVIEW_TEXT_S: Final = 40e-6
"""Seconds of work for a row or text."""

FLOOR_TOKENS: Final = 200
"""Of the made words that VerifyIndex asks the model for (`verify.floor`)."""

USD_PER_TRANSITION: Final = 0.025e-3
USD_PER_GB_S: Final = 0.0000133334
USD_PER_CALL: Final = 0.2e-6
USD_PER_READ: Final = 0.0004e-3
USD_PER_WRITE: Final = 0.005e-3
KEYS_A_LIST: Final = 1000


@dataclass(frozen=True)
class Work:
    """What a run has to do, as ReviewChanges knows it. Pages are items of the Maps."""

    rows: int
    upserts: int
    texts: int
    tokens: int
    diff_pages: int
    pages_with_new_texts: int
    embed_pages: int
    load_pages: int
    removed: int = 0
    new_generation: bool = False


@dataclass(frozen=True)
class Requests:
    """`writes` of S3 are PUT and LIST, which cost the same; the Maps read their manifests."""

    transitions: int
    s3_reads: int
    s3_writes: int


def estimate(work: Work, settings: Settings) -> Estimate:
    """The estimate of a run without retries, to its end; a dry run ends after ReviewChanges."""
    calls = math.ceil(work.texts / settings.family.texts_per_call)
    asked = requests_of(work)
    gb_s = gb_seconds(work, calls, settings)
    tokens = work.tokens + verified_tokens(work, settings)
    functions = 7 + 2 * work.diff_pages + work.embed_pages + work.load_pages
    aws_usd = (
        asked.transitions * USD_PER_TRANSITION
        + asked.s3_reads * USD_PER_READ
        + asked.s3_writes * USD_PER_WRITE
        + gb_s * USD_PER_GB_S
        + functions * USD_PER_CALL
    )
    return Estimate(
        texts=work.texts,
        tokens=tokens,
        usd=round(tokens / 1000 * settings.price_per_1k_tokens, 6),
        minutes=round(_minutes(work, calls, settings), 2),
        transitions=asked.transitions,
        s3_reads=asked.s3_reads,
        s3_writes=asked.s3_writes,
        gb_seconds=round(gb_s, 1),
        aws_usd=round(aws_usd, 6),
    )


def verified_tokens(work: Work, settings: Settings) -> int:
    """What VerifyIndex asks of the model in a run that embeds: sampled texts again, and the floor.

    Golden queries are not counted: ReviewChanges does not read them.
    """
    if not (work.texts and settings.verify_texts):
        return 0
    return FLOOR_TOKENS + math.ceil(
        min(settings.verify_texts, work.rows) * work.tokens / work.texts
    )


def _minutes(work: Work, calls: int, settings: Settings) -> float:
    seconds = max(
        60 * work.tokens / settings.tokens_per_minute,
        calls * CALL_S / (settings.embedding_threads * settings.embed_concurrency),
    )
    seconds += work.rows * DIFF_ROW_S / settings.diff_concurrency
    seconds += work.rows * VERIFY_ROW_S / settings.verify_concurrency
    seconds += work.upserts * LOAD_ROW_S / settings.load_concurrency
    return seconds / 60 + START_MINUTES


def requests_of(work: Work) -> Requests:
    """The steps' requests to Step Functions and S3. A child of a Map has two transitions."""
    diffs, embeds, loads = work.diff_pages, work.embed_pages, work.load_pages
    states = 13 + 2 * bool(embeds) + bool(loads)
    transitions = states + 1 + 2 * (2 * diffs + embeds + loads)
    # The Maps' manifests, and of the run itself: ReviewChanges 4, VerifyIndex 3, PublishIndex 12,
    # ReportRun 7. Those three and VerifyPage read the pages' files, some of them several times.
    reads = 28 + bool(embeds) + bool(loads) + work.pages_with_new_texts
    reads += 6 * diffs + 3 * embeds + 3 * loads
    if not embeds:
        reads += 1  # PublishIndex carries on when the model was last asked.
    if work.removed:
        reads += 1  # PublishIndex asks the catalog for the pages of removals again.
    if not work.new_generation:
        reads += 1 + loads  # It switches what those pages staged.
    # Of the run itself: PlanPages 4, ReviewChanges 4, VerifyIndex 1, PublishIndex 2, ReportRun 2.
    writes = 13 + 3 * diffs + work.pages_with_new_texts + 2 * embeds + loads
    lists = _lists(3 * diffs) + _lists(diffs) + 2 * _lists(2 * embeds) + 2 * _lists(loads)
    return Requests(transitions, reads, writes + lists)


def _lists(keys: int) -> int:
    return max(1, math.ceil(keys / KEYS_A_LIST))


def gb_seconds(work: Work, calls: int, settings: Settings) -> float:
    """Memory times duration of all functions, including those that wait for the quota."""
    waiting = 60 * work.tokens / settings.tokens_per_minute
    waiting *= min(work.embed_pages, settings.embed_concurrency)
    seconds = {
        "AcceptRun": 0.0,
        "PlanPages": 0.002 * work.diff_pages,
        "DiffPage": DIFF_ROW_S * work.rows,
        "ReviewChanges": REVIEW_TEXT_S * work.texts,
        "EmbedPage": max(calls * CALL_S / settings.embedding_threads, waiting),
        "LoadPage": LOAD_ROW_S * work.upserts,
        "VerifyPage": VERIFY_ROW_S * work.rows,
        "VerifyIndex": 0.0,
        "PublishIndex": PUBLISH_ROW_S * work.upserts,
        "PruneIndex": PRUNE_ROW_S * work.rows,
        "ReportRun": 0.0,
    }
    times = {
        "DiffPage": work.diff_pages,
        "VerifyPage": work.diff_pages,
        "EmbedPage": work.embed_pages,
        "LoadPage": work.load_pages,
    }
    return sum(
        (spent + OVERHEAD_S * times.get(state, 1)) * MEMORY_MB[state] / 1024
        for state, spent in seconds.items()
    )


def bytes_of_generation(
    rows: int, settings: Settings, *, new_space: bool, used_per_row: float = 0.0
) -> int:
    """Redis memory that a new generation of `rows` drugs takes.

    `used_per_row` is what the server holds for each drug today, texts and all; 0 if it holds
    none. Then texts count by `DISTINCT_SHARE`: a guess, and full memory is MemoryShort anyway.
    """
    if not new_space:
        return rows * DOCUMENT_BYTES
    if used_per_row:
        return int(rows * used_per_row)
    vector = 4 * settings.embedding_dimensions * VECTOR_COPIES
    return int(rows * (DOCUMENT_BYTES + DISTINCT_SHARE * (TEXT_BYTES + vector)))
