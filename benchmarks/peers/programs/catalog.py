"""What every peer is given: the drugs, the text of each, and the options of the index."""

import os
from typing import Any

import mysql.connector
from words import text

__all__ = ["drugs", "text"]

MODEL = "amazon.titan-embed-text-v2:0"
DIMENSIONS = int(os.environ["PEER_DIMENSIONS"])
M, EF_CONSTRUCTION, EF_RUNTIME = 16, 400, 800
THREADS = 64
REDIS_URL = os.environ["PEER_REDIS_URL"]
STATE = os.environ["PEER_STATE"]
"""A folder that a peer keeps from one run to the next."""


def drugs() -> list[dict[str, Any]]:
    connection = mysql.connector.connect(
        unix_socket=os.environ["PEER_MYSQL_SOCKET"],
        user=os.environ["PEER_MYSQL_USER"],
        database=os.environ["PEER_MYSQL_DATABASE"],
        use_pure=True,
    )
    cursor = connection.cursor(dictionary=True)
    cursor.execute("SELECT * FROM peer_drugs ORDER BY ndc")
    rows = [{name: str(value) for name, value in row.items() if value} for row in cursor]
    connection.close()
    return rows
