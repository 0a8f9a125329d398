"""Corrections: a verdict of a model that a person marks as wrong; gold for the next run, and no change of this one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from contract.base import Frozen
from contract.errors import RunError, StorageError
from contract.gold import GoldEntry
from flows.coding.access import Access
from flows.coding.answer_log import MAX_TEXT_CHARACTERS
from flows.coding.app import for_person, read_body
from flows.files.gold_set import GoldSet, add_to_gold, read_gold
from flows.files.run_data import RunData
from flows.server.command_name import command_text
from flows.tables.coded_variables import judged_in_run

_POLICY = "default-src &#39;none&#39;;"
_SAVING_POLICY = f"{_POLICY} connect-src &#39;self&#39;;"
_META = '<meta name="referrer" content="no-referrer">'


class Correction(Frozen):
    """One verdict of a model that a person finds wrong."""

    record_id: str
    criterion: str
    model: str = ""
    given: str = ""
    """The model's verdict."""
    verdict: str
    reason: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)
    run: str = ""


class RunToCorrect:
    """A finished run: its records and what may be said of them."""

    def __init__(self, folder: Path) -> None:
        """Raises RunError where the folder holds no finished run of a study."""
        self.folder = folder
        self.data = RunData.open(folder)
        spec, measures = self.data.spec, self.data.spec.measures
        if measures is None:
            raise RunError(f"{folder} is no run of a study: no verdicts are compared there")
        self._judged = judged_in_run(spec, measures, self.data.manifest)
        self._words = {trace.record_id: trace.input.record.content_sha256 for trace in self.data.traces()}

    @property
    def name(self) -> str:
        """Flow and run."""
        return f"{self.data.spec.name}/{self.data.manifest.get('run')}"

    def problem(self, correction: Correction) -> str:
        """Why it cannot be taken; empty where it can."""
        if correction.record_id not in self._words:
            return f"the run has no record '{correction.record_id}'"
        judged = self._judged.get(correction.criterion)
        if judged is None:
            return f"the run judges by no criterion '{correction.criterion}'"
        if judged.verdicts and correction.verdict not in judged.verdicts:
            return f"'{correction.verdict}' is none of {', '.join(judged.verdicts)}"
        if judged.variable is not None and judged.variable.is_in_words:
            return "answers in words are not corrected"
        try:
            _ = judged.variable and judged.variable.text(judged.variable.read(correction.verdict))
        except ValueError as error:
            return str(error)
        if correction.run not in ("", self.name):
            return f"it is about the run {correction.run}, and this is {self.name}"
        return ""

    def entry(self, correction: Correction, by: str, gold: GoldSet) -> GoldEntry:
        """The decision that it is; what people had said before stays with it."""
        before = gold.of(correction.record_id).get(correction.criterion)
        votes = dict(before.votes) if before else {}
        unclear = dict(before.unclear) if before else {}
        return GoldEntry(
            record_id=correction.record_id, criterion=correction.criterion, verdict=correction.verdict, how="corrected",
            record_sha256=self._words[correction.record_id], by=by, why=correction.reason, votes=votes,
            unclear=unclear, models_shown=True, run=f"{self.name}, {correction.model}",
            probability=before.probability if before else None,
        )  # fmt: skip


def read_corrections(path: Path) -> Iterator[tuple[str, Correction | str]]:
    """The corrections of a file that the report exported, each with its place, or why it is none.

    Raises StorageError for a file that cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path}: cannot be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield f"{path}:{number}", Correction.model_validate_json(line)
            except ValidationError as error:
                yield f"{path}:{number}", f"this is no correction: {error.errors()[0]['msg']}"


class CorrectionPages:
    """The report of a run, in which corrections are saved: `/r/<link>/`."""

    def __init__(self, run: RunToCorrect, gold: Path) -> None:
        """Raises RunError where the run has no report in which corrections can be made."""
        report = run.folder / "report.html"
        text = report.read_text(encoding="utf-8") if report.is_file() else ""
        if _POLICY not in text or "correctionsGoTo" not in text:
            raise RunError(f"{report} knows no corrections; write it again: {command_text('report', str(run.folder))}")
        self._run = run
        self._gold = gold
        self.saved = 0

    def routes(self, access: Access) -> Sequence[Route]:
        """The addresses of these pages."""
        return [
            Route("/r/{token}", for_person(access, "/r", self.report), methods=["GET"]),
            Route("/r/{token}/corrections", for_person(access, "/r", self.save), methods=["POST"]),
        ]

    async def report(self, request: Request, person: str, base: str) -> Response:  # noqa: ARG002
        """The report, which may send corrections to this server and nothing else."""
        html = (self._run.folder / "report.html").read_text(encoding="utf-8")
        meta = f'{_META}\n<meta name="corrections" content="{base}/corrections">'
        page = html.replace(_POLICY, _SAVING_POLICY, 1).replace(_META, meta, 1)
        return HTMLResponse(page, headers={"content-security-policy": "frame-ancestors 'none'"})

    async def save(self, request: Request, person: str, base: str) -> Response:  # noqa: ARG002
        """Adds a correction to the gold set."""
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return PlainTextResponse("corrections are sent as JSON", 415)
        try:
            correction = Correction.model_validate(json.loads(await read_body(request)))
        except (ValueError, RecursionError):
            return PlainTextResponse("this is no correction", 422)
        if problem := self._run.problem(correction):
            return PlainTextResponse(problem, 422)
        try:
            entry = self._run.entry(correction, person.partition(":")[2], read_gold(self._gold))
            add_to_gold(self._gold, [entry])
        except StorageError as error:
            return PlainTextResponse(f"Nothing was saved: {error}", 409)
        self.saved += 1
        return PlainTextResponse("saved", 201)
