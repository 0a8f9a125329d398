"""Reads people's answers to a variable of which several options may be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contract.base import JsonValue
from contract.codebook import NONE_OF_THEM, Variable
from contract.measures import Measures
from flows.tables.answers import AnswerReader, Reading, spelling, text_readings

TRUTH_VALUES: Mapping[str, str] = {"true": "yes", "1": "yes", "false": "no", "0": "no"}
"""How tables write yes and no, beside the words."""


class ChoicesReader(AnswerReader):
    """An answer is a list of options, or a text with `;` or `|` between them, and `none` for no option.

    Each option is read as a verdict is; one that is unknown makes the answer unknown.
    """

    def __init__(self, measures: Measures, variable: Variable, *, of_people: bool = False) -> None:
        """`of_people`: a list is one answer each of several people, not several options of one."""
        super().__init__(measures, variable.options)
        self._variable = variable
        self._of_people = of_people

    def read_several(self, values: Sequence[JsonValue]) -> Reading | None:
        return self._fold(values)

    def _several(self, value: JsonValue) -> Sequence[JsonValue] | None:
        return value if self._of_people and isinstance(value, list | tuple) else None

    def _read_one(self, value: JsonValue) -> Reading | None:
        shown = next(iter(text_readings(value)), None)
        if shown is None:
            return None
        if shown in ("[]", NONE_OF_THEM):
            return Reading(shown, NONE_OF_THEM, "exact")
        parts = value if isinstance(value, list | tuple) else self._variable.read(shown)
        read_option = super()._read_one
        each: Sequence[JsonValue] = parts if isinstance(parts, list | tuple) else ()
        read = [one for part in each if (one := read_option(part)) is not None]
        if any(one.how == "unknown" for one in read):
            return Reading(shown, shown, "unknown")
        chosen: list[JsonValue] = [one.verdict for one in read if one.verdict is not None]
        if not chosen:
            return Reading(shown, None, "missing") if read else None
        text = self._variable.text(chosen)
        return Reading(shown, text, "exact" if spelling(shown) == spelling(text or "") else "alike")
