"""What people are told of a failed run: the mail from AWS, the log, and the terminal here."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.sites.aws_site import AwsSite
from handlers import notify_failure
from local.engine.definition import functions
from local.engine.engine import REGION, Engine
from local.places import HOME_VARIABLE
from local.servers.stack import BUCKET
from tests.integration.stage import EXECUTION, Session, in_order, note_order
from tests.lab import Lab
from tests.rows import ndc
from workflow.adapters.stepfunctions.history import StepFunctionsHistory
from workflow.contract.ports.executions import Ended

REFUSED = {"kind": "AccessDeniedException", "times": 1}
TOPIC, QUEUE = "failures", "people"


def logged(lab: Lab) -> list[dict[str, Any]]:
    """What the functions wrote, which Lambda sends to CloudWatch."""
    lines = (lab.stack.root / "machine.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and '"function"' in line]


class Children(StepFunctionsHistory):
    """moto lists no children of a Map's run: those that failed are taken from their log."""

    lab: Lab

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        # moto gives the history forwards, whatever is asked.
        history = "stepfunctions.GetExecutionHistory"
        client.meta.events.register(f"provide-client-params.{history}", note_order)
        client.meta.events.register(f"after-call.{history}", in_order)

    def failed_children(self, execution_arn: str, state: str) -> Iterator[Ended]:
        for line in logged(self.lab):
            if line["message"] == "step failed" and line.get("page"):
                name, _, words = line["exception"].strip().rpartition("\n")[2].partition(": ")
                yield Ended(
                    arn=execution_arn, name=line["page"], status="FAILED",
                    started_at=self.execution(execution_arn).started_at, ended_at=None,
                    error=name.rpartition(".")[2], cause=json.dumps({"errorMessage": words}),
                    input=json.dumps({"page": {"page": line["page"]}}),
                )  # fmt: skip


@contextmanager
def failed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Engine, str]]:
    """A run `nightly` on moto that failed, and somebody who gets the topic's mails."""
    (lab.stack.root / "machine.log").unlink(missing_ok=True)
    with lab.machine() as machine:
        execution = machine.start({"page_size": 10}, "nightly")
        machine.wait(execution)
        topic = boto3.client("sns", region_name=REGION).create_topic(Name=TOPIC)["TopicArn"]
        boto3.client("sqs", region_name=REGION).create_queue(QueueName=QUEUE)
        boto3.client("sns", region_name=REGION).subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:{QUEUE}"
        )
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        monkeypatch.setenv("RUN_BUCKET", BUCKET)
        monkeypatch.setenv("FAILURE_TOPIC_ARN", topic)
        Children.lab = lab
        monkeypatch.setattr(notify_failure, "StepFunctionsHistory", Children)
        notify_failure.notifier.cache_clear()
        yield machine, execution
        notify_failure.notifier.cache_clear()


def mail(execution: str) -> tuple[str, str]:
    """Subject and text, as the topic's subscriber gets them."""
    notify_failure.handler({"detail": {"executionArn": execution}}, None)  # type: ignore[arg-type]
    queue = boto3.client("sqs", region_name=REGION)
    url = queue.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    (told,) = queue.receive_message(QueueUrl=url)["Messages"]
    found = json.loads(told["Body"])
    return found["Subject"], found["Message"]


