"""How people's answers, and how they are read, are shown to the author of a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from flows.config.diagnostics import join_names
from flows.config.stray_words import shell_setting
from flows.tables.answers import Reading

_MAX_EXAMPLES = 5
_MAX_VERDICTS = 12
"""Verdicts that are listed with the answers that mean them; people may give as many numbers as there are records."""


def label_settings(readings: Iterable[Reading], verdict: str) -> str:
    """The settings that say what answers mean, as they are typed."""
    answers = [reading.answer.strip() for reading in readings]
    return " ".join(shell_setting(f"labels.{answer}", verdict) for answer in answers[:_MAX_EXAMPLES])


def shown_answers(readings: Iterable[Reading]) -> str:
    """The answers in quotation marks, the first few of many."""
    return join_names([f"'{reading.answer}'" for reading in readings], _MAX_EXAMPLES)


def readings_text(counts: Mapping[Reading, int]) -> str:
    """`'yes', 'Yes ' as violates (2); no answer: 'NULL' (1)`."""
    answers, totals = dict[str | None, list[str]](), Counter[str | None]()
    for reading, count in counts.items():
        if reading.how not in ("unknown", "tied"):
            answers.setdefault(reading.verdict, []).append(f"'{reading.answer}'")
            totals[reading.verdict] += count
    read = [(verdict, names) for verdict, names in answers.items() if verdict is not None]
    parts = [
        f"{join_names(names, _MAX_EXAMPLES)} as {verdict} ({totals[verdict]:,})"
        for verdict, names in read[:_MAX_VERDICTS]
    ]
    if len(read) > _MAX_VERDICTS:
        parts.append(f"and {len(read) - _MAX_VERDICTS:,} more")
    if tied := [reading for reading in counts if reading.how == "tied"]:
        number = sum(counts[reading] for reading in tied)
        parts.append(f"left out, since as many people answered otherwise: {shown_answers(tied)} ({number:,})")
    if None in answers:
        parts.append(f"no answer: {join_names(answers[None], _MAX_EXAMPLES)} ({totals[None]:,})")
    return "; ".join(parts)
