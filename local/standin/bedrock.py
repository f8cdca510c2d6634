"""A stand-in for Bedrock's InvokeModel: ``python -m local.standin.bedrock --secret-file FILE``.

Point boto3 at it with AWS_ENDPOINT_URL_BEDROCK_RUNTIME. It speaks Titan and Cohere embeddings,
checks what Bedrock checks, and can be told over ``/_control`` to be slow, throttled or broken, by
who knows its secret: other users of the machine reach the port, too.
"""

from __future__ import annotations

import argparse
import contextlib
import hmac
import json
import logging
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from local.standin.bedrock_models import BedrockError, Request, check_tokens, parse
from local.standin.embedders import Embedder, HashEmbedder
from local.standin.faults import BROKEN_BODIES, BROKEN_VECTORS, Controls, Fault

CONTROL_PATH = "/_control"
SECRET_HEADER = "X-Drugsync-Secret"  # noqa: S105  a header's name
NO_SECRET = "only for clients that can read the secret in the stand-in's folder"  # noqa: S105  a sentence
LONGEST_BODY = 25_000_000
"""As Bedrock's InvokeModel (25 MB)."""

HOSTS = ("127.0.0.1", "localhost")
JSON = "application/json"
PREFIX, SUFFIX = "/model/", "/invoke"
TOKEN_COUNT = "X-Amzn-Bedrock-Input-Token-Count"  # noqa: S105  a header's name
REASONS = {200: "OK", 400: "Bad Request", 429: "Too Many Requests"}


class StandinServer(ThreadingHTTPServer):
    """One thread per connection; knows the embedder and the controls."""

    daemon_threads = True
    request_queue_size = 256  # a client with 64 threads connects all at once

    def __init__(self, port: int, embedder: Embedder, secret: str) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.embedder = embedder
        self.secret = secret
        self.controls = Controls()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        logging.exception("call from %s", client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection: many requests, each answered with a single write."""

    server: StandinServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise each answer waits 40 ms for an acknowledgement

    def parse_request(self) -> bool:
        """Only for programs of this machine: a page in a browser cannot ask or control it.

        Its own name would be the Host, it says its Origin, and it may not send JSON unasked.
        """
        if not super().parse_request():
            return False
        host = self.headers.get("Host", "").rpartition(":")[0]
        if host not in HOSTS or "Origin" in self.headers:
            self.close_connection = True
            self._answer(403, json.dumps({"message": "only for programs on this machine"}))
            return False
        return True

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or len(length) > 8 or int(length) > LONGEST_BODY:
            self.close_connection = True
            self._answer(413, json.dumps({"message": f"a body may have {LONGEST_BODY:,} bytes"}))
            return
        body = self.rfile.read(int(length))
        if self.path == CONTROL_PATH:
            self._control(body)
        elif self.path.startswith(PREFIX) and self.path.endswith(SUFFIX):
            self._invoke(unquote(self.path[len(PREFIX) : -len(SUFFIX)]), body)
        else:
            self._unknown_path()

    def do_GET(self) -> None:
        if self.path == CONTROL_PATH and not self._knows_the_secret():
            self._answer(403, json.dumps({"message": NO_SECRET}))
        elif self.path == CONTROL_PATH:
            self._answer(200, json.dumps(self.server.controls.counted()))
        else:
            self._unknown_path()

    def log_message(self, format: str, *args: object) -> None:
        """Logs no requests: a million lines would hide the one error."""

    def _knows_the_secret(self) -> bool:
        given = self.headers.get(SECRET_HEADER, "").encode("latin-1", "replace")
        return hmac.compare_digest(given, self.server.secret.encode())

    def _control(self, body: bytes) -> None:
        if not self._knows_the_secret():
            self._answer(403, json.dumps({"message": NO_SECRET}))
            return
        try:
            if self.headers.get_content_type() != JSON:
                raise ValueError(f"the content type must be {JSON}")
            settings = json.loads(body)
            if not isinstance(settings, dict):
                raise ValueError("the body must be a JSON object")
            self.server.controls.set(settings)
        except ValueError as error:
            self._answer(400, json.dumps({"message": str(error)}))
        else:
            self.do_GET()

    def _invoke(self, model_id: str, body: bytes) -> None:
        controls = self.server.controls
        controls.begin()
        try:
            time.sleep(controls.latency_ms / 1000)
            self._embed(parse(model_id, body))
        except BedrockError as error:
            controls.count_error(error.name)
            answer = json.dumps({"message": error.message})
            self._answer(error.status, answer, {"x-amzn-errortype": error.name})
        finally:
            controls.end()

    def _embed(self, request: Request) -> None:
        """Everything may fail until the answer is complete; only then is it counted and sent."""
        embedder, controls = self.server.embedder, self.server.controls
        fault = controls.take_fault(request.texts)
        if fault:
            fault.raise_error()
            controls.count_error(fault.kind)
        counts = [embedder.count_tokens(text) for text in request.texts]
        check_tokens(counts)
        tokens = sum(counts)
        controls.spend(tokens)
        if fault and fault.kind == "disconnect":
            self._disconnect()
            return
        body = self._body(request, tokens, fault)
        controls.count_embedded(len(request.texts), tokens)
        self._answer(200, body, {TOKEN_COUNT: str(tokens)})

    def _body(self, request: Request, tokens: int, fault: Fault | None) -> str:
        embed = self.server.embedder.embed
        vectors = [embed(text, request.dimensions, request.norm) for text in request.texts]
        if fault is None:
            return request.write(vectors, tokens)
        if fault.kind == "slow":
            time.sleep(fault.delay_ms / 1000)
        if fault.kind in BROKEN_VECTORS:
            vectors = BROKEN_VECTORS[fault.kind](vectors)
        body = request.write(vectors, tokens)
        return BROKEN_BODIES[fault.kind](body) if fault.kind in BROKEN_BODIES else body

    def _disconnect(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _unknown_path(self) -> None:
        message = f"no such path: POST {PREFIX}ID{SUFFIX}, GET or POST {CONTROL_PATH}"
        self._answer(404, json.dumps({"message": message}))

    def _answer(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        content = body.encode()
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Error')}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        self.wfile.write("\r\n".join([*lines, "\r\n"]).encode() + content)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.standin.bedrock", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (default) picks a free one")
    parser.add_argument("--embedder", choices=("minilm", "hash"), default="minilm")
    parser.add_argument("--ready-file", type=Path, help="gets the endpoint once it answers")
    parser.add_argument(
        "--secret-file",
        type=Path,
        required=True,
        help="whoever can read it may control the stand-in",
    )
    options = parser.parse_args()
    secret = options.secret_file.read_text()
    with StandinServer(options.port, _embedder(options.embedder), secret) as server:
        if options.ready_file:
            _announce(options.ready_file, server.endpoint)
        print(f"Bedrock stand-in ({options.embedder}) at {server.endpoint}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


def _embedder(name: str) -> Embedder:
    if name == "hash":
        return HashEmbedder()
    from local.standin.minilm import MiniLM

    return MiniLM()


def _announce(ready_file: Path, endpoint: str) -> None:
    """Writes the whole file or nothing, because someone polls for it."""
    draft = ready_file.with_suffix(".new")
    draft.write_text(endpoint)
    draft.replace(ready_file)


if __name__ == "__main__":
    main()
