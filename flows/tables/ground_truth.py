"""Finds which answers of people belong to which criterion, and reads them as verdicts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from contract.base import JsonValue
from contract.flow import FlowSpec
from contract.measures import Measures
from contract.record import Record
from flows.spec.nodes import steps_of
from flows.tables.answers import AnswerReader, Reading
from flows.tables.identity import criterion_key


class GroundTruth:
    """The answers of people to the criteria of one study."""

    def __init__(self, measures: Measures, verdicts: Mapping[str, Collection[str]]) -> None:
        """`verdicts`: criterion -> the verdicts that a judge may give by it, empty where they are not known."""
        self._measures = measures
        self.verdicts = verdicts
        self._readers = {name: AnswerReader(measures, known) for name, known in verdicts.items()}
        self._fields = {name: self._field(name) for name in verdicts}

    @classmethod
    def of_run(cls, spec: FlowSpec, measures: Measures, manifest: Mapping[str, Any]) -> GroundTruth:
        """As a finished run's manifest describes it."""
        known: Any = manifest.get("criteria") or {}
        verdicts = dict[str, Collection[str]]()
        for name, value in judged_criteria(spec, measures).items():
            criterion: Any = known.get(value) or {}
            verdicts[name] = tuple(map(str, criterion.get("verdicts") or ()))
        return cls(measures, verdicts)

    def _field(self, criterion: str) -> str | None:
        truth = self._measures.truth
        if not belongs_to(self._measures, criterion, self.verdicts):
            return None
        return truth.get(criterion) if isinstance(truth, Mapping) else truth

    @property
    def fields(self) -> Mapping[str, str]:
        """Criterion -> the field of the ground truth that holds people's answers to it; others are not in it."""
        return {name: field for name, field in self._fields.items() if field is not None}

    @property
    def undecided(self) -> bool:
        """Whether one field is named for several criteria, so that it is not known to which of them it belongs."""
        return isinstance(self._measures.truth, str) and len(self.verdicts) > 1

    def reader(self, criterion: str) -> AnswerReader:
        """The reader of the answers to a criterion."""
        return self._readers.get(criterion) or AnswerReader(self._measures)

    def read(self, record: Record, criterion: str) -> Reading | None:
        """People's answer to a criterion; None where the record has none, or no field belongs to the criterion."""
        field = self._fields.get(criterion)
        return None if field is None else self.reader(criterion).read(value_at_path(record.ground_truth, field))


def belongs_to(measures: Measures, criterion: str, criteria: Collection[str]) -> bool:
    """Whether people's answers belong to the criterion, one of `criteria`: one field for several belongs to none."""
    if isinstance(measures.truth, Mapping):
        return criterion in measures.truth
    return measures.truth is not None and len(criteria) == 1


def judged_criteria(spec: FlowSpec, measures: Measures) -> dict[str, str]:
    """The criteria by which verdicts are given: name in tables -> as the step names it; one of no name if none."""
    step = steps_of(spec).get(measures.verdicts)
    named: Any = (step.variants.get("criteria") or step.parameters.get("criteria")) if step else None
    values = list(cast("list[JsonValue]", named)) if isinstance(named, list | tuple) else [named] if named else []
    return {criterion_key(value): str(value) for value in values} or {"": ""}


def value_at_path(values: Mapping[str, JsonValue] | None, path: str) -> JsonValue:
    """The value at a dotted path, also where a key itself holds dots; None where there is none."""
    if values is None or path in values:
        return (values or {}).get(path)
    for index, letter in enumerate(path):
        inner = values.get(path[:index]) if letter == "." else None
        if isinstance(inner, Mapping):
            found = value_at_path(cast("Mapping[str, JsonValue]", inner), path[index + 1 :])
            if found is not None:
                return found
    return None
