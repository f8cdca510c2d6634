"""The state machine on one machine: moto executes the same file that AWS runs.

Every seam into moto is in this module and in moto_imports.py, moto_rules.py and moto_speed.py, and
moto is pinned exactly: some of it is private.

Handlers run in this process, on moto's threads, and pages in a second one, too (page_process.py).
S3 and Step Functions are moto's; MySQL, Redis and the embedding model are real.
"""

import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from http import HTTPStatus
from typing import IO, Any

import local.engine.moto_imports  # noqa: F401 # before moto

# isort: split
import boto3
import botocore.handlers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.botocore_stubber import MockRawResponse
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from handlers import telemetry
from handlers.wiring import wiring
from local.engine.definition import DEFINITION, for_this_machine
from local.engine.functions import call
from local.engine.heaps import share_one_heap
from local.engine.history import History
from local.engine.invocations import (
    Interceptor,
    Invocation,
    LambdaFailure,
    Observer,
    Outcome,
    Payload,
    call_through,
)
from local.engine.moto_rules import (
    deep_recursion,
    failed_children_fail_their_map,
    retry_waits_scaled,
)
from local.engine.moto_speed import faster_moto
from local.engine.page_process import PageProcess, page_process
from local.servers.stack import functions_see
from local.uninterrupted import INTERRUPTED, hear_the_second

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/local"
MACHINE = "drug-catalog-sync"
POLL_S = 0.05
Keep = Callable[[str, bytes], None]


