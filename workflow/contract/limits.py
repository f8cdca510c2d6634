"""What bounds a run, with the source of each figure. docs/limits.md is written from here."""

from typing import Final, NamedTuple

QUOTAS: Final = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"
REDRIVES: Final = (
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html"
)
READER: Final = "https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html"
LAMBDA: Final = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
LISTS: Final = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"

PAYLOAD_BYTES: Final = 262_144
"""Of a state's input or output, and of an execution's."""

CHILD_RESULT: Final = "{},"
"""What a child of a Map leaves in the Map's output, which counts before it is dropped."""

CHILDREN: Final = (PAYLOAD_BYTES - len("[]")) // len(CHILD_RESULT)
EVENTS: Final = 24_999
"""An execution ends at 25,000 events of its history; from 24,999 on it cannot be redriven."""

READER_BYTES: Final = 10 * 1024**3
REDRIVE_DAYS: Final = 14
MACHINE_MINUTES: Final = 360
"""`TimeoutSeconds` of `statemachine.asl.json`; a test compares the two."""

LARGEST_PAGE: Final = 20_000
MOST_PAGES: Final = 10_000
"""Pages of a catalog. Functions that add pages up then end within minutes (docs/performance.md)."""

MOST_TEXT_PAGES: Final = 80_000
"""Below `CHILDREN`, because parts of the texts are cut into pages one by one."""


class Limit(NamedTuple):
    """One line of the table."""

    name: str
    figure: str
    bounds: str
    kept: str
    """How a run stays below, or what stops it by name."""
    source: str


LIMITS: Final = (
    Limit(
        "pages of a catalog",
        f"{MOST_PAGES:,}",
        "what PlanPages, ReviewChanges, VerifyIndex, PublishIndex and ReportRun read one by one",
        f"the page size doubles until the catalog has fewer; beyond {MOST_PAGES:,} pages of up to "
        f"{LARGEST_PAGE:,} rows `LimitExceeded`",
        "[measured](performance.md#any-size)",
    ),
    Limit(
        "children of a Map",
        f"{CHILDREN:,}",
        f"each child adds `{CHILD_RESULT[:-1]}` to the Map's output",
        "pages of the catalog: see above; pages of texts become larger than `embed_page_size`",
        f"payload, below: {PAYLOAD_BYTES:,} bytes / {len(CHILD_RESULT)}",
    ),
    Limit(
        "payload of a state",
        f"{PAYLOAD_BYTES:,} bytes",
        "plan and page: references and counts, 20 sampled keys",
        "`LimitExceeded` at planning, if keys are too long for it",
        QUOTAS,
    ),
    Limit(
        "events of an execution",
        f"{EVENTS + 1:,}; {EVENTS:,} for a redrive",
        "states, their retries, repeated calls of PruneIndex and ReviewChanges; each child has "
        "its own history",
        "`LimitExceeded` at planning, if Redis would hold too many keys to sweep",
        f"{QUOTAS}, {REDRIVES}",
    ),
    Limit(
        "manifest of a Map",
        "10 GB",
        "`pages.json`: one item a page",
        "`LimitExceeded` at planning",
        READER,
    ),
    Limit(
        "children at once",
        "10,000",
        "`*_concurrency`",
        "settings allow up to 1,000, and a stage at most its `lambda_concurrency`",
        QUOTAS,
    ),
    Limit(
        "a redrive",
        f"{REDRIVE_DAYS} days",
        "from the end of the execution",
        "a later redrive is refused, here as on AWS",
        REDRIVES,
    ),
    Limit(
        "the state machine's own timeout",
        f"{MACHINE_MINUTES // 60} hours",
        "the whole run; embedding takes most of it",
        "`RunTooLong` in the review",
        "`statemachine.asl.json`",
    ),
    Limit(
        "one switch of a sync",
        "`switch_limit`, 20,000",
        "changed drugs, because Redis serves no other client during the switch",
        "`SwitchTooLarge` in the review",
        "[measured](decisions/switch-by-script.md)",
    ),
    Limit(
        "memory of the Redis node",
        "`maxmemory`, or the machine's memory",
        "two generations at the same time, with their texts",
        "`MemoryShort` at planning",
        "the server",
    ),
    Limit(
        "one function",
        "15 minutes, 10,240 MB",
        "a page, a part of the texts, or the pages' counts",
        "work is split into pages and repeated calls; [how far each is from the "
        "limit](performance.md#any-size)",
        LAMBDA,
    ),
    Limit(
        "one listing of S3",
        "1,000 keys",
        "summaries of pages, read at the end",
        "repeated until the list is complete; counted in the estimate",
        LISTS,
    ),
)
