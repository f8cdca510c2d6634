"""The ports in memory. tests/contract holds those with a real twin to the same behaviour."""

from tests.fakes.index import FakeIndex
from tests.fakes.world import (
    NOW,
    FakeCatalog,
    FakeEmbedder,
    FakeExecutions,
    FakeQuota,
    FakeRunStore,
    clock,
)

__all__ = [
    "NOW",
    "FakeCatalog",
    "FakeEmbedder",
    "FakeExecutions",
    "FakeIndex",
    "FakeQuota",
    "FakeRunStore",
    "clock",
]
