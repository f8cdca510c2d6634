"""A catalog over TLS, as in production: only from a server whose certificate is for its name.

By the functions' own settings, over a real server with an authority of its own.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import mysql.connector
import pytest
from aws_lambda_powertools.utilities import parameters
from moto import mock_aws
from mysql.connector.errors import Error

from handlers.wiring import Wiring
from local.servers.mysql_binaries import find_mysql
from local.servers.servers import MySQLServer, connect, start_mysql, stop_mysql
from tests.rows import make_rows
from tests.servers import CatalogTable
from workflow.contract.errors import CatalogAccessDenied
from workflow.contract.settings import PREFIX

SECRET = {"username": "reader", "password": "It's a \\ secret"}
IDENTIFIED = {
    "MariaDB": "IDENTIFIED VIA {plugin} USING PASSWORD(%s)",
    "MySQL": "IDENTIFIED WITH {plugin} BY %s",
}
PLUGINS = {
    "MariaDB": "mysql_native_password",  # Aurora MySQL 3 has it, MySQL 9 no more
    "MySQL": "caching_sha2_password",
}
NO_SUCH_PLUGIN = 1524
WITHOUT_TLS = {"MariaDB": "--skip-ssl", "MySQL": "--tls-version="}

Read = Callable[..., int]


def kind(server: MySQLServer) -> str:
    return server.version.partition(" ")[0]


def port_of(server: MySQLServer) -> str:
    with contextlib.closing(connect(server)) as connection:
        ((port,),) = CatalogTable(connection).execute("SELECT @@port")
    return str(port)


def openssl(folder: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a certificate by it for `localhost`, and another authority."""
    made = tmp_path_factory.mktemp("tls")
    key = "-newkey rsa:2048 -nodes -days 2"
    signs = "-addext keyUsage=critical,keyCertSign"  # Python 3.13 and newer want it said
    for name in ("authority", "another"):
        files = f"-keyout {name}.key -out {name}.pem"
        openssl(made, f"req -x509 {key} {signs} {files} -subj /CN={name}")
    openssl(made, f"req {key} -keyout server.key -out request -subj /CN=localhost")
    (made / "names").write_text("subjectAltName=DNS:localhost")
    signed = "-CA authority.pem -CAkey authority.key -CAcreateserial -extfile names -days 2"
    openssl(made, f"x509 -req -in request -out server.pem {signed}")
    return made


@contextlib.contextmanager
def started(root: Path, *options: str) -> Iterator[MySQLServer]:
    """A server with six drugs, a user of the secret who may read them, and a port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    network = ("--skip-networking=0", "--bind-address=127.0.0.1", f"--port={port}")
    server = start_mysql(root, extra_args=[*network, *options])
    try:
        with contextlib.closing(connect(server)) as connection:
            connection.autocommit = True
            table = CatalogTable(connection)
            table.create()
            table.insert(*make_rows(6))
        create_user(server, PLUGINS[kind(server)])
        yield server
    finally:
        stop_mysql(root)


def create_user(server: MySQLServer, plugin: str) -> None:
    options = {"unix_socket": server.socket, "user": "root", "use_pure": True}
    with contextlib.closing(mysql.connector.connect(**options)) as root:
        user = CatalogTable(root)  # type: ignore[arg-type]
        user.execute("DROP USER IF EXISTS reader")
        how = IDENTIFIED[kind(server)].format(plugin=plugin)
        user.execute(f"CREATE USER reader {how}", [SECRET["password"]])
        user.execute("GRANT SELECT ON drugs.* TO reader")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[MySQLServer]:
    files = {"ca": "authority.pem", "cert": "server.pem", "key": "server.key"}
    options = [f"--ssl-{name}={folder / file}" for name, file in files.items()]
    with started(folder / "with", *options) as running:
        yield running


@pytest.fixture
def read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Read]:
    """How many drugs the functions read from a server, by their own settings and secret."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    parameters.clear_caches()  # type: ignore[no-untyped-call]
    with mock_aws():
        made: Any = boto3.client("secretsmanager").create_secret(
            Name="reader", SecretString=json.dumps(SECRET)
        )

        def ask(server: MySQLServer, authority: str = "authority.pem", **more: str) -> int:
            settings = {
                **{"RUN_BUCKET": "runs", "CATALOG_TABLE": "drugs", "REDIS_URL": "redis://r"},
                **{"MYSQL_HOST": "localhost", "MYSQL_DATABASE": server.database},
                **{"MYSQL_PORT": port_of(server), "MYSQL_SECRET_ARN": made["ARN"]},
                **{"MYSQL_SSL_CA": str(folder / authority)},
                **more,
            }
            for name, value in settings.items():
                monkeypatch.setenv(f"{PREFIX}{name}", value)
            with Wiring().catalog.connect() as reader:
                return len(reader.read_range(None, None).rows)

        yield ask
    parameters.clear_caches()  # type: ignore[no-untyped-call]


def test_a_server_that_the_authority_signed_for_is_read(server: MySQLServer, read: Read) -> None:
    assert read(server) == 6


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"authority": "another.pem"}, "certificate"),
        ({"MYSQL_HOST": "127.0.0.1"}, r"not valid for '127\.0\.0\.1'"),
        ({"authority": "no-such.pem"}, "No such file"),
    ],
    ids=["another authority", "another name", "no file"],
)
def test_a_server_that_cannot_be_trusted_is_not_asked_again(
    server: MySQLServer, read: Read, wrong: dict[str, str], words: str
) -> None:
    with pytest.raises(CatalogAccessDenied, match=f"{words}.*check mysql_host, mysql_ssl_ca"):
        read(server, **wrong)


def test_a_server_without_tls_is_not_asked_in_the_clear(folder: Path, read: Read) -> None:
    with (
        started(folder / "without", WITHOUT_TLS[find_mysql().kind]) as plain,
        pytest.raises(CatalogAccessDenied, match=r"server doesn't support it.*mysql_tls"),
    ):
        read(plain)


@pytest.mark.parametrize("plugin", ["caching_sha2_password", "mysql_native_password"])
def test_a_password_is_checked_by_the_plugins_of_aurora(
    server: MySQLServer, read: Read, plugin: str
) -> None:
    try:
        create_user(server, plugin)
    except Error as error:
        if error.errno != NO_SUCH_PLUGIN:
            raise
        pytest.skip(f"{server.version} has no {plugin}")
    assert [read(server), read(server)] == [6, 6]  # the second time from the server's cache
    clear = {"MYSQL_TLS": "false", "MYSQL_HOST": "127.0.0.1"}
    create_user(server, plugin)
    if plugin == "caching_sha2_password":
        with pytest.raises(CatalogAccessDenied, match="check mysql_user"):
            read(server, **clear)  # its password would go over the network as it is
    else:
        assert read(server, **clear) == 6
