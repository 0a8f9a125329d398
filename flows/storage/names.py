"""What messages call a source of records: its path, its dataset, its table."""

from __future__ import annotations

from contract.storage import (
    FileStorage,
    GCSStorage,
    HuggingFaceStorage,
    RecordStorage,
)


def source_name(storage: RecordStorage) -> str:
    """The source as its owner knows it."""
    if isinstance(storage, FileStorage):
        return str(storage.path)
    if isinstance(storage, HuggingFaceStorage):
        return f"the dataset {storage.dataset}"
    if isinstance(storage, GCSStorage):
        return f"gs://{storage.bucket}/{storage.path}"
    return f"the table {storage.project}.{storage.dataset}.{storage.table}"
