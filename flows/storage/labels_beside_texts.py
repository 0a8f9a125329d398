"""Joins the texts of a folder with a table that holds a row for each of them: labels, authors, dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from contract.errors import StorageError
from contract.storage import FileStorage, LabelsTable
from flows.config.diagnostics import closest_name, join_names
from flows.storage.guesses import Guess, OnGuess
from flows.storage.rows import Reject, Row, Rows

ReadTable = Callable[[FileStorage], Rows]


def with_labels(texts: Rows, storage: FileStorage, labels: LabelsTable, read: ReadTable, on_guess: OnGuess) -> Rows:
    """Each text with the columns of its rows in the table; one without a row keeps its own fields alone.

    A row of the table that belongs to no text is a Reject, and so is a second row for one text, except where
    `rows: answers` makes its cells lists. Raises StorageError when the table cannot be read or lacks the column.
    """
    documents = list(_without_table(texts, labels.path))
    table, rejects = list[Row](), list[Reject]()
    settings = labels.model_dump(exclude={"by"}, exclude_unset=True)
    for line in read(FileStorage.model_validate({**settings, "rows": "whole"})):
        (table if isinstance(line, Row) else rejects).append(line)  # type: ignore[arg-type]
    found = [document for document in documents if isinstance(document, Row)]
    by_name = _names_of(found, storage.path)
    column = labels.by or _guess_column(table, by_name, labels.path, on_guess)
    rows = dict[str, list[Row]]()
    for line in table:
        if column not in line.values:
            near = closest_name(column, line.values)
            meant = f"; did you mean '{near}'?" if near else ""
            raise StorageError(f"{labels.path} has no column '{column}'{meant}; it has {join_names(line.values)}")
        name = str(line.values[column]).strip()
        if name in by_name:
            rows.setdefault(by_name[name], []).append(line)
        else:
            rejects.append(_stray(line, f"no text of the folder is called '{name}', so this row was left out"))
    without = [one for one in found if one.source not in rows]
    if without:
        first = Path(without[0].source).name
        message = (
            f"{len(without):,} of its {len(found):,} texts have no row in {labels.path.name}, the first is {first}"
        )
        on_guess(Guess("labels_from", labels.path.name, message))
    for document in documents:
        of_text = rows.get(document.source, []) if isinstance(document, Row) else []
        if not isinstance(document, Row) or not of_text:
            yield document
            continue
        taken = of_text if storage.rows == "answers" else of_text[:1]
        yield replace(document, values={**_columns(taken, document), **document.values}, typed=taken[0].typed)
        for line in of_text[len(taken) :]:
            todo = "write rows=answers if each row is what one person answered"
            rejects.append(_stray(line, f"another row for the text '{line.values[column]}'; {todo}"))
    yield from rejects


def _without_table(texts: Rows, table: Path) -> Iterable[Row | Reject]:
    return (text for text in texts if Path(text.source).resolve() != table.resolve())


def _names_of(documents: Sequence[Row], folder: Path) -> Mapping[str, str]:
    """What a table may call a text -> its path; a name that several have is none of them."""
    names = Counter[str]()
    found = dict[str, str]()
    for document in documents:
        path = PurePosixPath(Path(document.source).relative_to(folder).as_posix())
        for name in {str(path), str(path.with_suffix("")), path.name, path.stem}:
            names[name] += 1
            found[name] = document.source
    return {name: source for name, source in found.items() if names[name] == 1}


def _guess_column(table: Sequence[Row], names: Mapping[str, str], path: Path, on_guess: OnGuess) -> str:
    counts = Counter(
        column for row in table for column, cell in row.values.items() if str(cell).strip() in names
    ).most_common(1)
    if not counts:
        raise StorageError(f"no column of {path} holds the names of the texts; write labels_from.by=… with the column")
    [(column, _)] = counts
    on_guess(Guess("labels_from.by", column, f"the texts are found by the column '{column}' of {path.name}"))
    return column


def _columns(rows: Sequence[Row], document: Row) -> dict[str, Any]:
    """The cells by column, lists where there are several rows; a name that the text has, too, gets `labels.` before."""
    cells = {name: [row.values.get(name) for row in rows] for name in rows[0].values}
    cells = {name: found[0] if len(found) == 1 else found for name, found in cells.items()}
    return {f"labels.{name}" if name in document.values else name: value for name, value in cells.items()}


def _stray(row: Row, reason: str) -> Reject:
    return Reject(row.line, reason, ",".join(map(str, row.values.values()))[:500], row.source)
