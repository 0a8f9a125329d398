"""Where records are read from and rows are saved to: one discriminated union."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import BeforeValidator, Field, field_validator, model_validator

from contract.base import Frozen, JsonValue
from contract.embedding import Embedding
from contract.page_source import PageSource, is_unset
from contract.where import checked_where
from contract.zotero import ZoteroStorage

BUCKET_NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$"
BUCKET_URL_PREFIX = "gs://"
"""The beginning of an address in a bucket."""
_GS_URL = re.compile(r"gs://(?P<bucket>[^/]+)(?:/(?P<path>.*))?")


def _number_as_text(value: Any) -> Any:
    """A row or a column by its number, which YAML reads as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _column_names(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {field: _number_as_text(column) for field, column in cast("dict[str, Any]", value).items()}


def _delimiter(value: Any) -> Any:
    """A tab by its name, as nobody can type or see it."""
    if isinstance(value, str) and value.lower() in ("tab", "\\t"):
        return "\t"
    if isinstance(value, str) and len(value) != 1:
        raise ValueError("it should be one sign, such as ; or |, or the word tab")
    return value


Columns: TypeAlias = Annotated[dict[str, str], BeforeValidator(_column_names)]


class TableFormat(Frozen):
    """How a table is written. What is not set is guessed from its first rows, and `check` names each guess."""

    encoding: str = "utf-8"
    sheet: str | None = None
    """For XLSX: the sheet's name; None takes the first."""
    header: Annotated[
        str | None, BeforeValidator(_number_as_text), Field(pattern=r"^(none|qualtrics|[1-9]\d?(-[1-9]\d?)?)$")
    ] = Field(default=None, exclude_if=is_unset)
    """Which row names the columns: `1`; `3`, below two rows that are left out; `1-2`, whose cells below fill empty ones
    above; `qualtrics`, whose second and third row are no answers; `none`, where columns are called 1, 2, 3."""
    delimiter: Annotated[str | None, BeforeValidator(_delimiter)] = Field(default=None, exclude_if=is_unset)
    """For text: the sign between two cells, or `tab`. With it, a .txt file is a table."""
    quoting: Literal["csv", "none"] | None = Field(default=None, exclude_if=is_unset)
    """For text: `none` where quotation marks are letters like others; `csv` where a cell may stand between them."""


class LabelsTable(TableFormat):
    """A table beside a folder of texts, with a row for each of them."""

    path: Path
    """Relative paths start at the config directory that names them."""
    by: Annotated[str | None, BeforeValidator(_number_as_text)] = None
    """The column with the names of the files, with or without ending; None takes the one that most of them are in."""


class FileStorage(TableFormat, PageSource):
    """A file or folder on this machine.

    Tables: CSV, TSV, XLSX, JSONL, JSON, Parquet, also packed (.gz, .bz2, .xz, .zip). Documents: .txt, .md, .pdf,
    .docx, .odt, .rtf, .html, .epub, subtitles (.srt, .vtt), or a folder of them.
    """

    type: Literal["file"] = "file"
    path: Path
    """Relative paths start at the config directory that names them."""
    files: str | None = Field(default=None, exclude_if=is_unset)
    """For a folder: which of its files are tables that are read one after the other, for example `*.csv`."""
    labels_from: LabelsTable | None = Field(default=None, exclude_if=is_unset)
    """For a folder of texts: the table with what is known of each of them."""
    columns: Columns = Field(default_factory=dict)
    """Record field -> column of the source, for example `{text: body, "metadata.author": by}`; also by its number."""

    @field_validator("files")
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        if value is not None and (value.startswith(("/", "~")) or ".." in value.split("/") or not value.strip()):
            raise ValueError("it should be a pattern of names in the folder, such as *.csv")
        return value

    @model_validator(mode="after")
    def _is_one_kind(self) -> FileStorage:
        if self.files is not None and self.labels_from is not None:
            raise ValueError("`files` is for tables, `labels_from` for texts; leave one of them out")
        return self


class HuggingFaceStorage(PageSource):
    """A dataset of the `datasets` library (extra `huggingface`): saved on disk, or on the hub."""

    type: Literal["huggingface"] = "huggingface"
    dataset: str
    """A folder written by `save_to_disk`, or a name on the hub such as `owner/name`."""
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    """Commit or tag on the hub; a study that others are to repeat names one."""
    columns: dict[str, str] = Field(default_factory=dict)
    """As for files."""


class BucketPlace(Frozen):
    """A place in a Google Cloud Storage bucket."""

    bucket: str = Field(pattern=BUCKET_NAME_PATTERN)
    path: str
    """The name of an object or a prefix."""
    project: str | None = None
    endpoint: str | None = None
    """Another address than Google's, for an emulator; it is sent no credentials."""
    timeout_seconds: float = Field(default=60, gt=0)
    """For one answer of the service."""


class GCSStorage(BucketPlace, TableFormat, PageSource):
    """Objects in a Google Cloud Storage bucket: one file, or all below a prefix that ends with `/`."""

    type: Literal["gcs"] = "gcs"
    path: str
    """The object's name or a prefix. Run folders that are saved go to `<path>/<flow>/<run>/`."""
    columns: Columns = Field(default_factory=dict)
    most_bytes: int = Field(default=10_000_000_000, gt=0)
    """Objects whose total size is larger are not read."""


class BigQueryStorage(PageSource):
    """A BigQuery table to read records from or to save cells to."""

    type: Literal["bigquery"] = "bigquery"
    project: str = Field(pattern=r"^[a-z][a-z0-9:.-]{3,61}[a-z0-9]$")
    dataset: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,1023}$")
    table: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,1023}$")
    location: str | None = None
    study: str | None = Field(default=None, pattern=r"^\S(.{0,98}\S)?$", exclude_if=is_unset)
    """Where cells are saved: the study that their rows belong to, so that no other study's rows are replaced."""
    owner: str | None = Field(default=None, pattern=r"^\S(.{0,98}\S)?$", exclude_if=is_unset)
    """The group whose study it is. People who save to one study with several accounts all name it, and nobody else's
    study of that name is touched."""
    columns: dict[str, str] = Field(default_factory=dict)
    """As for files. Where any are named, other columns are read only if their names are the usual ones: a query's
    price depends on its columns."""
    where: dict[str, Any] = Field(default_factory=dict)
    """Column -> the value that it must have, null for none, a list of values, or a range (`from`, `to`, `before`)."""
    most_bytes: int = Field(default=10_000_000_000, gt=0)
    """A query that would read more is not run."""
    endpoint: str | None = None
    """Another address than Google's, for an emulator; it is sent no credentials."""
    timeout_seconds: float = Field(default=120, gt=0)
    """For one query or load; for any other answer of the service at most 25."""

    @field_validator("where")
    @classmethod
    def _values_are_comparable(cls, where: dict[str, Any]) -> dict[str, Any]:
        return checked_where(where, "column")


