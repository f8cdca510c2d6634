"""How many drugs fit on which EC2 instance, in docs/deploy.md: python -m tools.capacity.

Bytes are those of the estimate that planning makes (`workflow/steps/costs.py`), rates those of
docs/performance.md: an index of 68,328 texts that the server builds again when it starts. A larger
graph takes longer a text: times of millions are lower bounds.
"""

from pathlib import Path
from typing import Final, NamedTuple

from infra.stage.instance_types import SHARE_FOR_REDIS, memory_gb
from workflow.contract.retries import OUTAGE
from workflow.contract.settings import Settings
from workflow.steps.costs import DISTINCT_SHARE, bytes_of_generation

PAGE = Path(__file__).parents[1] / "docs" / "deploy.md"
FIRST, LAST = "<!-- python -m tools.capacity -->\n", "<!-- end of the table -->\n"

TYPES: Final = tuple(
    f"r7g.{size}"
    for size in ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
)
TEXTS_PER_S: Final = {256: 1_633, 512: 1_273, 1024: 882}
"""HNSW 16/400/800, one thread."""
DOCUMENTS_PER_S: Final = 22_383
DISK_BYTES_PER_S: Final = 125e6
"""Of a gp3 volume that nobody paid more for."""
MOST_DRUGS: Final = 4_000_000
"""The most rows that functions were measured with (`make bench-scale`)."""


class Capacity(NamedTuple):
    """One instance at one number of dimensions."""

    max_memory_gb: float
    drugs: int
    """With room for a backfill in a new space next to them."""
    reload_s: float
    """After a restart, until searches are answered."""


def capacity(instance_type: str, dimensions: int) -> Capacity:
    """Of a Redis server that has the instance for itself. Raises KeyError for a type unknown."""
    memory = memory_gb(instance_type)
    if memory is None:
        raise KeyError(instance_type)
    room = memory * SHARE_FOR_REDIS
    drugs = int(room * 1e9 / (2 * bytes_per_drug(dimensions)))
    return Capacity(room, drugs, reload_s(drugs, dimensions))


def bytes_per_drug(dimensions: int) -> float:
    """Its document and its share of the texts."""
    return bytes_of_generation(1_000_000, _settings(dimensions), new_space=True) / 1e6


def reload_s(drugs: int, dimensions: int) -> float:
    """The file is read, and both indexes are built again, one after the other."""
    texts = drugs * DISTINCT_SHARE
    read = drugs * bytes_per_drug(dimensions) / DISK_BYTES_PER_S
    return read + drugs / DOCUMENTS_PER_S + texts / TEXTS_PER_S[dimensions]


def most_reloaded_within(seconds: float, dimensions: int) -> int:
    """Drugs whose reload a run's retries outlast."""
    return int(seconds / reload_s(1_000_000, dimensions) * 1e6)


def table() -> str:
    """Markdown."""
    lines = [
        "| instance | `max_memory_gb` | drugs at 1,024 dimensions | reload | at 256 | reload |",
        "|---|---|---|---|---|---|",
    ]
    for one in TYPES:
        large, small = capacity(one, 1024), capacity(one, 256)
        lines.append(
            f"| {one} | {large.max_memory_gb:g} | {_drugs(large)} | {_minutes(large)} | "
            f"{_drugs(small)} | {_minutes(small)} |"
        )
    limits = " and ".join(
        f"{most_reloaded_within(OUTAGE.mean_s, one) / 1e6:.1f} million drugs at {one:,}"
        for one in (1024, 256)
    )
    lines.append("")
    lines.append(
        f"A drug takes {bytes_per_drug(1024):,.0f} bytes at 1,024 dimensions and "
        f"{bytes_per_drug(256):,.0f} at 256. Retries last {OUTAGE.mean_s / 60:.0f} minutes, and "
        f"in that time Redis loads {limits}. With more, a run may fail meanwhile: redrive it."
    )
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """The page with its table."""
    before, _, rest = text.partition(FIRST)
    return before + FIRST + table() + LAST + rest.partition(LAST)[2]


def _drugs(found: Capacity) -> str:
    mark = " (*)" if found.drugs > MOST_DRUGS else ""
    return f"{found.drugs / 1e6:.1f} million{mark}"


def _minutes(found: Capacity) -> str:
    return f"{found.reload_s / 60:.0f} min"


def _settings(dimensions: int) -> Settings:
    return Settings(
        run_bucket="runs",
        catalog_table="drugs",
        mysql_host="mysql",
        mysql_database="catalog",
        redis_url="rediss://redis",
        embedding_dimensions=dimensions,
    )


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
