"""Reads exports of Label Studio (JSON) and doccano (JSONL): texts with labels, and labelled spans as quotations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, Field, ValidationError

from contract.codebook import SEPARATOR
from contract.errors import StorageError
from flows.coding.answer_log import Key
from flows.coding.import_answers import ReadAnswer
from flows.coding.task import CodingTask, DrawnRecord


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


class _DoccanoLine(BaseModel):
    id: int | str | None = None
    text: str = ""
    data: str = ""
    label: list[str | tuple[int, int, str]] = Field(default_factory=list[str | tuple[int, int, str]])
    user: str = ""
    meta: dict[str, Any] = Field(default_factory=dict[str, Any])


class Exports:
    """The answers in an export."""

    def __init__(self, path: Path, task: CodingTask, records: Sequence[DrawnRecord], coder: str) -> None:
        """`coder` is who answered, where the export does not say."""
        self._path = path
        self._criteria = [one.name for one in task.criteria]
        self._coder = coder
        self._of_several = {one.name for one in task.criteria if one.variable and one.variable.type == "choices"}
        self._ids = {one.record_id for one in records}
        self._by_text = {" ".join(one.record.text.split()): one.record_id for one in records}

    def answers(self) -> Iterator[ReadAnswer]:
        """Every annotation as an answer. Raises StorageError for a file that is no JSON."""
        for where, entry in self._entries():
            try:
                if "annotations" in entry:
                    yield from self._label_studio(where, _LabelStudioTask.model_validate(entry))
                else:
                    known = {**entry, "label": entry.get("label", entry.get("labels"))}
                    yield self._doccano(where, _DoccanoLine.model_validate(known), entry)
            except ValidationError as error:
                at = ".".join(map(str, error.errors()[0]["loc"]))
                what = f"this is an entry of neither Label Studio nor doccano ({at}: {error.errors()[0]['msg']})"
                yield ReadAnswer(where, "", None, "", problem=what)

    def _entries(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        try:
            text = self._path.read_text(encoding="utf-8-sig")
            if self._path.suffix.lower() == ".jsonl":
                lines = enumerate(text.split("\n"), start=1)
                found = [(f"{self._path}:{number}", json.loads(line)) for number, line in lines if line.strip()]
            else:
                whole: Any = json.loads(text)
                entries = cast("list[Any]", whole if isinstance(whole, list) else [whole])
                found = [(f"{self._path}, entry {n}", one) for n, one in enumerate(entries, start=1)]
        except (ValueError, RecursionError) as error:
            raise StorageError(f"{self._path}: this is no JSON: {error}") from None
        for where, entry in found:
            yield where, entry if isinstance(entry, dict) else {}

    def _label_studio(self, where: str, entry: _LabelStudioTask) -> Iterator[ReadAnswer]:
        record_id = self._record_id(entry.data)
        for number, annotation in enumerate(entry.annotations, start=1):
            at = f"{where}, annotation {number}"
            if annotation.was_cancelled:
                yield ReadAnswer(at, annotation.person, None, "")
                continue
            quotes = [one.value.text for one in annotation.result if isinstance(one.value.text, str)]
            choices = [(one.from_name, choice) for one in annotation.result for choice in one.value.choices]
            by_name = dict[str, list[str]]()
            for name, choice in choices or [("", "")]:
                by_name.setdefault(name, []).append(choice)
            for name, labels in by_name.items():
                yield ReadAnswer(
                    at, self._coder or annotation.person, self._key(record_id, name), SEPARATOR.join(labels),
                    quotes=quotes, seconds=annotation.lead_time, problem=self._problem(record_id, name, labels),
                )  # fmt: skip

    def _doccano(self, where: str, line: _DoccanoLine, entry: Mapping[str, Any]) -> ReadAnswer:
        text = line.text or line.data
        spans = [one for one in line.label if not isinstance(one, str)]
        names = list(dict.fromkeys([one if isinstance(one, str) else one[2] for one in line.label]))
        record_id = self._record_id({**line.meta, **entry, "text": text})
        return ReadAnswer(
            where, self._coder or line.user or self._path.stem, self._key(record_id, ""), SEPARATOR.join(names),
            quotes=[text[start:end] for start, end, _ in spans], problem=self._problem(record_id, "", names),
        )  # fmt: skip

    def _record_id(self, data: Mapping[str, Any]) -> str | None:
        texts = [" ".join(value.split()) for value in data.values() if isinstance(value, str)]
        by_text = next((self._by_text[text] for text in texts if text in self._by_text), None)
        # The words come first: a program numbers its entries as it likes.
        named = str(data.get("record_id"))
        return by_text or (named if named in self._ids else None)

    def _key(self, record_id: str | None, name: str) -> Key | None:
        criterion = name if name in self._criteria else self._criteria[0] if len(self._criteria) == 1 else None
        return (record_id, criterion) if record_id is not None and criterion is not None else None

    def _problem(self, record_id: str | None, name: str, labels: Sequence[str]) -> str:
        if record_id is None:
            return "its text is none of the coding's, word by word, and it names no `record_id` of it"
        if self._key(record_id, name) is None:
            return f"it does not say which criterion it is about; name the control one of {', '.join(self._criteria)}"
        key = self._key(record_id, name)
        if len(labels) > 1 and key is not None and key[1] not in self._of_several:
            return f"it has {len(labels)} labels, {', '.join(labels)}; one verdict is needed"
        return ""