class PluginStorage(PageSource):
    """Records that the reader of an installed package reads, from wherever that knows how to."""

    type: Literal["plugin"] = "plugin"
    reader: str = Field(min_length=1)
    """The reader's name, as its package gives it."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """What the reader is given: the parameters of its function."""
    columns: dict[str, str] = Field(default_factory=dict)
    """As for files."""


RecordStorage: TypeAlias = (
    FileStorage | HuggingFaceStorage | GCSStorage | BigQueryStorage | PluginStorage | ZoteroStorage
)
"""Where records can be read from."""


def _default_to_file(value: Any) -> Any:
    """Gives a source without a `type` the type `file`."""
    return {"type": "file", **cast("dict[str, Any]", value)} if isinstance(value, dict) else value


def _parse_bucket_url(value: Any) -> Any:
    """Returns the bucket and the path of `gs://bucket/prefix`. Returns values other than text unchanged."""
    if not isinstance(value, str):
        return value
    found = _GS_URL.fullmatch(value.strip())
    if not found or not re.fullmatch(BUCKET_NAME_PATTERN, found["bucket"]):
        raise ValueError("it should be a bucket and a prefix, such as gs://my-bucket/indexes")
    return {"bucket": found["bucket"], "path": (found["path"] or "").strip("/")}


class SearchableStorage(Frozen):
    """The settings of every index over records, wherever it is kept."""

    source: Annotated[RecordStorage, Field(discriminator="type"), BeforeValidator(_default_to_file)]
    """Where the records are read from, as in a storage of their own; without a `type`, a file."""
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
    duplicates: Literal["keep", "one"] = Field(default="keep", exclude_if=lambda value: value == "keep")
    """`one`: of documents with one DOI or one text, the first is indexed, and the others are named as left out."""
    embedding: Embedding | None = Field(default=None, exclude_if=is_unset)
    """The model that the passages and questions are compared with; None for the one in the package."""

    @field_validator("source")
    @classmethod
    def _fetches_nothing(cls, source: RecordStorage) -> RecordStorage:
        if source.fetch:
            raise ValueError("pages are fetched for the records of a study, not for a corpus; leave `fetch` out")
        return source


class CorpusStorage(SearchableStorage):
    """A searchable index over records, kept in one SQLite file in the cache folder; every search is exact."""

    type: Literal["corpus"] = "corpus"
    kept_in: Annotated[BucketPlace | None, BeforeValidator(_parse_bucket_url)] = None
    """`gs://bucket/prefix`: where a copy of the index is kept, so that no other machine has to embed it again."""


class VectorStorage(SearchableStorage):
    """A searchable collection of passages and their vectors in LanceDB (extra `vector`), for corpora too large for
    one SQLite file and one machine's memory.
    """

    type: Literal["vector"] = "vector"
    path: str
    """A folder, or `gs://bucket/prefix`. Relative folders start at the config directory that names them."""
    endpoint: str | None = None
    """Another address than Google's, for an emulator; it is sent no credentials."""
    exact_below: int = Field(default=100_000, ge=256)
    """Up to this number of passages, a question is compared with each; for more, an approximate index is built."""


StorageConfig = Annotated[RecordStorage | CorpusStorage | VectorStorage, Field(discriminator="type")]
