"""The Bedrock stand-in, asked by boto3 as the product asks Bedrock."""

from __future__ import annotations

import http.client
import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.errors import LocalError
from local.standin.bedrock import SECRET_HEADER
from local.standin.bedrock_process import (
    StandinProcess,
    control,
    counters,
    start_standin,
    stop_standin,
)
from local.standin.faults import ERRORS

TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-english-v3"
COHERE_4 = "cohere.embed-v4:0"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    root = tmp_path_factory.mktemp("hash")
    yield start_standin(root, embedder="hash")
    stop_standin(root)


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    root = tmp_path_factory.mktemp("minilm")
    yield client_of(start_standin(root, embedder="minilm").endpoint)
    stop_standin(root)


@pytest.fixture
def standin(process: StandinProcess) -> StandinProcess:
    control(process, reset=True)
    return process


@pytest.fixture
def endpoint(standin: StandinProcess) -> str:
    return standin.endpoint


@pytest.fixture
def bedrock(endpoint: str) -> Any:
    return client_of(endpoint)


def client_of(endpoint: str) -> Any:
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, max_pool_connections=8, read_timeout=5),
    )


def invoke(bedrock: Any, model: str = TITAN, **body: Any) -> Any:
    answer = bedrock.invoke_model(modelId=model, body=json.dumps(body))
    with answer["body"] as stream:
        return json.loads(stream.read())


def refusal(bedrock: Any, model: str = TITAN, **body: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        invoke(bedrock, model, **body)
    return caught.value


def norm(vector: list[float]) -> float:
    return math.sqrt(math.fsum(x * x for x in vector))


def cosine(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True)) / norm(a) / norm(b)


@pytest.mark.parametrize("dimensions", [256, 512, 1024])
def test_titan_v2_gives_a_unit_vector_of_the_dimensions_asked_for(
    bedrock: Any, dimensions: int
) -> None:
    answer = invoke(bedrock, inputText="aspirin", dimensions=dimensions, normalize=True)
    assert len(answer["embedding"]) == dimensions
    assert norm(answer["embedding"]) == pytest.approx(1)
    assert answer["embeddingsByType"] == {"float": answer["embedding"]}
    assert answer["inputTextTokenCount"] > 0


def test_titan_v2_without_normalization_is_longer_but_points_the_same_way(bedrock: Any) -> None:
    unit = invoke(bedrock, inputText="aspirin")["embedding"]
    longer = invoke(bedrock, inputText="aspirin", normalize=False)["embedding"]
    assert norm(longer) > 2
    assert cosine(unit, longer) == pytest.approx(1)


def test_titan_v1_gives_1536_dimensions(bedrock: Any) -> None:
    answer = invoke(bedrock, "amazon.titan-embed-text-v1", inputText="aspirin")
    assert len(answer["embedding"]) == 1536


def test_cohere_v3_gives_one_vector_per_text_in_order(bedrock: Any) -> None:
    texts = [f"drug {i}" for i in range(96)]
    answer = invoke(bedrock, COHERE, texts=texts, input_type="search_document", truncate="END")
    alone = invoke(bedrock, COHERE, texts=["drug 7"], input_type="search_query")
    assert answer["texts"] == texts
    assert answer["response_type"] == "embeddings_floats"
    assert len(answer["embeddings"]) == 96
    assert answer["embeddings"][7] == alone["embeddings"][0]


def test_cohere_v4_gives_vectors_by_type_when_types_are_asked_for(bedrock: Any) -> None:
    body = {"texts": ["a", "b"], "input_type": "search_document", "output_dimension": 512}
    plain = invoke(bedrock, f"us.{COHERE_4}", **body)
    typed = invoke(bedrock, COHERE_4, embedding_types=["float"], **body)
    assert typed["embeddings"] == {"float": plain["embeddings"]}
    assert len(plain["embeddings"][0]) == 512


def test_every_answer_has_its_token_count_in_a_header(bedrock: Any) -> None:
    body = json.dumps({"texts": ["a" * 40, "b" * 40], "input_type": "search_document"})
    answer = bedrock.invoke_model(modelId=COHERE, body=body)
    answer["body"].close()
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-input-token-count"] == "22"


def test_the_hash_embedder_tells_different_texts_apart_and_repeats_itself(bedrock: Any) -> None:
    first, second, again = (
        invoke(bedrock, inputText=text)["embedding"] for text in ("aspirin", "aspirin 2", "aspirin")
    )
    assert first == again
    assert abs(cosine(first, second)) < 0.2


