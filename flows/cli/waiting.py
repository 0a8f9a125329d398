"""The verbs `waiting`, which lists what waits for a person, and `answer`, which answers it."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from contract.errors import Problem, RunError, StudyError
from contract.messages import AgentTrace
from contract.questions import Answer, Question
from flows.accounting.audit import AuditTrail, audit_path
from flows.cli.named_run import run_folder_problem
from flows.cli.terminal import StandardInput, TerminalAsker
from flows.config.diagnostics import Diagnostics, closest_name
from flows.config.folders import display_path
from flows.files.run_data import RunData
from flows.gates.answer_file import (
    AnswerFile,
    answer_problems,
    key_problems,
    mistakes_at,
    read_answer_file,
    record_problems,
)
from flows.gates.kept_answers import KeptAnswers
from flows.gates.open_questions import WaitingRun, waiting_run, waiting_runs
from flows.gates.read_answer import read_answer
from flows.results.open import place_of_results, result_store
from flows.run.people import audit_fields
from flows.server.command_name import command_text

_RUNS = Path("runs")
_SETTINGS = ("run.results", "run.folder", "run.audit")


def list_waiting(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Lists what waits in the runs below `runs/`, or in the folders that `words` name. Returns the exit code."""
    folders, settings = _parse(words)
    results = settings.get("run.results")
    found = asyncio.run(_find(folders, Path(settings.get("run.folder", _RUNS)), results))
    if options.json:
        print(json.dumps([_as_json(run) for run in found], indent=2, ensure_ascii=False))
        return 0
    if not found:
        print("Nothing waits for a person.")
    for run in found:
        if run.unknown:
            print(_unknown_text(run))
        if not run.questions:
            continue
        gates = ", ".join(f"{gate}: {number}" for gate, number in Counter(one.gate for one in run.questions).items())
        noun = "1 question" if len(run.questions) == 1 else f"{len(run.questions)} questions"
        print(f"{display_path(run.folder)}: {noun} ({gates})")
        for who in sorted({one.who for one in run.questions if one.who}):
            print(f"  for {who}")
        print(f"  answer: {command_text('answer', str(display_path(run.folder)))}")
        if run.command:
            print(f"  then:   {run.command}")
    return 0


