"""What API Gateway hands to the function of an HTTP API."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def event_of(target: str, method: str = "GET") -> dict[str, Any]:
    """A request as an HTTP API hands it to its function (payload 2.0); HEAD is a GET."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return {
        "version": "2.0",
        "rawPath": unquote(parts.path),
        "rawQueryString": parts.query,
        "queryStringParameters": query,
        "headers": {},
        "requestContext": {
            "stage": "$default",
            "http": {"method": "GET" if method == "HEAD" else method, "path": unquote(parts.path)},
        },
        "isBase64Encoded": False,
    }
