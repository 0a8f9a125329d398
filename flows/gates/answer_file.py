"""Files of answers: YAML as a run leaves it in `waiting.yaml`, CSV, or a workbook; one entry or row for each question.

    answers:
    - {gate: consent, record: post-1, decision: approve, comment: fits, by: ana}

`gate`, `record` and, in loops, `round` say what is answered; a `key` says exactly what was shown. An entry without a
decision and without fields is one that nobody has answered yet.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import yaml

from agents.safety.paths import no_file_reason
from agents.safety.yaml_limits import YamlLimitExceeded
from agents.safety.yaml_mistakes import describe_yaml_error
from agents.safety.yaml_reader import UNREADABLE_YAML, compose_yaml, doubled_names, plain_value
from contract.base import JsonValue
from contract.errors import Problem, StorageError
from contract.questions import RESERVED_FIELDS, Question
from flows.config.diagnostics import closest_name, there_are
from flows.config.folders import display_path
from flows.config.hydra_source import ConfigLoader
from flows.files.os_error import os_error_text
from flows.gates.answer_table import read_answer_table
from flows.gates.read_answer import AnswerMistake, ReadAnswer, ValueCheck, read_answer

SUFFIXES = (".yaml", ".yml", ".csv", ".xlsx")
_MAX_BYTES = 100_000_000
KEY = re.compile(r"[0-9a-f]{64}")
KEY_TODO = "copy the key from waiting.yaml, or leave it out: gate and record say what is answered"


@dataclass
class AnswerEntry:
    """One entry: its values by name, and where each of them stands."""

    where: str
    values: dict[str, JsonValue]
    places: Mapping[str, str] = field(default_factory=dict[str, str])
    used: bool = False

    def place(self, name: str) -> str:
        """Where the value of that name stands, or would stand."""
        return self.places.get(name, self.where)

    def text(self, name: str) -> str:
        """A value as text; empty where there is none."""
        value = self.values.get(name)
        return "" if value is None else str(value).strip()


class AnswerFile:
    """The entries of a file, found by what is asked."""

    def __init__(self, entries: Sequence[AnswerEntry], header: str = "") -> None:
        """`header` is where a table names its columns; empty for YAML, where each entry names its own."""
        self.entries = entries
        self.header = header
        self._by_key = {key: entry for entry in entries if (key := entry.text("key"))}
        self._without_key = [entry for entry in entries if not entry.text("key")]

    def read(self, question: Question, check_value: ValueCheck | None = None) -> ReadAnswer:
        """What the file answers to the question; nothing where it holds no answer to it."""
        entry = self._by_key.get(question.key) or next((one for one in self._without_key if _asks(one, question)), None)
        if entry is None:
            return ReadAnswer()
        entry.used = True
        return read_answer(question, entry.values, "file", check_value=check_value)

    def places(self, question: Question) -> AnswerEntry | None:
        """The entry for the question, or None."""
        return self._by_key.get(question.key) or next((one for one in self._without_key if _asks(one, question)), None)

    def unused(self) -> list[AnswerEntry]:
        """Entries with an answer to which no question came: what was shown has changed since, or is not asked."""
        return [one for one in self.entries if not one.used and is_answered(one)]


def read_answer_file(path: Path) -> tuple[AnswerFile, list[Problem]]:
    """The entries of the file, and what is wrong with its form; a file with problems may have entries, too."""
    shown = display_path(path)
    if what := no_file_reason(path):
        there = [one.name for one in path.parent.glob("*") if one.suffix in SUFFIXES and one.is_file()]
        near = closest_name(path.name, there)
        return AnswerFile([]), [Problem(f"answers={shown}", what, near, "name a file of answers, as waiting.yaml is")]
    if path.suffix.lower() not in SUFFIXES:
        todo = f"write the answers as {', '.join(SUFFIXES)}"
        return AnswerFile([]), [Problem(f"answers={shown}", f"answers are not read from '{path.suffix}'", None, todo)]
    try:
        if path.stat().st_size > _MAX_BYTES:
            return AnswerFile([]), [Problem(shown, f"the file has more than {_MAX_BYTES // 1_000_000} MB")]
        if path.suffix.lower() in (".csv", ".xlsx"):
            table = read_answer_table(path, shown)
            return AnswerFile([AnswerEntry(*row) for row in table.rows], table.header), table.problems
        return _read_yaml(path.read_text(encoding="utf-8-sig"), shown)
    except UnicodeDecodeError:
        return AnswerFile([]), [Problem(f"{shown}:1", "the file is not in UTF-8", None, "save it again as UTF-8")]
    except OSError as error:
        return AnswerFile([]), [Problem(shown, f"the file cannot be read: {os_error_text(error)}")]
    except StorageError as error:
        return AnswerFile([]), [Problem(shown, str(error))]


def answer_problems(file: AnswerFile, asked: Mapping[str, Question]) -> Iterator[Problem]:
    """The mistakes in the entries that can be known before anything is asked. `asked` is `questions_of` the flow."""
    seen = dict[tuple[str, ...], AnswerEntry]()
    everywhere = RESERVED_FIELDS.union(*(question.fields for question in asked.values()))
    columns = dict.fromkeys(name for entry in file.entries for name in entry.values) if file.header else ()
    for name in (name for name in columns if name not in everywhere):
        near = closest_name(name, everywhere)
        what = f"the column '{name}' is not asked here"
        yield Problem(file.header, what, near, None if near else _names_words(asked.values()))
    for entry in file.entries:
        question = asked.get(entry.text("gate"))
        if question is None:
            yield _unknown_gate(entry, asked)
            continue
        known = {*RESERVED_FIELDS, *question.fields}
        misspelt = {name: closest_name(name, known) for name in entry.values if name not in known}
        for name, near in misspelt.items():
            if not file.header or name in everywhere:
                todo = None if near else _names_words([question])
                yield Problem(entry.place(name), f"'{name}' is not asked here", near, todo)
        if not entry.text("record") and not entry.text("key"):
            yield Problem(entry.where, "this names no record", None, "add `record:` with the record's id")
        identity = (*(entry.text(name) for name in ("gate", "record", "round")), entry.text("key"))
        if other := seen.get(identity):
            yield Problem(entry.where, f"this is answered twice, also at {other.where}", None, "leave one of them out")
        seen.setdefault(identity, entry)
        # What stands under a misspelt name is read as what was meant: so it is not missing, and is told if it is wrong.
        meant = {near: entry.values[name] for name, near in misspelt.items() if near}
        found = read_answer(question, {**meant, **entry.values}, "file", options_known=False).mistakes
        yield from mistakes_at(entry, found)


def record_problems(file: AnswerFile, records: Sequence[str]) -> Iterator[Problem]:
    """The entries whose record is none of those that the run takes."""
    known = set(records)
    for entry in file.entries:
        record = entry.text("record")
        if record and record not in known and is_answered(entry):
            near = closest_name(record, records) if len(records) <= 1000 else None
            todo = "write the id of one of the records of this run, or leave the entry out"
            yield Problem(entry.place("record"), f"there is no record '{record}' in this run", near, todo)


def key_form_problems(file: AnswerFile) -> Iterator[Problem]:
    """The entries whose key is that of no question there could be; which ones there will be, only the run knows."""
    for entry in file.entries:
        if (key := entry.text("key")) and is_answered(entry) and not KEY.fullmatch(key):
            what = "no question has this key: a key has 64 digits and letters from a to f"
            yield Problem(entry.place("key"), what, None, KEY_TODO)


def key_problems(file: AnswerFile, known: Collection[str]) -> Iterator[Problem]:
    """The entries whose key is that of none of the questions that are known."""
    for entry in file.entries:
        key = entry.text("key")
        if key and key not in known and is_answered(entry):
            yield Problem(entry.place("key"), "no question has this key", closest_name(key, known), KEY_TODO)


def mistakes_at(entry: AnswerEntry, mistakes: Sequence[AnswerMistake]) -> Iterator[Problem]:
    """The mistakes of an entry with the places where they stand."""
    for one in mistakes:
        yield Problem(entry.place(one.name), one.what, one.nearest, one.todo)


def _asks(entry: AnswerEntry, question: Question) -> bool:
    """Whether an entry without a key is about that question."""
    same = entry.text("gate") == question.gate and entry.text("record") == question.record_id
    return same and entry.text("round") in ("", "0", str(question.round))


def is_answered(entry: AnswerEntry) -> bool:
    """Whether somebody has filled it in."""
    describing = RESERVED_FIELDS - {"decision", "value", "choice"}
    return any(entry.text(name) not in ("", "later") for name in entry.values if name not in describing)


def _names_words(questions: Iterable[Question]) -> str:
    """What a person may write in an answer to one of the questions."""
    asked = list(questions)
    decisions = {decision for one in asked for decision in one.decide}
    own = [("decision", bool(decisions)), ("value", "edit" in decisions), ("choice", "choose" in decisions)]
    fields = dict.fromkeys(name for one in asked for name in one.fields)
    names = ["gate", "record", *(name for name, is_asked in own if is_asked), *fields, "comment", "by"]
    return f"there are {', '.join(names)}"


def _unknown_gate(entry: AnswerEntry, asked: Mapping[str, Question]) -> Problem:
    name, todo = entry.text("gate"), there_are(asked)
    if not name:
        return Problem(entry.where, "this names no gate", None, f"add `gate:`; {todo}")
    return Problem(entry.place("gate"), f"there is no gate '{name}' in this flow", closest_name(name, asked), todo)


def _read_yaml(text: str, shown: str) -> tuple[AnswerFile, list[Problem]]:
    try:
        root = compose_yaml(text, ConfigLoader)
    except yaml.YAMLError as error:
        mistake = describe_yaml_error(text, error)
        return AnswerFile([]), [Problem(f"{shown}:{mistake.line}", mistake.what, None, mistake.todo)]
    except YamlLimitExceeded as error:
        return AnswerFile([]), [Problem(f"{shown}:{error.line}", error.message, None, "write several files, or CSV")]
    if isinstance(root, yaml.MappingNode):
        root = next((value for key, value in root.value if getattr(key, "value", None) == "answers"), None)
    if not isinstance(root, yaml.SequenceNode):
        todo = "write `answers:` and below it `- gate: …` for each answer"
        return AnswerFile([]), [Problem(f"{shown}:1", "the file holds no list of answers", None, todo)]
    entries = list[AnswerEntry]()
    problems = [
        Problem(f"{shown}:{key.start_mark.line + 1}", f"'{key.value}' appears twice in one answer", None, "keep one")
        for key, _ in doubled_names(root)
    ]
    for node in root.value:
        where = f"{shown}:{node.start_mark.line + 1}"
        if not isinstance(node, yaml.MappingNode):
            problems.append(Problem(where, "this is no answer", None, "write `- gate: …`, and below it `record:`"))
            continue
        try:
            values = cast("dict[str, JsonValue]", plain_value(node, ConfigLoader))
        except UNREADABLE_YAML as error:
            problems.append(Problem(where, f"this cannot be read: {str(error).splitlines()[0]}"))
            continue
        places = {str(key.value): f"{shown}:{key.start_mark.line + 1}" for key, _ in node.value}
        entries.append(AnswerEntry(where, {str(name): value for name, value in values.items()}, places))
    return AnswerFile(entries), problems
