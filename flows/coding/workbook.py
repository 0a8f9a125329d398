"""Writes a coding as a workbook: one sheet for each coder, with lists of allowed values, to be filled in offline."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from contract.base import digest
from flows.coding.answer_log import CANNOT_DECIDE, CodedAnswers
from flows.coding.desk import Item, items_in_order
from flows.coding.task import CodingTask, DrawnRecord
from flows.report.words import join_lines

HEADS = (
    "place", "criterion", "title", "text", "verdict", "reason", "quotations", "criterion is unclear",
    "what the criterion should say", "key", "content", "coder",
)  # fmt: skip
"""The names of the columns; those from `verdict` to `what the criterion should say` are to be filled in."""
FIRST_OPEN, LAST_OPEN = HEADS.index("verdict"), HEADS.index("what the criterion should say")
VISIBLE = ("criterion", "title", "text")
"""The columns in which a coder reads what the row is about."""
MAX_CELL_CHARACTERS = 32_000
"""A cell of a workbook holds at most 32,767."""
MAX_LIST_CHARACTERS = 255
YES = "yes"
HOW_TO_ANSWER = {
    "choices": "Write all that apply, with ; between them, or none.", "number": "Write a number.",
    "text": "Write it in your words.", "quotation": "Copy words of the record, one quotation a line.",
}  # fmt: skip
"""Type of a variable -> what is to be written where no list of answers is offered."""
_ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_")
"""How a workbook stores characters that XML cannot hold."""
_NOT_KEPT = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufffe\uffff]+")
"""Line ends, blanks and control characters, which spreadsheet programs change."""
_WIDTHS = (6, 18, 20, 60, 20, 40, 40, 12, 30, 18, 18, 10)


def content_mark(item: Item) -> str:
    """The digest of the words that are shown and of the criterion, by which a changed row is noticed."""
    return digest([item.drawn.sha256, item.criterion.sha256])[:16]


def visible_texts(item: Item) -> Mapping[str, str]:
    """What a row shows of its record and criterion, by the name of the column; a cell may hold the beginning only."""
    record = item.drawn.record
    parts = [record.text, *(f"{name}:\n{text}" for name, text in record.sections.items())]
    text = "\n\n".join(part for part in parts if part.strip())
    return {"criterion": item.criterion.title, "title": record.title or "", "text": text}


def is_same_cell(text: str, cell: str) -> bool:
    """Whether a cell still holds the words of the text, as far as a workbook holds them."""
    return _kept(text[:MAX_CELL_CHARACTERS]) == _kept(cell)


def _kept(text: str) -> str:
    return _NOT_KEPT.sub(" ", _ESCAPED.sub(" ", text)).strip()


def write_workbook(path: Path, task: CodingTask, records: Sequence[DrawnRecord], answers: CodedAnswers) -> list[str]:
    """Writes the workbook; returns notes on what it cannot hold. Answers that were given already are filled in."""
    # By name, so that types can be checked: the library has none.
    workbook: Any = import_module("xlsxwriter").Workbook
    notes = list[str]()
    options: Any = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with workbook(str(path), options) as book:
        formats: dict[str, Any] = {
            "head": book.add_format({"bold": True, "bottom": 1, "valign": "top", "text_wrap": True}),
            "locked": book.add_format({"valign": "top", "text_wrap": True}),
            "open": book.add_format({"valign": "top", "text_wrap": True, "locked": False, "bg_color": "#FFFBE6"}),
        }
        _write_criteria(book, task, formats)
        for coder, name in zip(task.coders, sheet_names(task.coders), strict=True):
            sheet: Any = book.add_worksheet(name)
            _prepare_sheet(sheet, formats)
            for row, item in enumerate(items_in_order(task, records, coder), start=1):
                notes += _write_row(sheet, row, item, coder, answers, formats)
    return list(dict.fromkeys(notes))


def _write_criteria(book: Any, task: CodingTask, formats: dict[str, Any]) -> None:
    sheet = book.add_worksheet("Criteria")
    sheet.protect()
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    row = 0
    if warning := task.content_warning.strip():
        sheet.write_string(row, 0, "Content warning", formats["head"])
        sheet.write_string(row, 1, warning, formats["locked"])
        row += 2
    for criterion in task.criteria:
        how = HOW_TO_ANSWER.get(criterion.variable.type, "") if criterion.variable else ""
        also = f"{how} ({', '.join(criterion.verdicts)})\n\n" if how and criterion.verdicts else how and f"{how}\n\n"
        sheet.write_string(row, 0, criterion.title, formats["head"])
        sheet.write_string(row, 1, (also + join_lines(criterion.text))[:MAX_CELL_CHARACTERS], formats["locked"])
        row += 1


def _prepare_sheet(sheet: Any, formats: dict[str, Any]) -> None:
    # Without a password: it keeps from mistakes, and whoever wants to look at the sheet differently may.
    sheet.protect("", {"format_columns": True, "format_rows": True, "autofilter": True})
    for column, (name, width) in enumerate(zip(HEADS, _WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, name, formats["head"])
    sheet.freeze_panes(1, 1)


def _write_row(
    sheet: Any, row: int, item: Item, coder: str, answers: CodedAnswers, formats: dict[str, Any]
) -> list[str]:
    shown = visible_texts(item)
    locked = {
        "place": str(item.place), **shown, "key": item.mark, "content": content_mark(item), "coder": coder,
    }  # fmt: skip
    for name, value in locked.items():
        sheet.write_string(row, HEADS.index(name), value[:MAX_CELL_CHARACTERS], formats["locked"])
    given = answers.of(coder).current.get(item.key)
    filled = ["", "", "", "", ""]
    if given is not None:
        quotes = "\n".join(" ".join(one.quote.split()) for one in given.quotes)
        filled = [given.verdict_text, given.reason, quotes, YES if given.unclear else "", given.unclear_note]
    for column, value in enumerate(filled, start=FIRST_OPEN):
        sheet.write_string(row, column, value[:MAX_CELL_CHARACTERS], formats["open"])
    allowed = [*item.criterion.choices, CANNOT_DECIDE]
    if (
        item.criterion.choices
        and len(",".join(allowed)) <= MAX_LIST_CHARACTERS
        and not any("," in name for name in allowed)
    ):
        sheet.data_validation(row, FIRST_OPEN, row, FIRST_OPEN, {
            "validate": "list", "source": allowed, "error_title": "No such verdict",
            "error_message": "Choose one from the list.",
        })  # fmt: skip
    unclear = HEADS.index("criterion is unclear")
    sheet.data_validation(row, unclear, row, unclear, {"validate": "list", "source": [YES]})
    notes = [f"texts of more than {MAX_CELL_CHARACTERS:,} characters are cut in the workbook"] * (
        any(len(value) > MAX_CELL_CHARACTERS for value in shown.values())
    )
    pictures = bool(item.drawn.record.images)
    return notes + ["pictures are not in the workbook; their descriptions are not either"] * pictures


_TAKEN = frozenset({"criteria", "history"})
"""Names that no coder's sheet has: one of ours, and one that Excel keeps for itself and opens in no file."""


def sheet_names(coders: Sequence[str]) -> list[str]:
    """A name for each sheet: at most 31 characters, and no two alike but for case."""
    names = list[str]()
    for coder in coders:
        name, number = coder[:31], 1
        while name.casefold() in {*_TAKEN, *(one.casefold() for one in names)}:
            number += 1
            name = f"{coder[:27]} {number}"
        names.append(name)
    return names
