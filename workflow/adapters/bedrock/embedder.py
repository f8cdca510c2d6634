"""Embedding models on Amazon Bedrock, with boto3's bedrock-runtime InvokeModel.

Request and answer forms: the model parameters pages of the Amazon Bedrock user guide.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from workflow.contract.errors import (
    EmbedderAccessDenied,
    EmbedderThrottled,
    EmbedderUnavailable,
    InvalidEmbedding,
    ModelFailed,
)
from workflow.contract.ports.model import Purpose, TextRefused, Vector
from workflow.contract.vectors import to_bytes

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

    from workflow.contract.models import ModelFamily

THROTTLED = {"ThrottlingException", "ModelNotReadyException", "ServiceQuotaExceededException"}
DENIED = {"AccessDeniedException", "UnrecognizedClientException", "ResourceNotFoundException"}
REFUSED = {"ValidationException"}
TOKENS_HEADER = "x-amzn-bedrock-input-token-count"


FAILED = {"ModelErrorException", "ModelTimeoutException"}
"""The model itself failed on this request; other requests may succeed."""


class BedrockEmbedder:
    """One model, chosen by its family's form."""

    def __init__(
        self,
        client: "BedrockRuntimeClient",
        model_id: str,
        family: "ModelFamily",
        *,
        dimensions: int,
        normalize: bool,
    ) -> None:
        self._client = client
        self._model_id = model_id
        self._family = family
        self._dimensions = dimensions
        self._normalize = normalize
        self.texts_per_call = family.texts_per_call

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        """float32[dimensions] of each text, from one call.

        The call's tokens are divided among its texts. Raises TextRefused, EmbedderThrottled,
        EmbedderUnavailable, EmbedderAccessDenied, InvalidEmbedding.
        """
        with self._translated():
            answer = self._client.invoke_model(
                modelId=self._model_id,
                body=orjson.dumps(self._request(texts, purpose)),
                contentType="application/json",
                accept="application/json",
            )
            body = answer["body"].read()
            headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return self._vectors(body, headers, len(texts))

    def _request(self, texts: Sequence[str], purpose: Purpose) -> dict[str, Any]:
        family = self._family
        if family.name == "titan-v1":
            return {"inputText": texts[0]}
        if family.name == "titan-v2":
            return {
                "inputText": texts[0],
                "dimensions": self._dimensions,
                "normalize": self._normalize,
            }
        kinds = family.input_types or ("", "")
        request: dict[str, Any] = {
            "texts": list(texts),
            "input_type": kinds[0] if purpose == "document" else kinds[1],
        }
        if family.name == "cohere-v4":
            return request | {"output_dimension": self._dimensions, "embedding_types": ["float"]}
        return request

    def _vectors(self, body: bytes, headers: Mapping[str, str], count: int) -> list[Vector]:
        try:
            answer = orjson.loads(body)
            values = _values(answer)
            tokens = int(answer.get("inputTextTokenCount") or headers.get(TOKENS_HEADER) or 0)
            data = [to_bytes(one) for one in values]
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise InvalidEmbedding(
                f"{self._model_id} answered {body[:80]!r}, which has no vectors: {error}"
            ) from error
        if len(data) != count:
            raise InvalidEmbedding(f"{self._model_id} gave {len(data)} vectors for {count} texts")
        shares = _divide(tokens, count)
        return [Vector(one, share) for one, share in zip(data, shares, strict=True)]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise self._translate(error) from error
        except BotoCoreError as error:
            raise EmbedderUnavailable(f"{self._model_id} did not answer: {error}") from error

    def _translate(self, error: ClientError) -> Exception:
        problem = error.response.get("Error", {})
        code, words = problem.get("Code", ""), problem.get("Message", "")
        if code in REFUSED:
            return TextRefused(words)
        if code in THROTTLED:
            return EmbedderThrottled(
                f"{self._model_id}: {code}: {words}; lower tokens_per_minute if it lasts"
            )
        if code in DENIED:
            return EmbedderAccessDenied(
                f"{self._model_id}: {code}: {words}; enable access to the model and grant "
                "bedrock:InvokeModel"
            )
        if code in FAILED:
            return ModelFailed(f"{self._model_id}: {code}: {words}")
        return EmbedderUnavailable(f"{self._model_id}: {code}: {words}")


def _values(answer: dict[str, Any]) -> list[list[float]]:
    if "embedding" in answer:
        return [answer["embedding"]]
    embeddings = answer["embeddings"]
    return list(embeddings["float"] if isinstance(embeddings, dict) else embeddings)


def _divide(tokens: int, count: int) -> list[int]:
    """Whole numbers that add up to `tokens`."""
    return [tokens * (i + 1) // count - tokens * i // count for i in range(count)]
