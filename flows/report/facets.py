"""Finds the metadata fields by which a reader can filter the matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contract.base import JsonValue
from contract.flow import FlowSpec
from flows.report.words import display_text, one_line
from flows.tables.identity import natural_key
from flows.tables.verdict_row import VerdictRow

_MAX_FACETS = 4
_MAX_VALUES = 25


@dataclass(frozen=True)
class Facet:
    """One field of the metadata."""

    name: str
    values: tuple[str, ...]
    value_index: Mapping[str, int]
    """Record -> the index of its value in `values`."""


def build_facets(
    names: Sequence[str],
    rows: Mapping[str, Sequence[VerdictRow]],
    metadata: Mapping[str, Mapping[str, JsonValue]],
    spec: FlowSpec,
) -> list[Facet]:
    """The fields that the study splits its measures by, then others with few values."""
    wanted = list(spec.measures.by) if spec.measures else []
    facets = [_facet(field, {name: one_line(rows[name][0].groups.get(field)) for name in names}) for field in wanted]
    fields = dict.fromkeys(field for known in metadata.values() for field in known)
    for field in [field for field in fields if field not in wanted]:
        if len(facets) >= _MAX_FACETS:
            break
        facet = _facet(field, {name: one_line(known.get(field)) for name, known in metadata.items()})
        if 2 <= len(facet.values) <= _MAX_VALUES and len(facet.values) * 2 <= len(names):
            facets.append(facet)
    return [facet for facet in facets if facet.values]


def _facet(name: str, found: Mapping[str, str]) -> Facet:
    values = sorted({value for value in found.values() if value}, key=natural_key)
    places = {value: place for place, value in enumerate(values)}
    return Facet(
        display_text(name),
        tuple(display_text(value) for value in values),
        {key: places[value] for key, value in found.items() if value},
    )
