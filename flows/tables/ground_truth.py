"""Finds which answers of people belong to which criterion, and reads them as verdicts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from contract.base import JsonValue
from contract.codebook import Variable, variable_name
from contract.flow import FlowSpec
from contract.measures import Measures, TruthSource
from contract.record import Record
from flows.files.gold_set import PEOPLE_FIELD
from flows.tables.answers import AnswerReader, Reading, verdict_text
from flows.tables.choices import TRUTH_VALUES, ChoicesReader
from flows.tables.coded_variables import judged_in_run, measures_of

OF_EACH_ANSWER = "of_each_answer"
"""Where a record's ground truth has what differs between the rows of several people."""


class GroundTruth:
    """The answers of people to the criteria of one study."""

    def __init__(
        self,
        measures: Measures,
        verdicts: Mapping[str, Collection[str]],
        variables: Mapping[str, Variable] | None = None,
    ) -> None:
        """`verdicts`: criterion -> the verdicts that a judge may give by it, empty where they are not known;
        `variables`: those of the criteria that are variables of a codebook."""
        self._measures = measures
        self.verdicts = verdicts
        self.variables = variables or {}
        self._sources = {name: truth_source(measures, name, verdicts) for name in verdicts}
        self._readers = {name: self._reader(name, known) for name, known in verdicts.items()}

    def _reader(self, criterion: str, known: Collection[str]) -> AnswerReader:
        source, variable = self._sources[criterion], self.variables.get(criterion)
        measures = measures_of(self._measures, variable)
        if measures.gold is not None:
            # A gold set holds verdicts, and no codes of the data.
            measures = measures.model_copy(update={"labels": {}, "missing": (), "split": None})
        elif source is not None:
            labels, missing = {**measures.labels, **source.labels}, (*measures.missing, *source.missing)
            measures = measures.model_copy(update={"labels": labels, "missing": missing})
        if variable is not None and variable.type == "choices":
            return ChoicesReader(measures, variable, of_people=bool(source and source.coder))
        if variable is not None and variable.type == "yes_no":
            measures = measures.model_copy(update={"labels": {**TRUTH_VALUES, **measures.labels}})
        return AnswerReader(measures, known)

    @classmethod
    def of_run(cls, spec: FlowSpec, measures: Measures, manifest: Mapping[str, Any]) -> GroundTruth:
        """As a finished run's manifest describes it."""
        judged = judged_in_run(spec, measures, manifest)
        variables = {name: one.variable for name, one in judged.items() if one.variable is not None}
        return cls(measures, {name: one.verdicts for name, one in judged.items()}, variables)

    @property
    def fields(self) -> Mapping[str, str]:
        """Criterion -> the field or fields of the ground truth that hold people's answers to it, in words.

        Criteria that no answers belong to are not in it.
        """
        return {name: ", ".join(source.field) for name, source in self._sources.items() if source is not None}

    @property
    def criterion_by_field(self) -> dict[str, str]:
        """Each field of the ground truth that is named -> the first criterion whose answers it holds.

        Empty where that is not known.
        """
        found = dict[str, str]()
        if self.undecided:
            named = self._measures.truth
            return dict.fromkeys([named] if isinstance(named, str) else named or (), "")
        for criterion, source in self._sources.items():
            for name in source.field if source is not None else ():
                found.setdefault(name, criterion)
        return found

    @property
    def coder_columns(self) -> Mapping[str, str]:
        """Criterion -> the column that names the person of each answer, where one is named."""
        return {name: source.coder for name, source in self._sources.items() if source and source.coder}

    @property
    def undecided(self) -> bool:
        """Whether one field is named for several criteria, so that it is not known to which of them it belongs."""
        named = self._measures.truth
        return isinstance(named, str | tuple) and self._measures.gold is None and len(self.verdicts) > 1

    def reader(self, criterion: str) -> AnswerReader:
        """The reader of the answers to a criterion."""
        return self._readers.get(criterion) or AnswerReader(self._measures)

    def read(self, record: Record, criterion: str) -> Reading | None:
        """People's answer to a criterion; None where the record has none, or no field belongs to the criterion.

        Of several people it is what most of them say; of a gold set what was decided.
        """
        source = self._sources.get(criterion)
        if source is None:
            return None
        if self._measures.gold is not None:
            decided = _decision(record, criterion)
            return self.reader(criterion).read(decided.get("gold")) if decided else None
        values = [value_at_path(record.ground_truth, name) for name in source.field]
        reader = self.reader(criterion)
        return reader.read(values[0]) if len(values) == 1 else reader.read_several(values)

    def variables_of(self, criterion: str) -> Mapping[str, Variable]:
        """Name in tables -> variable, for the codebook of a criterion; none where it has no codebook."""
        prefix = variable_name(criterion, "")
        return {name: one for name, one in self.variables.items() if name == f"{prefix}{one.name}"}

    def people(self, record: Record, criterion: str) -> dict[str, str]:
        """Person -> verdict, for each person known by name who answered; empty where only one answer is known."""
        source = self._sources.get(criterion)
        if source is None:
            return {}
        read = self.reader(criterion).read
        readings = {name: read(value) for name, value in self._answers(record, criterion, source).items()}
        return {
            name: one.verdict
            for name, one in readings.items()
            if one is not None and one.verdict is not None and one.how != "unknown"
        }

    def _answers(self, record: Record, criterion: str, source: TruthSource) -> dict[str, JsonValue]:
        if self._measures.gold is not None:
            votes: Any = _decision(record, criterion).get("coders") or {}
            return {str(name): value for name, value in votes.items()}
        if len(source.field) > 1:
            return {name: value_at_path(record.ground_truth, name) for name in source.field}
        if source.coder is None:
            return {}
        answers = value_at_path(record.ground_truth, next(iter(source.field)))
        names = value_at_path(record.ground_truth, f"{OF_EACH_ANSWER}.{source.coder}")
        # One that is mapped stands beside the answers.
        names = value_at_path(record.ground_truth, source.coder) if names is None else names
        # A column in which the rows of a text do not differ is metadata.
        names = value_at_path(record.metadata, source.coder) if names is None else names
        if not isinstance(answers, list | tuple):
            return {name: answers} if (name := verdict_text(names)) is not None else {}
        each = names if isinstance(names, list | tuple) else [names] * len(answers)
        pairs = zip(each, answers, strict=True) if len(each) == len(answers) else ()
        return {text: value for name, value in pairs if (text := verdict_text(name)) is not None}

    def unclear(self, record: Record, criterion: str) -> dict[str, str]:
        """Person -> what they wrote, where the criterion was unclear to them."""
        notes: Any = _decision(record, criterion).get("unclear") or {}
        return {str(name): str(note) for name, note in notes.items()}


