"""The state machine's executions, with boto3."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from workflow.contract.errors import ExecutionsUnavailable
from workflow.contract.ports.executions import Execution

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsExecutions:
    """Lists executions, without the children of distributed Maps."""

    def __init__(self, client: "SFNClient") -> None:
        self._client = client

    def running(self, state_machine_arn: str) -> list[Execution]:
        try:
            pages = self._client.get_paginator("list_executions").paginate(
                stateMachineArn=state_machine_arn, statusFilter="RUNNING"
            )
            return [
                Execution(one["name"], one["startDate"])
                for page in pages
                for one in page["executions"]
            ]
        except (ClientError, BotoCoreError) as error:
            raise ExecutionsUnavailable(
                f"the executions of {state_machine_arn} could not be listed: {error}"
            ) from error
