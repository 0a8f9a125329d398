"""Reads what a person wrote as the answer to a question: the same rules for files, forms and the terminal."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from contract.base import JsonValue, thawed
from contract.flow import GateField
from contract.questions import Answer, AnsweredBy, Decision, Question
from flows.config.diagnostics import closest_name
from flows.tables.answers import spelling

_YES = frozenset({"yes", "y", "true", "1"})
_NO = frozenset({"no", "n", "false", "0"})
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
"""In some countries the comma stands before a fraction, in others between thousands."""
_SYNONYMS: Mapping[str, Decision] = {
    "approved": "approve", "yes": "approve", "rejected": "reject", "no": "reject", "modify": "edit", "change": "edit",
}  # fmt: skip
ValueCheck = Callable[[JsonValue], Sequence[str]]
"""Returns what is wrong with a changed value, one sentence each."""


@dataclass(frozen=True)
class AnswerMistake:
    """What is wrong with one part of an answer."""

    name: str
    what: str
    nearest: str | None = None
    todo: str | None = None

    def __str__(self) -> str:
        parts = [self.what, f"did you mean '{self.nearest}'?" if self.nearest else None, self.todo]
        return "; ".join(part for part in parts if part)


@dataclass
class ReadAnswer:
    """An answer, or what is wrong with it; neither where nothing was filled in."""

    answer: Answer | None = None
    mistakes: list[AnswerMistake] = field(default_factory=list[AnswerMistake])


def read_answer(
    question: Question,
    values: Mapping[str, JsonValue],
    via: AnsweredBy,
    by: str = "",
    check_value: ValueCheck | None = None,
    *,
    options_known: bool = True,
) -> ReadAnswer:
    """The answer that `values` give, by the names of a file's columns: decision, value, choice, comment, by, fields.

    `by` is who answered where the values do not say so. Without `options_known`, a choice is not compared with them.
    """
    return _Reader(question, values, check_value, options_known).read(via, by)


class _Reader:
    def __init__(
        self, question: Question, values: Mapping[str, JsonValue], check: ValueCheck | None, options_known: bool
    ) -> None:
        self._question = question
        self._values = {name: value for name, value in values.items() if not _is_blank(value)}
        self._check_value = check
        self._options_known = options_known
        self._found = ReadAnswer()

    def read(self, via: AnsweredBy, by: str) -> ReadAnswer:
        decision = self._decision()
        if decision is None:
            return self._found
        fields = self._fields(decision)
        value = self._decided_value(decision)
        if self._found.mistakes:
            return self._found
        difference = ""
        if decision == "edit":
            difference = difference_of(self._question.value, value)
            # What was changed into itself was approved.
            decision = decision if difference else "approve"
        self._found.answer = Answer(
            decision=decision, value=value, fields=fields, comment=self._text("comment"), by=self._text("by") or by,
            at=datetime.now(UTC), via=via, difference=difference,
        )  # fmt: skip
        return self._found

    def _decision(self) -> Decision | None:
        """The decision; None where there is none, with a mistake where only that is missing."""
        allowed = self._question.decisions
        given = str(self._values.get("decision", "")).strip().lower()
        if given in ("later", "none"):
            return None
        if isinstance(self._values.get("decision"), bool):
            given = "approve" if self._values["decision"] else "reject"
        if given:
            decision = _SYNONYMS.get(given, given) if given not in allowed else given
            if decision in allowed:
                return next(one for one in allowed if one == decision)
            self._mistake("decision", f"'{given}' is no decision here", closest_name(given, allowed), _choices(allowed))
            return None
        filled = [name for name in (*self._question.fields, "value", "choice") if name in self._values]
        if not self._question.decide:
            return "answer" if filled else None
        if filled or "comment" in self._values:
            self._mistake("decision", "the decision is missing", None, _choices(allowed))
        return None

    def _fields(self, decision: Decision) -> dict[str, JsonValue]:
        found = dict[str, JsonValue]()
        for name, asked in self._question.fields.items():
            if name in self._values:
                found[name] = self._field(name, asked, self._values[name])
            elif asked.default is not None:
                found[name] = asked.default
            elif decision in ("approve", "edit", "choose", "answer"):
                todo = asked.description or f"write {_type_words(asked)}"
                self._mistake(name, f"'{name}' is missing", None, todo)
        return found

    def _field(self, name: str, asked: GateField, given: JsonValue) -> JsonValue:
        if asked.type == "text":
            return _as_text(given)
        if asked.type == "yes_no":
            word = str(given).strip().lower()
            if word in _YES | _NO:
                return word in _YES
        elif _THOUSANDS.fullmatch(str(given).strip()):
            what = f"'{given}' is one number to some readers and a thousand times as much to others"
            self._mistake(name, what, None, "write it without a sign between thousands")
            return None
        elif (number := _number(given)) is not None:
            return number
        self._mistake(name, f"'{given}' is not {_type_words(asked)}", None, None)
        return None

    def _decided_value(self, decision: Decision) -> JsonValue:
        question = self._question
        if decision == "edit":
            return self._edited()
        if decision == "choose":
            return self._chosen()
        if "choice" in self._values:
            self._mistake("choice", f"there is a choice, but the decision is '{decision}'", None, "write choose")
        if "value" in self._values and difference_of(question.value, self._values["value"]):
            todo = "write edit as the decision" if "edit" in question.decisions else "leave the value out"
            self._mistake("value", f"the value was changed, but the decision is '{decision}'", None, todo)
        return thawed(question.value)

    def _edited(self) -> JsonValue:
        if "value" not in self._values:
            self._mistake("value", "the changed value is missing", None, "write it whole, as it is to go on")
            return None
        value, shown = self._values["value"], thawed(self._question.value)
        if not self._options_known:
            return self._verdicts(value)
        if isinstance(shown, str):
            value = _as_text(value)
        elif isinstance(value, str) and shown is not None and not isinstance(shown, str):
            value = self._parsed(value, _kind(shown))
        if not self._found.mistakes and shown is not None and _kind(value) != _kind(shown):
            self._mistake("value", f"what was shown is {_kind(shown)}, and this is {_kind(value)}")
        value = self._verdicts(value)
        for problem in self._check_value(value) if self._check_value and not self._found.mistakes else ():
            self._mistake("value", problem)
        return value

    def _verdicts(self, value: JsonValue) -> JsonValue:
        """One verdict, or a list of them, as several models gave them; each as its criterion writes it."""
        if not self._question.allowed or self._found.mistakes:
            return value
        return [self._verdict(one) for one in value] if isinstance(value, list) else self._verdict(value)

    def _verdict(self, value: JsonValue) -> JsonValue:
        allowed = self._question.allowed
        same = [one for one in allowed if spelling(one) == spelling(_as_text(value))]
        if value in allowed:
            return value
        if len(same) == 1:
            return same[0]
        near = closest_name(str(value), allowed)
        self._mistake("value", f"'{_as_text(value)}' is no verdict here", near, f"there are {', '.join(allowed)}")
        return value

    def _parsed(self, text: str, kind: str) -> JsonValue:
        """The value that a text in a table, a form or at the terminal says."""
        try:
            return json.loads(text)
        except ValueError:
            what = f"what was shown is {kind}, and this cannot be read as one"
            self._mistake("value", what, None, "copy it as it was shown, with its signs, and change only words")
            return None

    def _chosen(self) -> JsonValue:
        options = [thawed(one) for one in self._question.options]
        given = self._values.get("choice")
        if given is None:
            self._mistake("choice", "the choice is missing", None, _option_words(options))
            return None
        if not self._options_known:
            return given
        number = str(given).partition(":")[0].strip()
        for option in options:
            if option == given or option == _as_text(given):
                return option
        if isinstance(given, int | float | str) and number.isdecimal() and 1 <= int(number) <= len(options):
            return options[int(number) - 1]
        near = closest_name(str(given), [str(one) for one in options])
        self._mistake("choice", f"'{given}' is none of the options", near, _option_words(options))
        return None

    def _text(self, name: str) -> str:
        return _as_text(self._values.get(name, "")).strip()

    def _mistake(self, name: str, what: str, nearest: str | None = None, todo: str | None = None) -> None:
        self._found.mistakes.append(AnswerMistake(name, what, nearest, todo))


def difference_of(before: Any, after: Any) -> str:
    """The change as a unified diff, line by line; empty where there is none."""
    lines = [_lines(thawed(value)) for value in (before, after)]
    return "\n".join(difflib.unified_diff(lines[0], lines[1], "shown", "changed", lineterm=""))


def option_labels(options: Sequence[Any]) -> list[str]:
    """What a person picks in a form: `1: the first one`."""
    return [f"{number}: {shown_text(thawed(one))[:80]}" for number, one in enumerate(options, 1)]


def shown_text(value: JsonValue) -> str:
    """A value as a person reads it."""
    return value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)


def _lines(value: JsonValue) -> list[str]:
    return shown_text(value).splitlines()


def _as_text(value: JsonValue) -> str:
    """A text as it was written: YAML reads `comment: no` as a truth value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_blank(value: JsonValue) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _number(given: JsonValue) -> float | None:
    """The number, with a point or a comma before its fraction; None for what is none, such as `nan`."""
    try:
        number = float(str(given).strip().replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) and not isinstance(given, bool) else None


def _kind(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, dict):
        return "a set of names and values"
    if isinstance(value, list):
        return "a list"
    return "a text" if isinstance(value, str) else "a number"


def _type_words(asked: GateField) -> str:
    return {"yes_no": "yes or no", "number": "a number", "text": "a text"}[asked.type]


def _choices(allowed: Sequence[str]) -> str:
    return f"write {', '.join(allowed[:-1])} or {allowed[-1]}" if len(allowed) > 1 else f"write {allowed[0]}"


def _option_words(options: Sequence[JsonValue]) -> str:
    return f"write its number, 1 to {len(options)}, or the option itself" if options else "write the option"
