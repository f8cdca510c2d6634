"""The search API over a real Redis; test_search_page.py has its page."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from cli.commands.runs_pages import RunsPages
from cli.commands.serve import SearchServer
from cli.commands.serve_token import Token
from cli.sites.http_event import event_of
from handlers import search_api
from handlers.wiring import wiring
from tests.lab import Lab
from tests.rows import ndc
from workflow.contract.errors import EmbedderThrottled, IndexUnavailable
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.model import TextRefused
from workflow.search.api import SearchRequest, openapi


class Api:
    """A request through the handler, as an HTTP API would make it; checked against OpenAPI."""

    def __call__(self, target: str, method: str = "GET") -> tuple[int, dict[str, Any]]:
        event = event_of(target if target.startswith("/v") else f"/v1{target}", method)
        answer = search_api.handler(event, SimpleNamespace(function_name="test"))  # type: ignore[arg-type]
        headers, status = answer["headers"], answer["statusCode"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Type"] == (
            "application/json" if status == 200 else "application/problem+json"
        )
        body = json.loads(answer["body"])
        assert_as_described(event["rawPath"], status, body)
        return status, body


def assert_as_described(path: str, status: int, body: Any) -> None:
    """The answer has the form that the OpenAPI document gives it."""
    if status != 200:
        schema: Any = {"$ref": "#/components/schemas/Problem"}
    else:
        operation = next(
            of["get"] for name, of in openapi()["paths"].items() if _matches(name, path)
        )
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert list(faults(body, schema)) == []


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


def faults(value: Any, schema: Any) -> Iterator[str]:
    """What of a value is not as its schema says; of JSON Schema, what this API's document uses."""
    if "$ref" in schema:
        schema = openapi()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        if not any(list(faults(value, one)) == [] for one in schema["anyOf"]):
            yield f"{value!r} is none of {schema['anyOf']}"
        return
    kinds: dict[str, Any] = {"string": str, "integer": int, "boolean": bool}
    kinds["number"] = (int, float)
    kinds |= {"object": dict, "array": list, "null": type(None)}
    kind = schema.get("type")
    if kind and not isinstance(value, kinds[kind]):
        yield f"{value!r} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{value!r} is none of {schema['enum']}"
    for one in value if kind == "array" else ():
        yield from faults(one, schema["items"])
    if kind == "object":
        yield from _object_faults(value, schema)


def _object_faults(value: dict[str, Any], schema: Any) -> Iterator[str]:
    properties = schema.get("properties")
    if properties is None:
        others = schema.get("additionalProperties", {})
        for one in value.values() if isinstance(others, dict) else ():
            yield from faults(one, others)
        return
    yield from (f"{name} is missing" for name in schema.get("required", ()) if name not in value)
    for name, one in value.items():
        if name not in properties:
            yield f"{name} is not described"
        else:
            yield from faults(one, properties[name])


def products(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for part in body["parts"] for one in part["products"]]


def ndcs(product: dict[str, Any]) -> list[str]:
    return [one["ndc"] for of in product["strengths"] for one in of["packages"]]


def kinds(body: dict[str, Any]) -> list[str]:
    return [part["kind"] for part in body["parts"]]


def notices(body: dict[str, Any]) -> list[str]:
    return [one["kind"] for one in body["notices"]]


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


def test_a_search_says_what_it_found_why_and_which_generation_answered(api: Api) -> None:
    status, body = api("/drugs?q=aspirin+generic+5")
    assert (status, kinds(body)[0]) == (200, "found")
    assert body["generation"].startswith("first")
    first = products(body)[0]
    assert first["generic_name"] == "Aspirin generic 5"
    assert (first["why"], first["package_count"]) == ("has the name", 2)
    assert first["strengths"][0]["strength_shown"] == "5 mg"
    assert len(ndcs(first)) == 2


def test_no_answer_has_fields_of_this_system_s_own(api: Api) -> None:
    _, found = api("/drugs?q=aspirin")
    _, drug = api(f"/drugs/{ndc(1)}")
    for name in ("content_hash", "run_id", "text_hash", "indexed_at"):
        assert name not in json.dumps([found, drug])


def test_flags_are_booleans_everywhere(api: Api) -> None:
    _, body = api("/drugs?q=aspirin+generic+5")
    package = products(body)[0]["strengths"][0]["packages"][0]
    assert (package["is_generic"], package["is_active"]) == (True, True)
    assert api(f"/drugs/{ndc(1)}")[1]["drug"]["is_brand"] is True


def test_pages_follow_each_other_without_gap_or_overlap(api: Api) -> None:
    _, whole = api("/drugs?q=aspirin&limit=50")
    assert whole["next_offset"] is None
    pages: list[dict[str, Any]] = []
    offset: int | None = 0
    while offset is not None:
        _, body = api(f"/drugs?q=aspirin&limit=3&offset={offset}")
        pages += products(body)
        assert len(products(body)) <= 3
        offset = body["next_offset"]
    assert pages == products(whole)


