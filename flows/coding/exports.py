"""Reads exports of Label Studio (JSON) and doccano (JSONL): texts with labels, and labelled spans as quotations."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, Field, ValidationError

from contract.codebook import SEPARATOR
from contract.errors import Problem, StudyError
from flows.coding.answer_log import CANNOT_DECIDE
from flows.coding.import_answers import ReadAnswer
from flows.coding.task import CodedCriterion, CodingTask, DrawnRecord
from flows.coding.text_file import read_text_file
from flows.config.diagnostics import closest_name, join_names
from flows.files.model_mistakes import model_mistakes
from flows.tables.answers import spelling


class _Value(BaseModel):
    choices: list[str] = Field(default_factory=list[str])
    text: str | list[str] | None = None


class _Result(BaseModel):
    from_name: str = ""
    type: str = ""
    value: _Value = Field(default_factory=_Value)


class _Person(BaseModel):
    id: int | None = None
    email: str = ""


class _Annotation(BaseModel):
    completed_by: int | str | _Person | None = None
    result: list[_Result] = Field(default_factory=list[_Result])
    was_cancelled: bool = False
    lead_time: float | None = None

    @property
    def person(self) -> str:
        """Who made it, as far as the export says."""
        by = self.completed_by
        return str((by.email or by.id) if isinstance(by, _Person) else "" if by is None else by)


class _LabelStudioTask(BaseModel):
    id: int | str | None = None
    data: dict[str, Any]
    annotations: list[_Annotation]


@dataclass(frozen=True)
class _Label:
    """A label, the control by which it was given, and the words that it marks; both may be empty."""

    control: str
    text: str
    quote: str = ""


class _DoccanoLine(BaseModel):
    id: int | str | None = None
    text: str = ""
    data: str = ""
    label: list[str | tuple[int, int, str]] = Field(default_factory=list[str | tuple[int, int, str]])
    user: str = ""
    meta: dict[str, Any] = Field(default_factory=dict[str, Any])


class Exports:
    """The answers in an export."""

    def __init__(
        self, path: Path, task: CodingTask, records: Sequence[DrawnRecord], coder: str, criteria: Sequence[str] = ()
    ) -> None:
        """`coder` is who answered, and `criteria` by which criteria, where the export does not say."""
        self._path = path
        self._criteria = {one.name: one for one in task.criteria}
        self._asked = [one for one in task.criteria if not criteria or one.name in criteria]
        self._coder = coder
        self._ids = {one.record_id for one in records}
        self._by_text = defaultdict[str, list[str]](list)
        for one in records:
            self._by_text[" ".join(one.record.text.split())].append(one.record_id)

    def answers(self) -> Iterator[ReadAnswer]:
        """Every annotation as answers. Raises StudyError for a file that cannot be read, or as a whole is no JSON."""
        for where, entry in self._entries():
            if entry is None:
                yield ReadAnswer(where, "", None, "", problem="this line is no JSON, perhaps cut off")
                continue
            try:
                if "annotations" in entry:
                    yield from self._label_studio(where, _LabelStudioTask.model_validate(entry))
                else:
                    known = {**entry, "label": entry.get("label", entry.get("labels"))}
                    yield from self._doccano(where, _DoccanoLine.model_validate(known), entry)
            except ValidationError as error:
                what = f"this is an entry of neither Label Studio nor doccano: {model_mistakes(error)}"
                yield ReadAnswer(where, "", None, "", problem=what)

    def _entries(self) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
        """Every entry with its place; None for a line that is no JSON."""
        text = read_text_file(self._path)
        if self._path.suffix.lower() == ".jsonl":
            for number, line in enumerate(text.split("\n"), start=1):
                if line.strip():
                    yield f"{self._path}:{number}", _parsed(line)
            return
        try:
            whole: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
            todo = "export it again, or name it .jsonl if each of its lines is an entry of its own"
            problem = Problem(f"{self._path}:{line}", "this is no JSON, perhaps cut off", todo=todo)
            raise StudyError([problem]) from None
        for number, entry in enumerate(cast("list[Any]", whole if isinstance(whole, list) else [whole]), start=1):
            yield f"{self._path}, entry {number}", entry if isinstance(entry, dict) else {}

    def _label_studio(self, where: str, entry: _LabelStudioTask) -> Iterator[ReadAnswer]:
        records = self._records(entry.data)
        for number, annotation in enumerate(entry.annotations, start=1):
            at = f"{where}, annotation {number}"
            if annotation.was_cancelled:
                yield ReadAnswer(at, annotation.person, None, "")
                continue
            quotes = [one.value.text for one in annotation.result if isinstance(one.value.text, str)]
            choices = [_Label(one.from_name, choice) for one in annotation.result for choice in one.value.choices]
            said = ReadAnswer(at, self._coder or annotation.person, None, "", seconds=annotation.lead_time)
            todo = "name the control after its criterion, or write"
            yield from self._by_criterion(said, records, choices, quotes, todo)

    def _doccano(self, where: str, line: _DoccanoLine, entry: Mapping[str, Any]) -> Iterator[ReadAnswer]:
        text = line.text or line.data
        labels = [
            _Label("", one) if isinstance(one, str) else _Label("", one[2], text[one[0] : one[1]]) for one in line.label
        ]
        said = ReadAnswer(where, self._coder or line.user or self._path.stem, None, "")
        records = self._records({**line.meta, **entry, "text": text})
        yield from self._by_criterion(said, records, labels, (), "write")

    def _by_criterion(
        self, said: ReadAnswer, records: Sequence[str], labels: Sequence[_Label], quotes: Sequence[str], todo: str
    ) -> Iterator[ReadAnswer]:
        """An answer for each criterion that the labels are verdicts of; one without a verdict where there is none."""
        if len(records) != 1:
            which = f"its text is that of {join_names(records)}, and it does not say by `record_id` which is meant"
            none = "its text is none of the coding's, word by word, and it names no `record_id` of it"
            yield replace(said, problem=which if records else none)
            return
        [record_id] = records
        if not labels:
            yield replace(said, key=(record_id, self._asked[0].name), quotes=quotes)
        found = dict[str, list[_Label]]()
        for label in labels:
            named = self._criteria_of(label)
            if len(named) == 1:
                found.setdefault(named[0], []).append(label)
            else:
                yield replace(said, problem=self._not_one_criterion(label, named, todo))
        for name, own in found.items():
            texts = list(dict.fromkeys(label.text for label in own))
            problem = ""
            if len(texts) > 1 and not _takes_several(self._criteria[name]):
                problem = f"it has {len(texts)} labels, {', '.join(texts)}; one verdict is needed"
            words = [*quotes, *(label.quote for label in own if label.quote)]
            verdict = SEPARATOR.join(texts)
            yield replace(said, key=(record_id, name), verdict=verdict, quotes=words, problem=problem)

    def _criteria_of(self, label: _Label) -> list[str]:
        """The criteria that the label may be a verdict of: the one its control names, else those with that verdict."""
        if label.control in self._criteria:
            return [label.control]
        if len(self._asked) == 1:
            return [self._asked[0].name]
        said = spelling(label.text)
        return [one.name for one in self._asked if said in map(spelling, (*one.verdicts, CANNOT_DECIDE))]

    def _not_one_criterion(self, label: _Label, named: Sequence[str], todo: str) -> str:
        which = f"{todo} criteria={self._asked[0].name} to say which criterion is answered"
        if named:
            return f"'{label.text}' is a verdict of several criteria, {', '.join(named)}; {which}"
        near = closest_name(label.text, [verdict for one in self._asked for verdict in one.verdicts])
        meant = f"did you mean '{near}'? Or " if near else ""
        names = ", ".join(one.name for one in self._asked)
        return f"'{label.text}' is a verdict of none of the criteria {names}; {meant}{which}"

    def _records(self, data: Mapping[str, Any]) -> Sequence[str]:
        """The records that an entry may be about: by its words first, since a program numbers entries as it likes."""
        texts = [" ".join(value.split()) for value in data.values() if isinstance(value, str)]
        by_text = next((self._by_text[text] for text in texts if text in self._by_text), list[str]())
        named = str(data.get("record_id"))
        if len(by_text) == 1 or named not in (by_text or self._ids):
            return by_text
        return [named]


def _parsed(line: str) -> Mapping[str, Any] | None:
    try:
        entry: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, Any]", entry) if isinstance(entry, dict) else {}


def _takes_several(criterion: CodedCriterion) -> bool:
    return criterion.variable is not None and criterion.variable.type == "choices"
