"""Compares people's answers about a study's records with the verdicts that its judges may give.

An answer that no judge can give agrees with none, so agreement would be 0 whatever the models answered. How each answer
is read is shown before a model is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agents.base.registry import load_agent
from contract.base import digest
from contract.errors import Problem, StudyError
from contract.flow import FlowSpec
from contract.measures import Level, Measures
from contract.record import Record
from flows.check.judged import Judged, judged_by
from flows.check.readings_text import label_settings, readings_text, shown_answers
from flows.check.split_answers import parts_of, sign_between_answers, split_setting
from flows.config.diagnostics import closest_name, join_names
from flows.config.provenance import KeyPath
from flows.spec.agent_registry import AgentClass
from flows.spec.nodes import steps_of
from flows.spec.study import Study
from flows.tables.answers import Reading, is_cut, number_of, spelling
from flows.tables.coded_variables import measures_of
from flows.tables.ground_truth import OF_EACH_ANSWER, GroundTruth


@dataclass(frozen=True)
class TruthMistake:
    """Why people's answers in one field cannot be compared with verdicts, and what to do about it."""

    field: str
    what: str
    todo: str
    nearest: str | None = None


@dataclass
class GroundTruthCheck:
    """Counts how people's answers are read, and finds those that no judge may give."""

    measures: Measures
    truth: GroundTruth
    path: KeyPath
    """Where the flow names the truth."""
    judged: Judged = field(default_factory=lambda: Judged({}))
    """What may be said by each criterion."""
    readings: dict[str, Counter[Reading]] = field(default_factory=dict[str, Counter[Reading]])
    """Criterion -> how its answers were read."""
    people: dict[str, int] = field(default_factory=dict[str, int])
    """Criterion -> answers whose person is known by name."""
    texts: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Digest of a text -> the answers of people that came with it, each as one text."""
    records: int = 0
    names: set[str] = field(default_factory=set[str])
    """What may name the person of an answer: fields of metadata, and what differs between the rows of a text."""

    @classmethod
    def for_flow(cls, flow: FlowSpec, judge: AgentClass | None, folders: tuple[Path, ...]) -> GroundTruthCheck | None:
        """The check of a flow whose verdicts come from `judge`; None if it compares with no ground truth."""
        if flow.measures is None or flow.measures.truth is None:
            return None
        judged = judged_by(flow, judge, folders)
        variables = {name: one.variable for name, one in judged.criteria.items() if one.variable is not None}
        verdicts = {name: frozenset(one.verdicts) for name, one in judged.criteria.items()}
        truth = GroundTruth(flow.measures, verdicts, variables)
        return cls(flow.measures, truth, ("flows", flow.name, "measures", "truth"), judged)

    def add(self, record: Record) -> None:
        """Counts the answers of a record."""
        self.records += 1
        self.names.update(record.metadata)
        self.texts.setdefault(record.content_sha256, set()).add(digest(record.ground_truth or {}))
        of_each = (record.ground_truth or {}).get(OF_EACH_ANSWER)
        self.names.update(of_each if isinstance(of_each, Mapping) else ())
        self.names.update(set(record.ground_truth or {}) - {OF_EACH_ANSWER})
        for criterion in self.truth.fields:
            if (reading := self.truth.read(record, criterion)) is not None:
                self.readings.setdefault(criterion, Counter())[reading] += 1
                known = len(self.truth.people(record, criterion))
                self.people[criterion] = self.people.get(criterion, 0) + known

    @property
    def possible_verdicts(self) -> frozenset[str]:
        """What an answer may mean by any criterion; empty if that is known only in a run, or is any number."""
        if self.judged.unread:
            return frozenset()
        return frozenset[str]().union(*(self.truth.reader(name).possible for name in self.truth.verdicts))

    @property
    def has_numbers(self) -> bool:
        """Whether answers to a codebook may be numbers."""
        return any(one.type == "number" for one in self.truth.variables.values())

    @property
    def has_answers(self) -> bool:
        """Whether any record has an answer that stands for a verdict."""
        return any(reading.how != "missing" for counts in self.readings.values() for reading in counts)

    def mistakes(self) -> Iterator[TruthMistake]:
        """The fields of which no answer can be compared, or of which it cannot be told what an answer means."""
        for criterion, counts in self._readings():
            name = self.truth.fields[criterion]
            answers = [reading for reading in counts if reading.how != "missing"]
            unknown = [reading for reading in answers if reading.how == "unknown"]
            if answers and len(unknown) == len(answers):
                what = f"people's answers are {self._unknown_text(criterion, unknown)}"
                yield TruthMistake(name, what, self._todo(criterion, unknown))
            elif bits := self._taken_as_true_or_false(criterion, answers):
                numbers = [one for one in unknown if number_of(one.answer) is not None]
                if numbers:
                    what = (
                        f"people's answers are {shown_answers([*bits, *numbers])}: 1 and 0 would be read as true "
                        f"and false, but {shown_answers(numbers)} cannot"
                    )
                    yield TruthMistake(name, what, self._todo(criterion, [*bits, *numbers]))

    def notices(self) -> Iterator[str]:
        """How answers are read where that is not plain, and which are left out."""
        yield from self._answers_of_several()
        yield from self._unnamed_people()
        yield from self._misspelt_labels()
        for criterion, counts in self._readings():
            if any(reading.how not in ("exact", "unknown") for reading in counts):
                of = f" to '{criterion}'" if len(self.truth.fields) > 1 else ""
                yield f"people's answers{of} are read so: {readings_text(counts)}"
            if unknown := [reading for reading in counts if reading.how == "unknown"]:
                yield (
                    f"people's answers are also {self._unknown_text(criterion, unknown)}; these records are left out "
                    f"of what is compared with people; to change that, {self._todo(criterion, unknown)}"
                )

    def plain_readings(self) -> Iterator[str]:
        """How answers are read where each is a label or a verdict to the letter, of which there is no notice."""
        for criterion, counts in self._readings():
            if all(reading.how == "exact" for reading in counts):
                yield f"answers of people to '{criterion}': {readings_text(counts)}"

    def _readings(self) -> Iterator[tuple[str, Counter[Reading]]]:
        """How answers were read, by each criterion of which it is known what may be said."""
        return ((name, counts) for name, counts in self.readings.items() if name not in self.judged.unread)

    def absent_coders(self) -> Iterator[tuple[str, TruthMistake]]:
        """Each criterion with answers of which no record has the column that is to name who gave them."""
        for criterion, column in self.truth.coder_columns.items():
            if criterion in self.readings and column.partition(".")[0] not in self.names:
                what = (
                    f"`coder: {column}`, which is to name who answered to '{criterion}', is no column of these records"
                )
                known = f"their other columns are {join_names(self.names, 20)}" if self.names else "they have no other"
                near = closest_name(column, self.names)
                yield criterion, TruthMistake(column, what, f"{known}; or leave `coder` out", near)

    def _answers_of_several(self) -> Iterator[str]:
        """A table with a row for each annotator, of which each row is a record."""
        if any(len(answers) > 1 for answers in self.texts.values()):
            yield (
                f"{self.records:,} rows hold {len(self.texts):,} different texts, some with several answers of people, "
                "as in a table with one row for each annotator; each row is judged by itself; to make one record of "
                "the rows of each text, write rows=answers"
            )

    def _unnamed_people(self) -> Iterator[str]:
        absent = {criterion for criterion, _ in self.absent_coders()}
        for criterion, column in self.truth.coder_columns.items():
            if self.people.get(criterion) == 0 and criterion not in absent:
                yield (
                    f"`coder: {column}` is no column in which the answers to '{criterion}' differ, so it is not known "
                    "who gave them; it is read with rows=answers, and `check` shows the columns under of_each_answer"
                )

    def _misspelt_labels(self) -> Iterator[str]:
        """Labels that stand for no answer here, and are nearly one that has no label."""
        answers = {
            part.strip() for counts in self.readings.values() for one in counts for part in one.answer.split(", ")
        }
        labels = {spelling(label): label for label in self.measures.labels}
        unlabelled = [answer for answer in answers if spelling(answer) not in labels]
        seen = {spelling(answer) for answer in answers}
        for key, label in labels.items():
            if key not in seen and not is_cut(label) and (near := closest_name(label, unlabelled)):
                yield f"the label '{label}' stands for no answer of people here; did you mean '{near}'?"

    def criteria_without_truth(self) -> Iterator[str]:
        """By which criteria nothing is compared with people, and what to write; names that are wrong are not in it."""
        judged = list(self.truth.verdicts)
        if self.truth.undecided:
            truth = self.measures.truth
            named = f"[{', '.join(truth)}]" if isinstance(truth, tuple) else truth
            yield (
                f"`truth: {named}` does not say which of the criteria {join_names(judged)} people judged "
                f"by, so nothing is compared with people; write `truth: {{{judged[0]}: {named}}}`, with "
                "each criterion that they judged by"
            )
            return
        named = self.measures.truth if isinstance(self.measures.truth, Mapping) else {}
        others = set(named) - set(judged) - {wrong.name for wrong in self.judged.misnamed(list(named))}
        for criterion in judged:
            if criterion not in self.truth.fields:
                near = closest_name(criterion, others)
                hint = f"; did you mean '{criterion}' where `truth` has '{near}'?" if near else ""
                yield f"by '{criterion}' nothing is compared with people: `truth` names no field for it{hint}"

    def _level(self, criterion: str) -> Level:
        """A variable of a codebook has a level of its own."""
        return measures_of(self.measures, self.truth.variables.get(criterion)).level

    def _unknown_text(self, criterion: str, unknown: list[Reading]) -> str:
        why = {
            "nominal": "which no judge here may give",
            "ordinal": "which are not in `order`",
            "interval": "which are no numbers",
            "ratio": "which are no numbers from 0",
        }[self._level(criterion)]
        return f"{shown_answers(unknown)}, {why}"

    def _todo(self, criterion: str, answers: list[Reading]) -> str:
        reader = self.truth.reader(criterion)
        sign = sign_between_answers(self.readings[criterion], reader)
        if sign is None:
            return self._todo_of_each(criterion, answers)
        unknown = [one for one in parts_of(answers, sign, reader) if one.how == "unknown"]
        each = f"; and {self._todo_of_each(criterion, unknown)}" if unknown else ""
        return f"where a cell holds several answers, write {split_setting(sign)}{each}"

    def _todo_of_each(self, criterion: str, answers: list[Reading]) -> str:
        if self._level(criterion) in ("interval", "ratio"):
            missing = label_settings(answers, "missing")
            return f"if they mean that nobody answered, write {missing}; if a number, the number in place of `missing`"
        settings = label_settings(answers, "VERDICT")
        some_numbers = any(number_of(reading.answer) for reading in answers)
        numbers = " (or for numbers a cut such as 'labels.>=0.5=VERDICT')" if some_numbers else ""
        verdicts = join_names(self.truth.reader(criterion).possible)
        return (
            f"write what each means: {settings}, or the same under `labels:` below `measures:` of the flow{numbers}, "
            f"with one of {verdicts} in the place of VERDICT, or `missing` for no answer"
        )

    def _taken_as_true_or_false(self, criterion: str, answers: list[Reading]) -> list[Reading]:
        known = {spelling(name) for name in (*self.measures.labels, *self.truth.reader(criterion).possible)}
        return [
            reading
            for reading in answers
            if reading.how == "alike"
            and number_of(reading.answer) is not None
            and spelling(reading.answer) not in known
        ]


def truth_check_of(study: Study) -> GroundTruthCheck | None:
    """The check of a study without mistakes; None if it compares with no ground truth."""
    if (measures := study.flow.measures) is None:
        return None
    judge = load_agent(steps_of(study.flow)[measures.verdicts].agent)
    return GroundTruthCheck.for_flow(study.flow, judge, study.folders)


def check_ground_truth(study: Study, records: Iterable[Record]) -> None:
    """Raises StudyError if the records hold people's answers that cannot be compared with verdicts.

    A shard is not checked: the run that split the records has checked all of them.
    """
    measures = study.flow.measures if study.run.shard is None else None
    ground_truth = truth_check_of(study) if measures else None
    if ground_truth is None:
        return
    for record in records:
        ground_truth.add(record)
    where = study.provenance.where(ground_truth.path)
    problems = [Problem(where, one.what, todo=one.todo) for one in ground_truth.mistakes()]
    chosen = study.provenance.is_typed((*ground_truth.path[:-2], "records"))
    for criterion, one in () if chosen else ground_truth.absent_coders():
        at = study.provenance.where((*ground_truth.path, criterion, "coder"))
        problems.append(Problem(at, one.what, one.nearest, one.todo))
    if problems:
        raise StudyError(problems)
