"""The check of sources: whether records can be had from them, and whether `columns:` names what is there."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import StorageError
from contract.storage import (
    FileStorage,
    HuggingFaceStorage,
    RecordStorage,
    SearchableStorage,
    StorageConfig,
    VectorStorage,
)
from flows.config.diagnostics import Findings, listed, nearest
from flows.config.folders import shown
from flows.config.provenance import KeyPath

if TYPE_CHECKING:
    from flows.check.ground_truth import People
    from flows.check.preview import Preview


def source_of(config: StorageConfig) -> RecordStorage:
    """Where the storage's records are read from."""
    return config.source if isinstance(config, SearchableStorage) else config


def on_hub(source: RecordStorage) -> bool:
    """Whether only the network could tell more of it; no check goes there."""
    if isinstance(source, HuggingFaceStorage):
        return not Path(source.dataset).expanduser().is_dir()
    return not isinstance(source, FileStorage)


def check_source(name: str, config: StorageConfig, findings: Findings, people: People | None = None) -> None:
    """Tells what is wrong with the source of the storage `name`, from its first rows.

    `people` is who is told of its records, where what they say is compared with people's answers.
    """
    if isinstance(config, VectorStorage) and find_spec("lancedb") is None:
        what = f"'{name}' is a vector collection, and the library lancedb is not installed"
        findings.at(("storage", name, "type"), what, todo="install buttermilk[vector]: uv sync --extra vector")
    source = source_of(config)
    path: KeyPath = ("storage", name, *(("source",) if isinstance(config, SearchableStorage) else ()))
    at = (*path, "path" if isinstance(source, FileStorage) else "dataset")
    if findings.is_spoilt(at):
        return
    if isinstance(source, FileStorage):
        if what := _unusable(source.path):
            todo = "mend `path:`; a relative one starts at the config folder that names it"
            findings.at(at, f"the source of '{name}', {shown(source.path)}, {what}", todo=todo)
            return
    elif isinstance(source, HuggingFaceStorage) and find_spec("datasets") is None:
        what = f"'{name}' is a Hugging Face dataset, and the library datasets is not installed"
        findings.at(at, what, todo="install buttermilk[huggingface]")
        return
    wrong = _unknown_fields(source, path, findings)
    if not on_hub(source):
        known = {field: column for field, column in source.columns.items() if field not in wrong}
        _look(name, source.model_copy(update={"columns": known}), path, at, findings, people)


def _unusable(place: Path) -> str | None:
    if not place.exists():
        return "does not exist"
    if not os.access(place, os.R_OK):
        return "may not be read"
    if place.is_file() and place.stat().st_size == 0:
        return "is empty"
    return "is an empty folder" if place.is_dir() and not any(place.iterdir()) else None


def _unknown_fields(source: RecordStorage, path: KeyPath, findings: Findings) -> set[str]:
    from flows.storage.columns import USUAL, field_mistake

    wrong = {field: what for field in source.columns if (what := field_mistake(field))}
    for field, what in wrong.items():
        todo = f"the fields are {', '.join(USUAL)}"
        findings.at((*path, "columns", field), what, nearest=nearest(field, USUAL), todo=todo)
    return set(wrong)


def _look(
    name: str, source: RecordStorage, path: KeyPath, at: KeyPath, findings: Findings, people: People | None
) -> None:
    from flows.check.preview import how_many, preview
    from flows.storage.columns import WANTED

    try:
        seen = preview(source, people.add if people else None)
    except StorageError as error:
        message = str(error)
        if isinstance(source, FileStorage):
            message = message.replace(str(source.path), shown(source.path))
        findings.at(_setting(source, path, at, message), f"the source of '{name}' cannot be used: {message}")
        return
    for field, column in source.columns.items():
        if column not in seen.absent:
            continue
        what = f"'{name}' has no column '{column}' (for `{field}`)"
        if seen.more and not seen.alike and field not in WANTED:
            findings.notice(f"{what} in the first {seen.rows:,} rows")
        else:
            near = nearest(column, seen.names)
            findings.at((*path, "columns", field), what, nearest=near, todo=f"its columns are {listed(seen.names, 20)}")
    if people and seen.records:
        _compare(name, people, seen, path, findings)
    if seen.absent or seen.records:
        return
    if not seen.rows:
        findings.at(at, f"the source of '{name}' holds no rows")
        return
    todo = "mend the file, its `encoding` or `columns:`"
    what = f"{how_many(seen)} of '{name}' none can be a record; the first: {seen.first_reject}"
    findings.at(at, what, todo=todo)


def _compare(name: str, people: People, seen: Preview, path: KeyPath, findings: Findings) -> None:
    """Tells where nothing, or not everything, that people said can be what a judge says."""
    if not people.said:
        findings.notice(_nothing_said(name, people.measures.truth or "", seen))
    elif people.hopeless:
        findings.at((*path, "columns", f"ground_truth.{people.measures.truth}"), people.told, todo=people.todo)
    elif people.strange:
        findings.notice(f"'{name}': {people.told}, and so agree with none; to change that, {people.todo}")


def _nothing_said(name: str, truth: str, seen: Preview) -> str:
    what = f"'{name}' holds no answers of people to compare with (ground_truth.{truth})"
    if not seen.metadata:
        return what
    setting, column = f"columns.ground_truth.{truth}=", nearest(truth, seen.metadata)
    todo = f"if its column '{column}' holds them, add {setting}{column}" if column else f"name their column: {setting}…"
    return f"{what}; {todo}"


def _setting(source: RecordStorage, path: KeyPath, at: KeyPath, told: str) -> KeyPath:
    """Where that mistake was made, when it is not the path."""
    for setting in ("sheet", "encoding", "split"):
        if setting in told and getattr(source, setting, None) not in (None, "utf-8", "train"):
            return (*path, setting)
    return at
