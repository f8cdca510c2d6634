"""A stage on AWS as the command line sees it; where moto knows less than AWS, a stub answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import Stubber
from moto.core.botocore_stubber import MockRawResponse

from cli.sites.aws_site import AwsSite
from local.engine.engine import MACHINE, REGION
from local.servers.stack import BUCKET
from tests.redrives import Redrives

ARN = f"arn:aws:states:{REGION}:123456789012:stateMachine:{MACHINE}"
START = datetime(2026, 11, 1, 2, tzinfo=UTC)
EXECUTION = ARN.replace(":stateMachine:", ":execution:")
DESCRIBED = {
    "executionArn": f"{EXECUTION}:nightly",
    "stateMachineArn": ARN,
    "name": "nightly",
    "status": "FAILED",
    "startDate": START,
}
MAP_RUN = {"executionArn": EXECUTION, "stateMachineArn": ARN, "startDate": START}
COUNTS = (
    *("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total"),
    "resultsWritten",
)
OUTPUTS = {"StateMachineArn": ARN, "RunBucket": BUCKET, "OperatorFunction": "OperateIndex"}


class Session:
    """A boto3 session whose CloudFormation is a stub: moto's needs more than we install."""

    region_name = REGION

    def __init__(
        self,
        outputs: dict[str, str] | None = None,
        stage: str = "test",
        redrives: Redrives | None = None,
    ) -> None:
        self._real: Any = boto3.Session(region_name=REGION)
        self._stack = f"drug-catalog-sync-{stage}-workflow"
        self._outputs = OUTPUTS if outputs is None else outputs
        # moto has no account's settings of Lambda.
        self.quota = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 980}
        self._redrives = redrives

    def client(self, service: str, **options: Any) -> Any:
        client = self._real.client(service, **options)
        if service == "cloudformation":
            stub = Stubber(client)
            stub.add_response("describe_stacks", self._stacks(), {"StackName": self._stack})
            stub.activate()
        if service == "lambda":
            asked = "before-send.lambda.GetAccountSettings"
            client.meta.events.register(asked, self._account_settings)
        if service == "stepfunctions":
            # moto gives the history forwards, whatever is asked.
            history = "stepfunctions.GetExecutionHistory"
            client.meta.events.register(f"provide-client-params.{history}", note_order)
            client.meta.events.register(f"after-call.{history}", in_order)
            if self._redrives:
                self._redrives.answer(client)
        return client

    def _account_settings(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        body = json.dumps({"AccountLimit": self.quota})
        return AWSResponse(request.url, 200, HTTPHeaders(), MockRawResponse(body))

    def _stacks(self) -> dict[str, Any]:
        outputs = [{"OutputKey": key, "OutputValue": one} for key, one in self._outputs.items()]
        stack = {"StackName": self._stack, "CreationTime": START, "StackStatus": "UPDATE_COMPLETE"}
        return {"Stacks": [{**stack, "Outputs": outputs}]}


def note_order(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["backwards"] = params.get("reverseOrder", False)


def in_order(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    if context["backwards"]:
        parsed["events"].reverse()


def site_with(outputs: dict[str, str] | None = None) -> AwsSite:
    return AwsSite("test", Session(outputs))  # type: ignore[arg-type]
