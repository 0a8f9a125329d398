"""What to do with a file of another program: in which form to save it there, so that it can be read here."""

from __future__ import annotations

_PROGRAMS = {
    "an old Excel file": (".xls", ".xlsb"),
    "a spreadsheet of LibreOffice": (".ods",),
    "a spreadsheet of Numbers": (".numbers",),
    "a file of SPSS": (".sav", ".zsav", ".por"),
    "a file of Stata": (".dta",),
    "a file of R": (".rds", ".rdata", ".rda"),
    "a text of Word": (".doc",),
    "a text of Pages": (".pages",),
}
_TABLES = frozenset({".xls", ".xlsb", ".ods", ".numbers", ".sav", ".zsav", ".por", ".dta", ".rds", ".rdata", ".rda"})


def save_as_advice(suffix: str) -> str | None:
    """What the file is and how to save it again; None for an ending of no program that is known here."""
    ending = suffix.lower()
    kind = next((name for name, endings in _PROGRAMS.items() if ending in endings), None)
    if kind is None:
        return None
    if ending not in _TABLES:
        return f"this is {kind}; open it there, and save each text as plain text (.txt) or as PDF"
    forms = "Excel workbook (.xlsx) or as CSV" if ending in (".xls", ".xlsb", ".ods", ".numbers") else "CSV"
    return f"this is {kind}; open it there, and save it as {forms}"
