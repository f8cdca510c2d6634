"""What a Bedrock model needs to be invoked: whether it exists, and which ARNs to grant."""

import re
from typing import NamedTuple


class Model(NamedTuple):
    """`dimensions` are the vector lengths it offers; the price is the list price in us-east-1."""

    dimensions: tuple[int, ...]
    usd_per_1k_tokens: float


MODELS = {
    "amazon.titan-embed-text-v1": Model((1536,), 0.0001),
    "amazon.titan-embed-text-v2": Model((256, 512, 1024), 0.00002),
    "cohere.embed-english-v3": Model((1024,), 0.0001),
    "cohere.embed-multilingual-v3": Model((1024,), 0.0001),
    "cohere.embed-v4": Model((256, 512, 1024, 1536), 0.00012),
}
"""By the beginning of the model id. A test compares it with the workflow's own table."""

PROFILE_ID = re.compile(r"^(?P<geography>[a-z]{2,6}(-gov)?)\.(?P<model>(amazon|cohere)\..+)$")


def model_of(model_id: str) -> Model | None:
    """The model behind a model id, an inference profile id, or an ARN of either."""
    return next((model for name, model in MODELS.items() if name in model_id), None)


class InvokeGrant(NamedTuple):
    """One statement: what may be invoked and, for a profile's models, only through the profile."""

    resource: str
    only_through: str | None = None


def invoke_grants(model_id: str, *, partition: str, region: str, account: str) -> list[InvokeGrant]:
    """The ARNs that calling this model takes.

    An inference profile sends a call on to one of several regions, and IAM checks the profile and
    the model in that region: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html
    """
    if model_id.startswith("arn:") and ":inference-profile/" not in model_id:
        return [InvokeGrant(model_id)]
    bare_id = model_id.rpartition("/")[2]
    profile = PROFILE_ID.match(bare_id)
    if profile is None:
        return [InvokeGrant(f"arn:{partition}:bedrock:{region}::foundation-model/{bare_id}")]
    arn = f"arn:{partition}:bedrock:{region}:{account}:inference-profile/{bare_id}"
    models = f"arn:{partition}:bedrock:*::foundation-model/{profile['model']}"
    return [InvokeGrant(arn), InvokeGrant(models, only_through=arn)]
