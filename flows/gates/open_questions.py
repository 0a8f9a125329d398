"""What waits for a person: the open questions of run folders, and of a storage of results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.safety.yaml_reader import UNREADABLE_YAML, read_yaml
from contract.errors import RunError
from contract.questions import Question
from flows.files.checksums import FILLED_IN_LATER
from flows.files.regular_file import refuse_unless_regular
from flows.gates.answer_file import read_answer_file
from flows.gates.kept_answers import KeptAnswers
from flows.gates.unreadable import all_readable
from flows.results.open import result_store


@dataclass(frozen=True)
class WaitingRun:
    """A run that waits, as it was left behind."""

    folder: Path
    file: Path
    """`waiting.yaml`, or `waiting.csv`."""
    questions: tuple[Question, ...]
    """Those that nobody has answered since."""
    asked: tuple[Question, ...]
    """All that the run had left open."""
    unknown: tuple[str, ...]
    """Keys of questions that the storage of results does not hold: the run has kept its answers in another one."""
    command: str
    """What goes on; empty where the file does not say."""
    results: str | None
    """Where its answers are kept, as the study names it."""


async def waiting_run(folder: Path, results: str | None = None) -> WaitingRun | None:
    """What waits in the folder of a run; None where that run has left no question. Raises StorageError."""
    file = next((path for name in sorted(FILLED_IN_LATER) if (path := folder / name).is_file()), None)
    if file is None:
        return None
    named = results or _text_in_head(file, "results") or _results_of(folder)
    kept = KeptAnswers(result_store(named))
    entries, _ = read_answer_file(file)
    keys = [key for entry in entries.entries if (key := entry.text("key"))]
    questions = dict(zip(keys, await all_readable([kept.question(key) for key in keys]), strict=True))
    asked = [one for one in questions.values() if one]
    unknown = tuple(key for key, one in questions.items() if one is None)
    answers = await all_readable([kept.get(one) for one in asked])
    still_open = [one for one, answer in zip(asked, answers, strict=True) if answer is None]
    return WaitingRun(folder, file, tuple(still_open), tuple(asked), unknown, _text_in_head(file, "command"), named)


async def waiting_runs(folder: Path, results: str | None = None) -> list[WaitingRun]:
    """The runs below `folder` with open questions, or with some of which nothing is known, the latest first.

    A question counts for the latest run that asked it.
    """
    found, seen = list[WaitingRun](), set[str]()
    for path in sorted(_run_folders(folder), key=lambda path: path.name, reverse=True):
        run = await waiting_run(path, results)
        new = {*(one.key for one in run.questions), *run.unknown} - seen if run else set[str]()
        if run and new:
            seen |= new
            found.append(run)
    return found


def _run_folders(folder: Path) -> Iterator[Path]:
    files = (path for name in FILLED_IN_LATER for path in folder.glob(f"*/*/{name}"))
    yield from {path.parent for path in files if path.is_file() and not path.parent.is_symlink()}


def _results_of(folder: Path) -> str | None:
    """The storage of results that the run's manifest names; None for the user's own."""
    try:
        refuse_unless_regular(folder / "manifest.json")
        manifest: Any = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        found = manifest["config"]["run"]["results"]
    except (RunError, OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) and found else None


def _text_in_head(file: Path, name: str) -> str:
    if file.suffix != ".yaml":
        return ""
    head = file.read_text(encoding="utf-8").partition("\nanswers:")[0]
    try:
        found: Any = read_yaml(head)
    except UNREADABLE_YAML:
        return ""
    return str(found.get(name, "")) if isinstance(found, dict) else ""  # type: ignore[reportUnknownMemberType]
