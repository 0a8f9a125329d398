"""The smallest Excel workbooks that Excel itself would open, made without a library."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from xml.sax.saxutils import escape, quoteattr

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KINDS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DATE_STYLE, _TIME_STYLE = 1, 2


@dataclass(frozen=True)
class Date:
    """Days since the end of 1899, shown as a date; a fraction of a day is shown as a time too."""

    days: float


@dataclass(frozen=True)
class Error:
    """What a formula that failed leaves in its cell, such as `#N/A`."""

    text: str


Cell: TypeAlias = str | int | float | bool | Date | Error | None


def write_workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> Path:
    """Writes the sheets in their order; None is a missing cell."""
    names = list(sheets)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _types(len(names)))
        archive.writestr("_rels/.rels", _relationships([("officeDocument", "xl/workbook.xml")]))
        archive.writestr("xl/workbook.xml", _workbook_xml(names))
        places = [("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(names) + 1)]
        archive.writestr("xl/_rels/workbook.xml.rels", _relationships([*places, ("styles", "styles.xml")]))
        archive.writestr("xl/styles.xml", _styles())
        for number, rows in enumerate(sheets.values(), start=1):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(rows))
    return path


def _types(sheets: int) -> str:
    parts = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    parts += [(f"/xl/worksheets/sheet{number}.xml", "worksheet") for number in range(1, sheets + 1)]
    every = "".join(f'<Override PartName="{name}" ContentType="{_KINDS}.{kind}+xml"/>' for name, kind in parts)
    defaults = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
    )
    return f'<?xml version="1.0"?><Types xmlns="{_PACKAGE}/content-types">{defaults}{every}</Types>'


def _relationships(links: Sequence[tuple[str, str]]) -> str:
    every = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(links, start=1)
    )
    return f'<?xml version="1.0"?><Relationships xmlns="{_PACKAGE}/relationships">{every}</Relationships>'


def _workbook_xml(names: Sequence[str]) -> str:
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(names, start=1)
    )
    return f'<?xml version="1.0"?><workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>'


def _styles() -> str:
    formats = '<xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="22" applyNumberFormat="1"/>'
    return f'<?xml version="1.0"?><styleSheet xmlns="{_MAIN}"><cellXfs count="3">{formats}</cellXfs></styleSheet>'


def _sheet(rows: Sequence[Sequence[Cell]]) -> str:
    lines = [
        f'<row r="{line}">{"".join(_cell(cell, f"{_column_letters(at)}{line}") for at, cell in enumerate(row))}</row>'
        for line, row in enumerate(rows, start=1)
    ]
    return f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _cell(cell: Cell, reference: str) -> str:
    if cell is None:
        return f'<c r="{reference}"/>'
    if isinstance(cell, bool):
        return f'<c r="{reference}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, Date):
        style = _DATE_STYLE if cell.days == int(cell.days) else _TIME_STYLE
        return f'<c r="{reference}" s="{style}"><v>{cell.days}</v></c>'
    if isinstance(cell, Error):
        return f'<c r="{reference}" t="e"><v>{cell.text}</v></c>'
    if isinstance(cell, str):
        text = escape(cell, {"\r": "&#13;"})
        return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    return f'<c r="{reference}"><v>{cell!r}</v></c>'


def _column_letters(column: int) -> str:
    return chr(ord("A") + column) if column < 26 else _column_letters(column // 26 - 1) + _column_letters(column % 26)