class Engine:
    """One state machine, its functions and its run bucket."""

    def __init__(
        self,
        observe: Observer,
        intercept: Interceptor,
        history: History | None,
        keep: Keep,
        interrupted: Callable[[bool], None],
    ) -> None:
        self._observe = observe
        self._intercept = intercept
        self._history = history
        self._keep = keep
        self._interrupted = interrupted
        self._started_at = history.started_at.isoformat() if history else ""
        self._attempts: dict[tuple[str, str, str | None], int] = {}
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._in_flight = 0
        self._stopped = False
        self._bucket = self._machine = ""
        self.beside: PageProcess | None = None

    def create(self, bucket: str, definition: str) -> None:
        """Create the bucket and the machine, as a deployment would."""
        self._bucket = bucket
        self.s3 = boto3.client("s3", region_name=REGION)
        self.s3.create_bucket(Bucket=bucket)
        self._sfn = boto3.client("stepfunctions", region_name=REGION)
        definition = for_this_machine(definition)
        answer = self._sfn.create_state_machine(name=MACHINE, definition=definition, roleArn=ROLE)
        self._machine = answer["stateMachineArn"]

    def note_object(self, params: Payload, context: Payload, **_: Any) -> None:
        """Before an object is put: S3's answer names neither key nor body."""
        context["put"] = (params["Key"], params["Body"])

    def keep_object(self, http_response: Any, context: Payload, **_: Any) -> None:
        """What S3 took is kept at once: a process that is killed leaves its run's files."""
        key, body = context["put"]
        if http_response.status_code == HTTPStatus.OK and key.startswith("runs/"):
            self._keep(key, body)

    def start(self, run_input: Payload, run_id: str) -> str:
        """Start an execution; its ARN."""
        answer = self._sfn.start_execution(
            stateMachineArn=self._machine, name=run_id, input=json.dumps(run_input)
        )
        return str(answer["executionArn"])

    def wait(self, execution: str) -> Outcome:
        """Wait for the end. Ctrl-C stops the execution first, and is raised again."""
        try:
            while (found := self._describe(execution)) is None:
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            self._stop(execution)
            raise
        return found

    def _stop(self, execution: str) -> None:
        """Begin no function any more, and let those that work come to their end.

        A second Ctrl-C does not wait for them: the process ends, as if it had been killed.
        """
        hear_the_second()
        try:
            self._stopped = True
            self._interrupted(False)
            self._sfn.stop_execution(executionArn=execution, error="Interrupted", cause="Ctrl-C")
            with self._idle:
                self._idle.wait_for(lambda: self._in_flight == 0)
        except KeyboardInterrupt:
            self._interrupted(True)
            os._exit(INTERRUPTED)

    def stop(self, execution: str) -> None:
        """As a user would in the console. A function that is at work continues to its end."""
        self._sfn.stop_execution(executionArn=execution)

    def forget(self) -> None:
        """Ended executions are gone, as after 90 days: their names are free again."""
        for machine in stepfunctions_parser_backends[DEFAULT_ACCOUNT_ID][REGION].state_machines:
            machine.executions.clear()

    def _describe(self, execution: str) -> Outcome | None:
        """Of moto itself: through boto3, the waiting would take a fifth of one core."""
        backend = stepfunctions_parser_backends[DEFAULT_ACCOUNT_ID][REGION]
        found = backend.describe_execution(execution)
        if found.exec_status == ExecutionStatus.RUNNING:
            return None
        return Outcome(found.exec_status.value, found.error, found.cause)

    def invoke(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Answer an Invoke request of the Lambda client from the handler in this process."""
        state = re.findall(r"/functions/([^/]+)/invocations", request.url)[0]
        event = json.loads(request.body)  # type: ignore[arg-type]
        if self._started_at and "started_at" in event:
            # Step Functions keeps an execution's start through redrives; moto begins another.
            event["started_at"] = self._started_at
        headers = HTTPHeaders.from_dict({"Content-Type": "application/json"})
        try:
            body: Payload = self._call(state, event)
        except Exception as error:  # Lambda, too, reports whatever a handler raises
            headers["x-amz-function-error"] = "Unhandled"
            name = error.name if isinstance(error, LambdaFailure) else type(error).__name__
            body = {"errorType": name, "errorMessage": str(error), "stackTrace": []}
        return AWSResponse(request.url, 200, headers, MockRawResponse(json.dumps(body)))

    def _call(self, state: str, event: Payload) -> Payload:
        with self._idle:
            if self._stopped:
                raise LambdaFailure("Interrupted", "the execution was stopped")
            self._in_flight += 1
        try:
            return self._observed_call(state, event)
        finally:
            with self._idle:
                self._in_flight -= 1
                self._idle.notify_all()

    def _observed_call(self, state: str, event: Payload) -> Payload:
        page = event.get("page", {}).get("page")
        before = self._history.replay(state, page) if self._history else None
        if before is not None:
            self._observe(Invocation(state, page, 1, result=before, replayed=True))
            return before
        attempt = self._attempt(state, event, page)
        self._observe(Invocation(state, page, attempt))
        request_id = f"{state}-{page}-{attempt}"
        try:
            result = self._intercept(state, event, lambda: self._function(state, event, request_id))
        except Exception as error:
            name = error.name if isinstance(error, LambdaFailure) else type(error).__name__
            self._observe(Invocation(state, page, attempt, error=name, message=str(error)))
            raise
        if self._history:
            self._history.keep(state, page, result)
        self._observe(Invocation(state, page, attempt, result=result))
        return result

    def _function(self, state: str, event: Payload, request_id: str) -> Payload:
        """Of a page in the second process, if that is idle."""
        if "page" in event and self.beside and self.beside.take():
            return self.beside.call(state, event, request_id)
        return call(state, event, request_id)

    def _attempt(self, state: str, event: Payload, page: str | None) -> int:
        run = event.get("run") or event.get("plan", {}).get("run") or event
        key = (run.get("run_id", ""), state, page)  # a search is of no run
        with self._lock:
            self._attempts[key] = self._attempts.get(key, 0) + 1
            return self._attempts[key]


@contextmanager
def engine(
    environment: dict[str, str],
    bucket: str,
    log: IO[str],
    *,
    observe: Observer = lambda _: None,
    intercept: Interceptor = call_through,
    retry_wait_scale: float = 1.0,
    definition: str | None = None,
    history: History | None = None,
    keep: Keep = lambda _key, _body: None,
    interrupted: Callable[[bool], None] = lambda _again: None,
    two_processes: bool = False,
) -> Iterator[Engine]:
    """A state machine ready to start, with the functions' environment variables and log.

    With a history, what it holds is not called again, and what is called goes into it. `keep` gets
    each object that is put into the run bucket. `interrupted` hears of Ctrl-C at once, and
    of a second one, which ends the process. With two processes, a second one takes pages, too.
    """
    made = Engine(observe, intercept, history, keep, interrupted)
    share_one_heap()
    with ExitStack() as stack:
        stack.enter_context(functions_see(environment))
        stack.enter_context(_hooked_into_boto3(made))
        stack.enter_context(mock_aws(config={"stepfunctions": {"execute_state_machine": True}}))
        stack.enter_context(faster_moto())
        stack.enter_context(deep_recursion())
        stack.enter_context(failed_children_fail_their_map())
        stack.enter_context(retry_waits_scaled(retry_wait_scale))
        stack.enter_context(_output_to(log))
        wiring.cache_clear()
        stack.callback(wiring.cache_clear)
        made.create(bucket, definition or DEFINITION.read_text(encoding="utf-8"))
        if two_processes:
            made.beside = stack.enter_context(page_process(call, bucket))
        yield made


@contextmanager
def _hooked_into_boto3(made: Engine) -> Iterator[None]:
    hooks = (
        ("before-send.lambda.Invoke", made.invoke),
        ("provide-client-params.s3.PutObject", made.note_object),
        ("after-call.s3.PutObject", made.keep_object),
    )
    botocore.handlers.BUILTIN_HANDLERS.extend(hooks)
    try:
        yield
    finally:
        for hook in hooks:
            botocore.handlers.BUILTIN_HANDLERS.remove(hook)


@contextmanager
def _output_to(log: IO[str]) -> Iterator[None]:
    """Send what Lambda would send to CloudWatch to the run's log: log lines and metrics.

    moto's own lines go there, too: it logs each failed task with its whole parse tree.
    """
    handler = telemetry.logger.registered_handler
    before = handler.setStream(log)  # type: ignore[attr-defined]
    motos = logging.getLogger("moto")
    motos_handler = logging.StreamHandler(log)
    motos.addHandler(motos_handler)
    motos.propagate = False
    try:
        with redirect_stdout(log):
            yield
    finally:
        motos.propagate = True
        motos.removeHandler(motos_handler)
        handler.setStream(before)  # type: ignore[attr-defined]
