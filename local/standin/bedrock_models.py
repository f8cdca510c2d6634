"""What Bedrock's embedding models accept and answer: bodies, limits and error messages.

Sources: the InvokeModel pages of Titan Text Embeddings and of Cohere Embed in the Bedrock user
guide. A request that Bedrock would refuse raises ``BedrockError``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.standin.embedders import Vector

MAX_TITAN_CHARACTERS = 50_000
MAX_TOKENS = 8_192
MAX_COHERE_TEXTS = 96
MAX_COHERE_V3_CHARACTERS = 2_048
UNNORMALIZED = 12.5  # Titan's vectors are longer than one when normalize is false
INPUT_TYPES = ("search_document", "search_query", "classification", "clustering")
MALFORMED = "Malformed input request: {}, please reformat your input and try again."

Body = Mapping[str, Any]


class BedrockError(Exception):
    """An error answer: its name, HTTP status and message."""

    def __init__(self, name: str, status: int, message: str) -> None:
        super().__init__(message)
        self.name, self.status, self.message = name, status, message


@dataclass(frozen=True)
class Request:
    """A valid request: what to embed, and how its model writes the answer.

    ``write`` takes the vectors and the number of tokens of all texts.
    """

    texts: Sequence[str]
    dimensions: int
    norm: float
    write: Callable[[Sequence[Vector], int], str]


def parse(model_id: str, body: bytes) -> Request:
    """The request in ``body``; BedrockError if Bedrock would refuse it."""
    reader = _reader(model_id)
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise invalid(MALFORMED.format("it is not valid JSON")) from error
    if not isinstance(fields, dict):
        raise malformed("#", "expected type: JSONObject")
    return reader(fields)


def check_tokens(counts: Sequence[int]) -> None:
    """Refuse a text that is longer than any of these models reads."""
    longest = max(counts)
    if longest > MAX_TOKENS:
        message = f"Too many input tokens. Max input tokens: {MAX_TOKENS}, "
        raise invalid(f"400 Bad Request: {message}request input token count: {longest}")


def invalid(message: str) -> BedrockError:
    return BedrockError("ValidationException", 400, message)


def malformed(where: str, problem: str) -> BedrockError:
    return invalid(MALFORMED.format(f"{where}: {problem}"))


def _reader(model_id: str) -> Callable[[Body], Request]:
    """A bare id, an inference profile (``us.cohere...``) or an ARN that ends in one."""
    name = model_id.rpartition("/")[2]
    for known, reader in READERS.items():
        if name == known or name.endswith(f".{known}"):
            return reader
    raise invalid("The provided model identifier is invalid.")


def _titan_v1(body: Body) -> Request:
    _check_fields(body, {"inputText"})
    text = _titan_text(body)
    return Request([text], 1536, 1.0, _write_titan_v1)


def _titan_v2(body: Body) -> Request:
    _check_fields(body, {"inputText", "dimensions", "normalize", "embeddingTypes"})
    text = _titan_text(body)
    dimensions = _choice(body, "dimensions", (256, 512, 1024), 1024)
    normalize = _choice(body, "normalize", (True, False), True)
    return Request([text], dimensions, 1.0 if normalize else UNNORMALIZED, _write_titan_v2)


def _titan_text(body: Body) -> str:
    if "inputText" not in body:
        raise malformed("#", "required key [inputText] not found")
    return _check_text(body["inputText"], "#/inputText", MAX_TITAN_CHARACTERS)


def _cohere_v3(body: Body) -> Request:
    _check_fields(body, {"texts", "input_type", "truncate", "embedding_types"})
    _choice(body, "truncate", ("NONE", "START", "END"), "NONE")
    texts = _cohere_texts(body, MAX_COHERE_V3_CHARACTERS)
    return Request(texts, 1024, 1.0, _cohere_writer(body))


def _cohere_v4(body: Body) -> Request:
    optional = {"truncate", "embedding_types", "output_dimension", "max_tokens"}
    _check_fields(body, {"texts", "input_type"} | optional)
    _choice(body, "truncate", ("NONE", "LEFT", "RIGHT"), "NONE")
    texts = _cohere_texts(body, None)
    dimensions = _choice(body, "output_dimension", (256, 512, 1024, 1536), 1536)
    return Request(texts, dimensions, 1.0, _cohere_writer(body))


def _cohere_texts(body: Body, longest: int | None) -> list[str]:
    for field in ("texts", "input_type"):
        if field not in body:
            raise malformed("#", f"required key [{field}] not found")
    _choice(body, "input_type", INPUT_TYPES, None)
    texts = body["texts"]
    if not isinstance(texts, list) or not texts:
        raise malformed("#/texts", "expected minimum item count: 1, found: 0")
    if len(texts) > MAX_COHERE_TEXTS:
        problem = f"expected maximum item count: {MAX_COHERE_TEXTS}, found: {len(texts)}"
        raise malformed("#/texts", problem)
    return [_check_text(text, f"#/texts/{i}", longest) for i, text in enumerate(texts)]


def _check_text(text: object, where: str, longest: int | None) -> str:
    if not isinstance(text, str):
        raise malformed(where, f"expected type: String, found: {type(text).__name__}")
    if not text.strip():
        raise malformed(where, "expected minLength: 1, actual: 0")
    if longest is not None and len(text) > longest:
        raise malformed(where, f"expected maxLength: {longest}, actual: {len(text)}")
    return text


def _check_fields(body: Body, known: set[str]) -> None:
    for field in body:
        if field not in known:
            raise malformed("#", f"extraneous key [{field}] is not permitted")


def _choice(body: Body, field: str, allowed: tuple[Any, ...], default: Any) -> Any:
    value = body.get(field, default)
    if not any(value == each and type(value) is type(each) for each in allowed):
        raise malformed(f"#/{field}", f"{value!r} is not one of {list(allowed)}")
    return value


def _array(vector: Vector) -> str:
    return f"[{','.join(vector)}]"


def _write_titan_v1(vectors: Sequence[Vector], tokens: int) -> str:
    embedding = _array(vectors[0] if vectors else [])
    return f'{{"embedding":{embedding},"inputTextTokenCount":{tokens}}}'


def _write_titan_v2(vectors: Sequence[Vector], tokens: int) -> str:
    embedding = _array(vectors[0] if vectors else [])
    by_type = f'"embeddingsByType":{{"float":{embedding}}}'
    return f'{{"embedding":{embedding},{by_type},"inputTextTokenCount":{tokens}}}'


def _cohere_writer(body: Body) -> Callable[[Sequence[Vector], int], str]:
    """Vectors by type if ``embedding_types`` asked for types, otherwise a plain list."""
    by_type = bool(body.get("embedding_types"))

    def write(vectors: Sequence[Vector], tokens: int) -> str:
        arrays = f"[{','.join(map(_array, vectors))}]"
        embeddings = f'{{"float":{arrays}}}' if by_type else arrays
        kind = "embeddings_by_type" if by_type else "embeddings_floats"
        rest = {"id": "stand-in", "response_type": kind, "texts": body["texts"]}
        return f'{{"embeddings":{embeddings},{json.dumps(rest)[1:]}'

    return write


READERS: dict[str, Callable[[Body], Request]] = {
    "amazon.titan-embed-text-v1": _titan_v1,
    "amazon.titan-embed-text-v2:0": _titan_v2,
    "cohere.embed-english-v3": _cohere_v3,
    "cohere.embed-multilingual-v3": _cohere_v3,
    "cohere.embed-v4:0": _cohere_v4,
}
