"""Records: what a flow works on, from the request or from a storage."""

from __future__ import annotations

from collections.abc import Iterator

from contract.base import digest
from contract.errors import StorageError
from contract.record import Record
from contract.storage import FileStorage
from flows.study import Study


def records_of(study: Study) -> Iterator[Record]:
    """The study's records in the order of their source. Raises StorageError when it cannot be read."""
    root, _, name = study.flow.records.partition(".")
    if root == "parameters":
        text = str(study.request[name])
        yield Record(record_id=f"{name}-{digest(text)[:8]}", text=text)
        return
    config = study.storage.get(study.flow.records)
    if not isinstance(config, FileStorage):
        raise StorageError(f"'{study.flow.records}' is not a storage that records can be read from")
    raise StorageError("reading records from a storage comes with the studies")
