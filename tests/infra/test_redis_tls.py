"""Functions talk to the created server only where its authority signed for its name."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from aws_lambda_powertools.utilities import parameters
from moto import mock_aws

from handlers.wiring import Wiring
from infra.stage.stage import ROOT
from workflow.adapters.redis.client import RedisClient
from workflow.contract.errors import IndexAccessDenied

SCRIPT = ROOT / "infra" / "data" / "redis_host" / "install.sh"
SECRETS = """
secret() { cat "$ETC/secret-$1"; }
put_secret() { cat > "$ETC/secret-$1"; }
"""
"""The script's own, over files."""


def issue(folder: Path, name: str) -> str:
    """A server's certificate by the host's script; who signed it."""
    for secret in ("authority", "certificate"):
        (folder / f"secret-{secret}").write_text("{}")
    arguments = f"ETC={folder} HOST_NAME={name} AUTHORITY_SECRET=authority"
    command = f"source {SCRIPT}; {SECRETS} {arguments} CERTIFICATE_SECRET=certificate; "
    subprocess.run(
        ["bash", "-c", f"{command} ETC={folder}; issue_certificates"],
        check=True,
        capture_output=True,
    )
    found: str = json.loads((folder / "secret-certificate").read_text())["ca"]
    return found


class TlsServer:
    """Answers +PONG to whatever comes, with the certificate in a folder."""

    def __init__(self, folder: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._context = context
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
                with self._context.wrap_socket(connection, server_side=True) as secured:
                    while said := secured.recv(4096):
                        greeted = b"%1\r\n+proto\r\n:3\r\n" * (b"HELLO" in said)
                        others = said.count(b"*") - (b"HELLO" in said)
                        secured.sendall(greeted + b"+PONG\r\n" * others)
            except OSError:
                if self._listening.fileno() < 0:
                    return

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[TlsServer, str]]:
    authority = issue(tmp_path, "localhost")
    running = TlsServer(tmp_path)
    yield running, authority
    running.close()


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    parameters.clear_caches()  # type: ignore[no-untyped-call]
    with mock_aws():
        yield
    parameters.clear_caches()  # type: ignore[no-untyped-call]


def ping(monkeypatch: pytest.MonkeyPatch, host: str, port: int, secret: dict[str, str]) -> bool:
    """By the functions' own client."""
    client = boto3.client("secretsmanager")
    arn = client.create_secret(Name="certificate", SecretString=json.dumps(secret))["ARN"]
    settings = {
        **{"RUN_BUCKET": "runs", "CATALOG_TABLE": "drugs", "MYSQL_HOST": "m"},
        **{"MYSQL_DATABASE": "c", "REDIS_URL": f"rediss://{host}:{port}"},
        **{"REDIS_CA_SECRET_ARN": arn, "REDIS_TIMEOUT_S": "5"},
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"DRUGSYNC_{name}", value)
    return bool(RedisClient(Wiring()._redis).ask("PING"))


def test_a_server_of_the_stages_authority_is_asked(
    server: tuple[TlsServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, authority = server
    assert ping(monkeypatch, "localhost", running.port, {"ca": authority})


def test_a_server_of_another_authority_is_not(
    server: tuple[TlsServer, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    running, _ = server
    (tmp_path / "other").mkdir()
    other = issue(tmp_path / "other", "localhost")
    with pytest.raises(IndexAccessDenied, match=r"certificate.*redis_ca_secret_arn"):
        ping(monkeypatch, "localhost", running.port, {"ca": other})


def test_a_server_of_another_name_is_not(
    server: tuple[TlsServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, authority = server
    with pytest.raises(IndexAccessDenied, match=r"not valid for '127.0.0.1'.*redis_url"):
        ping(monkeypatch, "127.0.0.1", running.port, {"ca": authority})


def test_a_secret_without_the_certificate_is_named(
    server: tuple[TlsServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, _ = server
    with pytest.raises(IndexAccessDenied, match="is not a JSON object with ca"):
        ping(monkeypatch, "localhost", running.port, {"password": "x"})
