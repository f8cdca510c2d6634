"""What AWS answers to a redrive, over moto, which redrives nothing: put in by botocore's events."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

REDRIVABLE = {"FAILED", "ABORTED", "TIMED_OUT"}
GOES_ON = ("", "RUNNING", "SUCCEEDED")
"""What DescribeExecution then answers, one after another. It is eventually consistent: at first it
says what it said before."""


class Redrives:
    """Of all executions of an account. `refusal` is the code and the words of an error."""

    def __init__(self, refusal: tuple[str, str] | None = None) -> None:
        self.sent: list[str] = []
        self.refusal = refusal
        self._left: dict[str, list[str]] = {}

    def answer(self, client: Any) -> None:
        """For one client of Step Functions."""
        events = client.meta.events
        events.register("before-call.stepfunctions.RedriveExecution", self._redrive)
        events.register("after-call.stepfunctions.DescribeExecution", self._describe)

    def _redrive(self, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        asked = json.loads(params["body"])
        self.sent.append(asked["executionArn"])
        if self.refusal:
            code, message = self.refusal
            return SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": message}}
        self._left[asked["executionArn"]] = list(GOES_ON)
        return SimpleNamespace(status_code=200), {"redriveDate": "2026-11-01T02:00:00Z"}

    def _describe(self, parsed: dict[str, Any], **_: Any) -> None:
        if "status" not in parsed:
            return
        left = self._left.get(parsed["executionArn"], [""])
        status = left.pop(0) if len(left) > 1 else left[0]
        parsed["redriveCount"] = int(bool(status))
        parsed["status"] = status or parsed["status"]
        if parsed["status"] in REDRIVABLE:
            parsed["redriveStatus"] = "REDRIVABLE"
        else:
            reason = f"Execution is {parsed['status']} and cannot be redriven"
            parsed |= {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
