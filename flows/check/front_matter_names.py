"""Notes names in a criterion's front matter that have no effect there, where somebody may expect one.

A front matter may hold any remark. But `ordinal: true` reads as if the verdicts were measured by their order, which the
flow's `measures` decide, and a misspelt `author` is left out of the citation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from agents.prompting.criteria import Criterion
from contract.measures import Level, Measures
from flows.config.folders import display_path

_CITED = ("title", "author", "source", "retrieved")
_LEVEL_NAMES = ("level", "scale", "measure", "level_of_measurement")
_LEVELS = frozenset(get_args(Level))
_LIKENESS = 0.8


def idle_name_notes(criterion: Criterion, path: Path | None, measures: Measures | None) -> Iterator[str]:
    """A note for each name of the criterion's front matter that has no effect and looks as if it had."""
    for name, value in criterion.about.items() if path is not None else ():
        message = _without_effect(name, value, criterion, measures) or _nearly_cited(name, criterion)
        if path is not None and message:
            yield f"{display_path(path)}:{_line_of(name, path)}: `{name}` {message}"


def _without_effect(name: str, value: Any, criterion: Criterion, measures: Measures | None) -> str | None:
    """What to write where the name is of the flow's measures, and the value shows that it is meant so."""
    level = name.lower() if value is True else str(value).lower() if name.lower() in _LEVEL_NAMES else ""
    if level in _LEVELS and level != (measures.level if measures else "nominal"):
        return f"has no effect here; write `level: {level}` below `measures` of the flow"
    if name == "order" and not (measures and measures.order) and _names_all(str(value), criterion.verdicts):
        return "has no effect here; write it below `measures` of the flow"
    positive = measures.positive if measures else Measures.model_fields["positive"].default
    if name == "positive" and value != positive and value in criterion.verdicts:
        return "has no effect here; write it below `measures` of the flow"
    return None


def _names_all(text: str, verdicts: tuple[str, ...]) -> bool:
    return bool(verdicts) and all(re.search(rf"\b{re.escape(verdict)}\b", text) for verdict in verdicts)


def _nearly_cited(name: str, criterion: Criterion) -> str | None:
    missing = [one for one in _CITED if one not in criterion.about]
    near = get_close_matches(name.lower(), missing, n=1, cutoff=_LIKENESS) if name not in _CITED else []
    return f"is cited as a remark; did you mean `{near[0]}`?" if near else None


def _line_of(name: str, path: Path) -> int:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith(f"{name}:")), 1)