def answer_run(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Answers what waits in one run: from `--file`, from what stands in its `waiting.yaml`, or at the terminal."""
    folders, settings = _parse(words)
    if len(folders) != 1:
        what = "no run is named" if not folders else "more than one run is named"
        raise StudyError([Problem("command line", what, None, "write for example: answer runs/tox/latest")])
    run = asyncio.run(waiting_run(folders[0].resolve(), settings.get("run.results")))
    if run is None and (problem := run_folder_problem("answer", str(folders[0]))):
        raise StudyError([problem])
    if run is None:
        raise RunError(f"{display_path(folders[0])} has left no question to a person")
    if run.unknown and not run.asked:
        raise RunError(_unknown_text(run))
    trail = AuditTrail(audit_path(Path(settings["run.audit"]) if "run.audit" in settings else None))
    return asyncio.run(_Answering(run, trail, options.json).run(options.file))


@dataclass
class _Answering:
    waiting: WaitingRun
    trail: AuditTrail
    as_json: bool

    def __post_init__(self) -> None:
        self._kept = KeptAnswers(result_store(self.waiting.results))
        self._left = list(self.waiting.questions)
        self._answered = 0
        self._changed = 0
        self._confirmed = 0

    async def run(self, file: Path | None) -> int:
        """Takes what there is, asks for the rest at a terminal, and says how to go on."""
        await self._take_file(file or self.waiting.file, is_named=file is not None)
        if self._left and file is None and sys.stdin.isatty() and not self.as_json:
            await self._ask()
        return self._report()

    async def _take_file(self, path: Path, *, is_named: bool) -> None:
        entries, problems = read_answer_file(path)
        asked = list(self.waiting.asked)
        if is_named:
            traces = self._traces()
            asked += await self._answered_before(traces, asked)
            records = [*(one.record_id for one in asked), *(trace.record_id for trace in traces)]
            problems += record_problems(entries, list(dict.fromkeys(records)))
        problems += key_problems(entries, await self._known_keys(entries, asked))
        problems += answer_problems(entries, {one.gate: one for one in asked})
        answers = list[tuple[Question, Answer]]()
        for entry, question in [(entry, one) for one in asked if (entry := entries.places(one))]:
            read = read_answer(question, entry.values, "file")
            problems += mistakes_at(entry, read.mistakes)
            if read.answer:
                answers.append((question, read.answer))
        mistakes = Diagnostics()
        for problem in problems:
            mistakes.add_problem(problem)
        mistakes.raise_if_any()
        if is_named and not answers:
            raise RunError(f"{display_path(path)} answers nothing that waits in {display_path(self.waiting.folder)}")
        for question, answer in answers:
            await self._keep(question, answer)

    def _traces(self) -> list[AgentTrace]:
        """The cells of the run; none where it was stopped before its folder was complete."""
        try:
            return list(RunData.open(self.waiting.folder).traces())
        except RunError:
            return []

    async def _answered_before(self, traces: Sequence[AgentTrace], asked: Sequence[Question]) -> list[Question]:
        """What the run asked and found answered: an answer may be changed later."""
        keys = {trace.key for trace in traces if trace.answer is not None} - {one.key for one in asked}
        return [one for key in sorted(keys) if (one := await self._kept.question(key))]

    async def _known_keys(self, entries: AnswerFile, asked: Sequence[Question]) -> list[str]:
        """The keys of the run's questions, and those in the file of questions that other runs have asked."""
        known = [one.key for one in asked]
        others = [key for entry in entries.entries if (key := entry.text("key")) and key not in known]
        return [*known, *[key for key in others if await self._kept.question(key)]]

    async def _ask(self) -> None:
        asker = TerminalAsker(Console(stderr=True), _NoDisplay(), StandardInput())
        for question in list(self._left):
            mistakes: Sequence[str] = ()
            while (values := await asker.ask(question, mistakes)) is not None:
                read = read_answer(question, values, "command")
                if read.answer:
                    await self._keep(question, read.answer)
                if not read.mistakes:
                    break
                mistakes = [str(one) for one in read.mistakes]

    async def _keep(self, question: Question, answer: Answer) -> None:
        before = await self._kept.get(question)
        if before and before.covers(answer):
            return
        self._changed += before is not None and not before.decides_as(answer)
        self._confirmed += before is not None and before.decides_as(answer)
        await self._kept.keep(question, answer)
        self.trail.add("question answered", **audit_fields(question, answer))
        self._left = [one for one in self._left if one.key != question.key]
        self._answered += 1

    def _report(self) -> int:
        left, command = len(self._left), self.waiting.command
        if self.as_json:
            print(json.dumps({"answered": self._answered, "open": left, "command": command}, indent=2))
            return 0
        again = [(self._changed, "otherwise than before"), (self._confirmed, "as before, by somebody else")]
        said = ", ".join(f"{number} of them {how}" for number, how in again if number)
        print(f"{self._answered} answered{f' ({said})' if said else ''}, {left} still open.")
        if left and not self._answered:
            print(f"Fill in {display_path(self.waiting.file)} and run this again, or name a file: --file answers.yaml")
        if command and (self._answered or not left):
            print(f"Go on with:\n  {command}")
        return 0


class _NoDisplay:
    @contextmanager
    def paused(self) -> Generator[None]:
        """Nothing is shown that could be in the way."""
        yield


async def _find(folders: Sequence[Path], runs: Path, results: str | None) -> list[WaitingRun]:
    if not folders:
        return await waiting_runs(runs, results)
    mistakes = [one for folder in folders if (one := run_folder_problem("waiting", str(folder)))]
    found = [] if mistakes else [await waiting_run(folder.resolve(), results) for folder in folders]
    if mistakes:
        raise StudyError(mistakes)
    return [run for run in found if run and (run.questions or run.unknown)]


def _unknown_text(run: WaitingRun) -> str:
    """That nothing is known of questions of the run, since the storage of results is another one."""
    number = "1 question" if len(run.unknown) == 1 else f"{len(run.unknown):,} questions"
    return (
        f"{display_path(run.folder)}: {number} in {run.file.name} can be neither shown nor answered here, since "
        f"{place_of_results(run.results)} holds none with that key; "
        "if the run kept its results elsewhere, name the place: run.results=…"
    )


def _as_json(run: WaitingRun) -> Mapping[str, Any]:
    questions = [one.model_dump(mode="json") | {"key": one.key} for one in run.questions]
    return {
        "run": str(run.folder), "file": str(run.file), "questions": questions, "unknown_keys": list(run.unknown),
        "command": run.command,
    }  # fmt: skip


def _parse(words: Sequence[str]) -> tuple[list[Path], dict[str, str]]:
    settings = dict(word.split("=", 1) for word in words if "=" in word)
    for name in settings.keys() - set(_SETTINGS):
        near = closest_name(name, _SETTINGS)
        where, todo = f"command line: {name}={settings[name]}", f"there are {', '.join(_SETTINGS)}"
        raise StudyError([Problem(where, "there is no such setting here", near, todo)])
    folders = [Path(word) for word in words if "=" not in word]
    for folder in folders:
        if not folder.is_dir():
            there = [str(path) for path in folder.parent.glob("*") if path.is_dir()]
            near = closest_name(str(folder), there)
            raise StudyError([Problem(f"command line: {folder}", "there is no such folder of a run", near)])
    return folders, settings
