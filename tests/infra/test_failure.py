"""A failed execution becomes a message with its state, page, cause and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from handlers import notify_failure
from tests.infra.template import Grant, Template
from workflow.adapters.stepfunctions.history import SnsAnnouncer, StepFunctionsHistory
from workflow.contract.errors import ExecutionsUnavailable, RunStoreUnavailable
from workflow.contract.ports.executions import Ended
from workflow.contract.runs import HEAD, RunFiles
from workflow.operate.failure import (
    NEEDS_NEW_RUN,
    Failure,
    find_failure,
    message,
    report_failure,
)

REGION = "eu-west-1"
BASE = f"arn:aws:states:{REGION}:111122223333"
RUN = f"{BASE}:execution:sync:run-1"
CHILD = f"{BASE}:execution:sync/DiffPages:child-{{}}"
MAP_RUN = f"{BASE}:mapRun:sync/DiffPages:{{}}"
STARTED = datetime(2025, 3, 1, 3, 0, tzinfo=UTC)


def cause(words: str) -> str:
    return json.dumps({"errorMessage": words, "errorType": "E", "stackTrace": []})


def ended(arn: str = RUN, **given: Any) -> Ended:
    defaults: dict[str, Any] = {
        "arn": arn,
        "name": "run-1",
        "status": "FAILED",
        "started_at": STARTED,
        "ended_at": STARTED + timedelta(minutes=3),
    }
    return Ended(**defaults | given)


class History:
    """An execution whose last state and failed children are given."""

    def __init__(self, execution: Ended, state: str | None, children: list[Ended] | None = None):
        self._execution, self._state, self._children = execution, state, children or []

    def execution(self, arn: str) -> Ended:
        return self._execution

    def last_state(self, arn: str) -> str | None:
        return self._state

    def failed_children(self, arn: str, state: str) -> Iterator[Ended]:
        return iter(self._children)


def child(page: str, error: str, words: str) -> Ended:
    item = json.dumps({"plan": {}, "page": {"page": page}})
    return ended(CHILD.format(page), error=error, cause=cause(words), input=item)


def test_a_failed_map_is_told_with_the_page_and_its_own_cause() -> None:
    parent = ended(error="States.ExceedToleratedFailureThreshold", cause="too many items failed")
    children = [
        child("00003", "DuplicateKey", "run run-1, page 00003: two rows have the key 'a'"),
        child("00007", "", ""),
    ]
    found = find_failure(RUN, History(parent, "DiffPages", children))
    assert (found.state, found.error) == ("DiffPages", "DuplicateKey")
    assert found.cause == "run run-1, page 00003: two rows have the key 'a'"
    assert [page.page for page in found.pages] == ["00003", "00007"]
    assert "Make the view return one row" in found.advice
    assert "Pages: 00003, 00007" in message(found)


@pytest.mark.parametrize(
    ("error", "machine", "commands"),
    [
        (
            "CatalogUnavailable",
            "drug-catalog-sync-prod",
            ["logs nightly --page 00003 --stage prod", "redrive nightly --wait --stage prod"],
        ),
        (
            "PlanStale",
            "drug-catalog-sync-prod",
            ["logs nightly --page 00003 --stage prod", "run --dry-run --stage prod"],
        ),
        ("DuplicateKey", "of-somebody", ["logs nightly --page 00003", "redrive nightly --wait"]),
    ],
)
def test_the_message_names_the_commands_that_go_on(
    error: str, machine: str, commands: list[str]
) -> None:
    arn = f"arn:aws:states:eu-central-1:123456789012:execution:{machine}:nightly"
    parent = replace(ended(error="x"), arn=arn, name="nightly")
    found = find_failure(arn, History(parent, "DiffPages", [child("00003", error, "words")]))
    told = message(found).splitlines()
    assert [line for line in told if line.startswith("  drugsync ")] == [
        f"  drugsync {one}" for one in commands
    ]


def test_a_failed_task_is_told_with_its_message() -> None:
    execution = ended(error="CatalogMissing", cause=cause("the table fdb.drugs does not exist"))
    found = find_failure(RUN, History(execution, "PlanPages"))
    assert found.cause == "the table fdb.drugs does not exist"
    assert "catalog_table" in found.advice
    assert "redrive" in found.advice


def test_a_guard_asks_for_a_new_run_because_a_redrive_keeps_the_input() -> None:
    execution = ended(error="DeleteGuardTripped", cause=cause("9,000 drugs would vanish"))
    found = find_failure(RUN, History(execution, "ReviewChanges"))
    assert not found.redrive_helps
    assert "redrive" not in found.advice
    assert 'accept "deletes"' in found.advice


@pytest.mark.parametrize("error", NEEDS_NEW_RUN)
def test_what_a_redrive_cannot_mend_does_not_advise_one(error: type[Exception]) -> None:
    found = find_failure(RUN, History(ended(error=error.__name__), "LoadPages"))
    assert not found.redrive_helps


def test_an_aborted_run_without_a_cause_is_told_all_the_same() -> None:
    found = find_failure(RUN, History(ended(status="ABORTED"), None))
    assert found.error == "ABORTED"
    assert "ABORTED in state (none)" in message(found)


def test_an_error_of_lambda_itself_points_at_the_log() -> None:
    execution = ended(error="Sandbox.Timedout", cause="Task timed out after 900 seconds")
    found = find_failure(RUN, History(execution, "VerifyIndex"))
    assert found.cause == "Task timed out after 900 seconds"
    assert "log" in found.advice


def test_a_thousand_failed_pages_are_told_in_twenty() -> None:
    children = [child(f"{number:05}", "CatalogUnavailable", "gone") for number in range(1000)]
    found = find_failure(RUN, History(ended(error="x"), "DiffPages", children))
    assert len(found.pages) == 20
    assert found.more_pages
    assert message(found).count("\n") < 15


FORGED = "Error: none\nWhat to do: open https://example.com\x1b]0;x\x07\u202e\u2028Cause: none"


@pytest.mark.parametrize("where", ["error", "cause", "page"])
def test_no_value_writes_a_line_of_the_message(where: str) -> None:
    """A key, an error's words or a page's name with line breaks, escapes and marks."""
    given = {"error": "CatalogUnavailable", "cause": "gone", "page": "00001"} | {where: FORGED}
    plain = {"error": "CatalogUnavailable", "cause": "gone", "page": "00001"}
    texts = []
    for one in (given, plain):
        children = [child(one["page"], one["error"], one["cause"])]
        texts.append(message(find_failure(RUN, History(ended(error="x"), "DiffPages", children))))
    forged, right = texts
    assert len(forged.splitlines()) == len(right.splitlines())
    assert lines_of(forged) == lines_of(right)
    assert all(one.isprintable() for one in forged.replace("\n", ""))


def lines_of(told: str) -> list[str]:
    """How each line begins. A command names no page whose name is none."""
    return [line.partition(":")[0].partition(" --page")[0] for line in told.splitlines()][2:]


class Store:
    bucket = "runs"

    def __init__(self, *, broken: bool = False) -> None:
        self.written: dict[str, bytes] = {}
        self._broken = broken

    def write(self, key: str, body: bytes) -> None:
        if self._broken:
            raise RunStoreUnavailable("S3 is away")
        self.written[key] = body

    def read(self, key: str) -> bytes:
        return self.written[key]

    def keys(self, prefix: str) -> list[str]:
        return list(self.written)


class People:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def announce(self, subject: str, message: str) -> None:
        self.told.append((subject, message))


def test_the_failure_is_written_beside_the_run_and_told() -> None:
    store, people = Store(), People()
    history = History(ended(error="CatalogEmpty", cause=cause("no rows")), "PlanPages")
    report_failure(RUN, history=history, runs=store, announcer=people)  # type: ignore[arg-type]
    written = RunFiles(store, "run-1").read("failure.json", Failure)  # type: ignore[arg-type]
    assert written.error == "CatalogEmpty"
    ((subject, text),) = people.told
    assert subject == "Drug catalog failed: CatalogEmpty"
    assert "no rows" in text


def test_people_are_told_even_when_the_file_cannot_be_written() -> None:
    people = People()
    history = History(ended(error="CatalogEmpty"), "PlanPages")
    with pytest.raises(RunStoreUnavailable):
        report_failure(
            RUN,
            history=history,
            runs=Store(broken=True),  # type: ignore[arg-type]
            announcer=people,
        )
    assert "S3 is away" in people.told[0][1]


# With boto3, answered by botocore's Stubber


@pytest.fixture
def stub() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client(
        "stepfunctions", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def described(arn: str, **given: Any) -> dict[str, Any]:
    return {
        "executionArn": arn,
        "stateMachineArn": f"{BASE}:stateMachine:sync",
        "name": "run-1",
        "status": "FAILED",
        "startDate": STARTED,
        **given,
    }


def listed(map_run: str, status: str, children: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    executions = [
        {
            "executionArn": arn,
            "stateMachineArn": BASE,
            "name": "x",
            "status": status,
            "startDate": STARTED,
        }
        for arn in children
    ]
    return {"executions": executions}, {"mapRunArn": map_run, "statusFilter": status}


def answer_a_failed_map(stubber: Stubber) -> None:
    """It failed twice, and a Map behind it ran, too: the last run of its own is asked."""
    history = {"executionArn": RUN, "reverseOrder": True, "includeExecutionData": False}
    events = [
        {"timestamp": STARTED, "type": "ExecutionFailed", "id": 9},
        {
            "timestamp": STARTED,
            "type": "MapStateEntered",
            "id": 5,
            "stateEnteredEventDetails": {"name": "DiffPages"},
        },
    ]
    runs = [
        {"executionArn": RUN, "mapRunArn": MAP_RUN.format("old"), "stateMachineArn": BASE,
         "startDate": STARTED},
        {"executionArn": RUN, "mapRunArn": MAP_RUN.format("new"), "stateMachineArn": BASE,
         "startDate": STARTED + timedelta(hours=1)},
        {"executionArn": RUN, "mapRunArn": f"{BASE}:mapRun:sync/LoadPages:x",
         "stateMachineArn": BASE, "startDate": STARTED + timedelta(hours=2)},
    ]  # fmt: skip
    item = json.dumps({"page": {"page": "00042"}})
    failed = CHILD.format(1)
    answer = described(failed, error="KeyBlank", cause=cause("row 3"), input=item)
    stubber.add_response("describe_execution", described(RUN, error="X"), {"executionArn": RUN})
    stubber.add_response("get_execution_history", {"events": events}, history)
    stubber.add_response("list_map_runs", {"mapRuns": runs}, {"executionArn": RUN})
    stubber.add_response("list_executions", *listed(MAP_RUN.format("new"), "FAILED", [failed]))
    stubber.add_response("describe_execution", answer, {"executionArn": failed})
    for status in ("TIMED_OUT", "ABORTED"):
        stubber.add_response("list_executions", *listed(MAP_RUN.format("new"), status, []))


def test_the_last_map_run_of_the_failed_state_is_read(stub: tuple[Any, Stubber]) -> None:
    client, stubber = stub
    answer_a_failed_map(stubber)
    found = find_failure(RUN, StepFunctionsHistory(client))
    assert (found.error, found.pages[0].page) == ("KeyBlank", "00042")


def test_the_notifier_calls_all_that_its_role_may_and_nothing_else(
    stub: tuple[Any, Stubber], monkeypatch: pytest.MonkeyPatch, workflow: Template
) -> None:
    called: set[tuple[str, str]] = set()

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        service = {"stepfunctions": "states"}.get(model.service_model.service_name)
        of = next(params[one] for one in OF_WHAT if one in params)
        called.add((f"{service or model.service_model.service_name}:{model.name}", of))

    clients = {"stepfunctions": stub[0], "s3": answering("s3"), "sns": answering("sns")}
    answer_a_failed_map(stub[1])
    for client in clients.values():
        client.meta.events.register("provide-client-params.*.*", note)
    monkeypatch.setattr(boto3, "client", clients.get)
    monkeypatch.setenv("RUN_BUCKET", "runs-of-the-test")
    monkeypatch.setenv("FAILURE_TOPIC_ARN", TOPIC)
    notify_failure.notifier.cache_clear()
    notify_failure.handler({"detail": {"executionArn": RUN}}, None)  # type: ignore[arg-type]
    notify_failure.notifier.cache_clear()

    services = {"states", "s3", "sns"}
    grants = workflow.grants("FailuresRole")
    mine = [one for one in grants if one.action.partition(":")[0] in services]
    assert [one for one in called if not any(allows(grant, *one) for grant in mine)] == []
    assert [one for one in mine if not any(allows(one, *call) for call in called)] == []


TOPIC = f"arn:aws:sns:{REGION}:111122223333:failures"
OF_WHAT = ("executionArn", "mapRunArn", "TopicArn", "Key")


def answering(service: str) -> Any:
    client = boto3.client(
        service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
    )  # type: ignore[call-overload]
    stubber = Stubber(client)
    stubber.add_response(
        *(("put_object", {}) if service == "s3" else ("publish", {"MessageId": "1"}))
    )
    stubber.activate()
    return client


def allows(grant: Grant, action: str, where: str) -> bool:
    """The stage is called otherwise than the test's; what follows the machine's name is alike."""
    if grant.action != action:
        return False
    if action == "sns:Publish":
        return True
    form = re.sub(r".*:(execution|mapRun):drug-catalog-sync-\w+", r"\1:sync", grant.resource)
    form = re.sub(r".*:s3:::[^/]*/", "", form)
    return fnmatchcase(re.sub(r".*:(execution|mapRun):", r"\1:", where), form)


def test_an_execution_that_cannot_be_looked_up_is_an_error_that_lambda_retries(
    stub: tuple[Any, Stubber],
) -> None:
    client, stubber = stub
    stubber.add_client_error("describe_execution", "ThrottlingException")
    with pytest.raises(ExecutionsUnavailable, match="could not be looked up"):
        StepFunctionsHistory(client).execution(RUN)


# The function, with moto's Step Functions, S3 and SNS


def test_the_function_tells_what_happened_to_an_aborted_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moto = pytest.importorskip("moto", reason="moto is not installed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        arn, topic, queue = _aborted_run()
        monkeypatch.setenv("RUN_BUCKET", "runs-of-the-test")
        monkeypatch.setenv("FAILURE_TOPIC_ARN", topic)
        notify_failure.notifier.cache_clear()
        event = {"detail": {"executionArn": arn, "status": "ABORTED"}}
        answer = notify_failure.handler(event, None)  # type: ignore[arg-type]
        notify_failure.notifier.cache_clear()
        stored = boto3.client("s3").get_object(
            Bucket="runs-of-the-test", Key="runs/run-1/failure.json"
        )
        written = json.loads(stored["Body"].read())
        assert {name: value for name, value in written.items() if name != HEAD} == answer
        (told,) = boto3.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert answer["status"] == "ABORTED"
    assert "Run run-1 ABORTED" in json.loads(told["Body"])["Message"]


def _aborted_run() -> tuple[str, str, str]:
    """An execution, a topic, and the queue of somebody who listens."""
    boto3.client("s3").create_bucket(Bucket="runs-of-the-test")
    topic = boto3.client("sns").create_topic(Name="failures")["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName="people")["QueueUrl"]
    boto3.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:people"
    )
    machines = boto3.client("stepfunctions")
    definition = json.dumps(
        {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 9, "End": True}}}
    )
    machine = machines.create_state_machine(
        name="sync", definition=definition, roleArn="arn:aws:iam::123456789012:role/x"
    )["stateMachineArn"]
    arn = machines.start_execution(stateMachineArn=machine, name="run-1")["executionArn"]
    machines.stop_execution(executionArn=arn)
    return arn, topic, queue


def test_a_subject_is_short_and_plain() -> None:
    client = boto3.client(
        "sns", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stubber:
        expected = {"TopicArn": "t", "Subject": "a b" + "c" * 96, "Message": "m"}
        stubber.add_response("publish", {"MessageId": "1"}, expected)
        SnsAnnouncer(client, "t").announce("a\nb" + "c" * 200, "m")
