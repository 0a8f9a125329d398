"""Where records come from and rows go: one discriminated union."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from contract.base import Frozen


class FileStorage(Frozen):
    """A file or folder on this machine: JSONL, JSON, CSV, TSV, or a folder of .txt and .md files."""

    type: Literal["file"] = "file"
    path: Path
    """Relative paths start at the config directory that names them."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Record field -> column of the source, for example `{text: body, "metadata.author": by}`."""
    encoding: str = "utf-8"


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


StorageConfig = Annotated[FileStorage | CorpusStorage, Field(discriminator="type")]
