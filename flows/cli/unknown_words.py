"""Words of the console script that name no flow: what was meant, and what to type instead."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from contract.errors import Problem
from flows.cli.verbs import VERBS

_QUESTION_WORDS = 3
"""So many words in a row, none of which is a flow, are a text without quotation marks."""


def unknown_words(words: Sequence[str], names: Sequence[str], own: Path | None) -> Problem:
    """The mistake in words without a flow: a study's folder or file, a flow elsewhere, texts, a question, a slip.

    `names` are the flows that there are, `own` is the study's folder.
    """
    from agents.safety.paths import is_there
    from flows.config.diagnostics import closest_name, there_are
    from flows.config.stray_words import flow_elsewhere, study_line

    word = words[0]
    where = f"command line: {word}"
    if own and (elsewhere := flow_elsewhere(word, names, own)):
        return Problem(where, f"there is no flow '{word}'", todo=elsewhere)
    if line := study_line(word):
        return Problem(where, "a study is named by its folder and its flow", todo=f"write {line}")
    if elsewhere := flow_elsewhere(word, names, None):
        return Problem(where, f"there is no flow '{word}'", todo=elsewhere)
    if is_there(Path(word)):
        todo = f"write for example judger records={shlex.quote(word)}"
        return Problem(where, "texts are given to a flow, which stands first", todo=todo)
    near = closest_name(word, [*names, *VERBS])
    text = " ".join(words)
    if not near and (" " in word or text.endswith("?") or len(words) >= _QUESTION_WORDS):
        todo = f"write for example osb {shlex.quote(text)}"
        return Problem(f"command line: {text}", "a question is asked of a flow, which stands first", todo=todo)
    return Problem(where, "this is no flow and no verb", near, there_are(names))
