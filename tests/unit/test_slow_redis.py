"""A Redis that is slow to answer is waited for: `up` gives it its time."""

import pytest
import redis

from local.servers import servers
from local.servers.processes import Record


@pytest.mark.parametrize(
    "said",
    [
        redis.exceptions.TimeoutError("Timeout reading from socket"),
        redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory"),
        redis.exceptions.ConnectionError("Connection refused"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_redis_that_does_not_answer_yet_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, said: Exception
) -> None:
    def ping(_client: object) -> bool:
        raise said

    monkeypatch.setattr(redis.Redis, "ping", ping)
    assert not servers._redis_answers(Record(1, {"url": "unix:///nowhere.sock"}))