@pytest.mark.parametrize(
    ("model", "body", "problem"),
    [
        (TITAN, {"inputText": "a", "dimensions": 384}, "dimensions"),
        (TITAN, {"inputText": "a", "normalize": 1}, "normalize"),
        (TITAN, {"inputText": " "}, "minLength"),
        (TITAN, {"inputText": None}, "String"),
        (TITAN, {}, "inputText"),
        (TITAN, {"inputText": "a", "colour": "red"}, "extraneous key .colour."),
        (TITAN, {"inputText": "a" * 50_001}, "maxLength: 50000"),
        (TITAN, {"inputText": "a" * 40_000}, "Too many input tokens. Max input tokens: 8192"),
        (COHERE, {"texts": ["a"] * 97, "input_type": "search_query"}, "maximum item count: 96"),
        (COHERE, {"texts": [], "input_type": "search_query"}, "minimum item count"),
        (COHERE, {"texts": ["a", ""], "input_type": "search_query"}, "#/texts/1"),
        (COHERE, {"texts": ["a" * 2049], "input_type": "search_query"}, "maxLength: 2048"),
        (COHERE, {"texts": ["a"]}, "input_type"),
        (COHERE, {"texts": ["a"], "input_type": "search"}, "input_type"),
        (
            COHERE_4,
            {"texts": ["a"], "input_type": "search_query", "output_dimension": 100},
            "output_dimension",
        ),
        ("amazon.titan-embed-text-v9", {"inputText": "a"}, "model identifier is invalid"),
    ],
)
def test_what_bedrock_refuses_is_a_validation_exception(
    bedrock: Any, model: str, body: dict[str, Any], problem: str
) -> None:
    error = refusal(bedrock, model, **body)
    assert error.response["Error"]["Code"] == "ValidationException"
    assert problem.replace(".colour.", "[colour]") in error.response["Error"]["Message"]


@pytest.mark.parametrize(("kind", "status"), ERRORS.items())
def test_each_bedrock_error_arrives_by_name_and_status(
    bedrock: Any, standin: StandinProcess, kind: str, status: int
) -> None:
    control(standin, faults=[{"kind": kind, "times": 1}])
    error = refusal(bedrock, inputText="aspirin")
    assert error.response["Error"]["Code"] == kind
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert invoke(bedrock, inputText="aspirin")["embedding"]
    assert counters(standin)["errors"] == {kind: 1}


def test_a_fault_hits_only_matching_texts_and_for_ever_when_asked(
    bedrock: Any, standin: StandinProcess
) -> None:
    control(standin, faults=[{"kind": "ModelErrorException", "times": None, "match": "warfarin"}])
    assert invoke(bedrock, inputText="aspirin")
    for _ in range(3):
        refusal(bedrock, inputText="warfarin 5 mg")


@pytest.mark.parametrize("kind", ["truncated_json", "malformed_json"])
def test_a_broken_body_is_no_json(bedrock: Any, standin: StandinProcess, kind: str) -> None:
    control(standin, faults=[{"kind": kind}])
    with pytest.raises(json.JSONDecodeError):
        invoke(bedrock, inputText="aspirin")


@pytest.mark.parametrize(
    ("kind", "is_broken"),
    [
        ("wrong_dimensions", lambda vectors: len(vectors[0]) == 1023),
        ("nan", lambda vectors: math.isnan(vectors[0][0])),
        ("infinity", lambda vectors: math.isinf(vectors[0][0])),
        ("zero_vector", lambda vectors: not any(vectors[0])),
        ("too_few_vectors", lambda vectors: len(vectors) == 1),
    ],
)
def test_broken_vectors_arrive_as_asked(
    bedrock: Any, standin: StandinProcess, kind: str, is_broken: Any
) -> None:
    control(standin, faults=[{"kind": kind}])
    body = {"texts": ["a", "b"], "input_type": "search_document"}
    assert is_broken(invoke(bedrock, COHERE, **body)["embeddings"])
    assert not is_broken(invoke(bedrock, COHERE, **body)["embeddings"])


def test_a_disconnect_is_a_connection_error(bedrock: Any, standin: StandinProcess) -> None:
    control(standin, faults=[{"kind": "disconnect"}])
    with pytest.raises(BotoCoreError):
        invoke(bedrock, inputText="aspirin")


def test_latency_and_slow_answers_take_their_time(bedrock: Any, standin: StandinProcess) -> None:
    control(standin, latency_ms=60, faults=[{"kind": "slow", "delay_ms": 200}])
    started = time.monotonic()
    invoke(bedrock, inputText="aspirin")
    assert time.monotonic() - started >= 0.26


def test_tokens_beyond_the_minutes_quota_are_throttled(
    bedrock: Any, standin: StandinProcess
) -> None:
    control(standin, tokens_per_minute=25)
    invoke(bedrock, inputText="a" * 80)
    assert refusal(bedrock, inputText="b" * 80).response["Error"]["Code"] == "ThrottlingException"
    assert counters(standin)["throttled"] == 1
    control(standin, tokens_per_minute=None)
    invoke(bedrock, inputText="b" * 80)


