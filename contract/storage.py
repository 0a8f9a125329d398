"""Where records come from and rows go: one discriminated union."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from contract.base import Frozen


class FileStorage(Frozen):
    """A file or folder on this machine.

    Tables: CSV, TSV, XLSX, JSONL, JSON, Parquet. Documents: .txt, .md, .pdf, or a folder of them.
    """

    type: Literal["file"] = "file"
    path: Path
    """Relative paths start at the config directory that names them."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Record field -> column of the source, for example `{text: body, "metadata.author": by}`."""
    encoding: str = "utf-8"
    sheet: str | None = None
    """For XLSX: the sheet's name; None takes the first."""


class HuggingFaceStorage(Frozen):
    """A dataset of the `datasets` library (extra `huggingface`): saved on disk, or on the hub."""

    type: Literal["huggingface"] = "huggingface"
    dataset: str
    """A folder written by `save_to_disk`, or a name on the hub such as `owner/name`."""
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    """Commit or tag on the hub; a study that others shall repeat names one."""
    columns: dict[str, str] = Field(default_factory=dict)
    """As for files."""


class CorpusStorage(Frozen):
    """A searchable index over records, kept in one SQLite file in the cache folder."""

    type: Literal["corpus"] = "corpus"
    source: FileStorage
    label: str
    """What the corpus is called in answers, for example `Oversight Board decisions`."""
    sections: tuple[str, ...] = ()
    """Sections to index, in order; empty means all, and the main text."""
    date_field: str | None = None
    """The metadata field that holds the date of publication."""
    chunk_characters: int = Field(default=1200, ge=200, le=20_000)
    overlap_characters: int = Field(default=150, ge=0, le=2000)
    note: str = ""
    """Where the data comes from and what it is not; shown with answers."""


RecordStorage: TypeAlias = FileStorage | HuggingFaceStorage
"""Where records can be read from."""
StorageConfig = Annotated[FileStorage | HuggingFaceStorage | CorpusStorage, Field(discriminator="type")]
