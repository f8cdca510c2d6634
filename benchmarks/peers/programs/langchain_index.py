"""LangChain's indexing API with a record manager, cleanup "full", into Redis."""

import os
from concurrent.futures import ThreadPoolExecutor

from botocore.config import Config
from catalog import (
    DIMENSIONS,
    EF_CONSTRUCTION,
    EF_RUNTIME,
    MODEL,
    REDIS_URL,
    STATE,
    THREADS,
    M,
    drugs,
    text,
)
from langchain_aws import BedrockEmbeddings
from langchain_classic.indexes import SQLRecordManager
from langchain_core.documents import Document
from langchain_core.indexing import index
from langchain_redis import RedisConfig, RedisVectorStore
from redisvl.schema import IndexSchema

embeddings = BedrockEmbeddings(
    model_id=MODEL,
    model_kwargs={"dimensions": DIMENSIONS, "normalize": True},
    region_name="us-east-1",
    config=Config(max_pool_connections=THREADS),
)
if os.environ.get("PEER_THREADS"):

    class Threaded(BedrockEmbeddings):
        """Distinct texts, side by side."""

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            distinct = list(dict.fromkeys(texts))
            with ThreadPoolExecutor(THREADS) as pool:
                found = dict(zip(distinct, pool.map(self.embed_query, distinct), strict=True))
            return [found[one] for one in texts]

    embeddings.__class__ = Threaded
vector = {
    "dims": DIMENSIONS,
    "algorithm": "hnsw",
    "distance_metric": "cosine",
    "datatype": "float32",
    "m": M,
    "ef_construction": EF_CONSTRUCTION,
    "ef_runtime": EF_RUNTIME,
}
store = RedisVectorStore(
    embeddings,
    RedisConfig(
        index_name="peer",
        redis_url=REDIS_URL,
        index_schema=IndexSchema.from_dict(
            {
                "index": {"name": "peer", "prefix": "peer", "storage_type": "hash"},
                "fields": [
                    {"name": "text", "type": "text"},
                    {"name": "ndc", "type": "tag"},
                    {"name": "manufacturer", "type": "tag"},
                    {"name": "embedding", "type": "vector", "attrs": vector},
                ],
            }
        ),
    ),
)
records = SQLRecordManager("redis/peer", db_url=f"sqlite:///{STATE}/records.sql")
records.create_schema()
documents = [Document(page_content=text(row), metadata=row) for row in drugs()]
batch = {"batch_size": 1000} if os.environ.get("PEER_THREADS") else {}
print(index(documents, records, store, cleanup="full", source_id_key="ndc", **batch))
