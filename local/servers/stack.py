"""MySQL, Redis and the Bedrock stand-in together, and the settings that reach them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from local.errors import LocalError
from local.places import NO_SETTINGS
from local.servers.given import SETTINGS, read_settings
from local.servers.processes import Announce
from local.servers.reach import unreachable
from local.servers.servers import (
    DATABASE,
    USER,
    MySQLServer,
    RedisServer,
    running_mysql,
    running_redis,
    start_mysql,
    start_redis,
    stop_mysql,
    stop_redis,
)
from local.standin.bedrock_process import (
    StandinProcess,
    running_standin,
    start_standin,
    stop_standin,
)
from workflow.contract.errors import SettingsInvalid
from workflow.contract.settings import PREFIX, Settings

BUCKET = "drugsync-local"
DIMENSIONS = 512
"""MiniLM has 384. Padding with zeros to a length that Titan offers keeps cosines the same."""

NO_QUOTA = "1000000000"
"""Tokens a minute. The stand-in refuses nobody by default, so nobody should wait for the quota."""

MYSQL, REDIS = "MySQL", "Redis"
NOT_RUNNING = -1
"""The pid of a server that does not run; 0 is that of one which is not ours."""

UP = "start it: drugsync up"


@dataclass(frozen=True)
class Stack:
    """The servers of one directory, running."""

    root: Path
    mysql: MySQLServer
    redis: RedisServer
    bedrock: StandinProcess

    def environment(self, **settings: str) -> dict[str, str]:
        """The functions' environment; the caller's DRUGSYNC_* wins."""
        values = {
            "run_bucket": BUCKET,
            "catalog_table": "drugs",
            "redis_url": self.redis.url,
            "embedding_dimensions": str(DIMENSIONS),
            "embed_page_size": "100",
            "embedding_threads": "8",
            "tokens_per_minute": NO_QUOTA,
            "diff_concurrency": "2",
            "embed_concurrency": "2",
            "load_concurrency": "2",
            "verify_concurrency": "2",
            **_only_own(self.mysql),
            **read_settings(self.root),
            **settings,
        }
        given = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(PREFIX) and name not in NO_SETTINGS
        }
        return {
            **{PREFIX + name.upper(): value for name, value in values.items()},
            **given,
            # No AWS account is involved; boto3 signs its requests to the stand-in nevertheless.
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.bedrock.endpoint,
        }

    def settings(self) -> Settings:
        """Raises SettingsInvalid, which says of each wrong setting whether a file or a variable has
        it."""
        try:
            return Settings.from_environment(self.environment())
        except SettingsInvalid as error:
            ours = read_settings(self.root)
            lines = [
                f"{name} of {self.root / SETTINGS} {reason}"
                if name in ours and PREFIX + name.upper() not in os.environ
                else f"{PREFIX}{name.upper()} {reason}"
                for name, reason in error.problems
            ]
            raise SettingsInvalid("; ".join(lines), error.problems) from error.__cause__


def _only_own(server: MySQLServer) -> dict[str, str]:
    """How to reach our own server; for another, the settings say it."""
    if not server.pid:
        return {}
    return {
        "mysql_socket": server.socket,
        "mysql_database": server.database,
        "mysql_user": server.user,
    }


@contextmanager
def functions_see(environment: dict[str, str]) -> Iterator[None]:
    """Set the functions' environment in this process: no other DRUGSYNC_* than these."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def up(root: Path, announce: Announce, *, embedder: str = "minilm") -> Stack:
    """Start what does not run yet and is not given. Raises LocalError with the remedy."""
    settings = read_settings(root)
    announce("MariaDB or MySQL")
    mysql = given_mysql(settings) or start_mysql(root, announce=announce)
    announce("Redis with vector search")
    redis = given_redis(settings) or start_redis(root, announce=announce)
    announce("Bedrock stand-in")
    bedrock = start_standin(root, embedder=embedder)
    return Stack(root, mysql, redis, bedrock)


def given_mysql(settings: Mapping[str, str]) -> MySQLServer | None:
    """The server that the settings name, if they do."""
    host, socket = settings.get("mysql_host"), settings.get("mysql_socket")
    if not (host or socket):
        return None
    return MySQLServer(
        pid=0,
        version="",
        socket=socket or f"{host}:{settings.get('mysql_port', '3306')}",
        user=settings.get("mysql_user", ""),
        database=settings.get("mysql_database", ""),
    )


