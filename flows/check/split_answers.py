"""Finds the sign between several answers of people in one cell, where `split` does not name it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from flows.config.stray_words import shell_setting
from flows.tables.answers import AnswerReader, Reading, number_of, spelling

_SIGNS = ("#", ";", "|", ",", "/", "+", "&", "\n")
"""What stands between answers in published tables; a sign that is told of has to divide answers that are known."""
_FRACTION = re.compile(r"\d+\s*/\s*\d+")


def sign_between_answers(answers: Collection[Reading], reader: AnswerReader) -> str | None:
    """The sign that divides answers which cannot be read into such as can, or as stand alone in other rows.

    None where no sign does so for at least one of them.
    """
    alone = {spelling(one.answer) for one in answers}
    for sign in _SIGNS:
        for one in answers:
            if (
                one.how == "unknown"
                and not _is_number(one.answer, sign)
                and _is_of_several(one.answer.split(sign), alone, reader)
            ):
                return sign
    return None


def _is_number(answer: str, sign: str) -> bool:
    """Whether the answer is one number that the sign is a part of: decimals behind a comma, or a fraction."""
    if sign == ",":
        return number_of(answer) is not None
    return sign == "/" and _FRACTION.fullmatch(answer.strip()) is not None


def _is_of_several(parts: list[str], alone: Collection[str], reader: AnswerReader) -> bool:
    given = [part for part in parts if part.strip()]
    return len(given) > 1 and all(_is_known(part, alone, reader) for part in given)


def _is_known(answer: str, alone: Collection[str], reader: AnswerReader) -> bool:
    read = reader.read(answer)
    return read is not None and (read.how != "unknown" or spelling(answer) in alone)


def parts_of(answers: Collection[Reading], sign: str, reader: AnswerReader) -> list[Reading]:
    """How the parts of the answers are read, each once."""
    parts = (part for one in answers for part in one.answer.split(sign))
    return list(dict.fromkeys(read for part in parts if (read := reader.read(part)) is not None))


def split_setting(sign: str) -> str:
    """How to name the sign, in a file and in a command."""
    in_file = f"`split: {json.dumps(sign)}` below `measures:` of the flow"
    return in_file if sign == "\n" else f"{in_file}, or {shell_setting('split', sign)} in the command"
