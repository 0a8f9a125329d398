"""The check of sources: whether records can be read from them, and whether `columns:` names existing columns."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import TypeAdapter

from agents.base.entry_points import offers
from agents.safety.paths import expanded, is_folder, is_there
from contract.errors import StorageError
from contract.record import Record
from contract.storage import (
    FileStorage,
    HuggingFaceStorage,
    PluginStorage,
    RecordStorage,
    SearchableStorage,
    StorageConfig,
    VectorStorage,
    ZoteroStorage,
)
from flows.check.answers_of_people import check_ground_truth
from flows.config.diagnostics import Diagnostics, closest_name, join_names, there_are
from flows.config.folders import display_path
from flows.config.plugins import READER_ENTRY_POINTS
from flows.config.provenance import KeyPath
from flows.config.validate import validate_data

if TYPE_CHECKING:
    from flows.check.ground_truth import GroundTruthCheck
    from flows.check.metadata import MetadataCheck
    from flows.check.preview import Preview


class RecordCheck(Protocol):
    """A check of the records of a source."""

    def add(self, record: Record) -> None:
        """Looks at one record."""
        ...

    def report(self, preview: Preview, diagnostics: Diagnostics) -> None:
        """Reports what was seen."""
        ...


_INDEX = re.compile(r"\[(\d+|\*)\]")
"""An item of a list as programs write it; here it is `.0`."""


def source_of(config: StorageConfig) -> RecordStorage:
    """The storage that the records are read from: the source of one that is searchable, else the storage itself."""
    return config.source if isinstance(config, SearchableStorage) else config


def is_remote(source: RecordStorage) -> bool:
    """Whether the source can be read only over the network; no check does that."""
    if isinstance(source, HuggingFaceStorage):
        return not is_folder(expanded(Path(source.dataset)))
    if isinstance(source, ZoteroStorage):
        return source.path is None
    return not isinstance(source, FileStorage)


def check_source(
    name: str,
    config: StorageConfig,
    diagnostics: Diagnostics,
    ground_truth: GroundTruthCheck | None = None,
    metadata: MetadataCheck | None = None,
    others: Sequence[RecordCheck] = (),
) -> None:
    """Reports the mistakes in the source of the storage `name`, from its first rows.

    `ground_truth` counts people's answers in these rows, where the study compares verdicts with them; `others` look
    at each record, too.
    """
    if isinstance(config, VectorStorage) and find_spec("lancedb") is None:
        what = f"'{name}' is a vector collection, and the library lancedb is not installed"
        diagnostics.add_at(("storage", name, "type"), what, todo="install buttermilk[vector]: uv sync --extra vector")
    source = source_of(config)
    path: KeyPath = ("storage", name, *(("source",) if isinstance(config, SearchableStorage) else ()))
    at = (*path, _naming_field(source))
    if diagnostics.is_reported(at):
        return
    if isinstance(source, FileStorage):
        if what := _file_problem(source.path):
            todo = "correct `path:`; a relative one starts at the config folder that names it"
            diagnostics.add_at(at, f"the source of '{name}', {display_path(source.path)}, {what}", todo=todo)
            return
    elif isinstance(source, ZoteroStorage) and (problem := _library_problem(source)):
        field, what, todo = problem
        diagnostics.add_at((*path, field), f"the source of '{name}' cannot be used: {what}", todo=todo)
        return
    elif isinstance(source, HuggingFaceStorage) and find_spec("datasets") is None:
        what = f"'{name}' is a Hugging Face dataset, and the library datasets is not installed"
        diagnostics.add_at(at, what, todo="install buttermilk[huggingface]")
        return
    elif isinstance(source, PluginStorage) and not _has_reader(source, path, diagnostics):
        return
    wrong = _unknown_fields(source, path, diagnostics)
    if not is_remote(source) and not _loses_rows(source, path, diagnostics):
        known = {wrong.get(field, field): column for field, column in source.columns.items()}
        known = {field: column for field, column in known.items() if field is not None}
        of_known = source.model_copy(update={"columns": known})
        _check_rows(name, of_known, path, at, diagnostics, ground_truth, metadata, others)


def _naming_field(source: RecordStorage) -> str:
    if isinstance(source, ZoteroStorage):
        return "library" if source.path is None else "path"
    return "path" if isinstance(source, FileStorage) else "dataset"


def _library_problem(source: ZoteroStorage) -> tuple[str, str, str] | None:
    """The field that names nothing, what is wrong, and what to do."""
    if source.path is not None and (what := _file_problem(source.path)):
        return "path", f"{display_path(source.path)} {what}", "name a file of CSL-JSON"
    if source.attachments is not None and not is_folder(source.attachments):
        what = f"there is no folder {display_path(source.attachments)}"
        return "attachments", what, "name the folder that holds the files of the library"
    return None


def _has_reader(source: PluginStorage, path: KeyPath, diagnostics: Diagnostics) -> bool:
    """Whether the reader is there and takes the settings; reports it where not."""
    from flows.storage.plugin_reader import load_reader, settings_model

    known = sorted(offers(READER_ENTRY_POINTS))
    try:
        model = settings_model(source.reader, load_reader(source.reader))
    except StorageError as error:
        todo = there_are(known) if known else "install the package that brings it"
        near = closest_name(source.reader, known) if source.reader not in known else None
        diagnostics.add_at((*path, "reader"), str(error), nearest=near, todo=todo)
        return False
    at = (*path, "settings")
    return (
        validate_data(TypeAdapter(model), source.settings, at, lambda loc: None if loc else model, diagnostics)
        is not None
    )


def _loses_rows(source: RecordStorage, path: KeyPath, diagnostics: Diagnostics) -> bool:
    from flows.check.table_format import loses_rows_to_quoting

    return loses_rows_to_quoting(source, path, diagnostics)


def _file_problem(path: Path) -> str | None:
    if not is_there(path):
        return "does not exist"
    if not path.is_file() and not path.is_dir():
        return "is a device or a pipe, not a file"
    if not os.access(path, os.R_OK):
        return "cannot be read: you have no permission"
    if path.is_file() and path.stat().st_size == 0:
        return "is empty"
    return "is an empty folder" if path.is_dir() and not any(path.iterdir()) else None


def _unknown_fields(source: RecordStorage, path: KeyPath, diagnostics: Diagnostics) -> dict[str, str | None]:
    """Fields of a record that there are none of, reported; each with the one that is meant, where that is known."""
    from flows.storage.columns import COLUMN_ALIASES, field_problem

    wrong = dict[str, str | None]()
    for field in source.columns:
        if what := field_problem(field):
            place, dot, part = field.partition(".")
            near = closest_name(place, COLUMN_ALIASES)
            meant = f"{near}{dot}{part}" if near and near != place else near
            todo = f"the fields are {', '.join(COLUMN_ALIASES)}"
            diagnostics.add_at((*path, "columns", field), what, nearest=meant, todo=todo)
            is_free = meant is not None and meant not in source.columns and field_problem(meant) is None
            wrong[field] = meant if is_free else None
    return wrong


def _check_rows(
    name: str,
    source: RecordStorage,
    path: KeyPath,
    at: KeyPath,
    diagnostics: Diagnostics,
    ground_truth: GroundTruthCheck | None,
    metadata: MetadataCheck | None,
    others: Sequence[RecordCheck],
) -> None:
    from flows.check.preview import preview_source
    from flows.check.table_format import note_reading
    from flows.storage.columns import REQUIRED_FIELDS

    try:
        preview = preview_source(source, [check.add for check in (ground_truth, metadata, *others) if check])
    except StorageError as error:
        message = str(error)
        if isinstance(source, FileStorage):
            message = message.replace(str(source.path), display_path(source.path))
        diagnostics.add_at(
            _setting_at_fault(source, path, at, message), f"the source of '{name}' cannot be used: {message}"
        )
        return
    for field, column in source.columns.items():
        if column not in preview.absent:
            continue
        what = f"'{name}' has no column '{column}' (for `{field}`)"
        if preview.may_have_later_columns and field not in REQUIRED_FIELDS:
            diagnostics.add_result_notice(f"{what} in the first {preview.rows:,} rows")
        else:
            near = closest_name(_INDEX.sub(r".\1", column), preview.names)
            what += "".join(f"; {guess.message}" for guess in preview.guesses if guess.setting == "header")
            diagnostics.add_at(
                (*path, "columns", field), what, nearest=near, todo=f"its columns are {join_names(preview.names, 20)}"
            )
    _note_addresses(name, preview, diagnostics)
    note_reading(name, source, preview, diagnostics)
    for check in filter(None, (metadata, *others)):
        check.report(preview, diagnostics)
    if ground_truth and preview.records:
        check_ground_truth(name, ground_truth, preview, path, diagnostics, source.columns)
    if preview.absent or preview.records:
        return
    _report_no_record(name, source, preview, path, at, diagnostics)


def _report_no_record(
    name: str, source: RecordStorage, preview: Preview, path: KeyPath, at: KeyPath, diagnostics: Diagnostics
) -> None:
    from flows.check.preview import rows_text
    from flows.check.table_format import reading_text

    if not preview.rows:
        diagnostics.add_at(at, f"the source of '{name}' holds no rows")
        return
    first = preview.first_reject or ""
    todo = None if "; " in first else "correct the file, its `encoding` or `columns:`"
    what = f"none {rows_text(preview)} of '{name}' can be a record; the first: {first}{reading_text(preview)}"
    diagnostics.add_at((*path, "rows") if source.rows_path and "`rows`" in first else at, what, todo=todo)


def _note_addresses(name: str, preview: Preview, diagnostics: Diagnostics) -> None:
    from flows.check.preview import rows_text

    if preview.addresses and not preview.fetch:
        diagnostics.add_result_notice(
            f"the text of {len(preview.addresses):,} {rows_text(preview)} of '{name}' is only an address, which stands "
            "for itself; with `fetch: true` in the storage, a run reads the pages"
        )


def _setting_at_fault(source: RecordStorage, path: KeyPath, at: KeyPath, message: str) -> KeyPath:
    """The setting that the message names, if the source has one of its own; else `at`."""
    for setting in ("sheet", "encoding", "split", "header", "delimiter", "files", "labels_from"):
        if setting in message and getattr(source, setting, None) not in (None, "utf-8", "train"):
            return (*path, setting)
    return at
