"""CocoIndex: a component a drug, embeddings memoized by their text, into its Valkey target."""

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import boto3
import cocoindex as coco
import numpy as np
from botocore.config import Config
from catalog import DIMENSIONS, MODEL, REDIS_URL, STATE, THREADS, drugs, text
from cocoindex.connectors import valkey
from cocoindex.resources.schema import VectorSchema

REDIS = coco.ContextKey[valkey.GlideClient]("redis")
bedrock = boto3.client("bedrock-runtime", config=Config(max_pool_connections=THREADS))


@coco.lifespan
async def lifespan(builder: coco.EnvironmentBuilder) -> AsyncIterator[None]:
    builder.settings.db_path = f"{STATE}/cocoindex"
    at = urlsplit(REDIS_URL)
    config = valkey.create_client_config(host=at.hostname, port=at.port)
    builder.provide(REDIS, await valkey.GlideClient.create(config))
    yield


def titan(words: str) -> list[float]:
    body = json.dumps({"inputText": words, "dimensions": DIMENSIONS, "normalize": True})
    answer = bedrock.invoke_model(modelId=MODEL, body=body)
    return json.loads(answer["body"].read())["embedding"]


@coco.fn(memo=True)
async def embed(words: str) -> list[float]:
    return await asyncio.to_thread(titan, words)


@coco.fn(memo=True)
async def index_drug(row: dict[str, str], target: valkey.IndexTarget) -> None:
    words = text(row)
    document = valkey.Document(row["ndc"], await embed(words), {**row, "text": words})
    target.declare_document(document)


@coco.fn
async def main() -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    size = VectorSchema(dtype=np.dtype(np.float32), size=DIMENSIONS)
    schema = await valkey.IndexSchema.create(
        valkey.VectorDef(schema=size),
        [valkey.FieldDef("text", "text"), valkey.FieldDef("manufacturer", "tag")],
    )
    target = await valkey.mount_index_target(REDIS, "peer", schema)
    await coco.mount_each(index_drug, [(row["ndc"], row) for row in drugs()], target)


coco.App(coco.AppConfig(name="drugs"), main).update_blocking()
