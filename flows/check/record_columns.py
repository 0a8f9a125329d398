"""The check of `run.record_columns`: whether the records have the fields that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract.record import Record
from contract.record_columns import NESTED_FIELDS
from flows.check.metadata import field_names
from flows.check.preview import Preview, rows_text
from flows.config.diagnostics import Diagnostics, closest_name, there_are

_PATH = ("run", "record_columns")


@dataclass
class RecordColumnCheck:
    """Looks for the columns among the fields of the records of one flow."""

    columns: Sequence[str]
    of_several_flows: bool = False
    """The columns are those of several flows, each with records of its own."""
    names: dict[str, set[str]] = field(default_factory=lambda: {place: set[str]() for place in NESTED_FIELDS})
    """`metadata` and its like -> the fields in it, dotted if they are inside another."""

    def add(self, record: Record) -> None:
        """Adds the fields of one record."""
        for place, names in self.names.items():
            values: Mapping[str, Any] | None = getattr(record, place)
            names.update(field_names(values or {}))

    def report(self, preview: Preview, diagnostics: Diagnostics) -> None:
        """Reports each column that no record has.

        It is a note where later rows may have it, and where it is not asked for at the command line: a file's `run:`
        is that of all flows.
        """
        for column in self.columns if preview.records else ():
            place, _, name = column.partition(".")
            known = self.names.get(place, set[str]())
            if not name or name in known:
                continue
            what = f"`record_columns` names '{column}', which is no {_NOUNS[place]} {rows_text(preview)}"
            near = closest_name(name, known)
            may_come = self.of_several_flows or preview.may_have_later_columns
            if may_come or not diagnostics.provenance.is_typed(_PATH):
                diagnostics.add_notice(f"{what}; did you mean '{place}.{near}'?" if near else what)
                continue
            todo = f"{there_are([f'{place}.{one}' for one in known], 20)}" if known else "leave it out"
            diagnostics.add_at(_PATH, what, nearest=near and f"{place}.{near}", todo=todo)


_NOUNS = {"metadata": "metadata", "sections": "section", "ground_truth": "answer of people"}
