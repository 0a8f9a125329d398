"""Verbs and options that are none: what was meant."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from agents.safety.yaml_mistakes import LONG_DASHES
from contract.errors import Problem, StudyError
from flows.config.diagnostics import display_argument
from flows.config.stray_words import shell_setting

_DASHED_SETTING = re.compile(rf"[{LONG_DASHES}]{{1,2}}[A-Za-z_][\w.-]*=")
_FOLDER_SETTING = re.compile(r"config[-_]?dir=")
_SEE_HELP = "--help names the options; a setting is name=value"
_NEAR = 0.75


def given_once(option: str, values: Sequence[Path] | None) -> Path | None:
    """The value of an option. Raises StudyError for two: one would count, and nobody would know of the other."""
    different = list(dict.fromkeys(values or ()))
    if len(different) > 1:
        where = f"command line: {option} {display_argument(str(different[1]))}"
        before = display_argument(str(different[0]))
        raise StudyError([Problem(where, f"{option} is given twice, before this with {before}", None, "give it once")])
    return different[0] if different else None


def is_misspelt_option(text: str, parser: argparse.ArgumentParser) -> bool:
    """Whether a word that is no option is written like one: with a hyphen, or with a long dash before a name."""
    is_dashed = _DASHED_SETTING.match(text) or (text.startswith(tuple(LONG_DASHES)) and _near_option(text, parser))
    return text.startswith("-") or bool(is_dashed) or bool(_FOLDER_SETTING.match(text))


class Parser(argparse.ArgumentParser):
    """Tells its mistakes as all others are told, in place of its usage."""

    def error(self, message: str) -> NoReturn:
        """Raises StudyError."""
        option, _, what = message.removeprefix("argument ").partition(": ")
        todo = _SEE_HELP
        if "expected one argument" in what:
            what = "the name behind it is missing"
            todo = f"write {option} {'my_study' if option == '--config-dir' else 'answers.yaml'}"
        raise StudyError([Problem(f"command line: {option}", what or "this is not understood", None, todo)])


def unknown_option(arguments: Sequence[str], parser: argparse.ArgumentParser) -> Problem:
    """The mistake of the first argument that is written like an option and is none."""
    number, text = next(
        (number, text)
        for number, text in enumerate(arguments)
        if is_misspelt_option(text, parser) and text.partition("=")[0] not in _options(parser)
    )
    where = f"command line: {display_argument(text)}"
    name, equals, value = _without_dashes(text).partition("=")
    if near := _near_option(text, parser):
        what = "there is no such option" if text.startswith("-") else "an option begins with two hyphens"
        following = arguments[number + 1 : number + 2]
        if near == "--config-dir" and not equals and following and not following[0].startswith("-"):
            equals, value = " ", shlex.quote(following[0])
        return Problem(where, what, near, f"write {near}{equals}{value}")
    if not equals:
        following = arguments[number + 1 : number + 2]
        value = following[0] if following and not following[0].startswith("-") else "…"
    if len(name) == 1 or value == "…":
        return Problem(where, "there is no such option", None, _SEE_HELP)
    todo = f"write {shell_setting(name, value)}"
    return Problem(where, "there is no such option; a setting is written without dashes, as name=value", None, todo)


def _near_option(text: str, parser: argparse.ArgumentParser) -> str | None:
    name = _without_dashes(text).partition("=")[0].replace("_", "-")
    known = [option for option in _options(parser) if option.startswith("--")]
    return next(iter(get_close_matches(f"--{name}", known, n=1, cutoff=_NEAR)), None)


def _options(parser: argparse.ArgumentParser) -> Collection[str]:
    return parser._option_string_actions.keys()  # type: ignore[reportPrivateUsage]


def _without_dashes(text: str) -> str:
    return text.lstrip(f"-{LONG_DASHES}")


def misspelt_verb(word: str, verbs: Collection[str]) -> Problem | None:
    """The mistake of a first word that is nearly a verb; None where it is no verb at all, or a setting."""
    near = get_close_matches(word, verbs, n=1) if "=" not in word else []
    if not near:
        return None
    return Problem(
        f"command line: {word}", f"there is no verb '{word}'", near[0], f"the verbs are {', '.join(sorted(verbs))}"
    )