def test_the_mail_of_a_failed_page_has_page_cause_and_the_commands_that_follow(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.control_model(faults=[REFUSED])
    with failed(lab, monkeypatch) as (_, execution):
        subject, text = mail(execution)
    assert subject == "Drug catalog failed: EmbedderAccessDenied"
    first, *lines = text.splitlines()
    assert first == "Run nightly FAILED in state EmbedPages."
    (cause,) = (line for line in lines if line.startswith("Cause: "))
    assert "run nightly, page 0000" in cause
    (page,) = (line.removeprefix("Pages: ") for line in lines if line.startswith("Pages: "))
    assert page.startswith("0000")
    assert [line for line in lines if line.startswith("  drugsync")] == [
        f"  drugsync logs nightly --page {page}",
        "  drugsync redrive nightly --wait",
    ]
    assert "What to do: " in text


def test_the_mail_of_rows_that_stop_a_run_names_a_key_and_its_value(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.catalog.update_all(is_active="perhaps")
    with failed(lab, monkeypatch) as (_, execution):
        subject, text = mail(execution)
    assert subject == "Drug catalog failed: ColumnUnreadable"
    assert f"for example ndc '{ndc(0)}': 'perhaps' is not a flag; make it 0, 1" in text
    assert "state PlanPages" in text


def to_cloudwatch(lab: Lab, stage: str = "test") -> None:
    """One group for each function, as Lambda fills them."""
    client = boto3.client("logs", region_name=REGION)
    lines = logged(lab)
    for name in functions():
        group = f"/aws/lambda/drug-catalog-sync-{stage}-{name}"
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName="one")
        mine = [line for line in lines if line["function"] == name]
        events = [
            {
                "timestamp": int(time.time() * 1000) - len(mine) + at,
                "message": json.dumps(line | {"function": f"drug-catalog-sync-{stage}-{name}"}),
            }
            for at, line in enumerate(mine)
        ]
        if events:
            client.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)  # type: ignore[arg-type]


def stage(monkeypatch: pytest.MonkeyPatch) -> None:
    site = AwsSite("test", Session())  # type: ignore[arg-type]
    monkeypatch.setattr("cli.options.stage_of", lambda *_: site)


def test_logs_says_the_same_of_a_page_here_and_from_cloudwatch(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(lab.stack.root))
    lab.control_model(faults=[REFUSED])
    with failed(lab, monkeypatch) as (_, execution):
        assert execution == f"{EXECUTION}:nightly"
        to_cloudwatch(lab)
        monkeypatch.setattr("cli.sites.aws_site.AwsSite._describe", described)
        stage(monkeypatch)
        page = next(
            line["page"]
            for line in logged(lab)
            if line["message"] == "step failed" and line.get("page")
        )
        shown = call("logs", "nightly", "--page", page)
    failure = next(line for line in shown.splitlines() if "EmbedderAccessDenied" in line)
    assert failure.split()[1:3] == ["EmbedPage", page]
    assert " ms " in failure
    assert f"run nightly, page {page}" in failure
    monkeypatch.undo()
    monkeypatch.setenv(HOME_VARIABLE, str(lab.stack.root))
    folder = lab.stack.root / "runs" / "nightly"
    folder.mkdir(parents=True, exist_ok=True)
    (lab.stack.root / "machine.log").rename(folder / "log.jsonl")
    assert call("logs", "nightly", "--page", page) == shown


def described(site: Any, run_id: str) -> tuple[str, Any]:
    """CloudWatch's filter on the time is moto's, whose clock is ours."""
    found = site.sfn.describe_execution(executionArn=f"{EXECUTION}:{run_id}")
    return found["executionArn"], found | {"startDate": found["startDate"].replace(year=2000)}


def call(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), terminal_width=300)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


@pytest.mark.parametrize("verb", ["run", "status", "report"])
def test_here_a_failed_run_names_page_cause_and_what_to_type_next(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(lab.stack.root))
    for name, value in lab.settings.items():
        monkeypatch.setenv(f"DRUGSYNC_{name.upper()}", value)
    lab.control_model(faults=[REFUSED])
    shown = call("run", "--page-size", "10")
    run_id = Path(next((lab.stack.root / "runs").iterdir())).name
    if verb != "run":
        shown = call(verb)
    lines = shown.splitlines()
    assert any("EmbedderAccessDenied" in line and ", page 0000" in line for line in lines), shown
    (look,) = (line for line in lines if line.startswith("  see its logs: "))
    assert f"drugsync logs {run_id} --page 0000" in look
    assert f"  after fixing the cause: drugsync redrive {run_id}" in lines
    said = call(*look.partition("drugsync ")[2].split())
    assert "EmbedderAccessDenied" in said
