"""Commands to Redis (redis-py, RESP3), the fence, and the server's errors as ours.

Commands are written as Redis names them, so that the adapters can be read next to the key table of
the docs.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from hiredis import pack_command
from redis import Redis
from redis.connection import AbstractConnection
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    WatchError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from workflow.adapters.redis.keys import WRITER
from workflow.contract.certificates import refused_certificate
from workflow.contract.errors import (
    IndexAccessDenied,
    IndexCommandFailed,
    IndexQueryCut,
    IndexUnavailable,
    MemoryShort,
    RunSuperseded,
    SyncError,
)
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Fields

SCAN_COUNT = 5000
BATCH = 1000
"""Members or keys of one command."""

QUERY_MS = 10_000
"""How long a query may take. At the server's own limit (500 ms) it silently returns a part."""

PASSING = ("MISCONF", "LOADING", "MASTERDOWN", "NOREPLICAS", "BUSY ", "TRYAGAIN", "CLUSTERDOWN")
"""Answers of a server that fails over, restarts or is busy, and will answer again soon."""

TIMED_OUT = "Timeout limit"
"""A server with ON_TIMEOUT FAIL answers with this error; others return what they have."""

DENIED = ("NOAUTH", "WRONGPASS", "NOPERM", "ACL failure")
"""The next connection reads a rotated password."""

Command = tuple[Any, ...]


class CommandPacker:
    """Gives redis-py commands as bytes, by hiredis alone.

    redis-py's own looks at every argument in Python first: 7 us a document instead of 3.
    """

    def pack(self, name: str, *arguments: Any) -> list[bytes]:
        return [pack_command((*name.encode().split(), *arguments))]


class RedisClient:
    """One connection pool, shared by threads; answers are bytes."""

    def __init__(self, client: "Redis") -> None:
        self._client = client

    def ask(self, *command: Any) -> Any:
        """One command."""
        with translated():
            return self._client.execute_command(*command)

    def ask_all(self, commands: Iterable[Command]) -> list[Any]:
        """Many commands in one round trip, not in a transaction."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return pipe.execute()

    def ask_hashes(self, commands: Iterable[Command]) -> list[Any]:
        """As `ask_all`, for reads; None for a key that is not a hash, so not written by us.

        A pipeline of redis-py makes several calls of Python for each answer, and takes twice as
        long.
        """
        every = list(commands)
        if not every:
            return []
        with translated(), self._connection() as connection:
            answers: list[Any] = connection.retry.call_with_retry(
                lambda: _answers(connection, every), lambda _: connection.disconnect()
            )
        with translated():
            for answer in answers:
                if isinstance(answer, RedisError) and not str(answer).startswith("WRONGTYPE"):
                    raise answer
        return [None if isinstance(answer, RedisError) else answer for answer in answers]

    @contextmanager
    def _connection(self) -> Iterator["AbstractConnection"]:
        """Of the pool. One that has answers left, because its reader was interrupted, is closed."""
        pool = self._client.connection_pool
        connection = pool.get_connection()
        try:
            yield connection
        except BaseException:
            connection.disconnect()
            raise
        finally:
            pool.release(connection)

    def query(self, *command: Any) -> dict[bytes, Any]:
        """One FT.SEARCH or FT.AGGREGATE. Raises IndexQueryCut if its answer is not whole."""
        return whole(self.ask(*limited(command)))

    def query_all(self, commands: Sequence[Command]) -> list[dict[bytes, Any]]:
        """Many queries in one round trip."""
        if len(commands) == 1:
            # In redis-py a pipeline costs three times as much as one command.
            return [self.query(*commands[0])]
        return [whole(answer) for answer in self.ask_all(map(limited, commands))]

    def write_fenced(self, holder: Holder, commands: Iterable[Command]) -> None:
        """All commands in one transaction. Raises RunSuperseded if the run has lost the fence."""
        with translated(), self._client.pipeline(transaction=True) as pipe:
            try:
                pipe.watch(WRITER)
                self.require(holder, pipe.execute_command("GET", WRITER))
                pipe.multi()
                for command in commands:
                    pipe.execute_command(*command)
                pipe.execute()
            except WatchError as error:
                raise self._cut_off(holder, error) from error

    def _cut_off(self, holder: Holder, error: WatchError) -> SyncError:
        """Someone wrote the fence, or the connection broke: redis-py has one error for both."""
        try:
            self.require(holder, self.ask("GET", WRITER))
        except RunSuperseded as error_of_fence:
            return error_of_fence
        return IndexUnavailable(f"a Redis transaction was interrupted: {error}")

    @staticmethod
    def require(holder: Holder, held: bytes | None) -> None:
        """Raise RunSuperseded if the fence is not this run's."""
        if as_text(held or b"") != holder.token:
            raise superseded(holder, as_text(held or b""))

    def scan(self, pattern: str) -> Iterator[str]:
        """Every key that matches; a key may come twice."""
        cursor: Any = 0
        while True:
            cursor, keys = self.ask("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT)
            yield from map(as_text, keys)
            if int(cursor) == 0:
                return

    def unlink(self, holder: Holder, keys: Sequence[str | bytes]) -> None:
        for start in range(0, len(keys), BATCH):
            self.write_fenced(holder, [("UNLINK", *keys[start : start + BATCH])])

    def seconds(self) -> int:
        """Of the server's clock, which is one for all that ask it."""
        return int(self.ask("TIME")[0])

    def hash(self, key: str) -> Fields:
        return decoded(self.ask("HGETALL", key))


def _answers(connection: "AbstractConnection", commands: Sequence[Command]) -> list[Any]:
    """Every command is sent, then every answer read; an error of one is its answer."""
    connection.send_packed_command(connection.pack_commands(commands))
    read, answers = connection.read_response, []
    for _ in commands:
        try:
            answers.append(read())
        except ResponseError as error:
            answers.append(error)
    return answers


def limited(command: Command) -> Command:
    """Each query carries its own time limit and dialect."""
    return (*command, "TIMEOUT", QUERY_MS, "DIALECT", 2)


def whole(answer: dict[bytes, Any]) -> dict[bytes, Any]:
    """The answer, unless the server warns that it stopped before the end."""
    warnings = answer.get(b"warning") or ()
    if warnings:
        raise cut_short("; ".join(as_text(one) for one in warnings))
    return answer


def cut_short(words: str) -> IndexQueryCut:
    return IndexQueryCut(
        f"Redis ended a query early: {words} ({QUERY_MS / 1000:g} s allowed); the server is busy "
        f"or "
        "too small"
    )


def superseded(holder: Holder, held: str, now: float | None = None) -> RunSuperseded:
    """`now` is what Redis's clock says, in seconds: a run from the future came of a wrong clock."""
    milliseconds, _, other = held.partition(" ")
    what = f"run {holder.run_id} may no longer write, {other or held or 'no run'} may"
    if now is None or int(milliseconds) / 1000 <= now:
        return RunSuperseded(f"{what}; start a new run")
    start = f"{datetime.fromtimestamp(int(milliseconds) / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return RunSuperseded(
        f"{what}: its start, {start}, is still to come, so a clock was wrong then, or was set back "
        f"since; correct the clock; then start a new run after {start}, or at once: while no run "
        f"is in progress, delete the key {WRITER}"
    )