def given_redis(settings: Mapping[str, str]) -> RedisServer | None:
    """The server that the settings name, if they do."""
    url = settings.get("redis_url")
    return RedisServer(0, url) if url else None


Part = MySQLServer | RedisServer | StandinProcess


def parts(root: Path) -> dict[str, Part | None]:
    """Each server, or None if it does not run."""
    settings = read_settings(root)
    return {
        MYSQL: given_mysql(settings) or running_mysql(root),
        REDIS: given_redis(settings) or running_redis(root),
        "the Bedrock stand-in": running_standin(root),
    }


def running(root: Path) -> Stack:
    """The running stack; LocalError if a part is missing."""
    found = parts(root)
    missing = [name for name, part in found.items() if part is None]
    if missing:
        raise LocalError(f"not running: {', '.join(missing)}; start with: drugsync up")
    mysql, redis, bedrock = found.values()
    return Stack(root, mysql, redis, bedrock)  # type: ignore[arg-type] # none is missing


def as_it_is(root: Path) -> Stack:
    """What runs; a server that does not run is replaced by an address where nobody answers.

    For callers that can work without one of them. Raises LocalError if nothing runs.
    """
    found = parts(root)
    if not any(found.values()):
        return running(root)
    mysql, redis, bedrock = found.values()
    nowhere = root / "nowhere"
    return Stack(
        root,
        mysql or MySQLServer(NOT_RUNNING, "", str(nowhere), USER, DATABASE),  # type: ignore[arg-type]
        redis or RedisServer(NOT_RUNNING, f"unix://{nowhere.absolute()}"),  # type: ignore[arg-type]
        bedrock or StandinProcess(NOT_RUNNING, "http://127.0.0.1:9", ""),  # type: ignore[arg-type]
    )


def ready(root: Path) -> Stack:
    """The running stack, once the settings are right and the servers that they name answer.

    Raises LocalError, SettingsInvalid.
    """
    stack = running(root)
    silent = unanswered(stack)
    if silent:
        raise LocalError("; ".join(map(str, silent)))
    return stack


class Unanswered(NamedTuple):
    """A server that does not answer: which, who named it, why, and what to do."""

    server: str
    name: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name}: {self.why}; {self.remedy}"


def unanswered(stack: Stack) -> list[Unanswered]:
    """Asks once, for two seconds at most. Raises SettingsInvalid."""
    return [
        _unanswered(stack, variable, why) for variable, why in unreachable(stack.settings()).items()
    ]


def _unanswered(stack: Stack, variable: str, why: str) -> Unanswered:
    setting = variable.removeprefix(PREFIX).lower()
    server, pid = (REDIS, stack.redis.pid) if "redis" in setting else (MYSQL, stack.mysql.pid)
    if variable in os.environ:
        return Unanswered(server, f"{variable} is wrong", why, "correct it, or unset it")
    if setting in read_settings(stack.root):
        remedy = f"start that server, or name another: drugsync up --{server.lower()} URL"
        return Unanswered(server, f"{setting} of {stack.root / SETTINGS}", why, remedy)
    if pid == NOT_RUNNING:
        return Unanswered(server, f"this machine's {server}", "not running", UP)
    remedy = "restart it: drugsync down, then drugsync up"
    return Unanswered(server, f"this machine's {server}", why, remedy)


def environment_without(stack: Stack, silent: Sequence[Unanswered]) -> dict[str, str]:
    """For functions that shall not wait for a server which does not answer."""
    nowhere = str((stack.root / "nowhere").absolute())
    places = {MYSQL: {"MYSQL_SOCKET": nowhere}, REDIS: {"REDIS_URL": f"unix://{nowhere}"}}
    instead = {PREFIX + name: at for one in silent for name, at in places[one.server].items()}
    return stack.environment() | instead


def down(root: Path) -> list[str]:
    """Stop what `up` started, and nothing else. Returns the names of what ran."""
    stopped = {
        "Bedrock stand-in": stop_standin(root),
        "Redis": stop_redis(root),
        "MySQL": stop_mysql(root),
    }
    return [name for name, ran in stopped.items() if ran]
