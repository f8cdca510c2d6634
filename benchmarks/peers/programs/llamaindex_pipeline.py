"""LlamaIndex's ingestion pipeline, asynchronous: upserts and deletes by its document store."""

import asyncio
from urllib.parse import urlsplit

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
from llama_index.core import Document
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.embeddings.bedrock import BedrockEmbedding
from llama_index.storage.docstore.redis import RedisDocumentStore
from llama_index.vector_stores.redis import RedisVectorStore
from redisvl.schema import IndexSchema

vector = {
    "dims": DIMENSIONS,
    "algorithm": "hnsw",
    "distance_metric": "cosine",
    "datatype": "float32",
    "m": M,
    "ef_construction": EF_CONSTRUCTION,
    "ef_runtime": EF_RUNTIME,
}
schema = IndexSchema.from_dict(
    {
        "index": {"name": "peer", "prefix": "peer"},
        "fields": [
            {"name": "id", "type": "tag"},
            {"name": "doc_id", "type": "tag"},
            {"name": "text", "type": "text"},
            {"name": "manufacturer", "type": "tag"},
            {"name": "vector", "type": "vector", "attrs": vector},
        ],
    }
)
at = urlsplit(REDIS_URL)
embeddings = BedrockEmbedding(
    model_name=MODEL,
    additional_kwargs={"dimensions": DIMENSIONS, "normalize": True},
    region_name="us-east-1",
    botocore_config=Config(max_pool_connections=THREADS),
    embed_batch_size=10,
    num_workers=THREADS,
)
pipeline = IngestionPipeline(
    transformations=[embeddings],
    docstore=RedisDocumentStore.from_host_and_port(at.hostname, at.port, namespace="peer_docs"),
    docstore_strategy=DocstoreStrategy.UPSERTS_AND_DELETE,
    vector_store=RedisVectorStore(schema, redis_url=REDIS_URL),
)


def document(row: dict[str, str]) -> Document:
    """By default its metadata would be embedded with the text."""
    names = list(row)
    return Document(
        id_=row["ndc"],
        text=text(row),
        metadata=row,
        excluded_embed_metadata_keys=names,
        excluded_llm_metadata_keys=names,
    )


asyncio.run(pipeline.arun(documents=[document(row) for row in drugs()]))