def test_a_filter_whose_value_no_drug_has_is_named(api: Api) -> None:
    for query, path in (("aspirin", "/drugs?q=aspirin"), ("an NDC", f"/drugs?q={ndc(3)}")):
        _, body = api(f"{path}&route=NOPE&route=oral&dosage_form=tablet")
        told = {one["kind"]: one for one in body["notices"]}
        assert told["no_such_value"]["text"] == "No drug of this catalog has the route NOPE.", query
    assert (told["no_such_value"]["words"], told["no_such_value"]["instead"]) == ("NOPE", ["route"])


def test_filters_and_facets(api: Api) -> None:
    status, body = api("/drugs?q=aspirin&is_generic=true&dosage_form=TABLET&facets=true&limit=50")
    assert status == 200
    assert products(body)
    assert {one["dosage_form"] for one in products(body)} == {"TABLET"}
    assert list(body["facets"]["is_active"]) == ["true"]


@pytest.mark.parametrize("column", ["is_active", "is_generic", "is_brand"])
def test_a_flag_may_be_said_in_words_or_as_a_digit(api: Api, column: str) -> None:
    answers = {}
    for value in ("true", "1", "false", "0"):
        status, body = api(f"/drugs?q=aspirin&limit=50&{column}={value}")
        assert status == 200
        answers[value] = body["parts"]
        for one in products(body):
            packages = [each for of in one["strengths"] for each in of["packages"]]
            assert {each[column] for each in packages} == {value in ("true", "1")}
    assert answers["true"] == answers["1"] != answers["false"] == answers["0"]


def test_several_values_of_a_filter_are_alternatives(api: Api) -> None:
    form = "INJECTION%2C+SOLUTION"
    one = products(api("/drugs?q=aspirin&dosage_form=TABLET&limit=50")[1])
    other = products(api(f"/drugs?q=aspirin&dosage_form={form}&limit=50")[1])
    both = products(api(f"/drugs?q=aspirin&dosage_form=TABLET&dosage_form={form}&limit=50")[1])
    assert one
    assert other
    assert sorted(map(ndcs, both)) == sorted(map(ndcs, [*one, *other]))


def test_what_filters_hide_is_told(api: Api) -> None:
    _, body = api("/drugs?q=aspirin&manufacturer=Nobody")
    assert products(body) == []
    hidden = next(one for one in body["notices"] if one["kind"] == "filters_hide")
    assert hidden["count"] > 0


def test_one_drug_by_its_ndc(api: Api) -> None:
    status, body = api(f"/drugs/{ndc(1)}")
    assert (status, body["drug"]["ndc"]) == (200, ndc(1))
    assert body["ndc_dashed"] == f"{ndc(1)[:5]}-{ndc(1)[5:9]}-{ndc(1)[9:]}"
    assert api(f"/drugs/{body['ndc_dashed']}")[1] == body


def test_alternatives_share_the_drug_and_are_told_apart(lab: Lab, api: Api) -> None:
    lab.catalog.update(ndc(3), is_generic="0", is_brand="1")
    lab.succeed(run_id="second")
    status, body = api(f"/drugs/{ndc(2)}/alternatives")
    assert (status, body["same"], body["complete"]) == (200, {"gcn_seqno": "1001"}, True)
    assert [ndcs(one) for one in body["brand"]] == [[ndc(3)]]
    assert (body["generic"], body["other"]) == ([], [])


def test_alternatives_without_a_gcn_share_substances_strength_form_and_route(api: Api) -> None:
    status, body = api(f"/drugs/{ndc(8)}/alternatives")
    assert status == 200
    assert set(body["same"]) == {"substances", "strength", "dosage_form", "route"}
    assert [ndcs(one) for one in (*body["generic"], *body["brand"])] == [[ndc(9)]]


def test_health_says_what_is_live_and_how_old(api: Api) -> None:
    status, body = api("/health")
    assert (status, body["documents"]) == (200, 40)
    assert body["generation"].startswith("first")
    assert 0 <= body["age_s"] < 600


