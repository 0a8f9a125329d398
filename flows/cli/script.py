"""The words of the console script: `buttermilk osb "…"`, `buttermilk plan tox records=my.csv`, from any folder.

The script takes shorter words than `python -m flows`: a flow is named without `+flows=`, a question needs no `query=`,
and the study is the folder in which one stands, when that looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.errors import StudyError
from flows.cli.unknown_words import unknown_words
from flows.cli.verbs import VERBS
from flows.config.folders import group_choices, package_config_folder, search_folders

_STUDY_FILES = ("flows/*.yaml", "storage/*.yaml", "models/*.yaml", "criteria/*.md", "local.yaml")
_SETTING = re.compile(r"[+~]{0,2}[\w.@/]+=|config-dir=")
_CONFIG_DIR = "--config-dir"
_WITHOUT_FLOWS = ("list", "new", "server", "report", "replay", "verify", "waiting", "answer")
"""Verbs that take words of their own."""
_WITH_PLAIN_WORDS = ("code",)
"""Verbs that take a flow, and words of their own."""
_OF_EVERY_FLOW = ("check", "serve")
"""Verbs that take all flows of a study when none is named."""


@dataclass(frozen=True)
class Words:
    """The words of a command, as `flows.cli.main` takes them."""

    arguments: Sequence[str]
    flow: str | None = None
    notice: str | None = None
    """Which folder is the study, where no option names it."""


def translate(arguments: Sequence[str], folder: Path) -> Words:
    """Returns the words as those of `python -m flows`. Raises StudyError for words that mean nothing."""
    words, notice = list(arguments), None
    if not any(word.partition("=")[0] == _CONFIG_DIR for word in words) and (study := study_folder(folder)):
        notice = f"Study: {study} (the folder you are in)"
        words += [_CONFIG_DIR, str(study)]
    own = _config_dir(words)
    if own and not own.is_dir():
        # No word can be understood without the folder; what reads it tells which is meant.
        return Words(words)
    verb, words = _take_verb(words)
    if verb in _WITHOUT_FLOWS:
        return Words([verb, *words], notice=notice)
    names = group_choices(search_folders(own), "flows")
    named, words = _take_flow(words, names)
    options, plain = _split(words)
    if not named and not any(word.startswith(("+flows=", "flows=")) for word in options):
        if plain and verb not in _WITH_PLAIN_WORDS:
            raise StudyError([unknown_words(plain, names, own)])
        named = _usual_flows(verb, own)
    parameter = _text_parameter(named[0], own) if named and verb not in _WITH_PLAIN_WORDS else None
    if plain and parameter and not _is_setting_with_blanks(plain):
        settings = [*options, f"{parameter}={' '.join(plain)}"]
    else:
        # Where words name no text, what reads settings tells what was meant; it needs their order.
        settings = [*options, *plain] if verb in _WITH_PLAIN_WORDS else words
    if len(named) > 1:
        settings = [f"+flows={','.join(named)}", *settings]
    flow = named[0] if len(named) == 1 else None
    return Words([*([verb] if verb else []), *settings], flow, notice)


def study_folder(folder: Path) -> Path | None:
    """The folder, or its `conf`, when it looks like a study's; None for the package's own."""
    for candidate in (folder, folder / "conf"):
        is_study = any(next(candidate.glob(pattern), None) for pattern in _STUDY_FILES)
        if is_study and candidate.resolve() != package_config_folder():
            return candidate.absolute()
    return None


def _config_dir(words: Sequence[str]) -> Path | None:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == _CONFIG_DIR:
            return Path(value if equals else following)
    return None


def _take_verb(words: list[str]) -> tuple[str | None, list[str]]:
    """The verb, which stands first or directly after the flow's name; behind a text in quotation marks, anywhere."""
    has_quoted_text = any(" " in word for word in words)
    for position in range(len(words) if has_quoted_text else min(2, len(words))):
        if words[position] in VERBS:
            return words[position], words[:position] + words[position + 1 :]
    return None, words


def _take_flow(words: list[str], names: Sequence[str]) -> tuple[list[str], list[str]]:
    first = next((position for position, word in enumerate(words) if not word.startswith("-")), None)
    if first is not None and words[first] in names:
        return [words[first]], words[:first] + words[first + 1 :]
    return [], words


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Options and settings, and the words that are neither."""
    options, plain = list[str](), list[str]()
    follows_option = is_open = False
    for word in words:
        is_option = follows_option or is_open or word.startswith("--") or _SETTING.match(word)
        (options if is_option else plain).append(word)
        follows_option = word == _CONFIG_DIR
        # `criteria=[a, b]`, which the shell divides at the blank: what reads settings tells it as one mistake.
        is_open = bool(is_option) and "]" not in word and (is_open or "[" in word)
    return options, plain


def _usual_flows(verb: str | None, own: Path | None) -> list[str]:
    """The flows of the study, where it has one, or where the verb takes several."""
    of_study = group_choices((own,), "flows") if own else []
    return of_study if len(of_study) == 1 or verb in _OF_EVERY_FLOW else []


def _is_setting_with_blanks(plain: Sequence[str]) -> bool:
    """Whether the words are a setting such as `query = "Why?"`, and no text that holds the sign."""
    return len(plain) > 1 and plain[1].startswith("=") and plain[0].isidentifier()


def _text_parameter(flow: str, own: Path | None) -> str | None:
    """The parameter that is the flow's one record, such as osb's `query`."""
    for folder in search_folders(own):
        file = folder / "flows" / f"{flow}.yaml"
        if file.is_file():
            found = re.search(r"(?m)^records:\s*[\"']?parameters\.(\w+)", file.read_text(encoding="utf-8"))
            return found[1] if found else None
    return None
