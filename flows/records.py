"""Records: what a flow works on, from the request or from a storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contract.base import digest
from contract.errors import StorageError
from contract.record import Record
from contract.storage import FileStorage
from flows.storage.file import Reject, records
from flows.study import Study


def records_of(study: Study, on_reject: Callable[[Reject], None]) -> Iterator[Record]:
    """The study's records in the order of their source; rows that cannot be records go to `on_reject`.

    Raises StorageError when the source cannot be read.
    """
    root, _, name = study.flow.records.partition(".")
    if root == "parameters":
        text = str(study.request[name])
        yield Record(record_id=f"{name}-{digest(text)[:8]}", text=text)
        return
    config = study.storage.get(study.flow.records)
    if not isinstance(config, FileStorage):
        raise StorageError(f"'{study.flow.records}' is not a storage that records can be read from")
    yield from records(config, on_reject)