@pytest.mark.parametrize(
    ("target", "status", "detail"),
    [
        ("/drugs", 400, "q: "),
        ("/drugs?q=", 400, "q: "),
        ("/drugs?q=%00%2A%7B", 400, "no letter"),
        (f"/drugs?q={'a' * 201}", 400, "200"),
        ("/drugs?q=a&limit=0", 400, "limit: "),
        ("/drugs?q=a&limit=1&limit=2", 400, "limit: given 2 times"),
        ("/drugs?q=a&q=b", 400, "q: given 2 times"),
        ("/drugs?q=a&offset=501", 400, "offset: "),
        ("/drugs?q=a&is_generic=perhaps", 400, "is_generic: "),
        ("/drugs?q=a&route=", 400, "route: "),
        ("/drugs?q=a&from=x", 400, "unknown parameters: from"),
        (f"/drugs/{'0' * 11}?q=a", 400, "unknown parameters: q"),
        (f"/drugs/{'0' * 11}/alternatives?x=1", 400, "unknown parameters: x"),
        ("/health?x", 400, "unknown parameters: x"),
        ("/drugs?" + "&".join(f"a{one}=1" for one in range(200)), 400, "parameters"),
        ("/drugs/none", 404, "none"),
        ("/drugs/none/alternatives", 404, "none"),
        ("/elsewhere", 404, "no such path; use GET /v1/drugs"),
        ("/v2/drugs", 404, "no such path; use GET /v1/drugs"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    api: Api, target: str, status: int, detail: str
) -> None:
    found, body = api(target)
    assert (found, body["status"]) == (status, status)
    assert detail in body["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_another_method_is_told_which_one_there_is(api: Api, method: str) -> None:
    status, body = api("/drugs?q=aspirin", method)
    assert (status, body["detail"][:8]) == (405, "GET only")


def test_a_filter_of_marks_only_matches_nothing(api: Api) -> None:
    for value in ("_", "%2A", "%7B%7D", "%22"):
        for column in ("drug_class", "manufacturer", "therapeutic_class", "route"):
            status, body = api(f"/drugs?q=aspirin&{column}={value}")
            assert (status, products(body)) == (200, [])


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

    monkeypatch.setattr(wiring().index.search, "find_named", fail)
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
    status, body = api("/drugs?q=class+1")
    assert (status, kinds(body), notices(body)) == (200, ["class"], ["meaning_unavailable"])


def test_a_query_is_never_compared_with_vectors_of_another_model(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings name a new model already; its backfill has not been switched to."""
    asked: list[object] = []
    monkeypatch.setenv("DRUGSYNC_EMBEDDING_MODEL", "amazon.titan-embed-text-v1")
    monkeypatch.setenv("DRUGSYNC_EMBEDDING_DIMENSIONS", "1536")
    wiring.cache_clear()
    monkeypatch.setattr(wiring().queries, "embed", lambda *given: asked.append(given))
    status, body = api("/drugs?q=class+1")
    assert (status, kinds(body), notices(body)) == (200, ["class"], ["meaning_unavailable"])
    assert asked == []


def test_an_answer_is_asked_again_where_a_switch_came_between(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = wiring().index.search
    live, find = index.live, index.find_named
    switches = iter(["a", "b", "b", "b"])
    searched = []

    def switched() -> LiveNames | None:
        names = live()
        return names and names._replace(switch=next(switches))

    def counted(*given: Any) -> Any:
        searched.append(given)
        return find(*given)

    monkeypatch.setattr(index, "live", switched)
    api("/drugs?q=aspirin+generic+5")
    once = len(searched)
    monkeypatch.setattr(index, "find_named", counted)
    switches = iter(["a", "b", "b", "b"])
    assert api("/drugs?q=aspirin+generic+5")[0] == 200
    assert once == 0
    assert len(searched) >= 2
    assert list(switches) == []


def test_the_api_describes_itself(api: Api) -> None:
    status, document = api("/openapi.json")
    assert (status, document["info"]["version"]) == (200, "v1")
    assert set(document["paths"]) == {
        "/v1/drugs",
        "/v1/drugs/{ndc}",
        "/v1/drugs/{ndc}/alternatives",
        "/v1/health",
        "/v1/openapi.json",
    }
    names = {one["name"] for one in document["paths"]["/v1/drugs"]["get"]["parameters"]}
    assert names == set(SearchRequest.model_fields)


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
    request = urllib.request.Request(f"{served}/v1/health", headers={"Host": "evil.example"})  # noqa: S310
    with pytest.raises(urllib.error.HTTPError, match="421") as refused:
        urllib.request.urlopen(request)  # noqa: S310
    refused.value.close()


def test_a_defect_of_a_page_is_answered_and_told_on_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    token = Token()
    site = SimpleNamespace()  # has none of what the pages ask for
    with SearchServer(
        ("127.0.0.1", 0),
        search_api.handler,
        RunsPages(site),
        token=token,  # type: ignore[arg-type]
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        asked = urllib.request.Request(
            f"http://127.0.0.1:{server.server_port}/runs", headers={"Cookie": token.set_cookie}
        )
        with pytest.raises(urllib.error.HTTPError, match="500") as answered:
            urllib.request.urlopen(asked)  # noqa: S310
        page = answered.value.read().decode()
        answered.value.close()
        server.shutdown()
        thread.join()
    assert "the terminal of drugsync serve shows what it is" in page
    assert "AttributeError" not in page
    assert "AttributeError" in capsys.readouterr().err
