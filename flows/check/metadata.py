"""Checks that the metadata fields which a flow's measures and templates name are among those of its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from contract.record import Record
from flows.check.preview import Preview, rows_text
from flows.config.diagnostics import Diagnostics, closest_name, join_names


@dataclass(frozen=True)
class MetadataName:
    """A field of metadata that a flow names: where, as which part of what stands there, and with what words."""

    name: str
    where: str
    what: str
    """Such as "`by` names 'ward', which is no metadata"; the rows follow."""
    written: str = ""
    """What stands there before the name: `record.metadata.`."""


@dataclass
class MetadataCheck:
    """Gathers the metadata fields of records."""

    wanted: Sequence[MetadataName]
    of_other_records: bool = False
    """The request chose the records, and a file, written for others, names the fields."""
    names: set[str] = field(default_factory=set[str])
    """Every field found, dotted if it is inside another."""

    def add(self, record: Record) -> None:
        """Adds the fields of one record."""
        self.names.update(field_names(record.metadata))

    def report(self, preview: Preview, diagnostics: Diagnostics) -> None:
        """Reports each field that no record has: as a notice if later records may have it, or the flow has others."""
        for wanted in self.wanted:
            if wanted.name in self.names or not preview.records:
                continue
            what = f"{wanted.what} {rows_text(preview)}"
            if self.of_other_records or preview.may_have_later_columns:
                diagnostics.add_result_notice(f"{wanted.where}: {what}" if wanted.written else what)
                continue
            near = closest_name(wanted.name, self.names)
            todo = f"their metadata are {join_names(self.names, 20)}" if self.names else "no column is read as metadata"
            diagnostics.add(wanted.where, what, nearest=near and f"{wanted.written}{near}", todo=todo)


def field_names(values: Mapping[str, Any], above: str = "") -> Iterable[str]:
    """Every field, dotted if it is inside another."""
    for name, value in values.items():
        yield f"{above}{name}"
        if isinstance(value, Mapping):
            yield from field_names(cast("Mapping[str, Any]", value), f"{above}{name}.")
