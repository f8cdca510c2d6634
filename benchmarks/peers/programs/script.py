"""A script of a day: embed what is not there yet, with threads, and write it."""

import json
from array import array
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
from redis import Redis, ResponseError

BATCH = 1000
bedrock = boto3.client("bedrock-runtime", config=Config(max_pool_connections=THREADS))
redis = Redis.from_url(REDIS_URL)


def embed(words: str) -> bytes:
    body = json.dumps({"inputText": words, "dimensions": DIMENSIONS, "normalize": True})
    answer = bedrock.invoke_model(modelId=MODEL, body=body)
    return array("f", json.loads(answer["body"].read())["embedding"]).tobytes()


try:
    redis.execute_command(
        *("FT.CREATE", "peer", "PREFIX", 1, "peer:", "SCHEMA", "text", "TEXT"),
        *("manufacturer", "TAG", "embedding", "VECTOR", "HNSW", 12, "TYPE", "FLOAT32"),
        *("DIM", DIMENSIONS, "DISTANCE_METRIC", "COSINE", "M", M),
        *("EF_CONSTRUCTION", EF_CONSTRUCTION, "EF_RUNTIME", EF_RUNTIME),
    )
except ResponseError as error:
    if "already exists" not in str(error):
        raise
rows = drugs()
with ThreadPoolExecutor(THREADS) as pool:
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        pipe = redis.pipeline(transaction=False)
        for row in batch:
            pipe.exists(f"peer:{row['ndc']}")
        new = [row for row, there in zip(batch, pipe.execute(), strict=True) if not there]
        texts = list({text(row) for row in new})
        vectors = dict(zip(texts, pool.map(embed, texts), strict=True))
        for row in new:
            fields = {**row, "text": text(row), "embedding": vectors[text(row)]}
            pipe.hset(f"peer:{row['ndc']}", mapping=fields)
        pipe.execute()
