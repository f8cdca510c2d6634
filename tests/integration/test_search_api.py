"""The search API over a real Redis; test_search_page.py has its page."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from cli.commands.serve import SearchServer, event_of
from handlers import search_api
from handlers.wiring import wiring
from tests.lab import Lab
from tests.rows import ndc
from workflow.contract.errors import EmbedderThrottled, IndexUnavailable
from workflow.contract.ports.model import TextRefused


class Api:
    """GET through the handler, as an HTTP API would call it."""

    def __call__(self, target: str) -> tuple[int, dict[str, Any]]:
        answer = search_api.handler(event_of(target), SimpleNamespace(function_name="test"))  # type: ignore[arg-type]
        assert answer["headers"]["Content-Type"] == (
            "application/json" if answer["statusCode"] == 200 else "application/problem+json"
        )
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def environment(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in lab.stack.environment(**lab.settings).items():
        monkeypatch.setenv(name, value)
    wiring.cache_clear()
    yield
    wiring.cache_clear()


@pytest.fixture
def api(lab: Lab, environment: None) -> Api:
    lab.succeed(run_id="first")
    return Api()


def test_a_search_says_what_it_found_and_which_generation_answered(api: Api) -> None:
    status, body = api("/drugs?q=aspirin+generic+5")
    assert (status, body["generation"]) == (200, "first")
    first = body["products"][0]
    assert first["generic_name"] == "Aspirin generic 5"
    assert first["package_count"] == len(first["packages"]) == 2
    assert set(first["score_parts"]) == {"name", "words"}
    assert body["degraded"] == ""
    _, described = api("/drugs?q=no+such+words+here")
    assert set(described["products"][0]["score_parts"]) == {"meaning", "cosine"}


def test_filters_and_facets(api: Api) -> None:
    status, body = api("/drugs?q=aspirin&is_generic=true&dosage_form=TABLET&facets=true&limit=50")
    assert status == 200
    assert body["products"]
    assert {one["dosage_form"] for one in body["products"]} == {"TABLET"}
    assert list(body["facets"]["is_generic"]) == ["1"]
    assert sum(body["facets"]["dosage_form"].values()) == sum(
        one["package_count"] for one in body["products"]
    )


def test_one_drug_by_its_ndc(api: Api) -> None:
    status, body = api(f"/drugs/{ndc(1)}")
    assert (status, body["drug"]["ndc"]) == (200, ndc(1))
    dashed = f"{ndc(1)[:5]}-{ndc(1)[5:9]}-{ndc(1)[9:]}"
    assert api(f"/drugs/{dashed}")[1] == body


def test_alternatives_share_the_drug_and_are_told_apart(lab: Lab, api: Api) -> None:
    lab.catalog.update(ndc(3), is_generic="0", is_brand="1")
    lab.succeed(run_id="second")
    status, body = api(f"/drugs/{ndc(2)}/alternatives")
    assert (status, body["same"], body["complete"]) == (200, {"gcn_seqno": "1001"}, True)
    assert [one["packages"][0]["ndc"] for one in body["brand"]] == [ndc(3)]
    assert (body["generic"], body["other"]) == ([], [])


def test_alternatives_without_a_gcn_share_name_strength_and_form(api: Api) -> None:
    status, body = api(f"/drugs/{ndc(8)}/alternatives")
    assert status == 200
    assert set(body["same"]) == {"generic_name", "strength", "dosage_form"}
    found = [one["packages"][0]["ndc"] for one in (*body["generic"], *body["brand"])]
    assert found == [ndc(9)]


def test_health_says_what_is_live_and_how_old(api: Api) -> None:
    status, body = api("/health")
    assert (status, body["generation"], body["documents"]) == (200, "first", 40)
    assert 0 <= body["age_s"] < 600


@pytest.mark.parametrize(
    ("target", "status", "detail"),
    [
        ("/drugs", 400, "q: "),
        ("/drugs?q=", 400, "q: "),
        ("/drugs?q=%00%2A%7B", 400, "no letter"),
        (f"/drugs?q={'a' * 201}", 400, "200"),
        ("/drugs?q=a&limit=0", 400, "limit: "),
        ("/drugs?q=a&is_generic=perhaps", 400, "is_generic: "),
        ("/drugs?q=a&from=x", 400, "unknown parameters: from"),
        ("/drugs/none", 404, "none"),
        ("/drugs/none/alternatives", 404, "none"),
        ("/elsewhere", 404, "no such path; GET /drugs"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    api: Api, target: str, status: int, detail: str
) -> None:
    found, body = api(target)
    assert (found, body["status"]) == (status, status)
    assert detail in body["detail"]


def test_without_a_live_index_it_is_unavailable(environment: None) -> None:
    status, body = Api()("/drugs?q=aspirin")
    assert (status, body["detail"]) == (503, "NothingLive: run a sync first")


@pytest.mark.parametrize(
    ("error", "status"), [(IndexUnavailable("host secret:6379"), 503), (KeyError("secret"), 500)]
)
def test_no_answer_tells_what_is_inside(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(wiring().index, "find_named", fail)
    found, body = api("/drugs?q=aspirin")
    assert found == status
    assert set(body) == {"type", "title", "status", "detail"}
    assert "secret" not in json.dumps(body)
    assert "Traceback" not in json.dumps(body)


@pytest.mark.parametrize("error", [EmbedderThrottled("slow down"), TextRefused("not this one")])
def test_a_search_whose_model_fails_is_answered_by_words_and_says_so(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(wiring().queries, "embed", fail)
    status, body = api("/drugs?q=asprin+generic+5&dosage_form=TABLET")
    assert (status, body["degraded"]) == (200, "meaning")
    assert body["corrected"] == {"asprin": "aspirin"}
    assert body["products"][0]["generic_name"] == "Aspirin generic 5"
    assert all(set(one["score_parts"]) <= {"name", "words"} for one in body["products"])


def test_the_api_describes_itself() -> None:
    document = json.loads(search_api.app.get_openapi_json_schema(title="Drugs", version="1"))
    assert set(document["paths"]) == {
        "/drugs",
        "/drugs/{ndc}",
        "/drugs/{ndc}/alternatives",
        "/health",
    }
    names = {one["name"] for one in document["paths"]["/drugs"]["get"]["parameters"]}
    assert {"q", "limit", "route", "is_active"} <= names


@pytest.fixture
def served(api: Api) -> Iterator[str]:
    with SearchServer(("127.0.0.1", 0), search_api.handler) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_page_loads_nothing_from_elsewhere(served: str) -> None:
    with urllib.request.urlopen(f"{served}/") as answer:  # noqa: S310
        page = answer.read().decode()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "//" not in page.replace("// Text only", "")


def test_a_page_of_another_site_cannot_ask(served: str) -> None:
    request = urllib.request.Request(f"{served}/health", headers={"Host": "evil.example"})  # noqa: S310
    with pytest.raises(urllib.error.HTTPError, match="421") as refused:
        urllib.request.urlopen(request)  # noqa: S310
    refused.value.close()
