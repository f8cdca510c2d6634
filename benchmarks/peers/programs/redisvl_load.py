"""RedisVL: an index by schema, a vectorizer with an embeddings cache, in threads."""

import json
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from catalog import (
    DIMENSIONS,
    EF_CONSTRUCTION,
    EF_RUNTIME,
    MODEL,
    REDIS_URL,
    THREADS,
    M,
    drugs,
    text,
)
from redis import Redis
from redisvl.extensions.cache.embeddings import EmbeddingsCache
from redisvl.index import SearchIndex
from redisvl.utils.vectorize import CustomVectorizer

BATCH = 1000
bedrock = boto3.client("bedrock-runtime", config=Config(max_pool_connections=THREADS))
redis = Redis.from_url(REDIS_URL)
vector = {
    "dims": DIMENSIONS,
    "algorithm": "hnsw",
    "distance_metric": "cosine",
    "datatype": "float32",
    "m": M,
    "ef_construction": EF_CONSTRUCTION,
    "ef_runtime": EF_RUNTIME,
}
index = SearchIndex.from_dict(
    {
        "index": {"name": "peer", "prefix": "peer", "storage_type": "hash"},
        "fields": [
            {"name": "text", "type": "text"},
            {"name": "manufacturer", "type": "tag"},
            {"name": "embedding", "type": "vector", "attrs": vector},
        ],
    },
    redis_client=redis,
)
index.create(overwrite=False)


def titan(words: str) -> list[float]:
    """BedrockTextVectorizer asks for 1,024 dimensions, whatever one wants."""
    body = json.dumps({"inputText": words, "dimensions": DIMENSIONS, "normalize": True})
    answer = bedrock.invoke_model(modelId=MODEL, body=body)
    return json.loads(answer["body"].read())["embedding"]


vectorizer = CustomVectorizer(
    embed=titan, cache=EmbeddingsCache(name="peer_cache", redis_client=redis)
)


def embed(words: str) -> bytes:
    return vectorizer.embed(words, as_buffer=True)


rows = drugs()
with ThreadPoolExecutor(THREADS) as pool:
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        vectors = pool.map(embed, map(text, batch))
        index.load(
            [
                {**row, "text": text(row), "embedding": one}
                for row, one in zip(batch, vectors, strict=True)
            ],
            id_field="ndc",
        )
