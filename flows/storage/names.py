"""Names a source of records for messages: its path, its dataset or its table."""

from __future__ import annotations

from contract.storage import (
    FileStorage,
    GCSStorage,
    HuggingFaceStorage,
    PluginStorage,
    RecordStorage,
    ZoteroStorage,
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
    if isinstance(storage, ZoteroStorage):
        return str(storage.path) if storage.path else library_name(storage)
    return f"the table {storage.project}.{storage.dataset}.{storage.table}"


def library_name(storage: ZoteroStorage) -> str:
    """The name of a library of literature that is not a file."""
    collection = f", collection {storage.collection}" if storage.collection else ""
    if storage.is_local:
        group = storage.library and storage.library.partition("/groups/")[2]
        return f"{f'group {group}' if group else 'your library'} in Zotero on this machine{collection}"
    return f"the Zotero library {storage.library}{collection}" if storage.is_web else f"the export at {storage.library}"