def test_the_counters_add_up_over_concurrent_calls(bedrock: Any, standin: StandinProcess) -> None:
    control(standin, latency_ms=50)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: invoke(bedrock, inputText=f"drug {i:04}"), range(16)))
    found = counters(standin)
    assert (found["calls"], found["texts"], found["tokens"]) == (16, 16, 16 * 3)
    assert 2 <= found["peak_concurrency"] <= 8


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"latency": 1}, "unknown control field latency"),
        ({"latency_ms": "fast"}, "latency_ms must be a number"),
        ({"faults": [{"kind": "gremlin"}]}, "unknown fault 'gremlin'"),
        ({"faults": [{"kind": "nan", "often": 1}]}, "its fields are"),
        ({"faults": None}, "faults is a list"),
    ],
)
def test_wrong_controls_are_refused_by_name(
    standin: StandinProcess, settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(LocalError, match=problem):
        control(standin, **settings)


def test_a_connection_is_kept_and_answers_do_not_wait_for_acknowledgements(endpoint: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc)
    started = time.monotonic()
    for _ in range(50):
        connection.request("GET", "/_control")
        connection.getresponse().read()
    took = time.monotonic() - started
    connection.close()
    assert took < 1  # 40 ms each, were the answers two packets


def test_starting_twice_gives_the_same_stand_in(
    standin: StandinProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("twice")
    try:
        first = start_standin(root, embedder="hash")
        assert start_standin(root, embedder="hash") == first
        assert first.endpoint != standin.endpoint
    finally:
        assert stop_standin(root)


@pytest.mark.parametrize("dimensions", [256, 1024])
def test_minilm_puts_what_means_the_same_together(minilm: Any, dimensions: int) -> None:
    thinner, warfarin, cream = (
        invoke(minilm, inputText=text, dimensions=dimensions)["embedding"]
        for text in ("blood thinner", "anticoagulant tablet", "sunscreen lotion")
    )
    assert norm(thinner) == pytest.approx(1, abs=1e-5)
    assert cosine(thinner, warfarin) > cosine(thinner, cream) + 0.1


def test_minilm_keeps_cosines_when_padded_and_nearly_when_projected(minilm: Any) -> None:
    found = {
        dimensions: cosine(
            *(
                invoke(minilm, inputText=text, dimensions=dimensions)["embedding"]
                for text in ("aspirin 10 mg tablet", "ibuprofen 200 mg tablet")
            )
        )
        for dimensions in (256, 512, 1024)
    }
    assert found[512] == pytest.approx(found[1024], abs=1e-6)
    assert found[256] == pytest.approx(found[1024], abs=0.15)


def test_minilm_takes_a_text_much_longer_than_it_reads(minilm: Any) -> None:
    answer = invoke(minilm, inputText="acid reducer " * 1000)
    assert answer["inputTextTokenCount"] > 1000


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "attacker.example"}, 403),
        ({"Origin": "http://attacker.example"}, 403),
        ({"Content-Type": "text/plain"}, 400),
        ({SECRET_HEADER: ""}, 403),
        ({SECRET_HEADER: "guessed"}, 403),
        ({SECRET_HEADER: "\xff"}, 403),
        ({"Content-Length": "99999999"}, 413),
        ({"Content-Length": "0" * 9 + "9" * 12}, 413),
        ({"Content-Length": "-1"}, 413),
        ({}, 200),
    ],
    ids=lambda one: str(one),
)
def test_neither_a_page_in_a_browser_nor_another_user_can_control_it(
    standin: StandinProcess, headers: dict[str, str], status: int
) -> None:
    connection = http.client.HTTPConnection(urlsplit(standin.endpoint).netloc, timeout=10)
    try:
        given = {"Content-Type": "application/json", SECRET_HEADER: standin.secret} | headers
        connection.request("POST", "/_control", body='{"reset": true}', headers=given)
        assert connection.getresponse().status == status
    finally:
        connection.close()


def test_its_secret_is_no_argument_and_nobody_else_can_read_it(standin: StandinProcess) -> None:
    arguments = Path(f"/proc/{standin.pid}/cmdline").read_bytes().decode().split("\0")
    assert standin.secret not in " ".join(arguments)
    assert standin.secret not in repr(standin)
    file = Path(arguments[arguments.index("--secret-file") + 1])
    assert file.read_text() == standin.secret
    assert file.stat().st_mode & 0o077 == file.parent.stat().st_mode & 0o077 == 0


def test_the_counters_are_for_who_knows_the_secret(standin: StandinProcess) -> None:
    stranger = StandinProcess(standin.pid, standin.endpoint, "hash")
    with pytest.raises(LocalError, match="only for clients that can read the secret"):
        counters(stranger)


def test_it_comes_back_at_the_port_that_it_had(tmp_path: Path) -> None:
    first = start_standin(tmp_path, embedder="hash")
    try:
        stop_standin(tmp_path)
        assert start_standin(tmp_path, embedder="hash").endpoint == first.endpoint
    finally:
        stop_standin(tmp_path)
