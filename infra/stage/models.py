"""The ARNs that a role must be allowed to invoke for a Bedrock model."""

import re
from typing import NamedTuple

PROFILE_ID = re.compile(r"^(?P<geography>[a-z]{2,6}(-gov)?)\.(?P<model>(amazon|cohere)\..+)$")


class InvokeGrant(NamedTuple):
    """One statement: what may be invoked; a profile's models only through the profile."""

    resource: str
    only_through: str | None = None


def invoke_grants(
    model_id: str, base_model: str, *, partition: str, region: str, account: str
) -> list[InvokeGrant]:
    """The ARNs that calling this model takes; `base_model` is behind an ARN that does not name it.

    An inference profile sends a call on to one of several regions, and IAM checks the profile and
    the model in that region: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html
    """
    if ":application-inference-profile/" in model_id:
        models = f"arn:{partition}:bedrock:*::foundation-model/{base_model.rpartition('/')[2]}"
        return [InvokeGrant(model_id), InvokeGrant(models, only_through=model_id)]
    if model_id.startswith("arn:") and ":inference-profile/" not in model_id:
        return [InvokeGrant(model_id)]
    bare_id = model_id.rpartition("/")[2]
    profile = PROFILE_ID.match(bare_id)
    if profile is None:
        return [InvokeGrant(f"arn:{partition}:bedrock:{region}::foundation-model/{bare_id}")]
    arn = f"arn:{partition}:bedrock:{region}:{account}:inference-profile/{bare_id}"
    models = f"arn:{partition}:bedrock:*::foundation-model/{profile['model']}"
    return [InvokeGrant(arn), InvokeGrant(models, only_through=arn)]
