"""The functions of a stage that the terminal calls: searches, and functions that slept."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from cli.sites.aws_functions import call
from cli.sites.aws_quota import room_for_a_run
from cli.sites.aws_search import closed
from cli.sites.aws_site import AwsSite
from cli.sites.site import SiteError
from infra.stage.quotas import concurrency_problems
from infra.stage.stage import ROOT, load_stage
from local.engine.engine import REGION
from tests.integration.stage import OUTPUTS, Session, site_with
from tests.lab import Lab, Payload
from tests.rows import ndc
from workflow.contract.retries import SLEPT
from workflow.contract.sizes import widest_map

SEARCHES = OUTPUTS | {"SearchFunction": "SearchApi"}
FUNCTION = "drug-catalog-sync-test-OperateIndex"


@contextmanager
def address(status: int) -> Iterator[str]:
    """A search API's address that answers every request so."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def findings(site: AwsSite) -> dict[str, Any]:
    return {one.check: one for one in site.doctor()}


# Searches


def test_a_stage_is_searched_by_its_own_function(synced: Lab) -> None:
    asked: list[str] = []

    def see(state: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        asked.append(f"{state} {event['rawPath']}?{event['rawQueryString']}")
        return call()

    with synced.machine(see):
        found = site_with(SEARCHES).search({"q": ndc(1), "limit": 1, "route": ["oral", "buccal"]})
    assert found.generation == synced.index.live()[0]
    assert asked == [f"SearchApi /v1/drugs?q={ndc(1)}&limit=1&route=oral&route=buccal"]


def test_what_the_api_refuses_is_said_in_its_own_words(synced: Lab) -> None:
    with synced.machine(), pytest.raises(SiteError, match="answered 400: unknown parameters: rout"):
        site_with(SEARCHES).search({"q": "aspirin", "rout": "oral"})


def test_a_stage_without_search_says_what_to_deploy(lab: Lab) -> None:
    with lab.machine(), pytest.raises(SiteError, match="no output SearchFunction"):
        site_with().search({"q": "aspirin"})


def test_after_a_deployment_the_doctor_searches_and_asks_whether_strangers_may(
    synced: Lab,
) -> None:
    with synced.machine(), address(403) as url:
        found = findings(site_with(SEARCHES | {"SearchUrl": url}))
    assert found["search"].ok, found["search"]
    assert synced.index.live()[0] in found["search"].found
    assert found["search address"].ok
    assert "(403)" in found["search address"].found


def test_a_stage_without_search_has_no_line_about_it(synced: Lab) -> None:
    with synced.machine():
        assert not {"search", "search address"} & set(findings(site_with()))


def test_a_search_before_the_first_sync_is_no_success(lab: Lab) -> None:
    with lab.machine(), address(401) as url:
        found = findings(site_with(SEARCHES | {"SearchUrl": url}))
    assert not found["search"].ok
    assert "503: NothingLive: run a sync first" in found["search"].found


def test_a_search_that_may_not_invoke_the_model_is_no_success(synced: Lab) -> None:
    """The smoke of a search asks by meaning: an answer by words alone would hide it."""
    synced.control_model(faults=[{"kind": "AccessDeniedException", "times": None}])
    with synced.machine(), address(403) as url:
        found = findings(site_with(SEARCHES | {"SearchUrl": url}))
    assert not found["search"].ok
    assert "log" in found["search"].advice


# The quota of functions that run at once


@pytest.mark.parametrize(
    ("free", "outputs", "fits"),
    [(980, OUTPUTS, True), (5, OUTPUTS, True), (4, OUTPUTS, False), (5, SEARCHES, True)],
)
def test_the_doctor_asks_whether_a_run_fits_into_lambdas_quota(
    synced: Lab, free: int, outputs: dict[str, str], fits: bool
) -> None:
    """Here a Map runs two at once, and three functions run beside it. Searches may have a
    reservation, which is not free."""
    with synced.machine():
        session = Session(outputs)
        session.quota = {"ConcurrentExecutions": free + 7, "UnreservedConcurrentExecutions": free}
        quota = findings(AwsSite("test", session))["Lambda's quota"]  # type: ignore[arg-type]
    assert quota.ok == fits
    assert f"of {free} functions that may run at once (quota {free + 7}): 2 by " in quota.found
    assert ("L-B99A9384" in quota.advice) == (not fits)


def test_the_stage_file_and_the_doctor_count_the_same_functions() -> None:
    """The stage file has the quota in a field, the doctor asks the account."""
    settings = load_stage(ROOT / "tests" / "infra" / "stages" / "created.toml").settings
    client = boto3.client("lambda", region_name=REGION)
    for quota in range(10, 18):
        refused = bool(concurrency_problems(quota, settings, None))
        limit = {"ConcurrentExecutions": quota, "UnreservedConcurrentExecutions": quota}
        with Stubber(client) as stub:
            stub.add_response("get_account_settings", {"AccountLimit": limit})
            try:
                room_for_a_run(client, widest_map(settings))
            except SiteError:
                assert refused, quota
            else:
                assert not refused, quota


@pytest.mark.parametrize(
    ("status", "words"), [(200, "answers unsigned requests"), (404, "answered 404")]
)
def test_an_address_that_is_open_or_lost_is_named(status: int, words: str) -> None:
    with address(status) as url, pytest.raises(SiteError, match=words):
        closed(url)


def test_an_address_that_nobody_answers_at_is_named() -> None:
    with address(200) as url:
        pass
    with pytest.raises(SiteError, match=r"does not answer.*check its DNS"):
        closed(url)


# Functions that slept


def stubbed() -> tuple[Any, Stubber]:
    client = boto3.client("lambda", region_name=REGION)
    stub = Stubber(client)
    stub.activate()
    return client, stub


def answers(stub: Stubber, body: Any) -> None:
    raw = json.dumps(body).encode()
    stream = StreamingBody(BytesIO(raw), len(raw))  # type: ignore[no-untyped-call]
    stub.add_response("invoke", {"StatusCode": 200, "Payload": stream})


def state_is(stub: Stubber, state: str) -> None:
    asked = {"FunctionName": FUNCTION}
    stub.add_response("get_function_configuration", {"State": state}, asked)


@pytest.mark.parametrize("code", SLEPT)
def test_a_function_that_slept_is_waited_for_and_called_once_more(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client, stub = stubbed()
    stub.add_client_error("invoke", code, "The function is inactive", 502)
    state_is(stub, "Active")
    answers(stub, {"findings": []})
    assert call(client, FUNCTION, {"action": "rollback"}) == {"findings": []}
    stub.assert_no_pending_responses()
    assert f"waiting for its network ({code})" in " ".join(capsys.readouterr().err.split())


def test_one_that_does_not_wake_is_said_with_what_to_do() -> None:
    client, stub = stubbed()
    stub.add_client_error("invoke", SLEPT[0], "The function is inactive", 502)
    state_is(stub, "Active")
    stub.add_client_error("invoke", SLEPT[0], "The function is inactive", 502)
    with pytest.raises(SiteError, match="nothing was done; try again in two minutes"):
        call(client, FUNCTION, {})
    stub.assert_no_pending_responses()


def test_one_whose_network_failed_is_said_with_what_to_do() -> None:
    client, stub = stubbed()
    stub.add_client_error("invoke", SLEPT[0], "The function is inactive", 502)
    state_is(stub, "Failed")
    with pytest.raises(SiteError, match="get-function-configuration --function-name"):
        call(client, FUNCTION, {})


@pytest.mark.parametrize("code", ["ServiceException", "KMSAccessDeniedException"])
def test_no_other_failure_is_tried_again_for_it_may_have_done_its_work(code: str) -> None:
    client, stub = stubbed()
    stub.add_client_error("invoke", code, "no", 500)
    with pytest.raises(SiteError, match=code):
        call(client, FUNCTION, {"action": "rollback"})


def test_each_of_these_names_is_one_that_lambda_gives() -> None:
    model = boto3.client("lambda", region_name=REGION).meta.service_model
    assert set(SLEPT) <= {one.name for one in model.operation_model("Invoke").error_shapes}
