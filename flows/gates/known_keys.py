"""Which keys in a file of answers can answer nothing: told before a run begins, as far as it is certain then.

A key that is not known may be one that the run will ask for. A key is wrong for certain where it is that of another
question, or differs by a slip of the pen from one that waits: digests are never alike by chance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from pathlib import Path

from contract.errors import Problem, StorageError
from contract.questions import Question
from contract.run import RunSettings
from flows.gates.answer_file import KEY, KEY_TODO, AnswerEntry, AnswerFile, is_answered
from flows.gates.kept_answers import KeptAnswers
from flows.gates.open_questions import waiting_runs
from flows.results.open import result_store

_ALIKE = 0.9
"""How like another key one is that was mistyped: about three of its 64 signs may differ."""


def check_keys(file: AnswerFile, flow: str, run: RunSettings) -> tuple[list[Problem], list[str]]:
    """The keys that answer nothing for certain, and notes on those that answer nothing which waits now."""
    keyed = [one for one in file.entries if KEY.fullmatch(one.text("key")) and is_answered(one)]
    if not keyed:
        return [], []
    # In a thread, since a study may be composed while an event loop runs, as in a notebook.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _check(keyed, flow, run)).result()


async def _check(keyed: Sequence[AnswerEntry], flow: str, run: RunSettings) -> tuple[list[Problem], list[str]]:
    kept, problems, notes, unknown = (
        KeptAnswers(result_store(run.results)),
        list[Problem](),
        list[str](),
        list[AnswerEntry](),
    )
    try:
        for entry in keyed:
            question = await kept.question(entry.text("key"))
            if question is None:
                unknown.append(entry)
            elif other := _other_question(entry, question, flow):
                problems.append(Problem(entry.place("key"), other, None, KEY_TODO))
        runs = await waiting_runs(Path(run.folder), run.results) if unknown else []
    except StorageError as error:
        return [], [f"whether the keys in the file of answers fit is not known before the run: {error}"]
    waiting = {one.key: one for found in runs for one in found.asked if one.flow == flow}
    for entry in unknown:
        near = get_close_matches(entry.text("key"), waiting, n=1, cutoff=_ALIKE)
        if near:
            problems.append(Problem(entry.place("key"), "no question has this key", near[0], KEY_TODO))
        elif _waits_with_another_key(entry, waiting.values()):
            notes.append(
                f"{entry.place('key')}: what waits at '{entry.text('gate')}' for record {entry.text('record')} has "
                "another key; this answer counts only if the run asks and shows something else than waits now"
            )
    return problems, notes


def _other_question(entry: AnswerEntry, question: Question, flow: str) -> str:
    """What the key belongs to, where that is not what the entry names; empty where it is."""
    gate, record = entry.text("gate"), entry.text("record")
    if question.flow != flow:
        return f"this is a key of the flow '{question.flow}'"
    if gate in ("", question.gate) and record in ("", question.record_id):
        return ""
    return f"this is the key of '{question.gate}', record {question.record_id}"


def _waits_with_another_key(entry: AnswerEntry, waiting: Iterable[Question]) -> bool:
    named = entry.text("gate"), entry.text("record"), entry.text("round") or "0"
    return any((one.gate, one.record_id, str(one.round)) == named for one in waiting)
