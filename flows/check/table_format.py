"""Reports how the files of a source are read where they do not say it themselves, and the line for another reading."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from contract.storage import FileStorage, RecordStorage
from flows.check.preview import Preview, rows_text
from flows.check.rounded_ids import KEPT_DIGITS, rounded_ids
from flows.config.diagnostics import Diagnostics
from flows.config.folders import display_path
from flows.config.provenance import KeyPath
from flows.storage.csv_files import merged_by_quoting
from flows.storage.rows import bom_aware_encoding, encoding_mismatch

_TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
_LOOK_AT_BYTES = 200_000
_LEAST_LINES = 3
_MOST_BYTES = 500_000_000
"""Of a table that is read twice, to see what quotation marks do to it."""
_MOST_COLUMNS = 12


def note_reading(name: str, source: RecordStorage, preview: Preview, diagnostics: Diagnostics) -> None:
    """Notes each guess, a text that looks like a table, and texts that are lists of words."""
    for guess in preview.guesses:
        # Whoever reads the results has to know which letters were read.
        add = diagnostics.add_result_notice if guess.setting == "encoding" else diagnostics.add_notice
        add(f"'{name}': {guess.message}")
    if preview.word_lists:
        diagnostics.add_notice(
            f"the text of {preview.word_lists:,} {rows_text(preview)} of '{name}' is a list of words; they are joined "
            "by blanks"
        )
    if rounded := rounded_ids(preview.long_ids):
        one = len(rounded) == 1
        diagnostics.add_notice(
            f"{'an id' if one else f'{len(rounded):,} ids'} of '{name}' end{'s' if one else ''} in zeros after "
            f"{KEPT_DIGITS} digits, {'' if one else 'the first is '}{rounded[0]}: a spreadsheet has rounded "
            f"{'it' if one else 'them'}; take the ids from where the texts come from"
        )
    if isinstance(source, FileStorage) and source.path.suffix.lower() == ".txt" and source.delimiter is None:
        _note_table_called_text(name, source.path, source.encoding, diagnostics)


def reading_text(preview: Preview) -> str:
    """How the first row is read, and what was guessed, to be added to a mistake."""
    cells = _cells_text(preview.first_row)
    if preview.records == 0:
        cells += "".join(f"; with rows={path} so: {_cells_text(first)}" for path, first in preview.lists.items())
    guesses = "".join(f"; {guess.message}" for guess in preview.guesses if guess.setting != "sheet")
    return (f" (the first row is read so: {cells})" if cells else "") + guesses


def _cells_text(row: Mapping[str, str]) -> str:
    return "; ".join(f"{column}: {value}" for column, value in list(row.items())[:_MOST_COLUMNS])


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


def loses_rows_to_quoting(source: RecordStorage, path: KeyPath, diagnostics: Diagnostics) -> bool:
    """Whether quotation marks make one row of several lines that are rows themselves, which is then reported."""
    if not isinstance(source, FileStorage) or source.quoting is not None or not source.path.is_file():
        return False
    suffix, default = source.path.suffix.lower(), "\t" if source.path.suffix.lower() in (".tsv", ".tab") else None
    is_table = suffix in _TABLE_SUFFIXES and (suffix != ".txt" or source.delimiter is not None)
    if not is_table or source.path.stat().st_size > _MOST_BYTES or not is_text(source.path, source.encoding):
        return False
    try:
        merged = merged_by_quoting(source, default)
    except (UnicodeError, LookupError):
        # Where the table is read, this is an error with its place.
        return False
    if merged is None:
        return False
    what = (
        f"quotation marks in {display_path(source.path)} make several lines one row: its {merged[0]:,} lines are read "
        f"as {merged[1]:,} rows; where quotation marks are letters like others, each line fits"
    )
    todo = "write quoting=none to read each line as a row, or quoting=csv to keep this reading"
    diagnostics.add_at((*path, "path"), what, todo=todo)
    return True


def is_text(path: Path, encoding: str) -> bool:
    """Whether the file begins as text in that encoding; anything else is reported where it is read."""
    try:
        return encoding_mismatch(path, encoding) is None
    except LookupError:
        return False
