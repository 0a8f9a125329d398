"""Reports how the files of a source are read where they do not say it themselves, and the line for another reading."""

from __future__ import annotations

from pathlib import Path

from contract.storage import FileStorage, RecordStorage
from flows.check.preview import Preview, rows_text
from flows.config.diagnostics import Diagnostics
from flows.config.folders import display_path
from flows.config.provenance import KeyPath
from flows.storage.csv_files import fits_without_quoting
from flows.storage.rows import bom_aware_encoding

_TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
_LOOK_AT_BYTES = 200_000
_LEAST_LINES = 3
_MOST_COLUMNS = 12


def note_reading(name: str, source: RecordStorage, preview: Preview, path: KeyPath, diagnostics: Diagnostics) -> None:
    """Notes each guess, a text that looks like a table, and texts that are lists of words. Quotation marks that make
    lines of a table one row are a mistake, since rows would be lost.
    """
    for guess in preview.guesses:
        diagnostics.add_notice(f"'{name}': {guess.message}")
    if preview.word_lists:
        diagnostics.add_notice(
            f"the text of {preview.word_lists:,} {rows_text(preview)} of '{name}' is a list of words; they are joined "
            "by blanks"
        )
    if not isinstance(source, FileStorage) or source.path.suffix.lower() not in _TABLE_SUFFIXES:
        return
    if source.path.suffix.lower() == ".txt" and source.delimiter is None:
        _note_table_called_text(name, source.path, source.encoding, diagnostics)
    elif source.path.is_file() and source.quoting is None and not preview.more:
        _check_quoting(source, preview, path, diagnostics)


def reading_text(preview: Preview) -> str:
    """How the first row is read, and what was guessed, to be added to a mistake."""
    cells = "; ".join(f"{column}: {value}" for column, value in list(preview.first_row.items())[:_MOST_COLUMNS])
    guesses = "".join(f"; {guess.message}" for guess in preview.guesses if guess.setting != "sheet")
    return (f" (the first row is read so: {cells})" if cells else "") + guesses


def _note_table_called_text(name: str, path: Path, encoding: str, diagnostics: Diagnostics) -> None:
    if not path.is_file():
        return
    with path.open(encoding=bom_aware_encoding(encoding), errors="replace") as file:
        lines = [line for line in file.read(_LOOK_AT_BYTES).split("\n")[:-1] if line.strip()]
    for word, sign in {"tab": "\t", "';'": ";", "'|'": "|"}.items():
        counts = {line.count(sign) for line in lines}
        if len(lines) >= _LEAST_LINES and len(counts) == 1 and 0 not in counts:
            columns = counts.pop() + 1
            diagnostics.add_notice(
                f"'{name}' is read as one text, but the lines of {display_path(path)} look like a table of {columns} "
                f"columns; to read each line as a record, write delimiter={word}"
            )
            return


def _rows_of_header(header: str) -> int:
    return {"none": 0, "qualtrics": 3}.get(header) or int(header.rpartition("-")[2] if header != "none" else 0)


def _check_quoting(source: FileStorage, preview: Preview, path: KeyPath, diagnostics: Diagnostics) -> None:
    default = "\t" if source.path.suffix.lower() in (".tsv", ".tab") else None
    guessed = next((guess.value for guess in preview.guesses if guess.setting == "header"), "1")
    lines = fits_without_quoting(source, default, preview.rows + _rows_of_header(source.header or guessed) - 1)
    if lines is not None:
        what = (
            f"quotation marks in {display_path(source.path)} make several lines one row: {lines:,} lines below the "
            f"first are read as {preview.rows:,} rows; where quotation marks are letters like others, each line fits"
        )
        todo = "write quoting=none to read each line as a row, or quoting=csv to keep this reading"
        diagnostics.add_at((*path, "path"), what, todo=todo)
