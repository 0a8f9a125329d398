"""Codebook: several variables that one criterion asks for, judged in one call, and what was answered to each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from pydantic import Field

from contract.base import Frozen, FrozenMap, JsonValue
from contract.judgements import CodeValue

VariableType: TypeAlias = Literal["choice", "choices", "yes_no", "number", "text", "quotation"]
"""choice: one of the options; choices: any number of them; yes_no; number; text: words of the coder's own; quotation:
words of the record."""
YES_NO = ("yes", "no")
NONE_OF_THEM = "none"
"""The text of an answer that chooses no option."""
SEPARATOR = "; "
"""Stands between options, and between quotations, in the text of an answer."""
_SEPARATORS = (";", "|")
MAX_TEXT = 600


class Variable(Frozen):
    """One thing that a codebook asks of each record."""

    name: str
    type: VariableType
    description: str = ""
    """The question, as judges and coders are shown it."""
    options: tuple[str, ...] = ()
    """For `choice` and `choices`; of an ordered choice from least to most."""
    definitions: FrozenMap = Field(default_factory=dict, validate_default=True)
    """Option -> what it means; options without a definition are left out."""
    ordered: bool = False
    """For `choice`: whether the options have an order."""
    positive: str | None = None
    """For `choice`: the option that precision, recall and F1 are about."""
    level: Literal["interval", "ratio"] = "interval"
    """For `number`."""
    minimum: float | None = None
    maximum: float | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """The texts that an answer is one of; empty where it may be others."""
        return YES_NO if self.type == "yes_no" else self.options if self.type == "choice" else ()

    @property
    def is_in_words(self) -> bool:
        """Whether answers are words, which no coefficient compares."""
        return self.type in ("text", "quotation")

    def text(self, value: CodeValue | JsonValue) -> str | None:
        """An answer as one text, the same for equal answers; None for no answer.

        Raises ValueError, in words for whoever answered, for a value that is no answer to this variable.
        """
        if value is None:
            return None
        match self.type:
            case "choice" | "yes_no":
                return self._one_of(value, self.allowed)
            case "choices":
                chosen = {self._one_of(one, self.options) for one in _listed(value, self.type)}
                return SEPARATOR.join(name for name in self.options if name in chosen) or NONE_OF_THEM
            case "number":
                return self._number(value)
            case "text":
                return str(value).strip() or None
            case "quotation":
                return SEPARATOR.join(str(one).strip() for one in _listed(value, self.type)) or None

    def read(self, text: str) -> JsonValue:
        """The value that a person's text stands for. Raises ValueError as `text` does; None for blanks."""
        text = text.strip()
        if not text:
            return None
        if self.type == "quotation":
            return [line.strip() for line in text.split("\n") if line.strip()]
        if self.type != "choices":
            return text
        if text == NONE_OF_THEM:
            return []
        for sign in _SEPARATORS:
            text = text.replace(sign, "\n")
        parts: list[JsonValue] = [part.strip() for part in text.split("\n") if part.strip()]
        if NONE_OF_THEM in parts:
            raise ValueError(f"'{NONE_OF_THEM}' stands alone: it is no answer beside an option")
        return parts

    def members(self, text: str) -> frozenset[str]:
        """The options in the text of an answer to `choices`."""
        return frozenset() if text == NONE_OF_THEM else frozenset(text.split(SEPARATOR))

    def _one_of(self, value: CodeValue | JsonValue, allowed: Sequence[str]) -> str:
        if value not in allowed:
            raise ValueError(f"'{value}' is none of {', '.join(allowed)}")
        return str(value)

    def _number(self, value: CodeValue | JsonValue) -> str:
        try:
            number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"'{value}' is no number")
        if self.minimum is not None and number < self.minimum:
            raise ValueError(f"{value} is less than {_plain(self.minimum)}")
        if self.maximum is not None and number > self.maximum:
            raise ValueError(f"{value} is more than {_plain(self.maximum)}")
        return _plain(number)


class CodedExample(Frozen):
    """A text that was coded, as judges are shown it."""

    text: str = Field(min_length=1, max_length=2000)
    codes: FrozenMap
    """Variable -> the text of its answer; variables may be left out."""
    reason: str = Field(default="", max_length=600)


class Codebook(Frozen):
    """The variables of a criterion, in the order in which they are asked."""

    variables: tuple[Variable, ...] = Field(min_length=1)
    examples: tuple[CodedExample, ...] = ()

    def variable(self, name: str) -> Variable | None:
        """The variable of that name; None where there is none."""
        return next((one for one in self.variables if one.name == name), None)


def variable_name(criterion: str, variable: str) -> str:
    """The name of a variable in tables, beside those of criteria: `framing.tone`."""
    return f"{criterion}.{variable}"


def codebook_of(criterion: Any) -> Codebook | None:
    """The codebook of a criterion as a manifest has it; None where it has none."""
    known = cast("Mapping[str, Any]", criterion).get("codebook") if isinstance(criterion, Mapping) else None
    return Codebook.model_validate(known) if known else None


def _listed(value: CodeValue | JsonValue, kind: str) -> list[CodeValue | JsonValue]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"an answer of the type {kind} is a list")
    return list(value)


def _plain(number: float) -> str:
    return str(int(number)) if number.is_integer() else repr(number)
