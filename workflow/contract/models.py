"""What each family of Bedrock embedding models accepts and returns.

Limits and prices: the models' pages in the Amazon Bedrock user guide and price list (us-east-1).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """`max_chars` is the cut that keeps a text under the model's token limit."""

    name: str
    dimensions: tuple[int, ...]
    max_chars: int
    texts_per_call: int
    usd_per_1k_tokens: float
    input_types: tuple[str, str] | None = None
    """The model's names for a document and a query, if it embeds the two differently."""


COHERE_INPUT_TYPES = ("search_document", "search_query")

FAMILIES: dict[str, ModelFamily] = {
    "amazon.titan-embed-text-v1": ModelFamily("titan-v1", (1536,), 8_000, 1, 0.0001),
    "amazon.titan-embed-text-v2": ModelFamily("titan-v2", (256, 512, 1024), 8_000, 1, 0.00002),
    "cohere.embed-english-v3": ModelFamily(
        "cohere-v3", (1024,), 2_048, 96, 0.0001, COHERE_INPUT_TYPES
    ),
    "cohere.embed-multilingual-v3": ModelFamily(
        "cohere-v3", (1024,), 2_048, 96, 0.0001, COHERE_INPUT_TYPES
    ),
    "cohere.embed-v4": ModelFamily(
        "cohere-v4", (256, 512, 1024, 1536), 8_000, 96, 0.00012, COHERE_INPUT_TYPES
    ),
}


UNNAMED = (":application-inference-profile/", ":provisioned-model/")
"""ARNs of the account's own resources, which do not name the model behind them."""


def is_unnamed(model_id: str) -> bool:
    """Whether an id is the ARN of an application inference profile or of provisioned throughput."""
    return any(kind in model_id for kind in UNNAMED)


def family_of(model_id: str) -> ModelFamily | None:
    """The family of a model id, an inference profile id (`us.cohere...`) or an ARN of either."""
    return next((family for name, family in FAMILIES.items() if name in model_id), None)
