"""The FDA's catalog as a live generation, made without the state machine, for measuring searches.

Embedding 13,077 texts takes minutes, so their vectors are kept on disk, by the hash of the text.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from local.catalogs.fda import Package, Product, Selection, select
from local.standin.minilm import MiniLM
from workflow.adapters.redis.index import RedisIndex
from workflow.contract.documents import Renderer, record_of
from workflow.contract.holder import Holder
from workflow.contract.ports.catalog import Row
from workflow.contract.ports.documents import Document
from workflow.contract.ports.generations import Generation, LiveNames
from workflow.contract.ports.model import Purpose, Vector
from workflow.contract.ports.texts import NewRecord, Text
from workflow.contract.settings import DEFAULT_TEMPLATE

ALL_PRESCRIPTIONS = 101_447
"""The prescription packages of the directory that are not excluded."""

T = TypeVar("T")

MAX_CHARS = 8_000
EMBED_BATCH = 500
LOAD_BATCH = 500


@dataclass(frozen=True)
class Catalog:
    """Documents and texts as DiffPage would make them; `products` by text hash."""

    documents: list[Document]
    texts: dict[str, Text]
    products: dict[str, list[Product]]


def read_catalog(rows: int | None, space: str) -> Catalog:
    """The first `rows` prescription packages, or every package, as the view shows them."""
    selection: Selection = select(rows)
    by_id = {product.product_id: product for product in selection.products}
    writer = Renderer(DEFAULT_TEMPLATE, MAX_CHARS, space)
    made = Catalog([], {}, {})
    for package in selection.packages:
        product = by_id[package.product_id]
        document = writer.document(_row(package, product))
        made.documents.append(document)
        if document.text_hash not in made.texts:
            made.texts[document.text_hash] = writer.text(document.fields)
        known = made.products.setdefault(document.text_hash, [])
        if product not in known:
            known.append(product)
    return made


def _row(package: Package, product: Product) -> Row:
    name = f"{product.proprietary_name} {product.proprietary_name_suffix}".strip()
    category = product.marketing_category
    ends = (package.end_marketing_date, product.end_marketing_date)
    ended = any(end and end <= "20190430" for end in ends)
    return {
        "ndc": package.ndc,
        "drug_name": name,
        "brand_name": product.proprietary_name,
        "generic_name": product.nonproprietary_name,
        "dosage_form": product.dosage_form,
        "route": product.route,
        "strength": product.strength,
        "manufacturer": product.labeler_name,
        "drug_class": product.pharm_classes,
        "dea_schedule": product.dea_schedule,
        "is_generic": "1" if category in ("ANDA", "NDA AUTHORIZED GENERIC") else "0",
        "is_brand": "1" if category in ("NDA", "BLA") else "0",
        "is_active": "0" if ended else "1",
        "product_type": "HOMEOPATHIC"
        if category == "UNAPPROVED HOMEOPATHIC"
        else product.product_type,
    }


class LocalEmbedder:
    """MiniLM in this process, as the Bedrock stand-in would answer."""

    texts_per_call = 1

    def __init__(self, dimensions: int) -> None:
        self._model = MiniLM()
        self._dimensions = dimensions

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        return [Vector(padded(self._model.encode(text), self._dimensions), 1) for text in texts]


def padded(vector: np.ndarray, dimensions: int) -> bytes:
    """Padded with zeros, which changes no cosine."""
    return np.pad(vector, (0, dimensions - len(vector))).astype("<f4").tobytes()


def embedded(texts: dict[str, Text], cache: Path) -> dict[str, np.ndarray]:
    """float32[384] by the hash of the text alone. What is new is embedded, and kept in `cache`."""
    known = _kept(cache)
    wanted = {words_hash(text.text): text.text for text in texts.values()}
    missing = [one for one in wanted if one not in known]
    model = MiniLM() if missing else None
    for number, part in enumerate(batched(missing, EMBED_BATCH)):
        with ThreadPoolExecutor(2) as threads:
            assert model is not None
            vectors = list(threads.map(lambda one: model.encode(wanted[one]), part))
        found = dict(zip(part, vectors, strict=True))
        _keep(cache, found)
        known |= found
        print(f"  embedded {number * EMBED_BATCH + len(part):,} of {len(missing):,}", flush=True)
    return known


def _kept(cache: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for path in sorted(cache.glob("*.npz")):
        with np.load(path) as stored:
            found |= dict(zip(stored["hashes"].tolist(), stored["vectors"], strict=True))
    return found


def _keep(cache: Path, vectors: dict[str, np.ndarray]) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    draft = cache / "draft"
    with draft.open("wb") as file:
        np.savez(file, hashes=np.array(list(vectors)), vectors=np.stack(list(vectors.values())))
    draft.replace(cache / f"{secrets.token_hex(8)}.npz")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """What `itertools.batched` of Python 3.12 does."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part


def words_hash(words: str) -> str:
    """Names a vector on the disk, whatever columns its records have."""
    return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()


def load_index(
    index: RedisIndex,
    catalog: Catalog,
    vectors: dict[str, np.ndarray],
    names: LiveNames,
    dims: int,
) -> None:
    """Write and publish the generation; a benchmark's Redis holds nothing else."""
    started = datetime.now(UTC)
    holder = Holder(names.generation, started)
    now = started.isoformat(timespec="seconds")
    generation = Generation(
        name=names.generation,
        space=names.space,
        space_revision="0",
        schema=index.server.schema_digest(),
        state="live",
        run_id=holder.run_id,
        created_at=now,
        published_at=now,
    )
    index.generations.take_fence(holder)
    index.generations.create(generation, holder)
    index.server.create_indexes(names)
    for texts in batched(catalog.texts.values(), LOAD_BATCH):
        index.texts.write(names.space, holder, list(_records(texts, vectors, dims)))
    for documents in batched(catalog.documents, LOAD_BATCH):
        index.documents.write(names.generation, holder, documents)
    index.generations.publish(generation, "", holder)


def _records(
    texts: Sequence[Text], vectors: dict[str, np.ndarray], dims: int
) -> Iterator[NewRecord]:
    for text in texts:
        data = padded(vectors[words_hash(text.text)], dims)
        yield NewRecord(text.hash, record_of(text, data), 1)
