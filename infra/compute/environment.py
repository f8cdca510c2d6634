"""The environment of every function: all settings, and no secret's value.

They are the same for all functions, except for the Redis login, which follows from what a function
may do.
"""

from infra.compute.functions import BUNDLE, MYSQL_CA, REDIS_CA
from infra.compute.specs import Spec
from infra.data.data_stack import DataStack
from infra.data.servers import RedisServer
from infra.stage.settings import variables
from infra.stage.stage import Stage
from workflow.contract.settings import Settings


def environment(stage: Stage, data: DataStack, spec: Spec) -> dict[str, str]:
    """`DRUGSYNC_*`. An empty value is the workflow's default. Metrics carry the stage's name."""
    return {"POWERTOOLS_SERVICE_NAME": stage.prefix} | variables(
        dict.fromkeys(Settings.model_fields, "")
        | stage.table
        | {"run_bucket": stage.run_bucket_name}
        | _mysql(stage, data)
        | _redis(stage, data.redis.by_user(spec.access))
        | (FOR_SEARCHES if spec.http else {})
    )


FOR_SEARCHES = {
    "redis_timeout_s": 5,
    "embedding_timeout_s": 3,
    "mysql_secret_arn": "",
    "mysql_iam_auth": False,
}
"""No MySQL login, and short timeouts: if a server does not answer, we answer 503 before the HTTP
API gives up (30 s)."""


def _mysql(stage: Stage, data: DataStack) -> dict[str, object]:
    server = data.catalog.server
    return {
        "catalog_table": stage.mysql.table,
        "mysql_database": stage.mysql.database,
        "mysql_host": server.host,
        "mysql_reader_host": server.reader_host,
        "mysql_port": server.port,
        "mysql_socket": "",
        "mysql_user": stage.mysql.user,
        "mysql_secret_arn": server.secret_arn,
        "mysql_iam_auth": stage.mysql.iam_auth,
        "mysql_tls": True,
        "mysql_ssl_ca": f"{BUNDLE}/certificates/{MYSQL_CA}",
    }


def _redis(stage: Stage, server: RedisServer) -> dict[str, object]:
    existing = stage.redis.existing
    own_ca = bool(existing and existing.ca_file)
    return {
        "redis_url": server.url,
        "redis_secret_arn": server.secret_arn,
        "redis_ca_secret_arn": server.ca_secret_arn,
        "redis_ssl_ca": f"{BUNDLE}/certificates/{REDIS_CA}" if own_ca else "",
    }
