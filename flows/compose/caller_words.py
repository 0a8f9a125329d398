"""Mistakes in the words of who called: Python and MCP clients give arguments, and have typed no command."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace

from contract.errors import COMMAND_LINE, Problem, StudyError

_TYPED = re.compile(rf"(?:{COMMAND_LINE}: )?[+~]*([A-Za-z_][\w.@/-]*)=(?!.*\.\w+:\d+$)", re.DOTALL)
_OF_RECORDS = re.compile(r"=…(, number \d+)$")
_ADVICE = re.compile(r"\b(?:write|give|add) ([a-z_]+(?:\.[\w…]+)*)=(\"[^\"]*\"|\[[^\]]*\]|[^\s;)]*)")
_ALSO = re.compile(r"\b(with) ([a-z_]+(?:\.\w+)*)=([\w.]+|…)")
_PLACE = " on the command line"


@contextmanager
def in_words_of(caller: str, dots: str = ".") -> Generator[None]:
    """Mistakes that are raised within are told to somebody who called `caller` with arguments.

    `dots` is how the caller writes the dot within the name of a setting of the configuration.
    """
    try:
        yield
    except StudyError as error:
        raise type(error)(told_to(caller, error.problems, dots)) from None


def told_to(caller: str, problems: Iterable[Problem], dots: str = ".") -> list[Problem]:
    """The problems, each with the caller's argument in the place of what would be typed at a command line."""
    return [_told(caller, problem, dots) for problem in problems]


def _told(caller: str, problem: Problem, dots: str) -> Problem:
    typed = _TYPED.match(problem.where)
    if typed:
        part = _OF_RECORDS.search(problem.where)
        where = f"{caller}: argument `{_named(typed[1], dots)}`{part[1] if part else ''}"
    elif problem.where.startswith(COMMAND_LINE):
        # Without the words that stand for a whole command, and with those that show what of it is meant.
        where = ": ".join(
            [caller, *([shown] if (shown := problem.where.removeprefix(COMMAND_LINE).lstrip(": ")) else [])]
        )
    else:
        where = problem.where
    texts = (None if text is None else _advice(text, dots) for text in (problem.what, problem.todo))
    return replace(problem, where=where, **dict(zip(("what", "todo"), texts, strict=True)))


def _advice(text: str, dots: str) -> str:
    """`write rows=answers` as a call takes it."""

    def given(found: re.Match[str]) -> str:
        value = found[2].strip("\"'")
        as_value = f" the value `{value}`" if value not in ("", "…") else ""
        return f"give `{_named(found[1].removesuffix('.…'), dots)}`{as_value}"

    def beside(found: re.Match[str]) -> str:
        as_value = "" if found[3] == "…" else f" set to `{found[3]}`"
        return f"{found[1]} `{_named(found[2], dots)}`{as_value}"

    return _ALSO.sub(beside, _ADVICE.sub(given, text)).replace(_PLACE, " as an argument")


def _named(name: str, dots: str) -> str:
    is_of_configuration = name.startswith(("run.", "models.", "storage.", "bm.", "llms.", "flows.", "secrets."))
    return name.replace(".", dots) if is_of_configuration else name
