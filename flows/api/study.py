"""study: a flow with its settings, to check, plan and run from Python.

    from flows import study
    run = study("tox", records=df, llms="lite", sample=50, budget=5).run()
    run.verdicts

The settings are those of the command line, as Python values; all mistakes in them are raised at once.
"""

from __future__ import annotations

import asyncio
from functools import cached_property
from pathlib import Path
from typing import Any

from contract.errors import StudyError
from contract.findings import CitedAnswer
from flows.api.display import PlanView, ProblemsView
from flows.api.execution import RunThread, execute
from flows.api.records import write_records
from flows.api.server import quieten_prefect
from flows.api.settings import as_arguments
from flows.api.study_run import StudyRun
from flows.check.first_rows import preview_with_answers
from flows.check.preview import left_out_text, preview_lines
from flows.compose.caller_words import in_words_of
from flows.compose.compose import compose
from flows.engine.records import notes_before_run
from flows.plan.plan import Plan, plan_with_kept_cells
from flows.spec.study import Study


class StudyHandle:
    """A flow and its settings. Nothing is composed before it is needed, and nothing is run before `run`."""

    def __init__(
        self, flow: str, *, config_dir: str | Path | None = None, records: Any = None, **settings: Any
    ) -> None:
        self.flow = flow
        self._config_dir = Path(config_dir) if config_dir is not None else None
        self._records = records
        self._settings = settings

    def with_settings(self, **settings: Any) -> StudyHandle:
        """Returns the same study with other settings, for example for the next question."""
        return StudyHandle(
            self.flow, config_dir=self._config_dir, records=self._records, **{**self._settings, **settings}
        )

    @cached_property
    def composed(self) -> Study:
        """The study as it would run. Raises StudyError with every mistake."""
        with in_words_of("study(…)", dots="__"):
            [study] = compose([self.flow], self._arguments(), self._config_dir)
        return study

    def check(self) -> ProblemsView:
        """Returns every mistake, without asking any model; empty when there is none.

        As text it also says how the first records are read, and what is left out.
        """
        try:
            study = self.composed
        except StudyError as error:
            return ProblemsView(self.flow, tuple(error.problems))
        preview = preview_with_answers(study)
        notices = (*study.notices, *notes_before_run(study))
        if preview is None:
            return ProblemsView(self.flow, (), notices)
        return ProblemsView(self.flow, (), notices, tuple(preview_lines(preview)), left_out_text([preview]))

    def plan(self) -> PlanView:
        """Returns what a run would do and what it can cost. Raises StudyError."""
        study = self.composed

        async def plan() -> Plan:
            return await asyncio.to_thread(plan_with_kept_cells, study)

        # In a thread, since planning runs an event loop of its own, and a notebook has one already.
        return PlanView(RunThread(plan).wait())

    def run(self) -> StudyRun:
        """Runs the study and waits for it, also where an event loop runs already.

        Ctrl-C stops it within seconds; the same call goes on from there, and nothing is paid for twice. Raises
        StudyError and RunError.
        """
        study = self.composed
        return StudyRun.of(RunThread(lambda: execute(study)).wait())

    async def arun(self) -> StudyRun:
        """Runs the study; for programs with an event loop, which goes on meanwhile."""
        study = self.composed
        return StudyRun.of(await RunThread(lambda: execute(study)).wait_async())

    def ask(self, query: str) -> CitedAnswer:
        """Returns the answer to one question, with its verified citations."""
        return self.with_settings(query=query).run().answer

    async def aask(self, query: str) -> CitedAnswer:
        """Returns the answer to one question, with its verified citations."""
        return (await self.with_settings(query=query).arun()).answer

    def __repr__(self) -> str:
        given = [f"{name}={value!r}" for name, value in self._settings.items()]
        records = [] if self._records is None else ["records=…"]
        return f"study({', '.join([repr(self.flow), *records, *given])})"

    def _arguments(self) -> list[str]:
        settings = dict(self._settings)
        if self._records is not None:
            settings["records"] = self._records_argument()
        return as_arguments(settings)

    def _records_argument(self) -> str:
        if isinstance(self._records, str | Path):
            return str(self._records)
        folder = Path(str(self._settings.get("run__folder", "runs")))
        return str(write_records(self._records, folder / self.flow / "records").resolve())


def study(flow: str, *, records: Any = None, config_dir: str | Path | None = None, **settings: Any) -> StudyHandle:
    """Returns a flow with its settings.

    `records` is a file's path or a storage's name, a data frame, or an iterable of `Record` or dict; what is in memory
    is written to `runs/<flow>/records/`, so that the run can be made again. `config_dir` is the study's folder. All
    other names are settings as on the command line: `llms="lite"`, `sample=50`, `budget=5`,
    `columns={"text": "body"}`, `run__concurrency=4`.
    """
    quieten_prefect()
    return StudyHandle(flow, records=records, config_dir=config_dir, **settings)
