"""Digests of the source of a corpus, by which an unchanged source is not read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from contract.base import JsonValue, digest
from contract.storage import BigQueryStorage, FileStorage, GCSStorage, HuggingFaceStorage, RecordStorage, ZoteroStorage
from flows.storage.file import source_files
from flows.storage.huggingface import local_folder
from flows.storage.names import source_name

_SETTINGS = {
    *("type", "columns", "encoding", "sheet", "config", "split", "revision", "where", "reader", "settings"),
    *("library", "collection", "header", "delimiter", "quoting", "rows", "files", "labels_from"),
}
"""What decides how a source is read. What nobody set is left out, so that new settings change no identity."""

_READER_VERSIONS = {
    ".pdf": "PDF with pages, notes between sentences, raised numbers",
    **dict.fromkeys((".docx", ".odt", ".html", ".htm", ".md"), "with headings"),
}
"""Files of these kinds are read again where an index was built by another version of their reader."""


def source_state_digest(source: RecordStorage) -> str | None:
    """A digest that changes when the source does, without reading it; None when a change cannot be seen.

    Raises StorageError when the source is missing.
    """
    if isinstance(source, GCSStorage):
        from flows.storage.gcs import object_generations

        return digest(object_generations(source))
    if isinstance(source, BigQueryStorage):
        from flows.storage.bigquery import table_state

        state = table_state(source)
        return None if state is None else digest(state)
    if isinstance(source, ZoteroStorage):
        from flows.storage.zotero.state import library_state

        return digest(library_state(source))
    if (files := _local_files(source)) is None:
        # A commit never changes; the content of a tag or of the newest version may.
        return digest(source_identity(source)) if _is_commit(source) else None
    state = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path, _ in files]
    return digest([*state, *_reader_versions(files)])


def content_digest(source: RecordStorage, source_state: str | None) -> str | None:
    """A digest of the source's content, independent of its place for files on this machine.

    For another source it is `source_state`, which is None when only reading the source would show a change.
    """
    if (files := _local_files(source)) is None:
        return source_state
    total = sha256()
    for path, name in files:
        total.update(f"{name}\x00".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    for version in _reader_versions(files):
        total.update(f"{version}\x00".encode())
    return total.hexdigest()


def _reader_versions(files: Sequence[tuple[Path, str]]) -> list[str]:
    """The versions of the readers that read more of some of these files than they once did."""
    suffixes = {path.suffix.lower() for path, _ in files}
    return [version for suffix, version in sorted(_READER_VERSIONS.items()) if suffix in suffixes]


def source_identity(source: RecordStorage) -> JsonValue:
    """The source's name, the same on every machine (for a file without its folder), and how it is read."""
    path = source.path if isinstance(source, FileStorage | ZoteroStorage) else None
    name = path.name if path else source_name(source)
    if isinstance(source, HuggingFaceStorage) and (folder := local_folder(source)):
        name = folder.name
    settings = source.model_dump(mode="json", include=_SETTINGS)
    if labels := settings.get("labels_from"):
        labels.pop("path")
    return {**settings, "name": name}


def is_local(source: RecordStorage) -> bool:
    """Whether the source is on this machine, so that reading it twice costs nothing."""
    return _local_files(source) is not None


def _is_commit(source: RecordStorage) -> bool:
    revision = source.revision if isinstance(source, HuggingFaceStorage) else None
    return revision is not None and len(revision) == 40 and set(revision) <= set("0123456789abcdef")


def _local_files(source: RecordStorage) -> list[tuple[Path, str]] | None:
    """The files of the source, with their names within it; None when it is not on this machine."""
    if isinstance(source, FileStorage):
        folder = source.path if source.path.is_dir() else source.path.parent
        labels = source.labels_from
        beside = [(labels.path, f"labels {labels.path.name}")] if labels else []
        return [*((path, path.relative_to(folder).as_posix()) for path in source_files(source)), *beside]
    folder = local_folder(source) if isinstance(source, HuggingFaceStorage) else None
    return None if folder is None else list(_files_below(folder))


def _files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.relative_to(folder).as_posix()
