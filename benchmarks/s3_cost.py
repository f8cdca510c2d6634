"""What one small read of S3 costs a function that reads with a step's number of threads."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Process, Queue
from unittest import mock

from handlers.logins import aws_client
from workflow.adapters.s3.run_store import S3RunStore
from workflow.contract.runs import READERS

READS = 4_000
BODY = b"x" * 3_000
NOBODY = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
}
ADDRESS = "AWS_ENDPOINT_URL_S3"
LATENCY_S = 0.025
"""S3 answers in 20 to 30 ms, `READERS` at once."""


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        """Silent."""


def _serve(ports: "Queue[int]") -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    ports.put(server.server_port)
    server.serve_forever()


@contextmanager
def _server() -> Iterator[str]:
    ports: Queue[int] = Queue()
    process = Process(target=_serve, args=(ports,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ports.get(timeout=30)}"
    finally:
        process.terminate()


def seconds_a_read() -> float:
    """The longer one: the processor's time, or S3's divided by the threads that wait for it."""
    with _server() as address, mock.patch.dict(os.environ, {**NOBODY, ADDRESS: address}):
        client = aws_client("s3", max_pool_connections=READERS)
        store = S3RunStore(client, "bench")
        store.read("runs/warm")
        started = time.process_time()
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(lambda number: store.read(f"runs/{number}"), range(READS)))
        return max((time.process_time() - started) / READS, LATENCY_S / READERS)