def _decision(record: Record, criterion: str) -> Mapping[str, JsonValue]:
    """The decision of a gold set on the record."""
    people = (record.ground_truth or {}).get(PEOPLE_FIELD)
    found = people.get(criterion) if isinstance(people, Mapping) else None
    return cast("Mapping[str, JsonValue]", found) if isinstance(found, Mapping) else {}


def truth_source(measures: Measures, criterion: str, criteria: Collection[str]) -> TruthSource | None:
    """Where people's answers to the criterion, one of `criteria`, stand; None where none belong to it.

    One field for several criteria belongs to none of them.
    """
    truth = measures.truth
    if isinstance(truth, Mapping):
        named = truth.get(criterion)
        return named if named is None or isinstance(named, TruthSource) else _source_of(named)
    if truth is None or (measures.gold is None and len(criteria) != 1):
        return None
    return _source_of((f"{PEOPLE_FIELD}.{criterion}.gold",) if measures.gold is not None else truth)


def _source_of(field: str | tuple[str, ...]) -> TruthSource:
    return TruthSource(field=(field,) if isinstance(field, str) else field)


def belongs_to(measures: Measures, criterion: str, criteria: Collection[str]) -> bool:
    """Whether people's answers belong to the criterion, one of `criteria`."""
    return truth_source(measures, criterion, criteria) is not None


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
