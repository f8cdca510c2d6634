"""The functions' structured log lines, from a file here or from CloudWatch, as lines to read."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from cli.documents import LogLine

STARTED = "step started"


def read_lines(lines: Iterable[dict[str, Any]], page: str | None) -> Iterator[LogLine]:
    """What the functions said, in order, with how long each call took; of one page, if named."""
    begun: dict[tuple[str, str], datetime] = {}
    for line in lines:
        key = (str(line["function"]), str(line.get("page", "")))
        at = time_of(line)
        if line.get("message") == STARTED:
            begun[key] = at
            continue
        if page in (None, key[1]):
            yield _line(line, at, begun.get(key))


def _line(line: dict[str, Any], at: datetime, begun: datetime | None) -> LogLine:
    result = line.get("result")
    counts = result if isinstance(result, dict) else {}
    return LogLine(
        at=at,
        function=str(line["function"]).rpartition("-")[2],
        page=str(line.get("page", "")),
        message=str(line.get("message", "")),
        ms=round((at - begun).total_seconds() * 1000) if begun else None,
        error=str(line.get("error") or line.get("exception_name") or ""),
        cause=_cause(str(line.get("exception", ""))),
        counts={name: value for name, value in counts.items() if _is_count(value)},
    )


def _cause(traceback: str) -> str:
    """A traceback's last line is the error's name and words."""
    return traceback.strip().rpartition("\n")[2].partition(": ")[2]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def time_of(line: dict[str, Any]) -> datetime:
    return datetime.strptime(line["timestamp"], "%Y-%m-%d %H:%M:%S,%f%z")