def pairs(mapping: dict[str, Any]) -> list[Any]:
    """A hash's fields as arguments of HSET."""
    return [part for pair in mapping.items() for part in pair]


def batched(command: str, name: str, members: Sequence[str]) -> list[Command]:
    """One command for each `BATCH` members of a set."""
    return [
        (command, name, *members[start : start + BATCH]) for start in range(0, len(members), BATCH)
    ]


def as_text(value: bytes) -> str:
    """Bytes that are not UTF-8 were not written by us; they must neither match nor crash."""
    return value.decode("utf-8", "replace")


def as_texts(values: Iterable[bytes]) -> list[str]:
    """As `as_text`, without a call in Python for each: a comprehension decodes fastest."""
    return [value.decode("utf-8", "replace") for value in values]


def decoded(fields: dict[bytes, bytes]) -> Fields:
    return {
        name.decode("utf-8", "replace"): value.decode("utf-8", "replace")
        for name, value in fields.items()
    }


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into ours, once, with the cause kept."""
    try:
        yield
    except RedisError as error:
        ours = error.__cause__
        if isinstance(ours, SyncError):  # of a login that could not be made
            raise ours from ours.__cause__
        raise _translate(error) from error


def _translate(error: RedisError) -> SyncError:
    words = str(error)
    denied = (AuthenticationError, AuthorizationError, NoPermissionError)
    if isinstance(error, denied) or words.startswith(DENIED):
        return IndexAccessDenied(f"Redis refused the user: {words}; check redis_secret_arn and ACL")
    distrust = refused_certificate(error)
    if distrust:
        return IndexAccessDenied(
            f"no TLS connection to Redis that can be trusted: {distrust}; check the host in "
            "redis_url, redis_ssl_ca and redis_ca_secret_arn"
        )
    if isinstance(error, OutOfMemoryError):
        return MemoryShort(
            f"Redis is full: {words}; raise maxmemory and redrive the run, which goes on where it "
            "stopped"
        )
    passing = (RedisConnectionError, RedisTimeoutError, BusyLoadingError, ReadOnlyError)
    if isinstance(error, passing) or words.startswith(PASSING):
        return IndexUnavailable(f"Redis cannot answer or write now: {words}")
    if TIMED_OUT in words:
        return cut_short(words)
    return IndexCommandFailed(f"Redis refused a command: {words}")
