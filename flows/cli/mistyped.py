"""Verbs and options that are none: what was meant."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from contract.errors import Problem
from flows.config.diagnostics import display_argument
from flows.config.stray_words import shell_setting

_LONG_DASHES = "–—"
"""What a word processor makes of two dashes."""


def unknown_option(arguments: Sequence[str], parser: argparse.ArgumentParser) -> Problem:
    """The mistake of the first argument that is written like an option and is none."""
    known = [text for text in parser._option_string_actions if text.startswith("--")]  # type: ignore[reportPrivateUsage]
    number, text = next(
        (number, text)
        for number, text in enumerate(arguments)
        if text.startswith(("-", *_LONG_DASHES)) and text.partition("=")[0] not in parser._option_string_actions  # type: ignore[reportPrivateUsage]
    )
    where = f"command line: {display_argument(text)}"
    name, equals, value = text.lstrip(f"-{_LONG_DASHES}").partition("=")
    option = f"--{name.replace('_', '-')}"
    if near := get_close_matches(option, known, n=1, cutoff=0.75):
        what = "there is no such option" if text.startswith("-") else "an option begins with two short dashes"
        return Problem(where, what, near[0], f"write {near[0]}")
    if not equals:
        following = arguments[number + 1 : number + 2]
        value = following[0] if following and not following[0].startswith("-") else "…"
    todo = f"write {shell_setting(name, value)}"
    return Problem(where, "there is no such option; a setting is written without dashes, as name=value", None, todo)


def misspelt_verb(word: str, verbs: Collection[str]) -> Problem | None:
    """The mistake of a first word that is nearly a verb; None where it is no verb at all, or a setting."""
    near = get_close_matches(word, verbs, n=1) if "=" not in word else []
    if not near:
        return None
    return Problem(
        f"command line: {word}", f"there is no verb '{word}'", near[0], f"the verbs are {', '.join(sorted(verbs))}"
    )
