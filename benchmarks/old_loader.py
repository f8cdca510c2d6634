"""The loader that this project replaces, written from its description.

One process; pages by LIMIT and OFFSET; one InvokeModel after another; one document, with its
vector, after another; a pause of 0.1 s a page; no search index.
"""

import time

import mysql.connector
from redis import Redis

from benchmarks.lab import adapters
from local.servers.stack import Stack

PAGE = 100
PAUSE_S = 0.1


def rows_per_second(stack: Stack, rows: int, settings: dict[str, str]) -> float:
    """Load the catalog's first rows as the old loader did; its speed does not change with rows."""
    with adapters(stack, settings) as wiring, Redis.from_url(stack.redis.url) as redis:
        connection = mysql.connector.connect(
            unix_socket=stack.mysql.socket,
            user=stack.mysql.user,
            database=stack.mysql.database,
            use_pure=True,
        )
        cursor = connection.cursor(dictionary=True)
        started = time.perf_counter()
        for offset in range(0, rows, PAGE):
            cursor.execute(f"SELECT * FROM drugs ORDER BY ndc LIMIT {PAGE} OFFSET {offset}")
            for row in cursor.fetchall():
                fields = {name: str(value) for name, value in row.items() if value is not None}
                text = " ".join(fields[name] for name in fields if name != "ndc")
                vector = wiring.embedder.embed([text])[0]
                redis.hset(f"old:{row['ndc']}", mapping={**fields, "embedding": vector.data})
            time.sleep(PAUSE_S)
        seconds = time.perf_counter() - started
        connection.close()
    return rows / seconds
