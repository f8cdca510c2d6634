"""LlamaIndex's ingestion pipeline with a docstore, upserts and deletes, into Redis."""

from catalog import DIMENSIONS, EF_CONSTRUCTION, EF_RUNTIME, MODEL, REDIS_URL, M, drugs, text
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.schema import TextNode
from llama_index.embeddings.bedrock import BedrockEmbedding
from llama_index.storage.docstore.redis import RedisDocumentStore
from llama_index.storage.kvstore.redis import RedisKVStore
from llama_index.vector_stores.redis import RedisVectorStore
from redis import Redis
from redisvl.schema import IndexSchema

redis = Redis.from_url(REDIS_URL)
vector = {
    "dims": DIMENSIONS,
    "algorithm": "hnsw",
    "distance_metric": "cosine",
    "m": M,
    "ef_construction": EF_CONSTRUCTION,
    "ef_runtime": EF_RUNTIME,
}
schema = IndexSchema.from_dict(
    {
        "index": {"name": "peer", "prefix": "peer"},
        "fields": [
            {"type": "tag", "name": "id"},
            {"type": "tag", "name": "doc_id"},
            {"type": "text", "name": "text"},
            {"type": "tag", "name": "manufacturer"},
            {"type": "vector", "name": "vector", "attrs": vector},
        ],
    }
)
pipeline = IngestionPipeline(
    transformations=[
        BedrockEmbedding(
            model_name=MODEL,
            region_name="us-east-1",
            additional_kwargs={"dimensions": DIMENSIONS, "normalize": True},
        )
    ],
    vector_store=RedisVectorStore(schema=schema, redis_client=redis),
    docstore=RedisDocumentStore(RedisKVStore(redis_client=redis), namespace="peer_docs"),
    docstore_strategy=DocstoreStrategy.UPSERTS_AND_DELETE,
)
nodes = [
    TextNode(
        id_=row["ndc"],
        text=text(row),
        metadata=row,
        excluded_embed_metadata_keys=list(row),
        excluded_llm_metadata_keys=list(row),
    )
    for row in drugs()
]
pipeline.run(nodes=nodes)
