"""The history of a failed execution in Step Functions, and SNS to notify people; with boto3."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from workflow.contract.errors import ExecutionsUnavailable
from workflow.contract.ports.executions import Ended

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient

NOT_SUCCEEDED: tuple[Literal["FAILED", "TIMED_OUT", "ABORTED"], ...] = (
    "FAILED",
    "TIMED_OUT",
    "ABORTED",
)
SUBJECT_LENGTH = 99
"""SNS takes fewer than 100 ASCII characters, without line breaks."""


class StepFunctionsHistory:
    """`workflow.contract.ports.executions.ExecutionHistory` over the Step Functions API."""

    def __init__(self, client: "SFNClient") -> None:
        self._client = client

    def execution(self, arn: str) -> Ended:
        with _translated(arn):
            found: Any = self._client.describe_execution(executionArn=arn)
        return Ended(
            arn=arn,
            name=found["name"],
            status=found["status"],
            started_at=found["startDate"],
            ended_at=found.get("stopDate"),
            error=found.get("error", ""),
            cause=found.get("cause", ""),
            input=found.get("input", "{}"),
        )

    def last_state(self, arn: str) -> str | None:
        """Read backwards, because a redriven execution does not enter its state again."""
        with _translated(arn):
            pages = self._client.get_paginator("get_execution_history").paginate(
                executionArn=arn, reverseOrder=True, includeExecutionData=False
            )
            for page in pages:
                for event in page["events"]:
                    entered = event.get("stateEnteredEventDetails")
                    if entered:
                        return entered["name"]
        return None

    def failed_children(self, arn: str, state: str) -> Iterator[Ended]:
        """The Map's label is the state's name: `mapRun:MACHINE/LABEL:ID`."""
        with _translated(arn):
            runs = [
                run
                for page in self._client.get_paginator("list_map_runs").paginate(executionArn=arn)
                for run in page.get("mapRuns", [])
                if f"/{state}:" in run["mapRunArn"]
            ]
        if not runs:
            return
        last = max(runs, key=lambda run: run["startDate"])
        for status in NOT_SUCCEEDED:
            for child in self._children(last["mapRunArn"], status):
                yield self.execution(child)

    def _children(
        self, map_run_arn: str, status: Literal["FAILED", "TIMED_OUT", "ABORTED"]
    ) -> Iterator[str]:
        with _translated(map_run_arn):
            pages = self._client.get_paginator("list_executions").paginate(
                mapRunArn=map_run_arn, statusFilter=status
            )
            for page in pages:
                yield from (one["executionArn"] for one in page["executions"])


class SnsAnnouncer:
    """`workflow.contract.ports.executions.Announcer` over one SNS topic."""

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def announce(self, subject: str, message: str) -> None:
        plain = "".join(one if one.isascii() and one.isprintable() else " " for one in subject)
        self._client.publish(
            TopicArn=self._topic_arn, Subject=plain[:SUBJECT_LENGTH], Message=message
        )


@contextmanager
def _translated(arn: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise ExecutionsUnavailable(f"{arn} could not be looked up: {error}") from error
