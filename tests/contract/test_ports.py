"""Adapters and fakes offer what the ports promise."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from workflow.adapters.redis.search import RedisIndex
from workflow.contract.ports.index import Index

from tests.fakes import (
    FakeCatalog,
    FakeEmbedder,
    FakeExecutions,
    FakeIndex,
    FakeQuota,
    FakeRunStore,
)
from workflow.adapters.bedrock.embedder import BedrockEmbedder
from workflow.adapters.mysql.catalog import MySQLCatalog, MySQLReader
from workflow.adapters.redis.quota import RedisQuota
from workflow.adapters.s3.run_store import S3RunStore
from workflow.adapters.stepfunctions.executions import StepFunctionsExecutions
from workflow.contract.ports.catalog import Catalog, CatalogReader
from workflow.contract.ports.executions import Executions
from workflow.contract.ports.model import Embedder, Quota
from workflow.contract.ports.run_store import RunStore

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
        (Catalog, MySQLCatalog),
        (CatalogReader, MySQLReader),
        (Embedder, BedrockEmbedder),
        (Quota, RedisQuota),
        (RunStore, S3RunStore),
        (Executions, StepFunctionsExecutions),
        (Index, RedisIndex),
        (Catalog, FakeCatalog),
        (CatalogReader, FakeCatalog),
        (Embedder, FakeEmbedder),
        (Quota, FakeQuota),
        (RunStore, FakeRunStore),
        (Executions, FakeExecutions),
    ],
)
def test_an_adapter_has_every_method_of_its_port(port: type, adapter: type) -> None:
    for name, signature in signatures(port).items():
        found = inspect.signature(getattr(adapter, name))
        assert parameters(found) == parameters(signature), name


def test_what_the_fake_index_has_is_of_the_port() -> None:
    promised = signatures(Index)
    for name, signature in signatures(FakeIndex).items():
        assert parameters(signature) == parameters(promised[name]), name
