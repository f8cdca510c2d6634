"""The environment of a function: what the stage says, with the servers of the data stack."""

from infra.compute.specs import Spec
from infra.data.data_stack import DataStack
from infra.stage.stage import Stage
from infra.stage.variables import Servers, function_variables


def environment(stage: Stage, data: DataStack, spec: Spec) -> dict[str, str]:
    """The variables, with the Redis login that the function's access needs."""
    mysql, redis = data.catalog.server, data.redis.by_user(spec.access)
    servers = Servers(
        mysql_host=mysql.host,
        mysql_reader_host=mysql.reader_host,
        mysql_port=mysql.port,
        mysql_secret_arn=mysql.secret_arn,
        redis_url=redis.url,
        redis_secret_arn=redis.secret_arn,
        redis_ca_secret_arn=redis.ca_secret_arn,
    )
    return function_variables(stage, servers, searches=spec.http)
