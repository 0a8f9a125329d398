"""Facets: the metadata by which a reader can filter the matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contract.base import JsonValue
from contract.flow import FlowSpec
from flows.report.words import flat, shown
from flows.tables.identity import natural
from flows.tables.verdict_row import VerdictRow

_MOST_FACETS = 4
_MOST_VALUES = 25


@dataclass(frozen=True)
class Facet:
    """One field of the metadata."""

    name: str
    values: tuple[str, ...]
    of: Mapping[str, int]
    """Record -> the place of its value."""


def facets_of(
    names: Sequence[str],
    rows: Mapping[str, Sequence[VerdictRow]],
    metadata: Mapping[str, Mapping[str, JsonValue]],
    spec: FlowSpec,
) -> list[Facet]:
    """The fields that the study splits its measures by, then others with few values."""
    wanted = list(spec.measures.by) if spec.measures else []
    facets = [_facet(field, {name: flat(rows[name][0].groups.get(field)) for name in names}) for field in wanted]
    fields = dict.fromkeys(field for known in metadata.values() for field in known)
    for field in [field for field in fields if field not in wanted]:
        if len(facets) >= _MOST_FACETS:
            break
        facet = _facet(field, {name: flat(known.get(field)) for name, known in metadata.items()})
        if 2 <= len(facet.values) <= _MOST_VALUES and len(facet.values) * 2 <= len(names):
            facets.append(facet)
    return [facet for facet in facets if facet.values]


def _facet(name: str, found: Mapping[str, str]) -> Facet:
    values = sorted({value for value in found.values() if value}, key=natural)
    places = {value: place for place, value in enumerate(values)}
    return Facet(
        shown(name),
        tuple(shown(value) for value in values),
        {key: places[value] for key, value in found.items() if value},
    )
