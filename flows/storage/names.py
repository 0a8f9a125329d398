"""Names a source of records for messages: its path, its dataset or its table."""

from __future__ import annotations

from contract.storage import (
    FileStorage,
    GCSStorage,
    HuggingFaceStorage,
    PluginStorage,
    RecordStorage,
)


def source_name(storage: RecordStorage) -> str:
    """The name of the source, as messages show it."""
    if isinstance(storage, FileStorage):
        return str(storage.path)
    if isinstance(storage, HuggingFaceStorage):
        return f"the dataset {storage.dataset}"
    if isinstance(storage, GCSStorage):
        return f"gs://{storage.bucket}/{storage.path}"
    if isinstance(storage, PluginStorage):
        return f"the reader {storage.reader}"
    return f"the table {storage.project}.{storage.dataset}.{storage.table}"
