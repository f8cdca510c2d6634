"""Adapters and fakes offer what the ports promise."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.fakes import (
    FakeCatalog,
    FakeEmbedder,
    FakeExecutions,
    FakeIndex,
    FakeQuota,
    FakeRunStore,
)
from workflow import ports
from workflow.adapters.bedrock import BedrockEmbedder
from workflow.adapters.mysql import MySQLCatalog, MySQLReader
from workflow.adapters.redis_quota import RedisQuota
from workflow.adapters.redis_search import RedisIndex
from workflow.adapters.s3 import S3RunStore
from workflow.adapters.stepfunctions import StepFunctionsExecutions

# Methods


def signatures(port: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(member)
        for name, member in inspect.getmembers(port, inspect.isfunction)
        if not name.startswith("_")
    }


def parameters(signature: inspect.Signature) -> list[tuple[str, Any]]:
    """Names and kinds: what a caller relies on."""
    return [(one.name, one.kind) for one in signature.parameters.values()]


@pytest.mark.parametrize(
    ("port", "adapter"),
    [
        (ports.Catalog, MySQLCatalog),
        (ports.CatalogReader, MySQLReader),
        (ports.Embedder, BedrockEmbedder),
        (ports.Quota, RedisQuota),
        (ports.RunStore, S3RunStore),
        (ports.Executions, StepFunctionsExecutions),
        (ports.Index, RedisIndex),
        (ports.Catalog, FakeCatalog),
        (ports.CatalogReader, FakeCatalog),
        (ports.Embedder, FakeEmbedder),
        (ports.Quota, FakeQuota),
        (ports.RunStore, FakeRunStore),
        (ports.Executions, FakeExecutions),
    ],
)
def test_an_adapter_has_every_method_of_its_port(port: type, adapter: type) -> None:
    for name, signature in signatures(port).items():
        found = inspect.signature(getattr(adapter, name))
        assert parameters(found) == parameters(signature), name


def test_what_the_fake_index_has_is_of_the_port() -> None:
    promised = signatures(ports.Index)
    for name, signature in signatures(FakeIndex).items():
        assert parameters(signature) == parameters(promised[name]), name
