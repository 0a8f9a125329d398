"""`waiting.yaml` of a run: what waits for a person, with what is to be shown, ready to be filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from contract.base import JsonValue, thawed
from contract.flow import GateField
from contract.questions import Question
from flows.files.atomic import write_text
from flows.gates.read_answer import option_labels, shown_text
from flows.tables.csv_text import write_csv

WAITING_FILE = "waiting.yaml"
WAITING_TABLE = "waiting.csv"
"""Instead of the YAML file where more wait than one can read in it."""
MAX_IN_YAML = 1000
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_HEAD = """\
# What waits for you in this run. Fill in the lines below each question, save the file, and go on with `command`.
# What you leave empty goes on waiting. Leave `key` as it is: it says exactly what was shown.
"""


def questions_wait(questions: Sequence[Question]) -> str:
    """`1 question waits`, `200 questions wait`."""
    return "1 question waits" if len(questions) == 1 else f"{len(questions):,} questions wait"


def write_waiting(folder: Path, questions: Sequence[Question], command: str, results: str | None = None) -> Path:
    """Writes the open questions into the run's folder; returns the file.

    `command` says how to go on, `results` where answers are kept.
    """
    if len(questions) > MAX_IN_YAML:
        path = folder / WAITING_TABLE
        rows = _rows(questions)
        write_csv(path, list(rows[0]), (list(row.values()) for row in rows))
        return path
    path = folder / WAITING_FILE
    entries = "\n".join(_entry(one) for one in questions)
    # As a block, so that the command can be copied as it stands.
    copied = " ".join(command.split("\n"))
    kept = f"results: {_inline(results)}\n" if results else ""
    write_text(path, f"{_HEAD}run: {_inline(folder.name)}\n{kept}command: |-\n  {copied}\nanswers:\n{entries}")
    return path


def waiting_path(folder: Path, questions: Sequence[Question]) -> Path:
    """Where those questions stand, or will."""
    return folder / (WAITING_TABLE if len(questions) > MAX_IN_YAML else WAITING_FILE)


def _rows(questions: Sequence[Question]) -> list[dict[str, Any]]:
    fields = dict.fromkeys(name for one in questions for name in one.fields)
    blanks = dict.fromkeys(["decision", "value", "choice", *fields, "comment", "by"], "")
    return [
        {"gate": one.gate, "record": one.record_id, "round": one.round or "", "question": one.question,
         "shown": shown_text(thawed(one.shown)), **blanks, "key": one.key}
        for one in questions
    ]  # fmt: skip


def _entry(question: Question) -> str:
    shown: dict[str, JsonValue] = {"gate": question.gate, "record": question.record_id}
    if question.round:
        shown["round"] = question.round
    shown["question"] = question.question
    if question.shown:
        shown["shown"] = thawed(question.shown)
    if question.options:
        shown["shown"] = {**thawed(question.shown), "options": list(option_labels(question.options))}
    lines = [*_dumped(shown), *_blanks(question), f"key: {question.key}"]
    return "".join(f"{'- ' if number == 0 else '  '}{line}".rstrip() + "\n" for number, line in enumerate(lines))


def _blanks(question: Question) -> Iterable[str]:
    if question.decide:
        yield f"decision:  # {', '.join(question.decide)}"
    if "edit" in question.decide:
        yield "value:  # for edit: all of it, as it is to go on"
    if "choose" in question.decide:
        yield "choice:  # for choose: the number of the option"
    for name, field in question.fields.items():
        yield f"{name}:  # {_field_words(field)}"
    yield "comment:"
    yield "by:"


def _field_words(field: GateField) -> str:
    kind = {"yes_no": "yes or no", "number": "a number", "text": "text"}[field.type]
    default = "" if field.default is None else f"; without it, {field.default!r}"
    about = f": {' '.join(field.description.split())}" if field.description else ""
    return f"{kind}{default}{about}"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, as a person writes them."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Signs that change the direction of writing could make one word look like another.
    text = _DIRECTIONS.sub("\ufffd", text)
    style = "|" if "\n" in text.strip() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)  # type: ignore[reportUnknownMemberType]


_Dumper.add_representer(str, _represent_text)


def _dumped(values: dict[str, JsonValue]) -> list[str]:
    text: str = yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text.splitlines()


def _inline(text: str) -> str:
    return yaml.dump(text, Dumper=yaml.SafeDumper, width=100_000, allow_unicode=True).splitlines()[0]
