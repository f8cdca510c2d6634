"""The environment variables of a function, in one place: which they are, and whether they fit.

They are the same for all functions, except for the Redis login, which follows from what a function
may do, and the timeouts of searches. None has a secret's value.
"""

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from infra.stage.settings import variables
from workflow.contract.settings import Settings

if TYPE_CHECKING:
    from infra.stage.stage import Stage

BUNDLE: Final = "/var/task"
MYSQL_CA: Final = "mysql-ca.pem"
REDIS_CA: Final = "redis-ca.pem"
"""Names in the bundle, below `certificates/`."""

LIMIT_BYTES: Final = 4_096
"""Lambda's, for all variables of a function together:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
BY_AWS: Final = "x" * 160
"""In place of a host or ARN of something that does not exist yet; AWS makes none that is longer."""

FOR_SEARCHES: Final = {
    "redis_timeout_s": 5,
    "embedding_timeout_s": 3,
    "mysql_secret_arn": "",
    "mysql_iam_auth": False,
}
"""No MySQL login, and short timeouts: if a server does not answer, we answer 503 before the HTTP
API gives up (30 s)."""


class Servers(NamedTuple):
    """Where one function finds its servers and their logins; empty if there is none."""

    mysql_host: str
    mysql_reader_host: str
    mysql_port: int
    mysql_secret_arn: str
    redis_url: str
    redis_secret_arn: str
    redis_ca_secret_arn: str


def function_variables(
    stage: "Stage", servers: Servers, *, searches: bool = False
) -> dict[str, str]:
    """`DRUGSYNC_*`. An empty value is the workflow's default. Metrics carry the stage's name."""
    redis = stage.redis.existing
    return {"POWERTOOLS_SERVICE_NAME": stage.prefix} | variables(
        dict.fromkeys(Settings.model_fields, "")
        | stage.table
        | {
            "run_bucket": stage.run_bucket_name,
            "catalog_table": stage.mysql.table,
            "mysql_database": stage.mysql.database,
            "mysql_user": stage.mysql.user,
            "mysql_iam_auth": stage.mysql.iam_auth,
            "mysql_socket": "",
            "mysql_tls": True,
            "mysql_ssl_ca": f"{BUNDLE}/certificates/{MYSQL_CA}",
            "redis_ssl_ca": f"{BUNDLE}/certificates/{REDIS_CA}" if redis and redis.ca_file else "",
        }
        | servers._asdict()
        | (FOR_SEARCHES if searches else {})
    )


def too_large(stage: "Stage") -> list[str]:
    """Why Lambda would refuse the environment."""
    size = largest(stage)
    if size <= LIMIT_BYTES:
        return []
    texts = {name: len(value) for name, value in stage.table.items() if isinstance(value, str)}
    longest = sorted(texts, key=lambda name: -texts[name])[:3]
    named = ", ".join(f"{name} ({texts[name]:,})" for name in longest)
    return [
        f"settings: as environment variables they take {size:,} of the {LIMIT_BYTES:,} bytes "
        f"that a function may have; shorten the longest: {named}"
    ]


def largest(stage: "Stage") -> int:
    """Bytes of the largest environment that a function of the stage may have."""
    servers = _longest(stage)
    forms = (function_variables(stage, servers, searches=one) for one in (False, True))
    return max(len(json.dumps(one, ensure_ascii=False).encode()) for one in forms)


def _longest(stage: "Stage") -> Servers:
    """Of a stage's file alone, what no function's servers exceed."""
    mysql, redis = stage.mysql.existing, stage.redis.existing
    searches = stage.search and stage.search.redis_secret_arn
    return Servers(
        mysql_host=mysql.host if mysql else BY_AWS,
        mysql_reader_host=mysql.reader_host or "" if mysql else BY_AWS,
        mysql_port=mysql.port if mysql else 3306,
        mysql_secret_arn=mysql.secret_arn or "" if mysql else BY_AWS,
        redis_url=f"rediss://{redis.host}:{redis.port}" if redis else BY_AWS,
        redis_secret_arn=max(redis.secret_arn or "", searches or "", key=len) if redis else BY_AWS,
        redis_ca_secret_arn="" if redis else BY_AWS,
    )
