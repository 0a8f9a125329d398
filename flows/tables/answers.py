"""Reads an answer of people as a verdict.

    reader = AnswerReader(measures, verdicts)
    reader.read("Yes ").verdict

Tables write the same answer in several ways: `2` and `2.0`, `TRUE` and `1`, `Yes` and `yes `. Each is read as the label
or the verdict that it is alike, if there is only one; and codes such as `NULL` or `-99` are no answers.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, TypeAlias

from contract.base import JsonValue, thawed
from contract.measures import MISSING, Measures

HowRead: TypeAlias = Literal["exact", "alike", "cut", "folded", "tied", "missing", "unknown"]
"""exact: as `labels` or a verdict has it; alike: as one of them in another spelling; cut: by a number in `labels`;
folded: what most of several answers are; tied: as many of several answers are another; missing: no answer; unknown: a
verdict that no judge may give, or no place on the scale."""

_MISSING_CODES = frozenset({"na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "."})
_NOT_CODED = re.compile(r"-(7+|8+|9+)(\.0+)?")
"""Numbers by which survey software codes an answer that was refused, not known or not given."""
_CUT = re.compile(r"(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)")
_DECIMAL_COMMA = re.compile(r"-?(\d+,(\d{1,2}|\d{4,})|0,\d+)")
"""Not `1,000`, which may be a thousand."""
_TRUE, _FALSE = ("true", "1"), ("false", "0")


@dataclass(frozen=True)
class Reading:
    """One answer and how it was read."""

    answer: str
    """As it stands in the data."""
    verdict: str | None
    """None where it is no answer; the answer itself where it is unknown."""
    how: HowRead


class AnswerReader:
    """Reads the answers to one criterion."""

    def __init__(self, measures: Measures, verdicts: Collection[str] = ()) -> None:
        """`verdicts`: those that a judge may give, empty where they are not known."""
        self._measures = measures
        self._level = measures.level
        self.possible = frozenset(measures.order if measures.level == "ordinal" else verdicts)
        """The verdicts that an answer may be; empty where every answer may be one."""
        self._missing = {spelling(code) for code in measures.missing}
        self._labels = {key: verdict for key, verdict in measures.labels.items() if not is_cut(key)}
        self._cuts = [
            (found[1], float(found[2]), verdict)
            for key, verdict in measures.labels.items()
            if (found := _CUT.fullmatch(key.strip()))
        ]
        self._says_missing = MISSING not in self.possible

    def read(self, value: JsonValue) -> Reading | None:
        """The reading of a value of the ground truth; None for null, NaN and blanks."""
        answers = self._several(value)
        return self._read_one(value) if answers is None else self._fold(answers)

    def read_several(self, values: Sequence[JsonValue]) -> Reading | None:
        """The reading of the answers of several people, one each."""
        return self.read(list(values))

    def _several(self, value: JsonValue) -> Sequence[JsonValue] | None:
        """The answers where there are several; None for one."""
        split = self._measures.split
        if isinstance(value, str):
            whole = value.strip()
            return value.split(split) if split and split in value and whole not in self._labels else None
        if not isinstance(value, list | tuple) or any(text in self._labels for text in text_readings(value)):
            return None
        of_each = [self._several(one) for one in value]
        return [one for answers, single in zip(of_each, value, strict=True) for one in answers or [single]]

    def _fold(self, answers: Sequence[JsonValue]) -> Reading | None:
        read = [reading for answer in answers if (reading := self._read_one(answer)) is not None]
        shown = ", ".join(reading.answer for reading in read)
        if unknown := next((reading for reading in read if reading.how == "unknown"), None):
            return unknown
        verdicts = Counter(reading.verdict for reading in read if reading.verdict is not None)
        if not verdicts:
            return Reading(shown, None, "missing") if read else None
        if self._level in ("interval", "ratio"):
            numbers = [number for verdict in verdicts.elements() if (number := number_of(verdict)) is not None]
            return Reading(shown, text_readings(sum(numbers) / len(numbers))[0], "folded")
        positive = self._measures.positive
        if self._measures.several == "any" and positive in verdicts:
            return Reading(shown, positive, "folded")
        most = verdicts.most_common(2)
        if len(most) == 2 and most[0][1] == most[1][1]:
            return Reading(shown, None, "tied")
        return Reading(shown, most[0][0], "folded" if len(read) > 1 else read[0].how)

    def _read_one(self, value: JsonValue) -> Reading | None:
        texts = text_readings(value)
        if not texts:
            return None
        shown = value if isinstance(value, str) else texts[0]
        exact = next((self._labels[text] for text in texts if text in self._labels), None)
        if exact is not None:
            return self._reading(shown, exact, "exact")
        if texts[0] in self.possible:
            return Reading(shown, texts[0], "exact")
        return self._read_alike(shown, texts[0])

    def _reading(self, shown: str, verdict: str, how: HowRead) -> Reading:
        if verdict == MISSING and self._says_missing:
            return Reading(shown, None, "missing")
        return Reading(shown, verdict, how if not self.possible or verdict in self.possible else "unknown")

    def _read_alike(self, shown: str, text: str) -> Reading:
        key = spelling(text)
        if key in self._missing:
            return Reading(shown, None, "missing")
        if (verdict := self._alike(key)) is not None:
            return self._reading(shown, verdict, "alike")
        if (verdict := self._cut(text)) is not None:
            return self._reading(shown, verdict, "cut")
        if key in _MISSING_CODES or (_NOT_CODED.fullmatch(text) and (self.possible or self._labels)):
            return Reading(shown, None, "missing")
        return Reading(shown, text, "exact" if self._is_verdict(text) else "unknown")

    def _alike(self, key: str) -> str | None:
        """The one verdict whose label, or which itself, is the same in another spelling; None for none or several."""
        spellings = [{key}, *(set(words) for words in (_TRUE, _FALSE) if key in words)]
        for same in spellings:
            for known in (self._labels, {verdict: verdict for verdict in self.possible}):
                found = {verdict for name, verdict in known.items() if spelling(name) in same}
                if found:
                    return found.pop() if len(found) == 1 else None
        return None

    def _cut(self, text: str) -> str | None:
        number = number_of(text)
        if number is None:
            return None
        found = {verdict for sign, bound, verdict in self._cuts if _holds(number, sign, bound)}
        return found.pop() if len(found) == 1 else None

    def _is_verdict(self, text: str) -> bool:
        if self._level in ("interval", "ratio"):
            number = number_of(text)
            return number is not None and (self._level == "interval" or number >= 0)
        return not self.possible


def _holds(number: float, sign: str, bound: float) -> bool:
    return {">=": number >= bound, "<=": number <= bound, ">": number > bound, "<": number < bound}[sign]


@lru_cache(maxsize=10_000)
def spelling(text: str) -> str:
    """What the spellings of one word or number have in common: case, blanks, `_`, `-` and `.0` do not count."""
    number = number_of(text)
    if number is not None:
        return str(int(number)) if number.is_integer() else repr(number)
    return re.sub(r"[\s_-]+", "_", text.strip().casefold()).strip("_") or text


def number_of(text: str) -> float | None:
    """The number that the text is, also with a comma before its decimals; None for words and numbers without end."""
    try:
        number = float(text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text.strip()) else text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def text_readings(value: JsonValue) -> tuple[str, ...]:
    """The readings of a value as text, the best first; none for null, NaN or blank."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ()
    if isinstance(value, bool):
        return (str(value).lower(),)
    if isinstance(value, float) and value.is_integer():
        return (str(int(value)), str(value))
    text = value if isinstance(value, str | int | float) else json.dumps(thawed(value), ensure_ascii=False)
    text = str(text).strip()
    return (text,) if text else ()


def verdict_text(value: JsonValue) -> str | None:
    """A verdict as text; None where there is none."""
    return next(iter(text_readings(value)), None)


def is_cut(label: str) -> bool:
    """Whether a label stands for all numbers on one side of a bound, as `>=0.5` does."""
    return _CUT.fullmatch(label.strip()) is not None


def overlapping_cuts(labels: Mapping[str, str]) -> tuple[str, str] | None:
    """Two keys such as `>=0.5` and `<0.6` that some number fits both of, with different verdicts; None if none do."""
    cuts = [(key, _CUT.fullmatch(key.strip()), verdict) for key, verdict in labels.items()]
    known = [(key, found[1], float(found[2]), verdict) for key, found, verdict in cuts if found]
    bounds = sorted({bound for _, _, bound, _ in known})
    between = [(one + other) / 2 for one, other in pairwise(bounds)]
    for number in (*bounds, *between, *(bound - 1 for bound in bounds[:1]), *(bound + 1 for bound in bounds[-1:])):
        fits = [(key, verdict) for key, sign, bound, verdict in known if _holds(number, sign, bound)]
        for key, verdict in fits[1:]:
            if verdict != fits[0][1]:
                return fits[0][0], key
    return None
