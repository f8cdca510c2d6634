"""Defects planted into a live index by hand, reached without the product's code."""

from __future__ import annotations

import hashlib

from tests.rows import make_row, ndc, text_hash_of, vector_of
from tests.servers import IndexReader

TEXT = text_hash_of(make_row(8))
"""The text of drugs 8 and 9."""

OTHER_TEXT = text_hash_of(make_row(10))


def _document(index: IndexReader, number: int) -> str:
    return f"drug:{index.live()[0]}:{ndc(number)}"


def _key_set(index: IndexReader) -> str:
    return f"drugs:keys:{index.live()[0]}"


def text_key(index: IndexReader, text_hash: str = TEXT) -> str:
    return f"text:{index.live()[1]}:{text_hash}"


def missing_documents(index: IndexReader) -> None:
    index.redis.delete(_document(index, 3), _document(index, 15))


def missing_documents_and_their_keys(index: IndexReader) -> None:
    missing_documents(index)
    index.redis.zrem(_key_set(index), ndc(3), ndc(15))


def extra_document(index: IndexReader) -> None:
    """A whole, well-formed one, which the catalog lacks."""
    index.redis.copy(_document(index, 3), _document(index, 77))
    index.redis.hset(_document(index, 77), "ndc", ndc(77))
    index.redis.zadd(_key_set(index), {ndc(77): 0})


def one_missing_and_one_extra(index: IndexReader) -> None:
    extra_document(index)
    index.redis.delete(_document(index, 4))
    index.redis.zrem(_key_set(index), ndc(4))


def document_outside_the_key_set(index: IndexReader) -> None:
    extra_document(index)
    index.redis.zrem(_key_set(index), ndc(77))


def key_without_a_document(index: IndexReader) -> None:
    index.redis.zadd(_key_set(index), {ndc(77): 0})


def key_set_lost(index: IndexReader) -> None:
    index.redis.delete(_key_set(index))


def edited_field(index: IndexReader) -> None:
    index.redis.hset(_document(index, 3), "drug_class", "ACE inhibitor")


def added_field(index: IndexReader) -> None:
    index.redis.hset(_document(index, 3), "note", "by hand")


def stale_hash(index: IndexReader) -> None:
    index.redis.hset(_document(index, 3), "content_hash", "0" * 32)


def two_documents_swapped(index: IndexReader) -> None:
    redis, left, right = index.redis, _document(index, 3), _document(index, 15)
    redis.rename(left, "swap")
    redis.rename(right, left)
    redis.rename("swap", right)


def document_of_another_type(index: IndexReader) -> None:
    index.redis.set(_document(index, 3), "text")


def text_record_missing(index: IndexReader) -> None:
    index.redis.delete(text_key(index))


def text_record_of_another_type(index: IndexReader) -> None:
    index.redis.set(text_key(index), "text")


def edited_text(index: IndexReader) -> None:
    index.redis.hset(text_key(index), "text", "another text")


def vector_missing(index: IndexReader) -> None:
    index.redis.hdel(text_key(index), "embedding")


def vector_cut(index: IndexReader) -> None:
    index.redis.hset(text_key(index), "embedding", vector_of("x")[:-4])


def wrong_vector(index: IndexReader) -> None:
    index.redis.hset(text_key(index), "embedding", vector_of("another text"))


def forged_vector(index: IndexReader) -> None:
    """Another text's vector, with a hash that fits: only the model itself can tell."""
    vector = vector_of("another text")
    digest = hashlib.blake2b(TEXT.encode() + vector, digest_size=16).hexdigest()
    index.redis.hset(text_key(index), mapping={"embedding": vector, "vector_hash": digest})


def two_vectors_swapped(index: IndexReader) -> None:
    left, right = text_key(index), text_key(index, OTHER_TEXT)
    vectors = [index.redis.hget(one, "embedding") for one in (left, right)]
    index.redis.hset(left, "embedding", vectors[1])
    index.redis.hset(right, "embedding", vectors[0])


def all_vectors_of_another_model(index: IndexReader) -> None:
    """Each fits its own hash, as if the model had changed under its name."""
    for text_hash in index.texts():
        vector = vector_of(f"of another model {text_hash}")
        digest = hashlib.blake2b(text_hash.encode() + vector, digest_size=16).hexdigest()
        fields = {"embedding": vector, "vector_hash": digest}
        index.redis.hset(text_key(index, text_hash), mapping=fields)


def _recreated_empty(index: IndexReader, name: str, prefix: str, *schema: str) -> None:
    """By hand, and without a look at the hashes that exist."""
    index.redis.execute_command("FT.DROPINDEX", name)
    create = ("FT.CREATE", name, "ON", "HASH", "PREFIX", 1, prefix, "SKIPINITIALSCAN", "SCHEMA")
    index.redis.execute_command(*create, *schema)


def unindexed_documents(index: IndexReader) -> None:
    generation = index.live()[0]
    schema = ("text_hash", "TAG")
    _recreated_empty(index, f"drugs:{generation}", f"drug:{generation}:", *schema)


def unindexed_texts(index: IndexReader) -> None:
    space = index.live()[1]
    attributes = ("TYPE", "FLOAT32", "DIM", "256", "DISTANCE_METRIC", "COSINE")
    schema = ("embedding", "VECTOR", "FLAT", "6", *attributes)
    _recreated_empty(index, f"texts:{space}", f"text:{space}:", *schema)


def documents_index_missing(index: IndexReader) -> None:
    index.redis.execute_command("FT.DROPINDEX", f"drugs:{index.live()[0]}")


def texts_index_missing(index: IndexReader) -> None:
    index.redis.execute_command("FT.DROPINDEX", f"texts:{index.live()[1]}")


def alias_on_another_index(index: IndexReader) -> None:
    index.redis.execute_command("FT.ALIASUPDATE", "drugs", f"texts:{index.live()[1]}")


def alias_missing(index: IndexReader) -> None:
    index.redis.execute_command("FT.ALIASDEL", "texts")
