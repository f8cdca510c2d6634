"""S3 is busy, or a file of the run is gone or cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.handlers
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from moto.core.botocore_stubber import MockRawResponse

from local.servers.stack import BUCKET
from tests.faults.lab import FaultLab
from tests.faults.tally import RETRIED, TRIES, named
from tests.lab import Payload, before
from tests.rows import ndc

pytestmark = pytest.mark.usefixtures("impatient_sdk")

SDK = 3
"""Calls that boto3 makes itself."""

BUSY = (503, b"<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>")
DENIED = (403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")


class Refusing:
    """Answers the first `times` requests to S3 whose URL ends so with an error."""

    def __init__(self, answer: tuple[int, bytes], ending: str, method: str, times: int) -> None:
        self._status, self._body = answer
        self._ending, self._method, self._left = ending, method, times
        self.done = 0

    def __call__(self, request: AWSRequest, **_: Any) -> AWSResponse | None:
        if not self._left or request.method != self._method:
            return None
        if not request.url.endswith(self._ending):
            return None
        self._left -= 1
        self.done += 1
        return AWSResponse(request.url, self._status, {}, MockRawResponse(self._body))


@contextmanager
def refusing(
    answer: tuple[int, bytes], ending: str, method: str = "GET", times: int = SDK
) -> Iterator[Refusing]:
    """A botocore hook in front of moto."""
    hook = Refusing(answer, ending, method, times)
    entry = ("before-send.s3", hook)
    botocore.handlers.BUILTIN_HANDLERS.insert(0, entry)
    try:
        yield hook
    finally:
        botocore.handlers.BUILTIN_HANDLERS.remove(entry)


@pytest.mark.parametrize(
    ("state", "ending", "method"),
    [
        pytest.param(*case, marks=pytest.mark.fault("S3", f"503 to {case[2]}", case[0], RETRIED))
        for case in [
            ("PlanPages", "/plan.json", "PUT"),
            ("DiffPage", "/diff/00001.jsonl.gz", "PUT"),
            ("ReviewChanges", "/diff/00001.json", "GET"),
            ("EmbedPage", "/embed/00001.jsonl.gz", "GET"),
            ("LoadPage", "/diff/00001.jsonl.gz", "GET"),
            ("VerifyPage", "/verify/00001.json", "PUT"),
            ("VerifyIndex", "/verify/00001.json", "GET"),
            ("PublishIndex", "/publish.json", "PUT"),
            ("ReportRun", "/report.json", "PUT"),
        ]
    ],
)
def test_a_busy_store_is_asked_again(lab: FaultLab, state: str, ending: str, method: str) -> None:
    with refusing(BUSY, ending, method) as hook:
        lab.succeed()
    assert hook.done == SDK
    assert [one.error for one in lab.invocations if one.error] == ["RunStoreUnavailable"]
    assert lab.page_tries(state)[0] == 2
    lab.assert_in_step()


@pytest.mark.fault("S3", "503, for ever", "LoadPage", named("RunStoreUnavailable"))
def test_a_store_that_stays_busy_fails_the_run_by_name(synced: FaultLab) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    with refusing(BUSY, "/diff/00000.jsonl.gz", times=TRIES * SDK):
        synced.fail("RunStoreUnavailable")
    assert synced.page_tries("LoadPage") == [TRIES]
    synced.converge()


@pytest.mark.fault("S3", "403", "DiffPage", named("RunStoreAccessDenied"))
def test_a_missing_permission_is_named_and_not_tried_again(synced: FaultLab) -> None:
    with refusing(DENIED, "/diff/00000.jsonl.gz", "PUT", times=SDK):
        report = synced.fail("RunStoreAccessDenied")
    assert "run_bucket" in str(report.cause)
    assert synced.page_tries("DiffPage") == [1, 1]
    synced.converge()


def client() -> Any:
    return boto3.client("s3", region_name="us-east-1")


def missing(key: str) -> None:
    client().delete_object(Bucket=BUCKET, Key=key)


def truncated(key: str) -> None:
    body = client().get_object(Bucket=BUCKET, Key=key)["Body"].read()
    client().put_object(Bucket=BUCKET, Key=key, Body=body[: len(body) // 2])


def emptied(key: str) -> None:
    client().put_object(Bucket=BUCKET, Key=key, Body=b"")


Damage = Callable[[str], None]
CORRUPT = "RunFileCorrupt"

DAMAGED: list[tuple[Damage, str, str, str]] = [
    (missing, "ReviewChanges", "diff/00001.json", "PagesMissing"),
    (missing, "EmbedPage", "embed/00001.jsonl.gz", "RunFileMissing"),
    (missing, "LoadPage", "diff/00001.jsonl.gz", "RunFileMissing"),
    (missing, "VerifyPage", "diff/00001.jsonl.gz", "RunFileMissing"),
    (missing, "VerifyIndex", "verify/00001.json", "PagesMissing"),
    (missing, "PublishIndex", "review.json", "RunFileMissing"),
    (truncated, "ReviewChanges", "diff/00001.json", CORRUPT),
    (truncated, "ReviewChanges", "diff/00001.texts.jsonl.gz", CORRUPT),
    (truncated, "EmbedPage", "embed/00001.jsonl.gz", CORRUPT),
    (truncated, "LoadPage", "diff/00001.jsonl.gz", CORRUPT),
    (truncated, "VerifyPage", "diff/00001.jsonl.gz", CORRUPT),
    (truncated, "VerifyIndex", "verify/00001.json", CORRUPT),
    (truncated, "PublishIndex", "review.json", CORRUPT),
    (emptied, "LoadPage", "diff/00001.jsonl.gz", CORRUPT),
    (emptied, "ReviewChanges", "diff/00001.texts.jsonl.gz", CORRUPT),
]


def damaged() -> list[Any]:
    cases = []
    for damage, state, file, error in DAMAGED:
        what = f"{damage.__name__} {file.replace('00001', 'PAGE')}"
        mark = pytest.mark.fault("S3", what, state, named(error))
        cases.append(pytest.param(damage, state, file, error, marks=mark, id=f"{state}-{what}"))
    return cases


@pytest.mark.parametrize(("damage", "state", "file", "error"), damaged())
def test_a_file_that_is_gone_or_cut_stops_the_run_by_name(
    lab: FaultLab, damage: Damage, state: str, file: str, error: str
) -> None:
    done = False

    def intercept(name: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        nonlocal done
        if name == state and not done:
            done = True
            damage(f"runs/damaged/{file}")
        return call()

    one_by_one = dict.fromkeys(("embed_concurrency", "load_concurrency", "verify_concurrency"), "1")
    report = lab.fail(error, run_id="damaged", intercept=intercept, settings=one_by_one)
    assert file in str(report.cause) or "00001" in str(report.cause)
    assert not lab.index.redis.exists("drugs:live")
    lab.converge()


@pytest.mark.parametrize("damage", [truncated, emptied])
@pytest.mark.fault("S3", "a cut manifest", "LoadPages", "stopped: the Map fails")
def test_a_cut_manifest_loads_no_part_of_the_catalog(synced: FaultLab, damage: Damage) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")

    def cut() -> None:
        damage("runs/cut/load.json")

    report = synced.run(run_id="cut", intercept=before("EmbedPage", cut))
    assert report.status == "FAILED"
    assert "LoadPage" not in synced.states()
    synced.assert_answers()
    synced.converge()
