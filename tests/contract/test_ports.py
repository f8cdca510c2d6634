"""Adapters and fakes offer what the ports promise."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any, Protocol

import pytest

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
from workflow.adapters.mysql.passwords import MySQLPasswords
from workflow.adapters.redis.documents import RedisDocuments
from workflow.adapters.redis.generations import RedisGenerations
from workflow.adapters.redis.indexes import RedisIndexes
from workflow.adapters.redis.probes import RedisProbe
from workflow.adapters.redis.queries import RedisSearch
from workflow.adapters.redis.quota import RedisQuota
from workflow.adapters.redis.texts import RedisTexts
from workflow.adapters.s3.run_store import S3RunStore
from workflow.adapters.secretsmanager.versions import AwsSecretVersions
from workflow.adapters.stepfunctions.executions import StepFunctionsExecutions
from workflow.adapters.stepfunctions.history import SnsAnnouncer, StepFunctionsHistory
from workflow.contract import ports
from workflow.contract.ports.catalog import Catalog, CatalogReader
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.executions import Announcer, ExecutionHistory, Executions
from workflow.contract.ports.generations import Generations
from workflow.contract.ports.model import Embedder, Quota
from workflow.contract.ports.passwords import Passwords, SecretVersions
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.server import Engine, Server
from workflow.contract.ports.texts import Texts

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


INDEX = FakeIndex()
ADAPTERS: list[tuple[type, type]] = [
    (Announcer, SnsAnnouncer),
    (Catalog, MySQLCatalog),
    (CatalogReader, MySQLReader),
    (Documents, RedisDocuments),
    (Embedder, BedrockEmbedder),
    (Engine, RedisProbe),
    (ExecutionHistory, StepFunctionsHistory),
    (Executions, StepFunctionsExecutions),
    (Generations, RedisGenerations),
    (Passwords, MySQLPasswords),
    (Quota, RedisQuota),
    (RunStore, S3RunStore),
    (SearchIndex, RedisSearch),
    (SecretVersions, AwsSecretVersions),
    (Server, RedisIndexes),
    (Texts, RedisTexts),
]
FAKES: list[tuple[type, type]] = [
    (Catalog, FakeCatalog),
    (CatalogReader, FakeCatalog),
    (Documents, type(INDEX.documents)),
    (Embedder, FakeEmbedder),
    (Engine, type(INDEX.engine)),
    (Executions, FakeExecutions),
    (Generations, type(INDEX.generations)),
    (Quota, FakeQuota),
    (RunStore, FakeRunStore),
    (Server, type(INDEX.server)),
    (Texts, type(INDEX.texts)),
]


@pytest.mark.parametrize(("port", "adapter"), [*ADAPTERS, *FAKES])
def test_an_adapter_has_every_method_of_its_port(port: type, adapter: type) -> None:
    for name, signature in signatures(port).items():
        found = inspect.signature(getattr(adapter, name))
        assert parameters(found) == parameters(signature), name


def test_the_part_of_the_search_that_is_faked_is_of_the_port() -> None:
    promised = signatures(SearchIndex)
    for name, signature in signatures(type(INDEX.search)).items():
        assert parameters(signature) == parameters(promised[name]), name


def test_every_port_is_compared_with_its_adapter() -> None:
    names = {
        name
        for module in pkgutil.iter_modules(ports.__path__, f"{ports.__name__}.")
        for name, member in vars(importlib.import_module(module.name)).items()
        if getattr(member, "_is_protocol", False) and member is not Protocol
    }
    assert names == {port.__name__ for port, _ in ADAPTERS}
