"""Reads documents as rows, one a file: text, PDF, subtitles, those of other programs; front matter becomes columns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from agents.safety.paths import is_hidden
from agents.safety.yaml_reader import UNREADABLE_YAML, read_yaml
from contract.errors import StorageError
from flows.config.diagnostics import join_names
from flows.storage.headings import heading_locators, markdown_headings
from flows.storage.rows import (
    Reject,
    Row,
    Rows,
    bom_aware_encoding,
    encoding_mismatch,
    has_undecodable_bytes,
    make_reject,
)
from flows.storage.transcripts import read_subtitles, speaker_locators
from flows.storage.word_documents import PROGRAM_SUFFIXES, read_document

SUBTITLE_SUFFIXES = (".srt", ".vtt")
DOCUMENT_SUFFIXES = (".txt", ".md", ".pdf", *PROGRAM_SUFFIXES, *SUBTITLE_SUFFIXES)
TABLE_SUFFIXES = (".csv", ".tsv", ".xlsx", ".xlsm", ".jsonl", ".ndjson", ".json", ".parquet")
"""Files that a folder of texts may hold by mistake; each is a source of its own."""


def document_rows(path: Path, encoding_of: Callable[[Path], str]) -> Rows:
    """One document, or all documents of a folder in the order of their names; `encoding_of` is asked for texts.

    Raises StorageError for a folder of tables: each of those is a source of its own.
    """
    if path.is_file():
        yield from _document_rows(path, path.parent, encoding_of)
        return
    files = sorted(item for item in path.rglob("*") if item.is_file() and not is_hidden(item, path))
    tables = [file.relative_to(path).as_posix() for file in files if file.suffix.lower() in TABLE_SUFFIXES]
    if tables and not any(file.suffix.lower() in DOCUMENT_SUFFIXES for file in files):
        files_suffix = Path(tables[0]).suffix
        raise StorageError(
            f"the folder {path} holds tables, not texts; name one of them: {join_names(tables)}, or "
            f"read those of one kind one after the other with files='*{files_suffix}'"
        )
    for file in files:
        if file.suffix.lower() in DOCUMENT_SUFFIXES:
            yield from _document_rows(file, path, encoding_of)
        else:
            yield Reject(0, _unread_reason(file, path), "", str(file))


def _unread_reason(file: Path, folder: Path) -> str:
    reason = f"none of {', '.join(DOCUMENT_SUFFIXES)}, so it was not read"
    if file.suffix.lower() not in TABLE_SUFFIXES:
        return reason
    name = file.relative_to(folder).as_posix()
    return f"{reason}; if it has a row for each text, write labels_from.path={folder.name}/{name}"


def _document_rows(path: Path, root: Path, encoding_of: Callable[[Path], str]) -> Rows:
    name = path.relative_to(root).with_suffix("").as_posix()
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        yield from _pdf_rows(path, name)
    elif suffix in PROGRAM_SUFFIXES:
        yield from _program_rows(path, name)
    elif suffix in SUBTITLE_SUFFIXES:
        yield from _subtitle_rows(path, name, encoding_of(path))
    else:
        yield _text_row(path, name, encoding_of(path))


def _pdf_rows(path: Path, name: str) -> Rows:
    """The PDF, and what of it could not be read."""
    from flows.storage.pdf import read_pdf

    try:
        pdf = read_pdf(path)
    except ValueError as error:
        yield Reject(0, str(error), "", str(path))
        return
    yield Row(0, {"record_id": name, "title": path.stem, **pdf.values}, str(path), locators=pdf.locators)
    if pdf.warning:
        yield Reject(0, pdf.warning, "", str(path))


def _program_rows(path: Path, name: str) -> Rows:
    """A document of another program, and what of it could not be read."""
    try:
        document = read_document(path)
    except ValueError as error:
        yield Reject(0, str(error), "", str(path))
        return
    turns = document.locators or speaker_locators(str(document.values["text"]))
    locators = turns or heading_locators(document.headings)
    yield Row(0, {"record_id": name, "title": path.stem, **document.values}, str(path), locators=locators)
    if document.warning:
        yield Reject(0, document.warning, "", str(path))


def _subtitle_rows(path: Path, name: str, encoding: str) -> Rows:
    """The words of subtitles, and what of the file belongs to none."""
    text = _decoded(path, encoding)
    if isinstance(text, Reject):
        yield text
        return
    try:
        transcript = read_subtitles(text, path.suffix.lower()[1:])
    except ValueError as error:
        yield Reject(0, str(error), "", str(path))
        return
    values = {"record_id": name, "title": path.stem, "text": transcript.text}
    yield Row(0, values, str(path), locators=transcript.locators)
    if transcript.left_out:
        yield Reject(0, transcript.left_out, "", str(path))


def _decoded(path: Path, encoding: str) -> str | Reject:
    if reason := encoding_mismatch(path, encoding):
        return Reject(0, reason, "", str(path))
    text = path.read_text(encoding=bom_aware_encoding(encoding), errors="surrogateescape")
    if has_undecodable_bytes(text):
        return make_reject(0, path, "", text, encoding)
    return text


def _text_row(path: Path, name: str, encoding: str) -> Row | Reject:
    text = _decoded(path, encoding)
    if isinstance(text, Reject):
        return text
    values, body = _split_front_matter(text)
    heading = re.search(r"^#\s+(.+)$", body, re.MULTILINE) if path.suffix.lower() == ".md" else None
    defaults = {"record_id": name, "title": heading[1].strip() if heading else path.stem}
    body = body.strip()
    headings = markdown_headings(body) if path.suffix.lower() == ".md" else []
    locators = speaker_locators(body) or heading_locators(headings)
    return Row(0, {**defaults, **values, "text": body}, str(path), locators=locators)


def _split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    found = re.match(r"---\s*\n(.*?)\n---\s*(?:\n|$)", text, re.DOTALL)
    if not found:
        return {}, text
    try:
        plain: Any = json.loads(json.dumps(read_yaml(found[1]), default=str))
    except UNREADABLE_YAML:
        return {}, text
    if not isinstance(plain, dict):
        return {}, text
    return cast("dict[str, Any]", plain), text[found.end() :]
