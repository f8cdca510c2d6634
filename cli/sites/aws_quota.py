"""Lambda's quota of concurrent executions, and whether a run of the stage fits into it."""

from typing import TYPE_CHECKING

from cli.sites.aws_errors import explained
from cli.sites.site import SiteError
from workflow.contract.sizes import BESIDE_A_MAP, Widest

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def room_for_a_run(client: "LambdaClient", widest: Widest) -> str:
    """The quota in words. Raises SiteError if a Map would leave nothing for the other functions.

    Reserved executions are taken off: no other function may use them. The search function may
    have some, so it is not counted here; the stage file counts it.
    """
    with explained():
        limit = client.get_account_settings()["AccountLimit"]
    quota, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    needed = widest.functions + BESIDE_A_MAP
    found = (
        f"{needed} of {free} functions that may run at once (quota {quota}): {widest.functions} "
        f"by {widest.setting}, {BESIDE_A_MAP} others"
    )
    if needed > free:
        raise SiteError(
            f"{found}; ask Service Quotas for more (L-B99A9384), or lower {widest.setting}: "
            "runs would be throttled, and searches be answered 429"
        )
    return found
