"""The verb `list`: everything that a study may name, or one kind of it, or what has one name."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from agents.base.entry_points import OUR_PACKAGE
from agents.safety.paths import is_folder
from contract.errors import Problem, StudyError
from flows.config.diagnostics import closest_name
from flows.config.listing import CatalogueEntry, list_all
from flows.config.named_folder import config_dir_problem
from flows.config.plugin_names import plugin_problems
from flows.files.control_characters import terminal_text


def list_names(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Prints the entries; where `words` are given, those of a kind or name among them. Returns the exit code.

    Raises StudyError for a word that is neither.
    """
    if problem := config_dir_problem(options.config_dir):
        raise StudyError([problem])
    found = list_all(options.config_dir)
    problems = plugin_problems()
    for problem in problems:
        print(terminal_text(str(problem)), file=sys.stderr)
    shown = _only(found, words)
    if options.json:
        print(json.dumps([asdict(one) for one in shown], indent=2, ensure_ascii=False))
    else:
        _print(shown)
    return 2 if problems else 0


def _only(found: Sequence[CatalogueEntry], words: Sequence[str]) -> Sequence[CatalogueEntry]:
    kinds = list(dict.fromkeys(one.kind for one in found))
    kind_of = {form: kind for kind in kinds for form in (kind, f"{kind}s")} | {"criteria": "criterion"}
    names = {one.name for one in found}
    wrong = [_problem(word, [*kind_of, *names], kinds) for word in words if word not in kind_of and word not in names]
    if wrong:
        raise StudyError(wrong)
    return [one for one in found if one.name in words or one.kind in map(kind_of.get, words)] if words else found


def _problem(word: str, known: Sequence[str], kinds: Sequence[str]) -> Problem:
    where, what = f"command line: {word[:80]}", f"nothing is called '{word[:80]}', and no kind of thing"
    if is_folder(Path(word)):
        return Problem(where, f"{what}; it is a folder", todo=f"to list what it holds, write list --config-dir {word}")
    todo = f"write list alone, or a name, or one of {', '.join(kinds)}"
    return Problem(where, what, nearest=closest_name(word, known), todo=todo)


def _print(shown: Sequence[CatalogueEntry]) -> None:
    kind = ""
    for one in shown:
        if one.kind != kind:
            kind = one.kind
            print(f"\n{kind}")
        by = f"  ({one.package})" if one.package and not one.package.startswith(f"{OUR_PACKAGE} ") else ""
        print("  " + terminal_text(f"{one.name:<24}{one.about}{by}".replace("\n", " ")).rstrip())
