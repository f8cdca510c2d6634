"""All adapters of one Redis, over one client."""

from collections.abc import Mapping
from typing import Any

from redis import Redis

from workflow.adapters.redis.client import RedisClient
from workflow.adapters.redis.documents import RedisDocuments
from workflow.adapters.redis.generations import RedisGenerations
from workflow.adapters.redis.indexes import RedisIndexes
from workflow.adapters.redis.probes import RedisProbe
from workflow.adapters.redis.queries import RedisSearch
from workflow.adapters.redis.texts import RedisTexts


class RedisIndex:
    """One attribute for each port."""

    def __init__(
        self, client: "Redis", *, dimensions: int, algorithm: str, options: Mapping[str, Any]
    ) -> None:
        """`options` are attributes of the vector field, such as M; None leaves one out."""
        self.client = RedisClient(client)
        self.server = RedisIndexes(
            self.client, dimensions=dimensions, algorithm=algorithm, options=options
        )
        self.documents = RedisDocuments(self.client)
        self.texts = RedisTexts(self.client)
        self.generations = RedisGenerations(self.client, self.server)
        self.search = RedisSearch(self.client, self.generations, self.documents, self.texts)
        self.engine = RedisProbe(self.client, self.server, self.search, dimensions=dimensions)
