"""How much of the quota is reserved at once, and what the stand-in's bucket holds."""

from __future__ import annotations

import pytest
from redis import Redis

from local.standin.bedrock_models import BedrockError
from local.standin.faults import Controls
from workflow.adapters.redis.quota import RedisQuota


@pytest.mark.parametrize(("tokens_per_minute", "block"), [(300_000, 500), (6_000, 10), (60, 0)])
def test_a_tenth_of_a_second_is_reserved_at_once(tokens_per_minute: int, block: int) -> None:
    assert RedisQuota(Redis(), "titan", tokens_per_minute).block == block


def test_the_standins_bucket_holds_as_many_seconds_as_it_is_told() -> None:
    controls = Controls()
    controls.set({"tokens_per_minute": 600, "bucket_s": 2})
    controls.spend(20)
    with pytest.raises(BedrockError, match="Too many tokens"):
        controls.spend(20)
