"""Fixtures: real MariaDB, real Redis and the model's stand-in for the session, empty for each test.

A machine that lacks a server fails these tests with the command that installs it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing

import hypothesis
import pytest
import redis
from mysql.connector.abstracts import MySQLConnectionAbstract

from local.places import MYSQL_VARIABLE, REDIS_VARIABLE
from local.servers.servers import connect
from local.servers.stack import Stack, down, up
from local.standin.bedrock_process import control
from tests.lab import Lab
from tests.rows import make_rows
from tests.servers import CatalogTable, IndexReader
from workflow.adapters.redis.index import RedisIndex
from workflow.contract.ports.generations import LiveNames
from workflow.contract.settings import PREFIX, Settings

# Time is measured by benchmarks. A test that is slow on a busy machine is right all the same.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """A developer's own DRUGSYNC_* would win over a test's; the servers are theirs to choose."""
    servers = {MYSQL_VARIABLE, REDIS_VARIABLE}
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            if name not in servers:
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The local stack with the fast hash embedder; stopped at the end, whatever happened."""
    root = tmp_path_factory.mktemp("stack")
    try:
        yield up(root, lambda _: None, embedder="hash")
    finally:
        down(root)


@pytest.fixture(scope="session")
def mysql_connection(stack: Stack) -> Iterator[MySQLConnectionAbstract]:
    connection = connect(stack.mysql)
    connection.autocommit = True
    CatalogTable(connection).create()
    yield connection
    connection.close()


@pytest.fixture
def catalog(stack: Stack, mysql_connection: MySQLConnectionAbstract) -> Iterator[CatalogTable]:
    """The table `drugs`, empty.

    The connection is this test's alone: after a test that its time limit stopped, an answer that
    nobody read would be taken for the next test's.
    """
    with closing(connect(stack.mysql)) as own:
        own.autocommit = True
        table = CatalogTable(own)
        table.clear()
        yield table


@pytest.fixture
def redis_client(stack: Stack) -> Iterator[redis.Redis]:
    """An empty Redis, over RESP2."""
    with redis.Redis.from_url(stack.redis.url, protocol=2) as client:
        client.flushall()
        yield client


@pytest.fixture
def index(redis_client: redis.Redis) -> IndexReader:
    return IndexReader(redis_client)


@pytest.fixture
def empty_lab(stack: Stack, catalog: CatalogTable, index: IndexReader) -> Lab:
    """No catalog rows, nothing in Redis, no past runs, a model without faults."""
    shutil.rmtree(stack.root / "runs", ignore_errors=True)
    control(stack.bedrock, reset=True)
    return Lab(stack, catalog, index)


@pytest.fixture
def lab(empty_lab: Lab) -> Lab:
    """Forty rows of twenty texts; nothing in Redis yet."""
    empty_lab.catalog.insert(*make_rows(40))
    return empty_lab


@pytest.fixture(scope="session")
def after_first_sync() -> dict[str, bytes]:
    """What Redis holds after the first sync of the forty rows; filled by the first `synced`."""
    return {}


@pytest.fixture
def synced(lab: Lab, after_first_sync: dict[str, bytes]) -> Lab:
    """The forty rows are live as run `first` left them; the stand-in counts from here."""
    if after_first_sync:
        restore(lab, after_first_sync)
    else:
        lab.succeed(run_id="first")
        after_first_sync.update(lab.index.dump()["keys"])
        lab.control_model(reset=True)
    return lab


def restore(lab: Lab, held: dict[str, bytes]) -> None:
    """Put back the keys and make the search indexes that they had: a sync takes a second."""
    client = lab.index.redis
    with client.pipeline(transaction=False) as pipe:
        for key, value in held.items():
            pipe.restore(key, 0, value)
        pipe.execute()
    settings = Settings.from_environment(
        {
            name: value
            for name, value in lab.stack.environment(**lab.settings).items()
            if name.startswith(PREFIX)
        }
    )
    index = RedisIndex(
        redis.Redis.from_url(lab.stack.redis.url, protocol=3),
        dimensions=settings.embedding_dimensions,
        algorithm=settings.index_algorithm,
        options=settings.index_options,
    )
    names = LiveNames(*lab.index.live())
    server = index.server
    server.create_indexes(names)
    server.point_aliases(names, lab.index.holder())
    while any(
        facts is None or facts.building
        for facts in (server.index("drugs", names.generation), server.index("texts", names.space))
    ):
        time.sleep(0.005)
