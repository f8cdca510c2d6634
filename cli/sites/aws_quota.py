"""Lambda's quota of concurrent executions, and whether a run of the stage fits into it."""

from typing import TYPE_CHECKING

from cli.sites.aws_errors import explained
from cli.sites.site import SiteError
from workflow.contract.sizes import BESIDE_A_MAP, Widest

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def room_for_a_run(client: "LambdaClient", widest: Widest, *, searched: bool) -> str:
    """The quota in words. Raises SiteError if a Map would leave nothing for the other functions.

    Reserved executions of other functions are taken off: nobody else may use them.
    """
    with explained():
        limit = client.get_account_settings()["AccountLimit"]
    quota, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    needed = widest.functions + BESIDE_A_MAP + searched
    found = (
        f"{needed} of {free} functions that may run at once (quota {quota}): {widest.functions} "
        f"by {widest.setting}, {BESIDE_A_MAP} others{' and 1 for searches' if searched else ''}"
    )
    if needed > free:
        raise SiteError(
            f"{found}; ask Service Quotas for more (L-B99A9384), or lower {widest.setting}: "
            "runs would be throttled, and searches be answered 429"
        )
    return found
