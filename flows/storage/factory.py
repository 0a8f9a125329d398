"""Creates storages from plain data, and chooses the code that reads a storage or saves to it.

config = StorageFactory.create_config({"type": "gcs", "bucket": "my-bucket", "path": "posts/march.jsonl"})
for row in StorageFactory.rows(config):
    ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

from pydantic import BaseModel, TypeAdapter

from contract.embedding import EmbeddingSettings
from contract.errors import StorageError, StudyError
from contract.storage import (
    BigQueryStorage,
    BucketPlace,
    CorpusStorage,
    FileStorage,
    GCSStorage,
    HuggingFaceStorage,
    LabelsTable,
    PluginStorage,
    RecordStorage,
    StorageConfig,
    VectorStorage,
    ZoteroStorage,
)
from flows.storage.answer_rows import one_row_per_text
from flows.storage.file import file_rows
from flows.storage.guesses import OnGuess, ignore_guess
from flows.storage.nested_rows import rows_within
from flows.storage.rows import Rows

Saver: TypeAlias = Callable[[Path], str]
"""Saves the finished run in a folder; returns a sentence on what was done, and raises StorageError."""

STORAGE_TYPES: Mapping[str, type[BaseModel]] = {
    "file": FileStorage,
    "huggingface": HuggingFaceStorage,
    "gcs": GCSStorage,
    "bigquery": BigQueryStorage,
    "plugin": PluginStorage,
    "zotero": ZoteroStorage,
    "corpus": CorpusStorage,
    "vector": VectorStorage,
}
"""Value of `type:` -> its model."""
SAVABLE_TYPES = ("gcs", "bigquery")
"""Types that `save:` can name."""


class StorageFactory:
    """Creates storages from plain data, and readers and savers for storages."""

    @staticmethod
    def create_config(data: Mapping[str, Any]) -> StorageConfig:
        """The storage that `data` describes. Raises StudyError with every mistake, in plain words."""
        from flows.config.diagnostics import Diagnostics
        from flows.config.validate import validate_data

        findings = Diagnostics()
        kind: TypeAdapter[StorageConfig] = TypeAdapter(StorageConfig)
        found = validate_data(
            kind,
            data,
            ("storage",),
            lambda loc: model_at(data, loc),
            findings,
        )
        findings.raise_if_any()
        if found is None:
            raise StudyError([])
        return found

    @staticmethod
    def rows(storage: RecordStorage) -> Rows:
        """Every row of the storage, in order, as a stream. Raises StorageError when it cannot be read."""
        return source_rows(storage)

    @staticmethod
    def saver(storage: StorageConfig) -> Saver:
        """The function that saves a run to that storage. Raises StorageError for a type that cannot be saved to."""
        if isinstance(storage, BigQueryStorage):
            from flows.storage.bigquery_save import save_cells

            return lambda folder: save_cells(storage, folder)
        if isinstance(storage, GCSStorage):
            from flows.storage.gcs_save import save_folder

            return lambda folder: save_folder(storage, folder)
        raise StorageError(
            f"nothing can be saved to a storage of type {storage.type}; name one of {', '.join(SAVABLE_TYPES)}"
        )


def model_at(data: Mapping[str, Any], loc: Sequence[str]) -> type[BaseModel] | None:
    """The model at `loc` of the storage that `data` describes: its own, its source's, or a place in a bucket."""
    if not loc:
        return STORAGE_TYPES.get(str(data.get("type")))
    if loc[0] == "kept_in":
        return BucketPlace
    if loc[0] == "labels_from":
        return LabelsTable
    if loc[0] == "embedding":
        return EmbeddingSettings
    source = data.get("source")
    kind: object = cast("Mapping[str, object]", source).get("type") if isinstance(source, Mapping) else None
    return STORAGE_TYPES.get(str(kind or "file"))


def source_rows(storage: RecordStorage, on_guess: OnGuess = ignore_guess) -> Rows:
    """Every row of the source; `on_guess` is told what its files do not say. Raises StorageError when it cannot be
    read.
    """
    rows = _rows(storage, on_guess)
    if path := storage.rows_path:
        return rows_within(rows, path, on_guess)
    return one_row_per_text(rows, storage.columns, on_guess) if storage.rows == "answers" else rows


def _rows(storage: RecordStorage, on_guess: OnGuess) -> Rows:
    if isinstance(storage, FileStorage):
        yield from file_rows(storage, on_guess)
    elif isinstance(storage, HuggingFaceStorage):
        from flows.storage.huggingface import dataset_rows

        yield from dataset_rows(storage)
    elif isinstance(storage, GCSStorage):
        from flows.storage.gcs import object_rows

        yield from object_rows(storage)
    elif isinstance(storage, PluginStorage):
        from flows.storage.plugin_reader import plugin_rows

        yield from plugin_rows(storage)
    elif isinstance(storage, ZoteroStorage):
        from flows.storage.zotero.rows import library_rows

        yield from library_rows(storage)
    else:
        from flows.storage.bigquery import bigquery_rows

        yield from bigquery_rows(storage)


def describe_read_cost(storage: StorageConfig | None) -> str | None:
    """How much reading the storage will take, in a sentence; None where that costs nothing or cannot be asked.

    Raises StorageError.
    """
    if not isinstance(storage, BigQueryStorage):
        return None
    from flows.storage.bigquery import describe_query_size

    return describe_query_size(storage)
