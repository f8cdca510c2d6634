"""Defects planted into a live index by hand, reached without the product's code."""

from __future__ import annotations

import hashlib
import json

from tests.rows import DIMENSIONS, make_row, ndc, text_hash_of, vector_of
from tests.servers import IndexReader

NOT_COLUMNS = {"text", "embedding", "refused", "record_hash", "run_id", "tokens"}
"""Fields of a text record that are not the template's columns."""

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


def content_hash_of(fields: dict[str, str], space: str) -> str:
    """BLAKE2b-128 of the canonical JSON of what the catalog gives a document."""
    kept = {
        name: value
        for name, value in fields.items()
        if name not in ("content_hash", "run_id", "indexed_at")
    }
    words = json.dumps(
        kept | {"space": space}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()


def stale_document(index: IndexReader) -> None:
    """Agrees with its own hash, but is of an older version of the row."""
    key = _document(index, 3)
    fields = index.documents()[ndc(3)] | {"manufacturer": "Before, Inc."}
    fields["content_hash"] = content_hash_of(fields, index.live()[1])
    index.redis.hset(key, mapping=fields)


def _swap(index: IndexReader, first: int, second: int) -> None:
    redis, left, right = index.redis, _document(index, first), _document(index, second)
    redis.rename(left, "swap")
    redis.rename(right, left)
    redis.rename("swap", right)


def two_documents_swapped(index: IndexReader) -> None:
    """Of two pages."""
    _swap(index, 3, 15)


def two_documents_of_one_page_swapped(index: IndexReader) -> None:
    """Each document is sound, and the page's sums are unchanged."""
    _swap(index, 3, 5)


def two_documents_of_one_text_swapped(index: IndexReader) -> None:
    """Both are found by the same words: only the key tells."""
    _swap(index, 8, 9)


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


def _give(index: IndexReader, text_hash: str, **changed: bytes) -> None:
    """Change a text record together with its hash, so that the record agrees with itself."""
    fields = index.redis.hgetall(text_key(index, text_hash))
    fields |= {name.encode(): value for name, value in changed.items()}
    columns = {
        name.decode(): value.decode()
        for name, value in fields.items()
        if name.decode() not in NOT_COLUMNS
    }
    words = json.dumps(
        [fields[b"text"].decode(), columns, fields.get(b"refused", b"").decode()],
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    inner = hashlib.blake2b(words.encode(), digest_size=16).hexdigest().encode()
    digest = hashlib.blake2b(inner + fields[b"embedding"], digest_size=16).hexdigest()
    fields[b"record_hash"] = digest.encode()
    index.redis.hset(text_key(index, text_hash), mapping=fields)


def forged_vector(index: IndexReader) -> None:
    """Another text's vector, with a hash that fits: only the model itself can tell."""
    _give(index, TEXT, embedding=vector_of("another text"))


def zero_vector(index: IndexReader) -> None:
    """With a hash that fits."""
    _give(index, TEXT, embedding=bytes(4 * DIMENSIONS))


def edited_brand_name_of_a_text(index: IndexReader) -> None:
    """A column that only searches by word read."""
    index.redis.hset(text_key(index), "brand_name", "by hand")


def two_vectors_swapped(index: IndexReader) -> None:
    left, right = text_key(index), text_key(index, OTHER_TEXT)
    vectors = [index.redis.hget(one, "embedding") for one in (left, right)]
    index.redis.hset(left, "embedding", vectors[1])
    index.redis.hset(right, "embedding", vectors[0])


def all_vectors_of_another_model(index: IndexReader) -> None:
    """Each fits its own hash, as if the model had changed under its name."""
    for text_hash in index.texts():
        _give(index, text_hash, embedding=vector_of(f"of another model {text_hash}"))


def _recreated(index: IndexReader, name: str, prefix: str, *schema: str, scan: bool = True) -> None:
    """Made without a scan, so that it does not index the hashes that exist."""
    index.redis.execute_command("FT.DROPINDEX", name)
    options = () if scan else ("SKIPINITIALSCAN",)
    create = ("FT.CREATE", name, "ON", "HASH", "PREFIX", 1, prefix, *options, "SCHEMA")
    index.redis.execute_command(*create, *schema)


def unindexed_documents(index: IndexReader) -> None:
    generation = index.live()[0]
    schema = ("text_hash", "TAG")
    _recreated(index, f"drugs:{generation}", f"drug:{generation}:", *schema, scan=False)


def unindexed_texts(index: IndexReader) -> None:
    space = index.live()[1]
    attributes = ("TYPE", "FLOAT32", "DIM", str(DIMENSIONS), "DISTANCE_METRIC", "COSINE")
    schema = ("embedding", "VECTOR", "FLAT", "6", *attributes)
    _recreated(index, f"texts:{space}", f"text:{space}:", *schema, scan=False)


def one_text_outside_the_index(index: IndexReader) -> None:
    """Its record is sound, but no search can find it."""
    unindexed_texts(index)
    for text_hash in index.texts():
        if text_hash != TEXT:
            index.redis.hset(text_key(index, text_hash), "tokens", 1)


def documents_index_with_other_fields(index: IndexReader) -> None:
    """It holds every document, but no filter finds any."""
    generation = index.live()[0]
    _recreated(index, f"drugs:{generation}", f"drug:{generation}:", "text_hash", "TAG")


def texts_index_with_another_metric(index: IndexReader) -> None:
    """It holds every text, but measures distance in another way."""
    space = index.live()[1]
    attributes = ("TYPE", "FLOAT32", "DIM", str(DIMENSIONS), "DISTANCE_METRIC", "L2")
    schema = ("embedding", "VECTOR", "HNSW", "6", *attributes)
    _recreated(index, f"texts:{space}", f"text:{space}:", *schema)


def documents_index_missing(index: IndexReader) -> None:
    index.redis.execute_command("FT.DROPINDEX", f"drugs:{index.live()[0]}")


def texts_index_missing(index: IndexReader) -> None:
    index.redis.execute_command("FT.DROPINDEX", f"texts:{index.live()[1]}")


def alias_on_another_index(index: IndexReader) -> None:
    index.redis.execute_command("FT.ALIASUPDATE", "drugs", f"texts:{index.live()[1]}")


def alias_missing(index: IndexReader) -> None:
    index.redis.execute_command("FT.ALIASDEL", "texts")
