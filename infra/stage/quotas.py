"""Lambda's quota of concurrent executions, and what a stage takes of it."""

from infra.stage.sections.search import SearchSection
from workflow.contract.settings import Settings
from workflow.contract.sizes import BESIDE_A_MAP, widest_map

QUOTA = "Lambda's quota of concurrent executions (Service Quotas: L-B99A9384)"
UNRESERVED = 100
"""Lambda keeps this many for functions without a reservation, and provisions none of them."""


def concurrency_problems(quota: int, settings: Settings, search: SearchSection | None) -> list[str]:
    """If a Map takes all of them, searches are answered 429 meanwhile."""
    name, largest = widest_map(settings)
    # Warm functions are a part of the reservation, or taken out of the quota like one.
    field = "reserved_concurrency" if search and search.reserved_concurrency else "warm"
    reserved = (getattr(search, field) or 0) if search else 0
    searching = 1 if search and not reserved else 0
    problems = []
    if largest + BESIDE_A_MAP + searching + reserved > quota:
        problems.append(
            f"lambda_concurrency: {quota} is {QUOTA}; settings.{name} {largest}, {BESIDE_A_MAP} "
            f"other functions and {searching + reserved} for searches do not fit: look up the "
            f"account's, ask for more, or lower settings.{name}"
        )
    if reserved and quota - reserved < UNRESERVED:
        problems.append(
            f"search.{field}: {reserved} of {quota} leaves fewer than the "
            f"{UNRESERVED} that Lambda keeps for functions without a reservation; {QUOTA}"
        )
    return problems
