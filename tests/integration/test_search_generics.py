"""A generic name and a strength: the right strength comes first, however the name is spelt."""

from __future__ import annotations

import pytest
import redis

from local.servers.stack import Stack
from tests.searched import NAMES, drug, fill, found, told
from workflow.search.search import search

ORAL = "ORAL"


@pytest.mark.parametrize("query", ["oxycodone apap 10-325", "apap oxycodone 10/325"])
def test_the_right_strength_comes_before_another_spelling_of_the_name(
    stack: Stack, query: str
) -> None:
    """The product that is called so has other strengths only."""
    spelt = drug(1, "Oxycodone APAP", "", "OXYCODONE APAP", "5 mg/1; 325 mg/1", "TABLET", ORAL)
    right = drug(
        2, "Oxycodone and Acetaminophen", "", "oxycodone and acetaminophen",
        "10 mg/1; 325 mg/1", "TABLET", ORAL,
    )  # fmt: skip
    with redis.Redis.from_url(stack.redis.url, protocol=3) as client:
        answer = search(query, NAMES, meaning=None, index=fill(client, (spelt, right)).search)
        client.flushall()
    assert found(answer) == {"found": ["Oxycodone and Acetaminophen", "Oxycodone APAP"]}
    assert "strength_missing" not in told(answer)
