"""Called by EventBridge when an execution failed, timed out or was aborted.

It reads two variables of its own and not the settings: they may be why the run failed.
"""

import os
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from aws_lambda_powertools import Logger

from workflow.adapters.s3.run_store import S3RunStore
from workflow.adapters.stepfunctions.history import SnsAnnouncer, StepFunctionsHistory
from workflow.operate.failure import report_failure

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="drug-catalog-sync")


class Notifier(NamedTuple):
    """What the function works with."""

    history: StepFunctionsHistory
    runs: S3RunStore
    announcer: SnsAnnouncer


@cache
def notifier() -> Notifier:
    """Built on first use, once per execution environment."""
    return Notifier(
        StepFunctionsHistory(boto3.client("stepfunctions")),
        S3RunStore(boto3.client("s3"), os.environ["RUN_BUCKET"]),
        SnsAnnouncer(boto3.client("sns"), os.environ["FAILURE_TOPIC_ARN"]),
    )


def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """`event` is EventBridge's "Step Functions Execution Status Change"."""
    failure = report_failure(event["detail"]["executionArn"], **notifier()._asdict())
    logger.info("failure reported", run_id=failure.run_id, error=failure.error)
    return failure.model_dump(mode="json")
